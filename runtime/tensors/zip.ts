/**
 * The directory of a ZIP archive as numpy and others write it (APPNOTE.TXT 6.3.10, PKWARE 2022, sections 4.3 and 4.4), read with
 * suspicion. Own code, for what npm has (yauzl 3.4.0) ends the process where a 64-bit offset is a lie.
 */
import type { ByteSource, Fault } from './bytes.ts'

export interface ZipMember {
  readonly name: string
  readonly method: number // 0 stored, 8 deflated
  readonly isEncrypted: boolean
  readonly crc: number
  readonly packedBytes: number
  readonly bytes: number
  readonly offset: number // of its local header
  readonly end: number // where the next member begins, or the directory
}

const endBytes = 22
const locatorBytes = 20
const end64Bytes = 56
const longestComment = 0xffff
/** 80,000 members with names of 100 bytes and more. */
const longestDirectory = 1 << 24

interface Directory {
  readonly count: number
  readonly start: number
  readonly bytes: number
}

export const isZip = (head: Uint8Array): boolean =>
  head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6))

/** All members, in the order of the directory. */
export async function readDirectory(source: ByteSource): Promise<readonly ZipMember[] | Fault> {
  const directory = await findDirectory(source)
  if (typeof directory === 'string') return directory
  const { start, bytes, count } = directory
  if (bytes > longestDirectory) return `its directory claims ${bytes} bytes, of at most ${longestDirectory}`
  const view = await readView(source, start, bytes)
  if (typeof view === 'string') return view
  const members: Omit<ZipMember, 'end'>[] = []
  for (let at = 0; at < bytes; ) {
    const member = parseMember(view, at)
    if (typeof member === 'string') return member
    members.push(member.value)
    at = member.next
  }
  if (members.length !== count) return `its directory claims ${count} members, and lists ${members.length}`
  return placed(members, start)
}

async function readView(source: ByteSource, start: number, bytes: number): Promise<DataView | Fault> {
  const target = new Uint8Array(bytes)
  return (await source.read(target, start)) ?? new DataView(target.buffer)
}

/** The record at the end, which only a comment may follow, and its 64-bit form where there is one. */
async function findDirectory(source: ByteSource): Promise<Directory | Fault> {
  const tailBytes = Math.min(source.size, endBytes + longestComment + locatorBytes)
  const tail = await readView(source, source.size - tailBytes, tailBytes)
  if (typeof tail === 'string') return tail
  let at = tailBytes - endBytes
  while (at >= 0 && !(u32(tail, at) === 0x06054b50 && u16(tail, at + 20) === tailBytes - endBytes - at)) at -= 1
  if (at < 0) return 'its directory is missing, as if the file was cut off'
  const endAt = source.size - tailBytes + at
  const hasLocator = at >= locatorBytes && u32(tail, at - locatorBytes) === 0x07064b50
  if (hasLocator) return findDirectory64(source, u64(tail, at - locatorBytes + 8), endAt - locatorBytes)
  const directory = { count: u16(tail, at + 10), bytes: u32(tail, at + 12), start: u32(tail, at + 16) }
  if (u16(tail, at + 4) !== 0 || u16(tail, at + 6) !== 0) return 'it is a part of an archive of several files'
  return endsAt(directory, endAt)
}

async function findDirectory64(source: ByteSource, start: number, end: number): Promise<Directory | Fault> {
  if (start + end64Bytes > end) return `its 64-bit directory record is claimed to be at ${start}`
  const view = await readView(source, start, end64Bytes)
  if (typeof view === 'string') return view
  if (u32(view, 0) !== 0x06064b50) return `there is no 64-bit directory record at ${start}`
  if (u32(view, 16) !== 0 || u32(view, 20) !== 0) return 'it is a part of an archive of several files'
  return endsAt({ count: u64(view, 32), bytes: u64(view, 40), start: u64(view, 48) }, start)
}

/** Nothing lies between the directory and its record. */
const endsAt = (directory: Directory, end: number): Directory | Fault =>
  directory.start + directory.bytes === end
    ? directory
    : `its directory claims ${directory.bytes} bytes at ${directory.start}, and its record is at ${end}`

