/** Masks and slopes as a dense tensor that is added to scores: what peers take that know neither. */
import type { Shape } from '../native/shapes.ts'

export interface Bias {
  readonly data: Float32Array
  readonly shape: readonly [1, heads: number, queries: number, keys: number]
}

/** Of ALiBi, for a head. */
const slope = (head: number, heads: number): number => 2 ** ((-8 * (head + 1)) / heads)

let last: { readonly shape: Shape; readonly bias: Bias } | undefined

/** Undefined where every query sees every key. One is kept, since of long shapes it takes half a gigabyte. */
export function biasOf(shape: Shape): Bias | undefined {
  if (shape.mask === 'none' || shape.queries === 1) return undefined
  if (last?.shape !== shape) last = { shape, bias: makeBias(shape) }
  return last.bias
}

function makeBias({ heads, queries, keys, hasSlopes, seen }: Shape): Bias {
  const count = hasSlopes ? heads : 1
  const data = new Float32Array(count * queries * keys).fill(-Infinity)
  for (let h = 0; h < count; h++) {
    const m = hasSlopes ? slope(h, heads) : 0
    for (let i = 0; i < queries; i++) {
      const [from, to] = seen(i)
      const row = (h * queries + i) * keys
      for (let j = from; j < to; j++) data[row + j] = m * (j - i)
    }
  }
  return { data, shape: [1, count, queries, keys] }
}
