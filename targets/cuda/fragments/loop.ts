/** Loops over tiles of columns: each tile is copied while the one before it is worked on, and whole tiles have a loop of their own. */
import type { KernelExpr } from '../../../compiler/kernel.ts'
import { Block, indented } from '../../block.ts'
import { addressOf, argument, bufferOf, indicesOf } from '../../c-elements.ts'
import { atom } from '../../expression.ts'
import type { Item, Repeat } from '../../nests/item.ts'
import { printBounds } from '../loop.ts'
import { type AxisSpot, print, type Spot, valueAt } from '../spot.ts'
import type { TileOf } from './layout.ts'
import { eachRow, printItems, threadsOf, type Warp } from './print.ts'
import { deferredSums } from './statistics.ts'

/** Begins the copy of a tile; `first` and `count`: of its rows. */
export function copyLines(tile: TileOf, at: Warp, axis: AxisSpot, whole: boolean): readonly string[] {
  const { sheet, spot } = at
  const { buffer, text } = bufferOf(tile.load.buffer, spot.sheet)
  const axes = new Map(spot.axes)
  axes.set(tile.major, { ...axis, inner: atom('0') })
  axes.set(tile.minor, { single: false, first: atom('0'), count: atom('0'), inner: atom('0') })
  const inner: Spot = { ...spot, axes }
  const given = indicesOf(tile.load.index, buffer)
  const address = addressOf(
    buffer,
    given.map((e) => print(e, inner)),
    spot.sheet,
  ).text
  const stride = argument(
    spot.sheet.given.strides.get(buffer.name)?.[given.findIndex((e) => isOf(e, tile.major))],
    spot.sheet,
  )
  const kinds = `${sheet.names.get(tile.value.name)}, ${threadsOf(sheet.layout)}, ${whole}, ${spot.sheet.program.sizes[tile.minor]}`
  return [
    `tiles::copyTile<${kinds}>(base + ${sheet.addressOf(tile)}, ${text} + ${address}, ${stride.text}, ${axis.count.text});`,
    'ptx::commitCopies();',
  ]
}
const isOf = (e: KernelExpr, axis: string): boolean => e.kind === 'index' && e.axis === axis && e.of === 'element'

export const awaitCopies = ['ptx::waitForCopies<0>();', '__syncthreads();'] as const

/** The tiles that a loop's products read, in the order in which they first do. */
function tilesIn(body: readonly Item[], at: Warp): readonly TileOf[] {
  const { layout } = at.sheet
  const own = new Set(body.flatMap((item) => (item.kind === 'define' ? [item.to.name] : [])))
  const read = body.flatMap((item) => (item.kind === 'product' ? [item.left.name, item.right.name] : []))
  return [...new Set(read)].flatMap((name) => (own.has(name) ? (layout.tiles.get(name) ?? []) : []))
}

export function printTileLoop(repeat: Repeat, at: Warp): void {
  const { over } = repeat.loop
  if (over.kind !== 'tiles') return
  const { spot } = at
  const { names } = spot.sheet
  const { axis, tile } = over
  const tiles = tilesIn(repeat.body, at)
  const [now, next, spanAt, isPlain] = ['now', 'next', 'spanAt', 'isPlain'].map((name) => names.fresh(name))
  const [first, count] = [names.reuse(`${axis}0`), names.reuse(`${axis}Count`)]
  spot.block.line(`// axis ${axis} in tiles of ${tile}`)
  const { start, end } = printBounds(over, spot)
  const inTile = (block: Block, from = first, length = count): Warp => ({
    ...at,
    spot: {
      ...spot,
      block,
      axes: new Map(spot.axes).set(axis, { single: false, first: atom(from), count: atom(length), inner: undefined }),
    },
  })
  const flags = flagsOf(repeat.body)
  printSpanAt(repeat, inTile, { spanAt: spanAt!, first, count, end, tile }, spot.block)
  printIsPlain(repeat, inTile, { isPlain: isPlain!, first, count, tile }, flags, spot.block)
  spot.block.line(`tiles::Span ${now} = ${spanAt}(${start});`)
  if (tiles.length === 0) spot.block.line(...awaitCopies)
  else {
    spot.block.line('__syncthreads();')
    const begin = copyLines(tiles[0]!, inTile(spot.block), spanSpot(now!), false)
    spot.block.line(`if (${now}.count > 0) {`, ...begin.map(indented), '}')
  }
  const sums = deferredSums(repeat, at.sheet.layout.facts)
  const deferred = new Set(sums.values())
  const round = (checked: boolean): readonly string[] => {
    const block = new Block()
    block.line(`[[maybe_unused]] const int32_t ${first} = ${now}.first;`)
    block.line(`const int32_t ${count} = ${checked ? `${now}.count` : tile};`)
    block.line(`const tiles::Span ${next} = ${spanAt}(${first} + ${count});`)
    const inner = inTile(block)
    const decided = new Map(checked ? [] : flags.map((flag) => [flag, true] as const))
    printItems(repeat.head, inner)
    const body: Warp = { ...inner, checked, deferred, spot: { ...inner.spot, flags: decided } }
    const pipelined = pipeline(tiles, repeat.body, body, next!)
    printItems(repeat.body, pipelined.at)
    pipelined.finish()
    block.line(`${now} = ${next};`)
    return block.lines
  }
  const forms = [
    `while (${isPlain}(${now})) {`,
    ...round(false).map(indented),
    '}',
    `if (${now}.count > 0) {`,
    ...round(true).map(indented),
    '}',
  ]
  const isPlainToTheLast = over.from === undefined && over.skip === undefined && flags.length === 0
  if (isPlainToTheLast) spot.block.line(...forms)
  else spot.block.line(`while (${now}.count > 0) {`, ...forms.map(indented), '}')
  for (const value of sums.keys())
    eachRow(at, (inner, block) => {
      const name = valueAt(value, inner.spot).text
      block.line(`${name} = tiles::sumOfRow(${name});`)
    })
}

