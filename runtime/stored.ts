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
export const arrayNameOf = (data: unknown): string => Object.prototype.toString.call(data).slice(8, -1)

export function toStored({ storage, shape, data }: Tensor): StoredTensor {
  if (storage === 'f16') return { shape, data: new Float16Array(data) }
  return { shape, data: storage === 'bf16' ? Uint16Array.from(data, bf16Bits) : data }
}

/** The array is taken over where it holds the elements as they are. */
export function fromStored({ data, shape }: PlainTensor, storage: StorageType): Tensor {
  if (isTensorData(data) && arrayNameOf(data) === arrayNames[storage]) return { storage, shape, data }
  const tensor = emptyTensor(storage, shape)
  for (let n = 0; n < tensor.data.length; n++)
    tensor.data[n] = storage === 'bf16' ? fromBf16Bits(data[n] ?? 0) : (data[n] ?? 0)
  return tensor
}

const isTensorData = (data: ArrayLike<number>): data is TensorData =>
  [arrayNames.f32, arrayNames.i32, arrayNames.bool].includes(arrayNameOf(data))
