/** Loops over tiles of columns: each tile is copied while the one before it is worked on, and plain ones are asked for no mask. */

import type { TileLoop } from '../../../compiler/kernel.ts'
import { Block, indented } from '../../block.ts'
import { atom } from '../../expression.ts'
import type { Item, Repeat } from '../../nests/item.ts'
import { printBounds } from '../loop.ts'
import { type AxisSpot, valueAt } from '../spot.ts'
import { copyOf, feedOf } from './feed.ts'
import { columnsOf, type TileOf } from './layout.ts'
import { scaleEarly } from './order.ts'
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
  const { body: summed, sums } = sumInPlace(repeat)
  const body = scaleEarly(summed, at.sheet.layout.row)
  const [first, count, plain, left] = [`${axis}0`, `${axis}Count`, 'plain', `${axis}Left`].map((name) =>
    names.reuse(name),
  )
  spot.block.line(`// axis ${axis} in tiles of ${tile}`)
  const { start, end } = printBounds(over, spot)
  const walk: Walk = { repeat, at, body, first: first!, count: count!, plain: plain!, start, end, tile }
  const flags = flagsOf(body)
  const isFilled = columnsOf(axis, at.sheet.layout.facts) === tile
  const round: Round = { plain: isFilled ? plain : undefined, flags, left: left!, settled: new Set(), sums }
  if (over.from === undefined && over.skip === undefined && isFilled) printInOrder(walk, round)
  else printSpans(walk, round)
  for (const value of sums)
    eachRow(at, (inner, block) => {
      const name = valueAt(value, inner.spot).text
      block.line(`${name} = tiles::sumOfRow(${name});`)
    })
}

interface Walk {
  readonly repeat: Repeat
  readonly at: Warp
  readonly body: readonly Item[]
  readonly first: string
  readonly count: string
  readonly plain: string
  readonly start: string
  readonly end: string
  readonly tile: number
}

/** A tile of the loop, by the names of its first element and of how many it has. */
const inTile = ({ repeat, at, first, count }: Walk, block: Block, from = first, length = count): Warp => ({
  ...at,
  spot: {
    ...at.spot,
    block,
    axes: new Map(at.spot.axes).set((repeat.loop.over as TileLoop).axis, {
      single: false,
      first: atom(from),
      count: atom(length),
      inner: undefined,
    }),
  },
})

/** One tile follows the other: from round to round each thread goes on in its tensors. */
function printInOrder(walk: Walk, round: Round): void {
  const { repeat, at, body, first, count, plain, start, end, tile } = walk
  const { block } = at.spot
  const here = inTile(walk, block, start)
  const feeds = tilesIn(body, at).map((one): Feed => {
    const copy = feedOf(one, here, spanSpot(start, ''))
    return { tile: one, copy: (_, length) => copy(length) }
  })
  block.line(...(feeds.length === 0 ? awaitCopies : ['__syncthreads();']))
  if (feeds[0]) block.line(feeds[0].copy(start, `num::smallest(${tile}, ${end} - ${start})`, here))
  block.braces(`for (int32_t ${first} = ${start}; ${first} < ${end}; ${first} += ${tile})`, (inside) => {
    const inner = inTile(walk, inside)
    inside.line(
      `[[maybe_unused]] const int32_t ${count} = num::smallest(${tile}, ${end} - ${first});`,
      `[[maybe_unused]] const int32_t ${round.left} = tiles::columnsFrom(${count});`,
    )
    printItems(repeat.head, inner)
    const conditions = [`${count} == ${tile}`, ...round.flags.map((flag) => valueAt(flag, inner.spot).text)]
    inside.line(`[[maybe_unused]] const bool ${plain} = ${conditions.join(' && ')};`)
    const following = { first: `${first} + ${tile}`, count: `num::smallest(${tile}, ${end} - ${first} - ${tile})` }
    const pipelined = pipeline(feeds, body, { ...inner, round }, { first, count }, following)
    printItems(body, pipelined.at)
    pipelined.finish()
  })
}