const spanSpot = (span: string): AxisSpot => ({
  single: false,
  first: atom(`${span}.first`),
  count: atom(`${span}.count`),
  inner: undefined,
})

/** Uniform values that say of a tile that its masks admit all of it. */
const flagsOf = (body: readonly Item[]): readonly string[] => [
  ...new Set(
    body.flatMap((item) =>
      item.kind === 'define' && item.from.kind === 'mask' && item.from.full ? [item.from.full] : [],
    ),
  ),
]

interface Named {
  readonly first: string
  readonly count: string
  readonly tile: number
}

/** The first tile from a place on that is not left out. */
function printSpanAt(
  repeat: Repeat,
  inTile: (block: Block) => Warp,
  { spanAt, first, count, end, tile }: Named & { readonly spanAt: string; readonly end: string },
  into: Block,
): void {
  const { over } = repeat.loop
  const skip = over.kind === 'tiles' ? over.skip : undefined
  const block = new Block()
  block.line(`const int32_t ${count} = num::smallest(${tile} - ${first} % ${tile}, ${end} - ${first});`)
  const inner = inTile(block)
  if (skip !== undefined) {
    printItems(repeat.head, inner)
    block.line(`if (${valueAt(skip, inner.spot).text}) {`, `  ${first} += ${count};`, '  continue;', '}')
  }
  block.line(`return {${first}, ${count}};`)
  const lines = block.lines.map((line) => indented(indented(line)))
  into.line(
    `const auto ${spanAt} = [&](int32_t ${first}) -> tiles::Span {`,
    ...(skip === undefined ? [`  if (${first} < ${end}) {`] : [`  while (${first} < ${end}) {`]),
    ...lines,
    '  }',
    `  return {${end}, 0};`,
    '};',
  )
}

/** Whether a tile is as long as can be, and nothing of it is masked. */
function printIsPlain(
  repeat: Repeat,
  inTile: (block: Block) => Warp,
  { isPlain, first, count, tile }: Named & { readonly isPlain: string },
  flags: readonly string[],
  into: Block,
): void {
  if (flags.length === 0)
    return into.line(`const auto ${isPlain} = [&](tiles::Span span) { return span.count == ${tile}; };`)
  const block = new Block()
  block.line(`if (span.count < ${tile}) return false;`)
  block.line(`[[maybe_unused]] const int32_t ${first} = span.first, ${count} = span.count;`)
  const inner = inTile(block)
  printItems(repeat.head, inner)
  block.line(`return ${flags.map((flag) => valueAt(flag, inner.spot).text).join(' && ')};`)
  into.line(`const auto ${isPlain} = [&](tiles::Span span) {`, ...block.lines.map(indented), '};')
}

/** Waits and copies around the products of a round: while one tile is worked on, the next one arrives. */
function pipeline(
  tiles: readonly TileOf[],
  body: readonly Item[],
  at: Warp,
  next: string,
): { readonly at: Warp; readonly finish: () => void } {
  const seen = new Set<TileOf>()
  const { block } = at.spot
  const [first] = tiles
  const products = body.flatMap((item) => (item.kind === 'product' ? [[item.left.name, item.right.name]] : []))
  const reads = (tile: TileOf | undefined): readonly number[] =>
    products.flatMap((names, n) => (names.includes(tile?.value.name ?? '') ? [n] : []))
  const isFreeEarly = tiles.length > 1 && Math.max(...reads(first)) < Math.min(...reads(tiles.at(-1)))
  const copyNext = (): void => {
    if (!first) return
    block.line(`if (${next}.count > 0) {`, ...copyLines(first, at, spanSpot(next), false).map(indented), '}')
  }
  const arrive = (tile: TileOf): void => {
    const n = tiles.indexOf(tile)
    if (n < 0 || seen.has(tile)) return
    seen.add(tile)
    block.line(...awaitCopies)
    const follower = tiles[n + 1]
    if (follower) block.line(...copyLines(follower, at, at.spot.axes.get(follower.major)!, !at.checked))
    else if (isFreeEarly) copyNext()
  }
  const finish = (): void => {
    if (isFreeEarly || !first) return
    block.line('__syncthreads();')
    copyNext()
  }
  return { at: { ...at, sheet: { ...at.sheet, arrive } }, finish }
}
