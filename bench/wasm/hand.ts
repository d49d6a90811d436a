/** The modules written by hand: texts beside this file, assembled by wabt. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'
import type { Shape } from '../native/shapes.ts'
import type { Contestant, Given } from '../peers/peer.ts'
import { type Instance, instantiate } from './engine.ts'

interface HandWritten extends Instance {
  attention(
    q: number,
    k: number,
    v: number,
    out: number,
    heads: number,
    length: number,
    own: number,
    log2: number,
  ): void
}

const tools = await wabt()

/** One module of these texts. */
export function assemble(...names: readonly string[]): Uint8Array {
  const parts = names.map((name) => readFileSync(join(import.meta.dirname, `${name}.wat`), 'utf8'))
  const read = tools.parseWat(`${names.join('+')}.wat`, `(module\n${parts.join('\n')})`, {
    simd: true,
    bulk_memory: true,
  })
  const bytes = read.toBinary({}).buffer
  read.destroy()
  return bytes
}

function partsOf({ weights, mask }: Shape): readonly string[] {
  if (weights === 'sigmoid') return ['products', 'sigmoid']
  return ['products', 'softmax', mask === 'causal' ? 'causal' : 'full']
}

const ownBytes = 2 ** 15 // for tiles
const page = 2 ** 16

/** On tensors that lie in its memory. */
export function handWritten({ shape, tensors }: Given): Contestant {
  const { attention, memory } = instantiate<HandWritten>(assemble(...partsOf(shape)))
  const heads = shape.batch * shape.heads
  const bytes = tensors.q.byteLength
  const [q, k, v, out] = [0, 1, 2, 3].map((n) => ownBytes + n * bytes) as [number, number, number, number]
  memory.grow(Math.ceil((out + bytes) / page))
  const at = (begin: number): Float32Array => new Float32Array(memory.buffer, begin, bytes / 4)
  at(q).set(tensors.q)
  at(k).set(tensors.k)
  at(v).set(tensors.v)
  return {
    call: () => attention(q, k, v, out, heads, shape.queries, 0, Math.log2(shape.keys)),
    result: () => at(out),
  }
}

/** How many operations so many rounds of peak.wat are. */
export const peakFlops = (rounds: number): number => rounds * 4 * 12 * 4 * 2
export const { peak } = instantiate<Instance & { peak(rounds: number): number }>(assemble('peak'))