/** Tiles that are left out, or begin anywhere: the next one is looked for while one is worked on. */
function printSpans(walk: Walk, round: Round): void {
  const { repeat, at, body, first, count, plain, start } = walk
  const { spot } = at
  const [now, next, spanAt, isPlain] = ['now', 'next', 'spanAt', 'isPlain'].map((name) => spot.sheet.names.fresh(name))
  printSpanAt(walk, spanAt!, spot.block)
  const isFilled = round.plain !== undefined
  if (isFilled) printIsPlain(walk, isPlain!, round.flags, spot.block)
  spot.block.line(`tiles::Span ${now} = ${spanAt}(${start});`)
  const feeds = tilesIn(body, at).map(
    (one): Feed => ({ tile: one, copy: (from, length, inner) => copyOf(one, inner, spanSpot(from, length)) }),
  )
  const [own, following] = [now!, next!].map((span) => ({ first: `${span}.first`, count: `${span}.count` }))
  spot.block.line(...(feeds.length === 0 ? awaitCopies : ['__syncthreads();']))
  if (feeds[0]) spot.block.line(feeds[0].copy(own!.first, own!.count, inTile(walk, spot.block)))
  spot.block.braces(`while (${now}.count > 0)`, (block) => {
    const inner = inTile(walk, block)
    block.line(
      `[[maybe_unused]] const int32_t ${first} = ${now}.first, ${count} = ${now}.count;`,
      `const tiles::Span ${next} = ${spanAt}(${first} + ${count});`,
      ...(isFilled ? [`[[maybe_unused]] const bool ${plain} = ${isPlain}(${now});`] : []),
      `[[maybe_unused]] const int32_t ${round.left} = tiles::columnsFrom(${count});`,
    )
    printItems(repeat.head, inner)
    const pipelined = pipeline(feeds, body, { ...inner, round }, own!, following!)
    printItems(body, pipelined.at)
    pipelined.finish()
    block.line(`${now} = ${next};`)
  })
}

/** A tile of a loop, and how the copy of its rows of a span is begun. */
interface Feed {
  readonly tile: TileOf
  readonly copy: (first: string, count: string, at: Warp) => string
}

const spanSpot = (first: string, count: string): AxisSpot => ({
  single: false,
  first: atom(first),
  count: atom(count),
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

/** The first tile from a place on that is not left out. */
function printSpanAt(walk: Walk, spanAt: string, into: Block): void {
  const { repeat, first, count, end, tile } = walk
  const { over } = repeat.loop
  const skip = over.kind === 'tiles' ? over.skip : undefined
  const block = new Block()
  const rest = over.kind === 'tiles' && over.from === undefined ? tile : `${tile} - ${first} % ${tile}`
  block.line(`const int32_t ${count} = num::smallest(${rest}, ${end} - ${first});`)
  const inner = inTile(walk, block)
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
function printIsPlain(walk: Walk, isPlain: string, flags: readonly string[], into: Block): void {
  const { repeat, first, count, tile } = walk
  if (flags.length === 0)
    return into.line(`const auto ${isPlain} = [&](tiles::Span span) { return span.count == ${tile}; };`)
  const block = new Block()
  block.line(`if (span.count < ${tile}) return false;`)
  block.line(`[[maybe_unused]] const int32_t ${first} = span.first, ${count} = span.count;`)
  const inner = inTile(walk, block)
  printItems(repeat.head, inner)
  block.line(`return ${flags.map((flag) => valueAt(flag, inner.spot).text).join(' && ')};`)
  into.line(`const auto ${isPlain} = [&](tiles::Span span) {`, ...block.lines.map(indented), '};')
}

/** How the elements of a tile are written. */
interface Stretch {
  readonly first: string
  readonly count: string
}

/** Waits and copies around the products of a round: while one tile is worked on, the next one arrives. */
function pipeline(
  feeds: readonly Feed[],
  body: readonly Item[],
  at: Warp,
  now: Stretch,
  next: Stretch,
): { readonly at: Warp; readonly finish: () => void } {
  const seen = new Set<TileOf>()
  const { block } = at.spot
  const [first] = feeds
  const products = body.flatMap((item) => (item.kind === 'product' ? [[item.left.name, item.right.name]] : []))
  const reads = (feed: Feed | undefined): readonly number[] =>
    products.flatMap((names, n) => (names.includes(feed?.tile.value.name ?? '') ? [n] : []))
  const isFreeEarly = feeds.length > 1 && Math.max(...reads(first)) < Math.min(...reads(feeds.at(-1)))
  const copyNext = (): void => {
    if (first) block.line(first.copy(next.first, next.count, at))
  }
  const arrive = (tile: TileOf): void => {
    const n = feeds.findIndex((feed) => feed.tile === tile)
    if (n < 0 || seen.has(tile)) return
    seen.add(tile)
    block.line(...awaitCopies)
    const follower = feeds[n + 1]
    if (follower) block.line(follower.copy(now.first, now.count, at))
    else if (isFreeEarly) copyNext()
  }
  const finish = (): void => {
    if (isFreeEarly || !first) return
    block.line('__syncthreads();')
    copyNext()
  }
  return { at: { ...at, sheet: { ...at.sheet, arrive } }, finish }
}
