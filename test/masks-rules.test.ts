import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Expr } from '../compiler/ir.ts'
import type { MaskInput, ScalarLaunch } from '../compiler/masks/scalar-run.ts'
import { type Count, checkAll, none, tileSizes } from './masks-check.ts'
import { launches } from './masks-programs.ts'
import { attentionOf } from './run-source.ts'

const maskOf = (mask: string): Expr =>
  attentionOf(`attention rule {
    axis t, r, c
    axis i like j
    input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
    input doc[b, j]: i32, pos[b, j]: f32, hub[b, j]: bool, row[h, i]: i32, table[t]: i32, len[b]: i32
    input pair[i, j]: bool, slope[h]: f32, blocks[h, r, c]: bool
    param w: i32
    param alpha: f32
    score = dot(q, k)
    mask = ${mask}
    normalize = softmax[j](score)
  }`).mask!

const number = (x: number): boolean => Math.abs(x) < 1e6
const rising = ({ axes, data }: MaskInput): MaskInput => ({
  axes,
  data: Array.from(data, (x) => (number(x) ? x : 0)).toSorted((x, y) => x - y),
})
/** As many queries as keys; numbers of a size that lengths have; documents and positions in order. */
const ordinary: fc.Arbitrary<ScalarLaunch> = launches
  .filter(({ params }) => number(Number(params.w)) && number(Number(params.alpha)))
  .map((launch) => {
    const { doc, pos, row, table, len, slope, ...others } = launch.inputs
    const inputs = { ...others, doc: rising(doc!), pos: rising(pos!), row: rising(row!), table: rising(table!) }
    return {
      ...launch,
      sizes: { ...launch.sizes, i: launch.sizes.j! },
      inputs: { ...inputs, len: rising(len!), slope: rising(slope!) },
    }
  })

function count(mask: string, from: fc.Arbitrary<ScalarLaunch>, numRuns: number): Count {
  const total = none()
  const e = maskOf(mask)
  fc.assert(
    fc.property(from, tileSizes, (launch, tile) => checkAll(e, launch, tile, total)),
    { numRuns },
  )
  return total
}

/** `exact`: no tile is partial without need. `tight`: no tile is visited outside of what lies between admitted ones. */
const rules: readonly (readonly [mask: string, exact: boolean, tight: boolean])[] = [
  // Of rows alone, of columns alone
  ['i < 5', true, true],
  ['row < 3', true, true],
  ['hub[j = i else 0]', true, true],
  ['hub', true, true],
  ['not hub', true, true],
  ['pos > 0.25', true, true],
  ['doc == 3 or doc == 4', false, true],
  ['j < len', true, true],
  ['w < 3', true, true],
  // Sums, differences, lengths
  ['j <= i + size(j) - size(i)', true, true],
  ['2 * j - 3 * i < w', true, true],
  ['i - j < w and j <= i', false, false],
  ['abs(i - j) <= w', true, false],
  ['max(i, 3) <= min(j, 6)', true, true],
  ['i - j == w', true, true],
  ['i - j != w', true, false],
  // Quotients and remainders, of either sign
  ['i div 3 == j div 3', true, true],
  ['(i - 7) div 2 < j div 2', true, true],
  ['(i - j) div -3 >= w', true, false],
  ['(j - j % 3) <= i', true, true],
  ['(i - j) % 4 == 0', true, false],
  ['(j - i) % -4 == -1', false, false],
  ['j % 3 < 2 and (i - 9) % 3 != 1', false, false],
  ['j div (w + 2) == 1', false, false],
  ['j % 4 - i % 4 >= abs(j div 4 - i div 4)', false, false],
  // Products and choices
  ['i * j <= 12', true, false],
  ['(i - 4) * (j - 4) > 3', true, false],
  ['if i < 3 then j < 3 else j >= i', true, true],
  ['(if hub[j = i] then i else 0) >= j', true, true],
  ['sign(i - j) == 1', true, false],
  // Tensors, read where they lie, shifted, at other indices
  ['doc == doc[j = i]', true, true],
  ['doc <= doc[j = i] and doc > doc[j = i] - 3', true, true],
  ['2 * doc + 1 < row', true, true],
  ['doc[j = j - 2] == row', false, false],
  ['pos <= pos[j = i]', true, true],
  ['table[t = j div 3] == table[t = i div 3]', true, false],
  ['pair', true, false],
  ['blocks[r = i div 4, c = j div 4]', true, false],
  ['any[t](table == j)', false, false],
  ['all[t](table != i + j)', false, false],
  // Real numbers: what lies within the error of a kernel stays partial
  ['slope * (i - j) > alpha', false, false],
  ['exp(slope) * i < 1.5 * j', false, false],
]

describe('a rule never claims too much, and enough:', () => {
  test.each(rules)('%s', (mask, exact, tight) => {
    count(mask, launches, 60)
    const { tiles, partial, needless, loose } = count(mask, ordinary, 120)
    expect(tiles).toBeGreaterThan(100)
    expect(partial).toBeLessThan(tiles)
    if (exact) expect(needless).toBe(0)
    if (tight) expect(loose).toBe(0)
  })
})
