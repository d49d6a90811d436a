import { expect, test } from 'vitest'
import { largest } from '../compiler/interpret/bisect.ts'
import { uniform } from './draw.ts'

/** The largest f32 up to each threshold, and how often was asked. */
function search(lo: number[], hi: number[], thresholds: number[], near?: number[]) {
  let calls = 0
  const accept = (t: Float64Array): Float64Array => {
    calls += 1
    return t.map((x, k) => Number(x <= thresholds[k]!))
  }
  const found = largest(Float64Array.from(lo), Float64Array.from(hi), accept, near && Float64Array.from(near))
  return { found: [...found], calls }
}

test('the largest f32 below a threshold, within its interval', () => {
  const { found } = search([0, 0, -1, 2, -Infinity], [1, 1, 1, 3, Infinity], [0.1, 5, -0.3, 1, 1e30])
  expect(found).toEqual([0.09999999403953552, 1, -0.30000001192092896, 2, Math.fround(1e30 - 2 ** 75)])
  expect(search([2, Number.NaN], [1, 1], [0, 0]).found).toEqual([2, Number.NaN])
})

test('where the search starts does not change what it finds', () => {
  const next = uniform(3)
  const some = (scale: number) => Array.from({ length: 200 }, () => (next() - 0.5) * scale)
  const lo = some(4).map((x) => x - 3)
  const hi = some(4).map((x) => x + 3)
  const thresholds = some(9)
  const { found, calls } = search(lo, hi, thresholds)
  expect(search(lo, hi, thresholds, some(20)).found).toEqual(found)
  const close = search(lo, hi, thresholds, found)
  expect(close.found).toEqual(found)
  expect(close.calls).toBeLessThan(calls / 4)
})
