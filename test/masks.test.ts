import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { call, type Expr, f32, i32, input, param, random, reduce, size } from '../compiler/ir.ts'
import { tileClasses } from '../compiler/masks/evaluate.ts'
import { integerRules } from '../compiler/masks/integer-rules.ts'
import type { ScalarLaunch as MaskLaunch } from '../compiler/masks/scalar-run.ts'
import { type Count, checkAll, classesOf, type Heads, none, type TileSizes, tileSizes } from './masks-check.ts'
import { i, j, launches, masks } from './masks-programs.ts'

describe('classes are true claims', () => {
  type Drawn = [Expr, MaskLaunch, TileSizes]
  const property = (count: Count, heads: Heads = 'single'): fc.IProperty<Drawn> =>
    fc.property(masks, launches, tileSizes, (mask, launch, tile) => checkAll(mask, launch, tile, count, heads))

  const runs = Number(process.env.MASK_RUNS ?? 600)
  test.each<readonly [string, Heads, number]>([
    ['one head', 'single', 0.3],
    ['a tile of heads', 'tiled', 0.4],
    ['all heads', 'whole', 0.4],
  ])(
    'for random masks, lengths, tiles and data, in blocks of %s',
    (_, heads, limit) => {
      const count = none()
      fc.assert(property(count, heads), { numRuns: heads === 'single' ? runs : runs / 3 })
      const share = count.needless / count.tiles
      console.log(`${count.tiles} tiles, ${count.partial} partial, ${(100 * share).toFixed(1)} % without need`)
      expect(count.tiles).toBeGreaterThan(runs)
      expect(share).toBeLessThan(limit)
    },
    200 * runs,
  )

  test.each(['mod', 'idiv', 'mul', 'max'] as const)(
    'and a rule for %s that is wrong is found',
    (op) => {
      const rules = integerRules as Required<typeof integerRules>
      const right = rules[op]
      const planted = vi.spyOn(rules, op).mockImplementation((a, b, crosses) => {
        const out = right(a, b, crosses)
        return out && { ...out, lo: { ...out.hi }, hi: out.hi }
      })
      const found = fc.check(property(none()), { numRuns: 4000, seed: 1, endOnFailure: true })
      planted.mockRestore()
      expect(found.failed).toBe(true)
    },
    120_000,
  )
})

describe('a single comparison of sums of indices', () => {
  const term = (coefficient: fc.Arbitrary<number>, of: Expr): fc.Arbitrary<Expr> =>
    coefficient.map((c) => call('mul', [i32(c), of]))
  const sum = (coefficient: fc.Arbitrary<number>): fc.Arbitrary<Expr> =>
    fc
      .tuple(
        term(coefficient, i),
        term(coefficient, j),
        fc.constantFrom<Expr>(i32(0), size('i'), param('w', 'i32')),
        fc.integer({ min: -9, max: 9 }),
      )
      .map(([x, y, z, n]) => call('add', [call('sub', [call('add', [x, y]), z]), i32(n)]))
  const small = launches.filter((launch) => Math.abs(Number(launch.params.w)) < 100)

  test('is never partial without need', () => {
    const count = none()
    const coefficient = fc.integer({ min: -5, max: 5 })
    const order = fc.tuple(fc.constantFrom('lt' as const, 'le' as const), sum(coefficient), sum(coefficient))
    const unit = fc.tuple(
      fc.constantFrom('eq' as const, 'ne' as const),
      sum(fc.constantFrom(-1, 0, 1)),
      sum(fc.constant(0)),
    )
    fc.assert(
      fc.property(fc.oneof(order, unit), small, tileSizes, ([op, a, b], launch, tile) => {
        checkAll(call(op, [a, b]), launch, tile, count)
        expect(count.needless).toBe(0)
      }),
      { numRuns: 1000 },
    )
    expect(count.tiles).toBeGreaterThan(1000)
  })
})

describe('the masks of papers', () => {
  const n = 12
  const launch: MaskLaunch = { sizes: { i: n, j: n }, params: { w: 2 }, inputs: {}, single: {} }
  const draw = (mask: Expr): string =>
    tileClasses(mask, {}, launch, { i: 3, j: 3 })
      .map((row) => row.map((c) => ({ empty: '.', full: '#', partial: '/' })[c]).join(''))
      .join(' ')
  const causal = call('le', [j, call('sub', [call('add', [i, size('j')]), size('i')])])
  const distance = call('sub', [i, j])
  test.each([
    ['causal', causal, '/... #/.. ##/. ###/'],
    ['window', call('le', [call('abs', [distance]), param('w', 'i32')]), '#/.. /#/. ./#/ ../#'],
    ['blocks', call('le', [call('idiv', [j, i32(6)]), call('idiv', [i, i32(6)])]), '##.. ##.. #### ####'],
    ['dilated', call('eq', [call('mod', [distance, i32(7)]), i32(0)]), '/.// ././ /./. //./'],
  ])('%s', (_, mask, picture) => {
    expect(draw(mask)).toBe(picture)
  })

  test('causal is written as a person would', () => {
    const { empty, to, before, inside } = classesOf(call('le', [j, i])).classes
    expect([before, inside]).toEqual([[], []])
    expect(empty).toMatchObject({
      op: 'lt',
      args: [
        { axis: 'i', of: 'last' },
        { axis: 'j', of: 'first' },
      ],
    })
    expect(to).toMatchObject({ op: 'add', args: [{ axis: 'i', of: 'last' }, { value: 1 }] })
  })
})

test('integers that would wrap make no class', () => {
  const launch: MaskLaunch = { sizes: { i: 4, j: 4 }, params: { w: -(2 ** 31) }, inputs: {}, single: {} }
  const count = none()
  checkAll(call('lt', [call('sub', [i, param('w', 'i32')]), j]), launch, { i: 2, j: 2 }, count)
  expect(count.partial).toBe(4)
})

test('what is not pointwise is unknown, and what stands beside it is not', () => {
  const score = reduce('sum', ['d'], call('mul', [input('q', 'f32', ['i', 'd']), input('k', 'f32', ['j', 'd'])]))
  const opaque = [call('lt', [f32(0), score]), call('lt', [random(param('seed', 'i32'), [i, j]), f32(0.5)])]
  for (const mask of opaque) {
    expect(classesOf(mask).classes).toMatchObject({
      full: { value: false },
      empty: { value: false },
      before: [],
      inside: [],
    })
    expect(classesOf(call('and', [mask, call('le', [j, i])])).classes).toMatchObject({
      full: { value: false },
      empty: { op: 'lt' },
    })
  }
})
