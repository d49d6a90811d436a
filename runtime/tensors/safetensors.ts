/**
 * Files of safetensors (github.com/huggingface/safetensors, README, "Format"): the length of a header as u64, the header as
 * JSON, then the elements of all tensors, without holes and in any order, row-major and little-endian.
 */
import { done, failed, type Outcome } from '../problem.ts'
import { type ByteSource, type Fault, rangeOf } from './bytes.ts'
import { elementTypes } from './elements.ts'
import { chunksOf, type Elements, storedAs } from './encode.ts'
import type { TensorEntry } from './entry.ts'
import { damaged, typeNotRead } from './problems.ts'
import { type Listed, parseSafetensorsHeader } from './safetensors-header.ts'

const lengthBytes = 8
/** 100,000 tensors and more. */
const longestHeader = 1 << 24

export interface Located extends Listed {
  readonly dataStart: number // of all tensors, in the file
}

/** @param head  the first bytes of the file: there is nothing else to know the format by */
export const isSafetensors = (head: Uint8Array): boolean => head[lengthBytes] === 0x7b

export async function readSafetensors(
  source: ByteSource,
  path: string,
): Promise<Outcome<ReadonlyMap<string, Located>>> {
  const listed = await readListed(source)
  return typeof listed === 'string' ? failed(damaged(path, 'safetensors', listed)) : done(listed)
}

async function readListed(source: ByteSource): Promise<ReadonlyMap<string, Located> | Fault> {
  const prefix = new Uint8Array(lengthBytes)
  const fault = await source.read(prefix, 0)
  if (fault !== undefined) return fault
  const length = new DataView(prefix.buffer).getBigUint64(0, true)
  if (length > source.size - lengthBytes) return `its header claims ${length} bytes, the file ends before that`
  if (length > longestHeader) return `its header claims ${length} bytes, of at most ${longestHeader}`
  const header = new Uint8Array(Number(length))
  const dataStart = lengthBytes + header.length
  const listed = (await source.read(header, lengthBytes)) ?? parseSafetensorsHeader(header, source.size - dataStart)
  return typeof listed === 'string' ? listed : new Map([...listed].map(([name, one]) => [name, { ...one, dataStart }]))
}

export function safetensorsEntry(source: ByteSource, located: Located, label: string): Outcome<TensorEntry> {
  const { type, dtype, shape, start, end, dataStart } = located
  if (type === undefined) return failed(typeNotRead(label, dtype, 'save x.to(torch.float32)'))
  const range = rangeOf(source, dataStart + start, end - start)
  const format = 'safetensors'
  return done({ label, format, type, shape, fortranOrder: false, bigEndian: false, range, dataOffset: 0 })
}

/** In ascending order of alignment, as safetensors has them. */
const dtypes = { bool: 'BOOL', f16: 'F16', bf16: 'BF16', i32: 'I32', f32: 'F32' } as const
const ranks = Object.keys(dtypes)

/** Types of large alignment first, then by name: the order in which safetensors itself writes, so that all are aligned. */
export function safetensorsChunks(tensors: readonly (readonly [string, Elements])[]): Iterable<Uint8Array> {
  const rank = ({ storage }: Elements): number => ranks.indexOf(storage)
  const ordered = tensors.toSorted(([a, x], [b, y]) => rank(y) - rank(x) || (a < b ? -1 : 1))
  let at = 0
  const entries = ordered.map(([name, { storage, shape, data }]) => {
    const start = at
    at += data.length * elementTypes[storage].bytes
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype: dtypes[storage], shape, data_offsets: [start, at] })}`
  })
  const json = new TextEncoder().encode(`{${entries.join(',')}}`)
  const header = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20)
  header.set(json)
  const length = new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer)
  return chunksOf(length, header, ...ordered.map(([, tensor]) => storedAs(tensor, tensor.storage)))
}
