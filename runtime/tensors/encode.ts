/** Tensors as bytes of files, made while they are written: a tensor is never held twice. */
import type { StorageType } from '../../compiler/attention.ts'
import { arrayNameOf, arrayNames, type StoredData } from '../stored.ts'
import { bf16Bits } from '../tensor.ts'
import { widenBf16 } from './elements.ts'

/** A tensor whose floats are held widened or as they are stored; the type of the array tells. */
export interface Elements {
  readonly storage: StorageType
  readonly shape: readonly number[]
  readonly data: StoredData
}

/** Bytes whose number is known before they are made; they may be asked for again. */
export interface Encoded {
  readonly byteLength: number
  readonly chunks: () => Iterable<Uint8Array>
}

export function* chunksOf(...parts: readonly (Uint8Array | Iterable<Uint8Array>)[]): Iterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part
    else yield* part
  }
}

const chunkElements = 1 << 18

/** The elements in little-endian order, row-major. */
export function* storedAs({ storage, data }: Elements, type: StorageType): Iterable<Uint8Array> {
  const isBits = storage === 'bf16' && arrayNameOf(data) === arrayNames.bf16
  for (let at = 0; at < data.length; at += chunkElements) {
    const part = data.subarray(at, at + chunkElements)
    const floats = isBits && type !== 'bf16' ? widenBf16(part as Uint16Array) : part
    yield bytesOf(arrayNameOf(floats) === arrayNames[type] ? floats : narrowed(floats, type))
  }
}

function narrowed(part: StoredData, type: StorageType): StoredData {
  if (type === 'f16') return new Float16Array(part)
  if (type === 'bf16') return Uint16Array.from(part, bf16Bits)
  throw new TypeError(`no elements of a ${arrayNameOf(part)} are ${type}`)
}

const bytesOf = ({ buffer, byteOffset, byteLength }: StoredData): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
