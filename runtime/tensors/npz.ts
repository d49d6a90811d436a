/** numpy's .npz: a ZIP archive of .npy files. Names of members name tensors, and nothing in a file system. */
import { crc32 } from 'node:zlib'
import { done, failed, type Outcome } from '../problem.ts'
import { type ByteRange, type ByteReader, type ByteSource, type Fault, rangeOf } from './bytes.ts'
import type { Encoded } from './encode.ts'
import type { TensorEntry } from './entry.ts'
import { inflating } from './inflate.ts'
import { npyEntry } from './npy.ts'
import { damaged } from './problems.ts'
import { zipChunks } from './write-zip.ts'
import { dataStart, readDirectory, type ZipMember } from './zip.ts'

const suffix = '.npy'

/** Members by the names of their tensors; other files in the archive are passed over. */
export async function readNpz(source: ByteSource, path: string): Promise<Outcome<ReadonlyMap<string, ZipMember>>> {
  const members = await readDirectory(source)
  if (typeof members === 'string') return failed(damaged(path, 'npz', members))
  const arrays = members.filter(({ name }) => name.endsWith(suffix) && name.length > suffix.length)
  return done(new Map(arrays.map((member) => [member.name.slice(0, -suffix.length), member])))
}

export async function npzEntry(source: ByteSource, member: ZipMember, label: string): Promise<Outcome<TensorEntry>> {
  const start = sizeFault(member) ?? (await dataStart(source, member))
  if (typeof start === 'string') return failed(damaged(label, 'npz', start))
  return npyEntry(unpacked(source, member, start), label, 'npz')
}

const [stored, deflated] = [0, 8]
/** Two bits of deflate stand for 258 bytes at the most. */
const mostInflated = 1032

function sizeFault({ isEncrypted, method, bytes, packedBytes }: ZipMember): Fault | undefined {
  if (isEncrypted) return 'it is encrypted'
  if (method !== stored && method !== deflated) return `it is packed by method ${method}, and only deflate is read`
  const most = method === stored ? packedBytes : packedBytes * mostInflated
  const isPossible = method === stored ? bytes === most : bytes <= most
  return isPossible ? undefined : `it claims ${bytes} bytes, packed into ${packedBytes}`
}

function unpacked(source: ByteSource, { method, bytes, packedBytes, crc }: ZipMember, start: number): ByteRange {
  const packed = rangeOf(source, start, packedBytes)
  return { size: bytes, open: () => checked(method === stored ? packed.open() : inflating(packed), crc) }
}

function checked(reader: ByteReader, crc: number): ByteReader {
  let seen = 0
  const fill = async (target: Uint8Array): Promise<Fault | undefined> => {
    const fault = await reader.fill(target)
    seen = crc32(target, seen)
    return fault
  }
  const end = async (): Promise<Fault | undefined> =>
    (await reader.end()) ?? (seen === crc ? undefined : 'its checksum is wrong')
  return { ...reader, fill, end }
}

export const npzChunks = (tensors: readonly (readonly [string, Encoded])[]): Iterable<Uint8Array> =>
  zipChunks(tensors.map(([name, encoded]) => [`${name}${suffix}`, encoded]))
