/** Tensors as callers and generated code hold them: in arrays of the type that they are stored in, bf16 as its bits. */
import type { StorageType } from '../compiler/attention.ts'
import { bf16Bits, emptyTensor, fromBf16Bits, type Tensor, type TensorData } from './tensor.ts'

export type StoredData = Float32Array | Float16Array | Uint16Array | Int32Array | Uint8Array

/** Elements in row-major order, and the length of each axis. */
export interface PlainTensor {
  readonly data: ArrayLike<number>
  readonly shape: readonly number[]
}
export interface StoredTensor<Data extends StoredData = StoredData> {
  readonly data: Data
  readonly shape: readonly number[]
}

const storageTypes = ['f32', 'f16', 'bf16', 'i32', 'bool'] as const

export const arrayNames: Readonly<Record<StorageType, string>> = {
  f32: 'Float32Array',
  f16: 'Float16Array',
  bf16: 'Uint16Array',
  i32: 'Int32Array',
  bool: 'Uint8Array',
}

const arrayTypes = {
  f32: Float32Array,
  f16: Float16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  bool: Uint8Array,
} as const

export type ArrayOf<Storage extends StorageType> = InstanceType<(typeof arrayTypes)[Storage]>

export const arrayOver = (storage: StorageType, buffer: ArrayBuffer): StoredData => new arrayTypes[storage](buffer)
export const emptyArray = (storage: StorageType, length: number): StoredData => new arrayTypes[storage](length)

/** The storage that an array is of, undefined for an array of another type. */
export const storageOfArray = (data: unknown): StorageType | undefined =>
  storageTypes.find((storage) => arrayNames[storage] === arrayNameOf(data))

/** `Float32Array` and so on, of an array of any realm. */
export const arrayNameOf = (data: unknown): string =>
  data instanceof Float32Array ? 'Float32Array' : Object.prototype.toString.call(data).slice(8, -1)

/** The elements as `storage` holds them; a tensor that was given so gives back its array. */
export function storedData(tensor: Tensor, storage: StorageType = tensor.storage): StoredData {
  if (storage !== 'f16' && storage !== 'bf16') return tensor.data
  if (tensor.stored !== undefined && storage === tensor.storage) return tensor.stored as StoredData
  return storage === 'f16' ? new Float16Array(tensor.data) : Uint16Array.from(tensor.data, bf16Bits)
}

export const toStored = (tensor: Tensor): StoredTensor => ({ shape: tensor.shape, data: storedData(tensor) })

/** The array is taken over where it holds the elements as they are; what is stored in 16 bits is widened when it is asked for. */
export function fromStored({ data, shape }: PlainTensor, storage: StorageType): Tensor {
  const isStored = arrayNameOf(data) === arrayNames[storage]
  if (isStored && isTensorData(data)) return { storage, shape, data }
  return isStored ? new Widened(storage, shape, data as StoredData) : { storage, shape, data: widen(data, storage) }
}

class Widened implements Tensor {
  readonly storage: StorageType
  readonly shape: readonly number[]
  readonly stored: StoredData
  #data: TensorData | undefined

  constructor(storage: StorageType, shape: readonly number[], stored: StoredData) {
    this.storage = storage
    this.shape = shape
    this.stored = stored
  }

  get data(): TensorData {
    this.#data ??= widen(this.stored, this.storage)
    return this.#data
  }
}

function widen(from: ArrayLike<number>, storage: StorageType): TensorData {
  const { data } = emptyTensor(storage, [from.length])
  for (let n = 0; n < data.length; n++) data[n] = storage === 'bf16' ? fromBf16Bits(from[n] ?? 0) : (from[n] ?? 0)
  return data
}

const isTensorData = (data: ArrayLike<number>): data is TensorData =>
  data instanceof Float32Array ||
  data instanceof Int32Array ||
  data instanceof Uint8Array ||
  [arrayNames.f32, arrayNames.i32, arrayNames.bool].includes(arrayNameOf(data))
