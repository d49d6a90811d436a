/**
 * Bytes of a file, read where and when they are needed. What is wrong with them is a text; what the system says of reading
 * them is thrown, and caught where the file was opened.
 */
import type { FileHandle } from 'node:fs/promises'

export type Fault = string

export interface ByteSource {
  readonly size: number
  readonly read: (target: Uint8Array, offset: number) => Promise<Fault | undefined>
}

/** Reads in order. `close` is called in any case, and may come before the end. */
export interface ByteReader {
  readonly fill: (target: Uint8Array) => Promise<Fault | undefined>
  readonly end: () => Promise<Fault | undefined> // after the last byte: what is wrong with the whole
  readonly close: () => void
}

/** Bytes that have a beginning and a known length: a file, or a member of an archive. */
export interface ByteRange {
  readonly size: number
  readonly open: () => ByteReader
}

const largestRead = 1 << 30 // a single read(2) gives at most 2 GiB

export function sourceOfFile(file: FileHandle, size: number): ByteSource {
  const read = async (target: Uint8Array, offset: number): Promise<Fault | undefined> => {
    for (let at = 0; at < target.length; ) {
      const { bytesRead } = await file.read(target, at, Math.min(target.length - at, largestRead), offset + at)
      if (bytesRead === 0) return 'it became shorter while it was read'
      at += bytesRead
    }
    return undefined
  }
  return { size, read }
}

/** @param start  and `size` have been checked to lie within the source */
export function rangeOf(source: ByteSource, start: number, size: number): ByteRange {
  const open = (): ByteReader => {
    let at = start
    const fill = async (target: Uint8Array): Promise<Fault | undefined> => {
      if (at + target.length > start + size) return 'it ends too early'
      at += target.length
      return source.read(target, at - target.length)
    }
    return { fill, end: async () => (at < start + size ? 'it goes on after its end' : undefined), close: () => {} }
  }
  return { size, open }
}

/** The first bytes of a range, at most `length`, or what is wrong. */
export async function headOf(range: ByteRange, length: number): Promise<Uint8Array | Fault> {
  const head = new Uint8Array(Math.min(range.size, length))
  const reader = range.open()
  try {
    return (await reader.fill(head)) ?? head
  } finally {
    reader.close()
  }
}
