/** Products that leave out the columns that no row of theirs can admit. */
import { describe, expect, test } from 'vitest'
import { addBand, multiplyBand } from '../templates/ts/products.ts'
import { compiled, define, distance, run } from './run-source.ts'
import { draw } from './ts-draw.ts'

const source = (mask: string, normalize = 'softmax[j](score)'): string =>
  `attention banded {
    input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
    let   position = i + size(j) - size(i)
    score     = dot(q, k) / sqrt(size(d))
    mask      = ${mask}
    normalize = ${normalize}
  }`

const tensor = (seed: string, ...shape: number[]) => ({
  shape,
  data: Float32Array.from(
    draw(
      seed,
      shape.reduce((a, b) => a * b),
      'f32',
    ),
  ),
})
const inputs = (i: number, j: number) => ({
  q: tensor('q', 1, 2, i, 4),
  k: tensor('k', 1, 2, j, 4),
  v: tensor('v', 1, 2, j, 3),
})
const options = { sizes: { d: 4, e: 3 }, tile: { i: 8, j: 8 } }
const textOf = async (text: string): Promise<string> => (await compiled(text, options)).files[0]?.text ?? ''

describe('a kernel under a mask', () => {
  const masks = {
    'above a diagonal': 'j <= position',
    'below one': 'j >= position',
    'between two': 'j <= position and position - j < 5',
    'on both sides of one': 'j - position < 3 and position - j < 3',
    'under a slope': 'j <= 2 * i',
    'with rows that have no key': 'j < position - 6',
  }
  test.each(Object.entries(masks))('%s is right at every edge', async (_, mask) => {
    expect(await textOf(source(mask))).toMatch(/ multiplyBand\(dot, .*, j0, jFrom, jTo\)\n/)
    for (const [i, j] of [
      [1, 1],
      [7, 9],
      [8, 8],
      [9, 23],
      [19, 19],
      [23, 9],
    ] as const) {
      const [given, text] = [inputs(i, j), source(mask)]
      expect(distance((await run(text, given, options)).out, define(text, given).out)).toBeLessThan(1e-6)
    }
  })

  test('whose bounds follow from other things than the row has whole products', async () => {
    const text = await textOf(source('j < size(j) - 2'))
    expect(text).toContain(' multiplyRows(dot, ')
    expect(text).not.toContain('Band(')
  })

  test('whose scores are read beside the mask, too, has all of them', async () => {
    const text = await textOf(source('j < position', 'exp(score - cumsum_back[j](softplus(score)))'))
    expect(text).toContain(' multiplyRows(dot, ')
    expect(text).toContain(' addBand(acc, ')
  })
})

describe('the helpers', () => {
  const [rows, columns, depth, first] = [7, 6, 5, 10]
  const tile = (seed: string, height: number, width: number): number[][] => {
    const numbers = draw(seed, 9 * 8, 'f32')
    return Array.from({ length: height }, (_, r) => Array.from({ length: width }, (_, c) => numbers[r * 8 + c] ?? 0))
  }
  const bands = {
    'a diagonal': [(i: number) => first + i - 3, (i: number) => first + i + 1],
    'one that reaches out of the tile': [() => 0, (i: number) => first + 2 * i],
    'rows of nothing': [() => first + 4, (i: number) => (i < 5 ? 0 : first + 5)],
    'odd beginnings': [() => first + 1, () => 99],
  } as const
  const bounds = (of: (i: number) => number): Int32Array => Int32Array.from({ length: rows }, (_, i) => of(i))

  test.each(Object.entries(bands))('multiply in %s', (_, [from, to]) => {
    const [a, b, c] = [tile('a', 9, depth), tile('b', columns, depth), tile('c', 9, columns)]
    multiplyBand(c, a, b, rows, columns, depth, first, bounds(from), bounds(to))
    for (let i = 0; i < rows; i++) {
      for (let j = Math.max(0, from(i) - first); j < Math.min(columns, to(i) - first); j++) {
        const want = a[i]!.reduce((sum, x, k) => sum + x * b[j]![k]!, 0)
        expect(c[i]![j]).toBeCloseTo(want, 12)
      }
    }
    expect(c.map((row) => row.length)).toEqual(Array.from(c, () => columns))
  })

  test.each(Object.entries(bands))('add in %s', (_, [from, to]) => {
    const inside = (i: number, k: number): boolean => from(i) <= first + k && first + k < to(i)
    const a = tile('a', 9, depth).map((row, i) => row.map((x, k) => (inside(i, k) ? x : 0)))
    const [b, c] = [tile('b', depth, columns), tile('c', 9, columns)]
    const before = structuredClone(c)
    addBand(c, a, b, rows, columns, depth, first, bounds(from), bounds(to))
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const want = before[i]![j]! + a[i]!.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)
        expect(c[i]![j]).toBeCloseTo(want, 12)
      }
    }
  })
})
