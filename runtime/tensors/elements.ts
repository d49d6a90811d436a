/** Types of elements in files, and what of the types that kernels have holds each. */
import type { StorageType } from '../../compiler/attention.ts'
import { roundTo } from '../tensor.ts'

export type ElementName = 'f64' | 'f32' | 'f16' | 'bf16' | Integer | 'bool'
type Integer = 'i64' | 'i32' | 'i16' | 'i8' | 'u64' | 'u32' | 'u16' | 'u8'
type Kind = 'float' | 'integer' | 'bool'
export type Values = Float64Array | Float32Array | Float16Array | Int32Array | Int16Array | Int8Array | Unsigned
type Unsigned = Uint32Array | Uint16Array | Uint8Array

interface ElementType {
  readonly bytes: number
  /** Elements in little-endian order, at the start of a buffer; 64-bit integers to the nearest f64. */
  readonly decode: (buffer: ArrayBuffer, count: number) => Values
}

export const elementTypes: Readonly<Record<ElementName, ElementType>> = {
  f64: { bytes: 8, decode: (buffer, count) => new Float64Array(buffer, 0, count) },
  f32: { bytes: 4, decode: (buffer, count) => new Float32Array(buffer, 0, count) },
  f16: { bytes: 2, decode: (buffer, count) => new Float16Array(buffer, 0, count) },
  bf16: { bytes: 2, decode: (buffer, count) => widenBf16(new Uint16Array(buffer, 0, count)) },
  i64: { bytes: 8, decode: (buffer, count) => Float64Array.from(new BigInt64Array(buffer, 0, count), Number) },
  u64: { bytes: 8, decode: (buffer, count) => Float64Array.from(new BigUint64Array(buffer, 0, count), Number) },
  i32: { bytes: 4, decode: (buffer, count) => new Int32Array(buffer, 0, count) },
  u32: { bytes: 4, decode: (buffer, count) => new Uint32Array(buffer, 0, count) },
  i16: { bytes: 2, decode: (buffer, count) => new Int16Array(buffer, 0, count) },
  u16: { bytes: 2, decode: (buffer, count) => new Uint16Array(buffer, 0, count) },
  i8: { bytes: 1, decode: (buffer, count) => new Int8Array(buffer, 0, count) },
  u8: { bytes: 1, decode: (buffer, count) => new Uint8Array(buffer, 0, count) },
  bool: { bytes: 1, decode: (buffer, count) => new Uint8Array(buffer, 0, count) },
}

/** A bf16 is the upper half of an f32. */
export function widenBf16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length)
  for (let n = 0; n < bits.length; n++) words[n] = bits[n]! << 16
  return new Float32Array(words.buffer)
}

export const kindOf = (type: ElementName): Kind => (type === 'bool' ? 'bool' : /^[iu]/.test(type) ? 'integer' : 'float')

/** Where nobody says how elements are to be stored: as they are, 64 bits as 32 if no value changes. */
export const naturalStorage = (type: ElementName): StorageType =>
  type === 'f64' ? 'f32' : kindOf(type) === 'integer' ? 'i32' : (type as 'f32' | 'f16' | 'bf16' | 'bool')

/** All values of these are values of the storage, too. */
const narrower: Readonly<Record<StorageType, readonly ElementName[]>> = {
  f32: ['f32', 'f16', 'bf16'],
  f16: ['f16'],
  bf16: ['bf16'],
  i32: ['i32', 'i16', 'i8', 'u16', 'u8'],
  bool: [], // a file may hold any byte
}

/** The first value that `storage` has not, or -1. */
export function firstInexact(values: Values, type: ElementName, storage: StorageType): number {
  if (narrower[storage].includes(type)) return -1
  if (storage === 'bool') return values.findIndex((x: number) => x > 1)
  const round = roundTo[storage]
  for (let n = 0; n < values.length; n++) if (!Object.is(round(values[n]!), values[n])) return n
  return -1
}
