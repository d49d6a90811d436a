/** Loops over tiles of columns: each tile is copied while the one before it is worked on, and plain ones are asked for no mask. */
import { Block, indented } from '../../block.ts'
import { atom } from '../../expression.ts'
import type { Item, Repeat } from '../../nests/item.ts'
import { printBounds } from '../loop.ts'
import { type AxisSpot, valueAt } from '../spot.ts'
import { copyOf, feedOf } from './feed.ts'
import { columnsOf, type TileOf } from './layout.ts'
import { printItems } from './print.ts'
import { sumInPlace } from './statistics.ts'
import { eachRow, type Round, type Warp } from './warp.ts'

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
  const { body, sums } = sumInPlace(repeat)
  const tiles = tilesIn(body, at)
  const [now, next, spanAt, isPlain] = ['now', 'next', 'spanAt', 'isPlain'].map((name) => names.fresh(name))
  const [first, count, plain, left] = [`${axis}0`, `${axis}Count`, 'plain', `${axis}Left`].map((name) =>
    names.reuse(name),
  )
  spot.block.line(`// axis ${axis} in tiles of ${tile}`)
  const { start, end } = printBounds(over, spot)
  const inTile = (block: Block, from = first!, length = count!): Warp => ({
    ...at,
    spot: {
      ...spot,
      block,
      axes: new Map(spot.axes).set(axis, { single: false, first: atom(from), count: atom(length), inner: undefined }),
    },
  })
  const flags = flagsOf(body)
  const isFilled = columnsOf(axis, at.sheet.layout.facts) === tile
  printSpanAt(repeat, inTile, { spanAt: spanAt!, first: first!, count: count!, end, tile }, spot.block)
  if (isFilled)
    printIsPlain(repeat, inTile, { isPlain: isPlain!, first: first!, count: count!, tile }, flags, spot.block)
  spot.block.line(`tiles::Span ${now} = ${spanAt}(${start});`)
  const isInOrder = over.from === undefined && over.skip === undefined
  const feeds = tiles.map((one): Feed => {
    const own = isInOrder && isFilled ? feedOf(one, inTile(spot.block), spanSpot(now!)) : undefined
    return { tile: one, copy: (span, inner) => own?.(`${span}.count`) ?? copyOf(one, inner, spanSpot(span)) }
  })
  if (tiles.length === 0) spot.block.line(...awaitCopies)
  else {
    spot.block.line('__syncthreads();')
    spot.block.line(feeds[0]!.copy(now!, inTile(spot.block)))
  }
  spot.block.braces(`while (${now}.count > 0)`, (block) => {
    const inner = inTile(block)
    block.line(
      `[[maybe_unused]] const int32_t ${first} = ${now}.first, ${count} = ${now}.count;`,
      `const tiles::Span ${next} = ${spanAt}(${first} + ${isInOrder ? tile : count});`,
      ...(isFilled ? [`[[maybe_unused]] const bool ${plain} = ${isPlain}(${now});`] : []),
      `[[maybe_unused]] const int32_t ${left} = tiles::columnsFrom(${count});`,
    )
    printItems(repeat.head, inner)
    const round: Round = { plain: isFilled ? plain : undefined, flags, left: left!, settled: new Set(), sums }
    const pipelined = pipeline(feeds, body, { ...inner, round }, now!, next!)
    printItems(body, pipelined.at)
    pipelined.finish()
    block.line(`${now} = ${next};`)
  })
  for (const value of sums)
    eachRow(at, (inner, block) => {
      const name = valueAt(value, inner.spot).text
      block.line(`${name} = tiles::sumOfRow(${name});`)
    })
}

/** A tile of a loop, and how the copy of its rows of a span is begun. */
interface Feed {
  readonly tile: TileOf
  readonly copy: (span: string, at: Warp) => string
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
  const isInOrder = over.kind === 'tiles' && over.from === undefined
  const rest = isInOrder ? tile : `${tile} - ${first} % ${tile}`
  if (isInOrder && skip === undefined)
    return into.line(
      `const auto ${spanAt} = [&](int32_t ${first}) -> tiles::Span { return {${first}, num::smallest(${tile}, ${end} - ${first})}; };`,
    )
  block.line(`const int32_t ${count} = num::smallest(${rest}, ${end} - ${first});`)
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
  feeds: readonly Feed[],
  body: readonly Item[],
  at: Warp,
  now: string,
  next: string,
): { readonly at: Warp; readonly finish: () => void } {
  const seen = new Set<TileOf>()
  const { block } = at.spot
  const [first] = feeds
  const products = body.flatMap((item) => (item.kind === 'product' ? [[item.left.name, item.right.name]] : []))
  const reads = (feed: Feed | undefined): readonly number[] =>
    products.flatMap((names, n) => (names.includes(feed?.tile.value.name ?? '') ? [n] : []))
  const isFreeEarly = feeds.length > 1 && Math.max(...reads(first)) < Math.min(...reads(feeds.at(-1)))
  const copyNext = (): void => {
    if (first) block.line(first.copy(next, at))
  }
  const arrive = (tile: TileOf): void => {
    const n = feeds.findIndex((feed) => feed.tile === tile)
    if (n < 0 || seen.has(tile)) return
    seen.add(tile)
    block.line(...awaitCopies)
    const follower = feeds[n + 1]
    if (follower) block.line(follower.copy(now, at))
    else if (isFreeEarly) copyNext()
  }
  const finish = (): void => {
    if (isFreeEarly || !first) return
    block.line('__syncthreads();')
    copyNext()
  }
  return { at: { ...at, sheet: { ...at.sheet, arrive } }, finish }
}
