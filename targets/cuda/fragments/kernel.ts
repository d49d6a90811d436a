/** A kernel whose products run on tensor cores. */

import type { Program } from '../../../compiler/kernel.ts'
import { Block, indented } from '../../block.ts'
import type { GivenNames } from '../../c-lengths.ts'
import { atom } from '../../expression.ts'
import { Names } from '../../names.ts'
import type { Item } from '../../nests/item.ts'
import { reserved } from '../reserved.ts'
import type { AxisSpot, Spot, Sheet as Spots } from '../spot.ts'
import { copyOf } from './feed.ts'
import { ceilTo, type Layout, type TileOf } from './layout.ts'
import { awaitCopies, printTileLoop } from './loop.ts'
import { printItems } from './print.ts'
import { registersOf } from './registers.ts'
import { withoutUnread } from './statements.ts'
import { type Sheet, threadsOf, type Warp } from './warp.ts'

export interface PrintedFragments {
  readonly name: string
  readonly lines: readonly string[]
  readonly threads: number
  readonly sharedBytes: number
  readonly registers: number // of a thread, about
  readonly accumulators: number // those of values alone
  readonly tiles: readonly TileOf[] // what it wants aligned
}

export function printFragments(
  layout: Layout,
  program: Program,
  name: string,
  givenType: string,
  given: GivenNames,
  openBlock: (sheet: Spots, block: Block) => ReadonlyMap<string, AxisSpot>,
): PrintedFragments {
  const taken = [given.buffers, given.sizes, given.params].flatMap((all) => [...all.values()])
  const names = new Names(reserved, [...taken, ...[...given.strides.values()].flat(), 'm', 'n', 'r', 'thread'])
  for (const axis of layout.facts.order) names.reuse(axis)
  const body = new Block()
  const spots: Spots = {
    program,
    facts: layout.facts,
    places: new Map(),
    names,
    given,
    used: new Set(),
    arrays: new Map(),
    locals: new Map(),
  }
  const room = roomOf(layout)
  const types = new Map([...layout.tiles.keys()].map((value) => [value, names.fresh(`${capital(value)}Tile`)]))
  const spot: Spot = { sheet: spots, block: body, path: [], axes: openBlock(spots, body), flags: new Map() }
  const sheet: Sheet = {
    layout,
    names: types,
    arrive: () => body.line(...awaitCopies),
    addressOf: (tile) => String(room.at.get(tile.value.name)),
  }
  body.line('bool impure = false;')
  printAll(layout.items, { sheet, spot, checked: true })
  const isTested = body.lines.some((line) => line.includes('impure ='))
  body.line(
    'ptx::waitForCopies<0>();',
    `const bool again = ${isTested ? '__syncthreads_or(impure)' : 'impure'};`,
    'if (threadIdx.x == 0) work.redo[turn] = again ? 1 : 0;',
  )
  const lines = withoutUnread(body.lines)
  const threads = threadsOf(layout)
  return {
    name,
    threads,
    sharedBytes: room.bytes,
    ...registersOf(lines),
    tiles: [...layout.tiles.values()],
    lines: [
      `/** As ${name.replace(/_on_tensor_cores$/, '')}, on tensor cores; \`redo\` says which blocks that one has to do again. */`,
      `__global__ void __launch_bounds__(${threads}, 2) ${name}(const __grid_constant__ launch::Work<${givenType}> work) {`,
      ...[...spots.used].map((argument) => `  const auto ${argument} = work.given.${argument};`),
      ...[...layout.tiles].map(
        ([value, { rows, columns }]) => `  using ${types.get(value)} = tiles::Tile<${rows}, ${columns}>;`,
      ),
      '  char *const shared = ptx::sharedMemory();',
      '  const uint32_t base = ptx::sharedAddress(shared);',
      '  const int64_t turn = blockIdx.x;',
      ...lines.map(indented),
      '}',
    ],
  }
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

function printAll(items: readonly Item[], at: Warp): void {
  for (const item of items) {
    const tile = item.kind === 'define' ? at.sheet.layout.tiles.get(item.to.name) : undefined
    if (tile) at.spot.block.line(copyOf(tile, at, rowsOf(tile, at)))
    else if (item.kind === 'repeat' && item.loop.over.kind === 'tiles') printTileLoop(item, at)
    else printItems([item], at)
  }
}

/** The rows of a tile that stays: those of the block, or all of an axis. */
const rowsOf = (tile: TileOf, { spot }: Warp): AxisSpot =>
  spot.axes.get(tile.major) ?? {
    single: false,
    first: atom('0'),
    count: atom(String(spot.sheet.program.sizes[tile.major] ?? 1)),
    inner: undefined,
  }

/** Where tiles lie: those that stay first, then those of each loop in the same place. */
function roomOf({ items, tiles }: Layout): { readonly at: ReadonlyMap<string, number>; readonly bytes: number } {
  const at = new Map<string, number>()
  const put = (list: readonly Item[], from: number): number => {
    let end = from
    for (const item of list) {
      const tile = item.kind === 'define' ? tiles.get(item.to.name) : undefined
      if (!tile) continue
      at.set(tile.value.name, end)
      end = ceilTo(end + tile.rows * tile.columns * 2, 1024)
    }
    return end
  }
  const kept = put(items, 0)
  const ends = items.map((item) => (item.kind === 'repeat' ? put(item.body, kept) : kept))
  return { at, bytes: Math.max(kept, ...ends) }
}
