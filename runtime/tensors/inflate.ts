/** Deflated bytes, inflated while they are read. */
import { pipeline, Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'
import type { ByteRange, ByteReader, Fault } from './bytes.ts'

const blockBytes = 1 << 16

export function inflating(packed: ByteRange): ByteReader {
  const inflate = createInflateRaw({ chunkSize: blockBytes })
  pipeline(Readable.from(blocksOf(packed)), inflate, () => {}) // the iterator throws what it would be told
  const chunks: AsyncIterator<Uint8Array> = inflate[Symbol.asyncIterator]()
  let left: Uint8Array = new Uint8Array()
  const more = async (): Promise<boolean> => {
    const { value, done } = await chunks.next()
    left = done ? left : value
    return !done
  }
  const fill = async (target: Uint8Array): Promise<Fault | undefined> => {
    for (let at = 0; at < target.length; ) {
      if (left.length === 0 && !(await more())) return 'it ends too early'
      const part = left.subarray(0, target.length - at)
      target.set(part, at)
      left = left.subarray(part.length)
      at += part.length
    }
    return undefined
  }
  const end = async (): Promise<Fault | undefined> =>
    left.length > 0 || (await more()) ? 'it goes on after its end' : undefined
  return { fill: orFault(fill), end: orFault(end), close: () => inflate.destroy() }
}

/** Damaged data are a fault; anything else is none of ours. */
const orFault =
  <Args extends readonly unknown[]>(work: (...args: Args) => Promise<Fault | undefined>) =>
  async (...args: Args): Promise<Fault | undefined> => {
    try {
      return await work(...args)
    } catch (error) {
      if (error instanceof PackedFault) return error.message
      if (error instanceof Error && 'code' in error && /^Z_/.test(String(error.code)))
        return 'its deflated data are damaged'
      throw error
    }
  }

/** What is wrong with the packed bytes, on its way through a stream. */
class PackedFault extends Error {}

async function* blocksOf(range: ByteRange): AsyncIterable<Uint8Array> {
  const reader = range.open()
  for (let at = 0; at < range.size; at += blockBytes) {
    const block = new Uint8Array(Math.min(blockBytes, range.size - at))
    const fault = await reader.fill(block)
    if (fault !== undefined) throw new PackedFault(fault)
    yield block
  }
}
