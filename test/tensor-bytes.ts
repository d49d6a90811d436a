/** Tensor files made byte by byte from the descriptions of their formats, and read from memory. Nothing here is what is tested. */
import { crc32, deflateRawSync } from 'node:zlib'
import type { StorageType } from '../compiler/attention.ts'
import type { Outcome } from '../runtime/problem.ts'
import type { StoredTensor } from '../runtime/stored.ts'
import type { Tensor } from '../runtime/tensor.ts'
import type { ByteSource } from '../runtime/tensors/bytes.ts'
import { naturalStorage } from '../runtime/tensors/elements.ts'
import { readAsStored, readAsTensor } from '../runtime/tensors/entry.ts'
import { tensorFileOf } from '../runtime/tensors/tensor-file.ts'

export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))
export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

/** A reader that asks for bytes beyond the end has not checked what it was told. */
export const sourceOf = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  read: async (target, offset) => {
    if (!(offset >= 0 && offset + target.length <= bytes.length)) throw new Error('read beyond the end')
    target.set(bytes.subarray(offset, offset + target.length))
    return undefined
  },
})

export const namesIn = async (bytes: Uint8Array): Promise<readonly string[] | undefined> =>
  unwrap(await tensorFileOf(sourceOf(bytes), 'x')).names

/** As the library reads a tensor. */
export async function readStored(
  bytes: Uint8Array,
  name?: string,
  storage?: StorageType,
): Promise<Outcome<StoredTensor>> {
  const file = await tensorFileOf(sourceOf(bytes), 'x')
  const entry = file.ok ? await file.value.find(name) : file
  return entry.ok ? readAsStored(entry.value, storage ?? naturalStorage(entry.value.type)) : entry
}

/** As `attnc run` reads a tensor. */
export async function readWidened(bytes: Uint8Array, storage: StorageType, name?: string): Promise<Outcome<Tensor>> {
  const file = await tensorFileOf(sourceOf(bytes), 'x')
  const entry = file.ok ? await file.value.find(name) : file
  return entry.ok ? readAsTensor(entry.value, storage) : entry
}

export function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.findings.map(({ message }) => message).join('\n'))
  return outcome.value
}
export const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : (outcome.findings[0]?.code ?? ''))
export const messageOf = (outcome: Outcome<unknown>): string =>
  outcome.ok ? '' : outcome.findings.map(({ message }) => message).join('\n')

export const gather = (chunks: Iterable<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat([...chunks]))

/** A .npy file with this dictionary, and data as it comes. */
export function npy(dict: string, data: Uint8Array, version = 1): Uint8Array {
  const length = new Uint8Array(version === 1 ? 2 : 4)
  length[0] = dict.length & 255
  length[1] = dict.length >> 8
  return Uint8Array.from([...latin1('\x93NUMPY'), version, 0, ...length, ...latin1(dict), ...data])
}
export const plain = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`

const little = (bytes: number, value: number): number[] =>
  Array.from({ length: bytes }, (_, n) => Math.floor(value / 256 ** n) % 256)

export interface Member {
  readonly name: string
  readonly content: Uint8Array
  readonly method?: number // 0 stored, 8 deflated
  readonly flags?: number
  readonly wide?: boolean // sizes and offset in 64 bits
  readonly says?: Partial<Record<'crc' | 'bytes' | 'packed' | 'offset' | 'method', number>> // lies of the directory
  readonly localMethod?: number
}

/** A ZIP archive (APPNOTE.TXT 4.3), and what its end record says instead of the truth. */
export function zip(
  members: readonly Member[],
  says: Partial<Record<'count' | 'bytes' | 'start' | 'start64', number>> & { readonly wide?: boolean } = {},
): Uint8Array {
  const out: number[] = []
  const directory: number[] = []
  for (const { name, content, method = 0, flags = 0, wide = false, says: lies = {}, localMethod } of members) {
    const packed = method === 8 ? deflateRawSync(content) : content
    const {
      crc,
      bytes,
      packed: packedBytes,
      offset,
      method: saidMethod,
    } = {
      ...{ crc: crc32(content), bytes: content.length, packed: packed.length, offset: out.length, method },
      ...lies,
    }
    const utf8 = [...new TextEncoder().encode(name)]
    const head = (m: number): number[] => [45, 0, ...little(2, flags), ...little(2, m), 0, 0, 33, 0, ...little(4, crc)]
    const sizes = wide ? little(8, 2 ** 64 - 1).fill(255) : [...little(4, packedBytes), ...little(4, bytes)]
    const extra = wide ? [1, 0, 16, 0, ...little(8, bytes), ...little(8, packedBytes)] : []
    const extraEntry = wide ? [1, 0, 24, 0, ...little(8, bytes), ...little(8, packedBytes), ...little(8, offset)] : []
    const lengths = (field: readonly number[]): number[] => [...little(2, utf8.length), ...little(2, field.length)]
    out.push(
      0x50,
      0x4b,
      3,
      4,
      ...head(localMethod ?? method),
      ...sizes,
      ...lengths(extra),
      ...utf8,
      ...extra,
      ...packed,
    )
    directory.push(0x50, 0x4b, 1, 2, 45, 0, ...head(saidMethod), ...sizes, ...lengths(extraEntry))
    directory.push(...little(10, 0), ...(wide ? [255, 255, 255, 255] : little(4, offset)), ...utf8, ...extraEntry)
  }
  const { count, bytes, start } = { count: members.length, bytes: directory.length, start: out.length, ...says }
  out.push(...directory)
  if (says.wide) {
    const at = says.start64 ?? out.length
    out.push(
      0x50,
      0x4b,
      6,
      6,
      ...little(8, 44),
      45,
      0,
      45,
      0,
      ...little(8, 0),
      ...little(8, count),
      ...little(8, count),
    )
    out.push(...little(8, bytes), ...little(8, start), 0x50, 0x4b, 6, 7, ...little(4, 0), ...little(8, at), 1, 0, 0, 0)
    out.push(0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...Array(12).fill(255), 0, 0)
  } else {
    out.push(0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...little(2, count), ...little(2, count))
    out.push(...little(4, bytes), ...little(4, start), 0, 0)
  }
  return Uint8Array.from(out)
}

/** A safetensors file: `header` as it comes, or as JSON. */
export function safetensors(header: unknown, data: Uint8Array, length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const prefix = bytesOf(BigUint64Array.of(length ?? BigInt(json.length)))
  return Uint8Array.from([...prefix, ...json, ...data])
}