interface Parsed {
  readonly value: Omit<ZipMember, 'end'>
  readonly next: number
}

function parseMember(view: DataView, at: number): Parsed | Fault {
  const left = view.byteLength - at
  if (left < 46 || u32(view, at) !== 0x02014b50) return 'its directory holds something that is no member'
  const [nameBytes, extraBytes] = [u16(view, at + 28), u16(view, at + 30)]
  const length = 46 + nameBytes + extraBytes + u16(view, at + 32)
  if (length > left) return 'its directory ends inside a member'
  const flags = u16(view, at + 8)
  const name = decodeName(new Uint8Array(view.buffer, at + 46, nameBytes), (flags & 0x800) !== 0)
  if (name === undefined) return 'its directory holds a name that is not valid UTF-8'
  const sizes = sizesOf(view, at, new DataView(view.buffer, at + 46 + nameBytes, extraBytes))
  if (typeof sizes === 'string') return `${sizes} of '${name}'`
  const value = { name, method: u16(view, at + 10), isEncrypted: (flags & 1) !== 0, crc: u32(view, at + 16), ...sizes }
  return { value, next: at + length }
}

type Sizes = Pick<ZipMember, 'bytes' | 'packedBytes' | 'offset'>

/** Fields of 32 bits that are all ones have their values in the extra field 1, in this order. */
function sizesOf(view: DataView, at: number, extra: DataView): Sizes | Fault {
  const wide = wideFields(extra)
  const values: number[] = []
  for (const field of [u32(view, at + 24), u32(view, at + 20), u32(view, at + 42)]) {
    const value = field === 0xffff_ffff ? wide.shift() : field
    if (value === undefined) return 'a 64-bit size is missing'
    values.push(value)
  }
  const [bytes = 0, packedBytes = 0, offset = 0] = values
  return { bytes, packedBytes, offset }
}

function wideFields(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + u16(extra, at + 2)) {
    if (u16(extra, at) !== 1) continue
    const count = Math.min(u16(extra, at + 2), extra.byteLength - at - 4) >>> 3
    return Array.from({ length: count }, (_, n) => u64(extra, at + 4 + n * 8))
  }
  return []
}

function decodeName(bytes: Uint8Array, isUtf8: boolean): string | undefined {
  if (!isUtf8) return String.fromCharCode(...bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Members lie one after the other before the directory, each with a name of its own. */
function placed(members: readonly Omit<ZipMember, 'end'>[], start: number): readonly ZipMember[] | Fault {
  const names = new Set<string>()
  for (const { name } of members) {
    if (names.has(name)) return `it has two members '${name}'`
    names.add(name)
  }
  const byOffset = members.toSorted((a, b) => a.offset - b.offset)
  const ends = new Map(byOffset.map((member, n) => [member, byOffset[n + 1]?.offset ?? start]))
  const whole = members.map((member) => ({ ...member, end: ends.get(member) ?? start }))
  const bad = whole.find(({ offset, packedBytes, end }) => offset + localBytes + packedBytes > end)
  return bad ? `'${bad.name}' reaches into what follows it, or lies outside of the file` : whole
}

const localBytes = 30

/** Where the bytes of a member begin; its local header has to say what the directory says. */
export async function dataStart(source: ByteSource, member: ZipMember): Promise<number | Fault> {
  const { offset, end, method, packedBytes } = member
  const header = await readView(source, offset, localBytes)
  if (typeof header === 'string') return header
  if (u32(header, 0) !== 0x04034b50 || u16(header, 8) !== method) return 'its header contradicts the directory'
  const start = offset + localBytes + u16(header, 26) + u16(header, 28)
  return start + packedBytes <= end ? start : 'it reaches into what follows it'
}

const u16 = (view: DataView, at: number): number => view.getUint16(at, true)
const u32 = (view: DataView, at: number): number => view.getUint32(at, true)
/** Beyond 2^53 not exact, and then beyond the end of every file. */
const u64 = (view: DataView, at: number): number => u32(view, at) + u32(view, at + 4) * 2 ** 32
