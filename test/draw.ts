/** Numbers drawn for tests: the same seed, the same numbers. */
import type { Tensor } from '../compiler/interpret.ts'

/** Uniform in [0, 1). Marsaglia, "Xorshift RNGs" (2003). */
export function uniform(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b9) | 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  for (let n = 0; n < 8; n += 1) next()
  return next
}

/** Standard normal numbers (Box and Muller), each a float32. */
export function normal(shape: readonly number[], next: () => number, factor = 1): Tensor {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
  return { shape, data: data.map(() => factor * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())) }
}

/** q, k, v for `test/ir-programs.ts`. */
export function drawInputs(
  sizes: Readonly<Record<'b' | 'h' | 'i' | 'j' | 'd' | 'e', number>>,
  seed: number,
  factor = 1,
): { q: Tensor; k: Tensor; v: Tensor } {
  const { b, h, i, j, d, e } = sizes
  const next = uniform(seed)
  return { q: normal([b, h, i, d], next, factor), k: normal([b, h, j, d], next), v: normal([b, h, j, e], next) }
}
