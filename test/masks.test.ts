import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { call, type Expr, f32, i32, input, param, random, reduce, size } from '../compiler/ir.ts'
import {
  type Classified,
  classesFor,
  type Evaluated,
  evaluateClasses,
  fillTables,
  tileClasses,
} from '../compiler/masks/evaluate.ts'
import { integerRules } from '../compiler/masks/integer-rules.ts'
import { type ScalarLaunch as MaskLaunch, tilesOf } from '../compiler/masks/scalar-run.ts'
import { admission, i, j, launches, masks, roundings } from './masks-programs.ts'

interface Count {
  tiles: number
  partial: number
  needless: number
}
const none = (): Count => ({ tiles: 0, partial: 0, needless: 0 })
interface TileSizes {
  readonly i: number
  readonly j: number
  readonly h?: number
}
const tileSize = fc.integer({ min: 1, max: 4 })
const tileSizes = fc.record({ i: tileSize, j: tileSize })

/** How a block holds heads: one, a tile of them, all. */
type Heads = 'single' | 'tiled' | 'whole'

function classesOf(mask: Expr, tile: TileSizes = { i: 2, j: 2 }, heads: Heads = 'single'): Classified {
  const others = { single: {}, tiled: { tiled: ['h'] }, whole: { whole: ['h'] } }[heads]
  const sizes: Readonly<Record<string, number>> = { h: 1, ...tile }
  return classesFor(mask, {}, { row: 'i', column: 'j', ...others, tile: (axis) => sizes[axis]! })
}

/** Every claim about every tile against every pair, however a kernel rounds. */
function checkAll(mask: Expr, launch: MaskLaunch, tile: TileSizes, count: Count, heads: Heads = 'single'): void {
  const { classes, tables } = classesOf(mask, tile, heads)
  const { h: single = 0, ...others } = launch.single
  const headTiles = { single: [[single, single] as const], tiled: tilesOf(launch.sizes.h!, tile.h ?? 1) }
  const blocks = heads === 'whole' ? [[0, launch.sizes.h! - 1] as const] : headTiles[heads]
  const [rows, columns] = [tilesOf(launch.sizes.i!, tile.i), tilesOf(launch.sizes.j!, tile.j)]
  for (const rounding of roundings) {
    const isLast = rounding === roundings.at(-1)
    const own = heads === 'single' ? launch : { ...launch, single: others }
    const filled = fillTables(tables, { ...own, round: rounding.ofClasses })
    const isAdmitted = admission(mask, launch, rounding)
    for (const h of blocks) {
      for (const i of rows) {
        const tiles = { i, ...(heads === 'tiled' ? { h } : {}) }
        for (const [n, found] of evaluateClasses(classes, tiles, 'j', columns, filled).entries())
          checkTile(found, { h, i, j: columns[n]! }, isAdmitted, isLast ? count : none())
      }
    }
  }
}

function checkTile(
  { full, empty, from = 0, to = Infinity }: Evaluated,
  tiles: Readonly<Record<'h' | 'i' | 'j', readonly [number, number]>>,
  isAdmitted: (h: number, i: number, j: number) => boolean,
  count: Count,
): void {
  let [some, all] = [0, 0]
  const [first, last] = tiles.j
  for (let h = tiles.h[0]; h <= tiles.h[1]; h++) {
    for (let i = tiles.i[0]; i <= tiles.i[1]; i++) {
      for (let j = first; j <= last; j++) {
        all++
        if (!isAdmitted(h, i, j)) continue
        some++
        if (j < from || j >= to) throw new Error(`admitted column ${j} of row ${i} is outside [${from}, ${to})`)
      }
    }
  }
  if (empty && some > 0) throw new Error(`empty tile ${JSON.stringify(tiles)} admits ${some} places`)
  if (full && some < all) throw new Error(`full tile ${JSON.stringify(tiles)} lacks ${all - some} places`)
  const isPartial = !full && !empty && last >= from && first < to
  count.tiles++
  if (isPartial) count.partial++
  if (isPartial && (some === 0 || some === all)) count.needless++
}

describe('classes are true claims', () => {
  type Drawn = [Expr, MaskLaunch, TileSizes]
  const property = (count: Count, heads: Heads = 'single'): fc.IProperty<Drawn> =>
    fc.property(masks, launches, tileSizes, (mask, launch, tile) => checkAll(mask, launch, tile, count, heads))

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
    const planted = vi.spyOn(rules, 'mod').mockImplementation((a, b, crosses) => {
      const out = right(a, b, crosses)
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
