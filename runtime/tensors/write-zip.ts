/** A ZIP archive of stored members, with 64-bit fields where 32 bits do not do. No times: the same tensors give the same bytes. */
import { crc32 } from 'node:zlib'
import { chunksOf, type Encoded } from './encode.ts'

export interface Placed {
  readonly name: Uint8Array
  readonly content: Encoded
  readonly crc: number
  readonly offset: number // of its local header
}

export function* zipChunks(members: readonly (readonly [name: string, content: Encoded])[]): Iterable<Uint8Array> {
  const placed: Placed[] = []
  let at = 0
  for (const [name, content] of members) {
    const member = { name: new TextEncoder().encode(name), content, crc: crcOf(content), offset: at }
    const header = localHeader(member)
    yield* chunksOf(header, content.chunks())
    at += header.length + content.byteLength
    placed.push(member)
  }
  const directory = placed.map(directoryEntry)
  yield* directory
  yield* endRecords(
    placed.length,
    directory.reduce((sum, { length }) => sum + length, 0),
    at,
  )
}

function crcOf(content: Encoded): number {
  let crc = 0
  for (const chunk of content.chunks()) crc = crc32(chunk, crc)
  return crc
}

const all16 = 0xffff
const all32 = 0xffff_ffff
const [version, version64] = [20, 45]
const utf8 = 0x800
const firstDay = 0x21 // 1980-01-01, the first day that MS-DOS has

type Field = readonly [bytes: 2 | 4 | 8, value: number]

function record(...fields: readonly Field[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [bytes]) => sum + bytes, 0)))
  let at = 0
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(at, value, true)
    else if (bytes === 4) view.setUint32(at, value, true)
    else view.setBigUint64(at, BigInt(value), true)
    at += bytes
  }
  return new Uint8Array(view.buffer)
}

/** Values that 32 bits do not hold, as the extra field 1. */
function wideField(values: readonly number[]): Uint8Array {
  const wide = values.filter((value) => value >= all32)
  if (wide.length === 0) return new Uint8Array()
  return record([2, 1], [2, wide.length * 8], ...wide.map((value): Field => [8, value]))
}

/** What a local header and the directory say alike: from the version that is needed to the length of the extra field. */
function common({ name, content: { byteLength }, crc }: Placed, extra: Uint8Array): readonly Field[] {
  const size = Math.min(byteLength, all32)
  const kind: readonly Field[] = [
    [2, extra.length > 0 ? version64 : version],
    [2, utf8],
    [2, 0], // stored
    [2, 0],
    [2, firstDay],
  ]
  return [...kind, [4, crc], [4, size], [4, size], [2, name.length], [2, extra.length]]
}

export function localHeader(member: Placed): Uint8Array {
  const { byteLength } = member.content
  const extra = wideField([byteLength, byteLength])
  return Buffer.concat([record([4, 0x04034b50], ...common(member, extra)), member.name, extra])
}

export function directoryEntry(member: Placed): Uint8Array {
  const { name, content, offset } = member
  const extra = wideField([content.byteLength, content.byteLength, offset])
  const rest: readonly Field[] = [
    [2, 0], // no comment
    [2, 0], // the first disk
    [2, 0],
    [4, 0], // no attributes
    [4, Math.min(offset, all32)],
  ]
  return Buffer.concat([record([4, 0x02014b50], [2, version64], ...common(member, extra), ...rest), name, extra])
}

/** The record at the end, after its 64-bit form and what says where that is, if they are needed. */
export function* endRecords(count: number, bytes: number, start: number): Iterable<Uint8Array> {
  const end = start + bytes
  if (count >= all16 || bytes >= all32 || start >= all32) {
    const place: readonly Field[] = [count, count, bytes, start].map((value) => [8, value])
    yield record([4, 0x06064b50], [8, 44], [2, version64], [2, version64], [4, 0], [4, 0], ...place)
    yield record([4, 0x07064b50], [4, 0], [8, end], [4, 1])
  }
  const few = Math.min(count, all16)
  const place: readonly Field[] = [
    [4, Math.min(bytes, all32)],
    [4, Math.min(start, all32)],
    [2, 0], // no comment
  ]
  yield record([4, 0x06054b50], [2, 0], [2, 0], [2, few], [2, few], ...place)
}
