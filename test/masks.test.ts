import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { call, type Expr, f32, i32, input, param, random, reduce, size } from '../compiler/ir.ts'
import { createClassify, type MaskClasses } from '../compiler/masks/classify.ts'
import { evaluateClasses, type MaskLaunch, type Tiles, tileClasses, tilesOf } from '../compiler/masks/evaluate.ts'
import { integerRules } from '../compiler/masks/integer-rules.ts'
import type { RangeFacts } from '../compiler/range.ts'
import { admitted, i, j, launches, masks, roundings } from './masks-programs.ts'

interface Count {
  tiles: number
  partial: number
  needless: number
}
const none = (): Count => ({ tiles: 0, partial: 0, needless: 0 })
const tileSizes = fc.record({ i: fc.integer({ min: 1, max: 4 }), j: fc.integer({ min: 1, max: 4 }) })

function classesOf(mask: Expr, facts: RangeFacts = {}): MaskClasses {
  let names = 0
  return createClassify(facts)(mask, { row: 'i', column: 'j', fresh: (base) => `${base}_${names++}` })
}

/** Every claim about every tile against every pair, however a kernel rounds. */
function checkAll(
  mask: Expr,
  launch: MaskLaunch,
  tile: { i: number; j: number },
  count: Count,
  facts: RangeFacts = {},
): void {
  const classes = classesOf(mask, facts)
  for (const rows of tilesOf(launch.sizes.i!, tile.i)) {
    for (const columns of tilesOf(launch.sizes.j!, tile.j))
      checkTile(mask, classes, { i: rows, j: columns }, launch, count)
  }
}

function checkTile(mask: Expr, classes: MaskClasses, tiles: Tiles, launch: MaskLaunch, count: Count): void {
  let needless = 0
  let partial = 0
  for (const rounding of roundings) {
    const {
      full,
      empty,
      from = 0,
      to = Infinity,
    } = evaluateClasses(classes, tiles, { ...launch, round: rounding.ofClasses })
    const [some, all] = admitted(mask, tiles, launch, rounding)
    if (empty && some > 0) throw new Error(`empty tile ${JSON.stringify(tiles)} admits ${some} pairs`)
    if (full && some < all) throw new Error(`full tile ${JSON.stringify(tiles)} lacks ${all - some} pairs`)
    for (let column = tiles.j![0]; column <= tiles.j![1]; column++) {
      const outside = column < from || column >= to
      const [inside] = outside ? admitted(mask, { ...tiles, j: [column, column] }, launch, rounding) : [0]
      if (inside > 0) throw new Error(`admitted column ${column} is outside [${from}, ${to})`)
    }
    partial = full || empty ? 0 : 1
    needless = partial && (some === 0 || some === all) ? 1 : 0
  }
  count.tiles++
  count.partial += partial
  count.needless += needless
}

describe('classes are true claims', () => {
  const property = (count: Count): fc.IProperty<[Expr, MaskLaunch, { i: number; j: number }]> =>
    fc.property(masks, launches, tileSizes, (mask, launch, tile) => checkAll(mask, launch, tile, count))

  test('for random masks, lengths, tiles and data', () => {
    const count = none()
    fc.assert(property(count), { numRuns: Number(process.env.MASK_RUNS ?? 1000) })
    if (process.env.MASK_REPORT) console.log(count)
    expect(count.tiles).toBeGreaterThan(1500)
    expect(count.needless / count.tiles).toBeLessThan(0.45)
  })

  test('and a rule that is wrong is found', () => {
    const rules = integerRules as Required<typeof integerRules>
    const right = rules.mod
    const planted = vi.spyOn(rules, 'mod').mockImplementation((a, b) => {
      const out = right(a, b)
      return out && { ...out, lo: { ...out.hi }, hi: out.hi }
    })
    const found = fc.check(property(none()), { numRuns: 4000, seed: 1 })
    planted.mockRestore()
    expect(found.failed).toBe(true)
  })
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
    const { empty, to, before, inside } = classesOf(call('le', [j, i]))
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
  const opaque = [
    call('lt', [f32(0), score]),
    call('lt', [random(param('seed', 'i32'), [i, j]), f32(0.5)]),
    input('pair', 'bool', ['i', 'j']),
  ]
  for (const mask of opaque) {
    expect(classesOf(mask)).toMatchObject({ full: { value: false }, empty: { value: false }, before: [], inside: [] })
    expect(classesOf(call('and', [mask, call('le', [j, i])]))).toMatchObject({
      full: { value: false },
      empty: { op: 'lt' },
    })
  }
})
