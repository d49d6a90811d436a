import type { StorageType } from '../compiler/attention.ts'

/**
 * A dense tensor, last axis fastest. Floats are held widened, whatever they are stored as: each element is a number that
 * `storage` has. A bool is 0 or 1.
 */
export interface Tensor {
  readonly storage: StorageType
  readonly shape: readonly number[]
  readonly data: TensorData
  readonly stored?: ArrayBufferView // the elements as they are stored, where they were given so and are not widened yet
}
export type TensorData = Float32Array | Int32Array | Uint8Array

/** An object with these members and no others: `toString` and `__proto__` are names like any other. */
export function recordOf<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  const record: Record<string, T> = Object.create(null)
  for (const [name, value] of entries) record[name] = value
  return record
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)

export function emptyTensor(storage: StorageType, shape: readonly number[]): Tensor {
  const count = elementCount(shape)
  if (storage === 'i32') return { storage, shape, data: new Int32Array(count) }
  if (storage === 'bool') return { storage, shape, data: new Uint8Array(count) }
  return { storage, shape, data: new Float32Array(count) }
}

/** The nearest number that `storage` has, ties to even, overflow to infinity; i32 wraps, a bool is 0 or 1. */
export const roundTo: Readonly<Record<StorageType, (x: number) => number>> = {
  f32: Math.fround,
  f16: Math.f16round,
  bf16: bf16round,
  i32: (x) => x | 0,
  bool: (x) => (x === 0 || Number.isNaN(x) ? 0 : 1),
}

const word = new DataView(new ArrayBuffer(4))

/** Rounds an f64 to bf16 once: by way of f32 rounded to odd, which keeps what the second rounding must know. */
export function bf16round(x: number): number {
  if (!Number.isFinite(x)) return x
  word.setFloat32(0, roundToOdd(x))
  const bits = word.getUint32(0)
  const rounded = bits + 0x7fff + ((bits >>> 16) & 1)
  word.setUint32(0, (rounded & 0xffff0000) >>> 0)
  return word.getFloat32(0)
}

/** The upper half of the f32 that a bf16 is. */
export function bf16Bits(x: number): number {
  word.setFloat32(0, x)
  return word.getUint16(0)
}

export function fromBf16Bits(bits: number): number {
  word.setUint32(0, bits << 16)
  return word.getFloat32(0)
}

function roundToOdd(x: number): number {
  const nearest = Math.fround(x)
  if (nearest === x) return nearest
  if (!Number.isFinite(nearest)) return nearest
  word.setFloat32(0, nearest)
  const bits = word.getUint32(0)
  if (bits & 1) return nearest
  const up = Math.abs(x) > Math.abs(nearest)
  word.setUint32(0, up ? bits + 1 : bits - 1)
  return word.getFloat32(0)
}

export interface Summary {
  readonly min: number
  readonly mean: number
  readonly max: number
}

/** NaN is passed on; of nothing all three are NaN. */
export function summarize({ data }: Tensor): Summary {
  if (data.length === 0) return { min: Number.NaN, mean: Number.NaN, max: Number.NaN }
  let [min, max, sum] = [Infinity, -Infinity, 0]
  for (const x of data) {
    min = Math.min(min, x)
    max = Math.max(max, x)
    sum += x
  }
  return { min, mean: sum / data.length, max }
}
