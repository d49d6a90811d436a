/** What `npm run bench:ts` is made of, without onnxruntime-web and without times. */
import { describe, expect, test } from 'vitest'
import { type Shape, shapes } from '../bench/native/shapes.ts'
import { largestDifference } from '../bench/peers/contest.ts'
import { assemble, handWritten, peak, peakFlops } from '../bench/wasm/hand.ts'
import { liveTiles, ours, tensorsOf } from '../bench/wasm/ours.ts'
import { engine } from './web-assembly.ts'

const shapeOf = (name: string): Shape => shapes.find((shape) => shape.name === name)!

/** Fewer heads and tokens, each of which sees as much of them as before. */
const shortened = (name: string, length: number): Shape => {
  const shape = shapeOf(name)
  const seen = (query: number): readonly [number, number] => (shape.mask === 'causal' ? [0, query + 1] : [0, length])
  return { ...shape, batch: 1, heads: 2, keyHeads: 2, queries: length, keys: length, seen }
}

describe('modules written by hand', () => {
  test.each(['A', 'B', 'G'])('for %s give what the generated one gives', async (name) => {
    for (const length of [1, 31, 77, 130]) {
      const shape = shortened(name, length)
      const given = { shape, tensors: tensorsOf(shape), threads: 1 }
      const [own, hand] = [await ours(given), handWritten(given)]
      own.call()
      hand.call()
      expect(own.result().some((x) => x !== 0)).toBe(true)
      expect(largestDifference(shape, own.result(), hand), `${length} tokens`).toBeLessThan(2e-6)
    }
  })

  test('the peak computes what it is said to count', () => {
    expect(engine.validate(assemble('peak'))).toBe(true)
    // Twelve chains of x / 2 + 1, four times a round, which begin at 0.
    expect(peak(1)).toBe(12 * 1.875)
    expect(peakFlops(1)).toBe(12 * 4 * 4 * 2)
  })
})

test('live tiles are those with a pair', () => {
  const tile = { i: 48, j: 64 }
  for (const name of ['A', 'B', 'F', 'I']) {
    const shape = { ...shapeOf(name), batch: 1, heads: 1 }
    let count = 0
    for (let i = 0; i < shape.queries; i += tile.i)
      for (let j = 0; j < shape.keys; j += tile.j) {
        const rows = Array.from({ length: Math.min(tile.i, shape.queries - i) }, (_, n) => shape.seen(i + n))
        if (rows.some(([from, to]) => from < j + tile.j && to > j)) count++
      }
    expect(liveTiles(shape, tile), name).toBe(count)
    expect(liveTiles({ ...shape, heads: 3 }, tile), name).toBe(3 * count)
  }
})
