/** Holds the classes of a mask against each of its places. */
import fc from 'fast-check'
import type { Expr } from '../compiler/ir.ts'
import { type Classified, classesFor, type Evaluated, evaluateClasses, fillTables } from '../compiler/masks/evaluate.ts'
import { type ScalarLaunch as MaskLaunch, tilesOf } from '../compiler/masks/scalar-run.ts'
import { admission, roundings } from './masks-programs.ts'

export interface Count {
  tiles: number
  partial: number
  needless: number // partial, though all or none of their places are admitted
  loose: number // visited, though no place is admitted in them and all before, or all after
}
export const none = (): Count => ({ tiles: 0, partial: 0, needless: 0, loose: 0 })
export interface TileSizes {
  readonly i: number
  readonly j: number
  readonly h?: number
}
const tileSize = fc.integer({ min: 1, max: 4 })
export const tileSizes = fc.record({ i: tileSize, j: tileSize, h: tileSize })

/** How a block holds heads: one, a tile of them, all. */
export type Heads = 'single' | 'tiled' | 'whole'

export function classesOf(mask: Expr, tile: TileSizes = { i: 2, j: 2 }, heads: Heads = 'single'): Classified {
  const others = { single: {}, tiled: { tiled: ['h'] }, whole: { whole: ['h'] } }[heads]
  const sizes: Readonly<Record<string, number>> = { h: 1, ...tile }
  return classesFor(mask, {}, { row: 'i', column: 'j', ...others, tile: (axis) => sizes[axis]! })
}

/** Every claim about every tile against every pair, however a kernel rounds. */
export function checkAll(mask: Expr, launch: MaskLaunch, tile: TileSizes, count: Count, heads: Heads = 'single'): void {
  const { classes, tables } = classesOf(mask, tile, heads)
  const { h: single = 0, ...others } = launch.single
  const headTiles = { single: [[single, single] as const], tiled: tilesOf(launch.sizes.h!, tile.h ?? 1) }
  const blocks = heads === 'whole' ? [[0, launch.sizes.h! - 1] as const] : headTiles[heads]
  const [rows, columns] = [tilesOf(launch.sizes.i!, tile.i), tilesOf(launch.sizes.j!, tile.j)]
  for (const rounding of roundings) {
    const isLast = rounding === roundings.at(-1)
    const placed = heads === 'single' ? launch : { ...launch, single: others }
    const filled = fillTables(tables, { ...placed, round: rounding.ofClasses })
    const isAdmitted = admission(mask, launch, rounding)
    for (const h of blocks) {
      for (const i of rows) {
        const tiles = { i, ...(heads === 'tiled' ? { h } : {}) }
        const found = evaluateClasses(classes, tiles, 'j', columns, filled)
        const own = isLast ? count : none()
        const live = columns.map((j, n) => checkTile(found[n]!, { h, i, j }, isAdmitted, own))
        own.loose += countLoose(live, columns, found[0])
      }
    }
  }
}

/** Tiles of a row within the loop's bounds that lie before or after all that have something admitted. */
function countLoose(
  live: readonly boolean[],
  columns: readonly (readonly [number, number])[],
  { from = 0, to = Infinity }: Pick<Evaluated, 'from' | 'to'> = { from: 0, to: 0 },
): number {
  const [first, last] = [live.indexOf(true), live.lastIndexOf(true)]
  const outside = columns.filter((_, n) => first < 0 || n < first || n > last)
  return outside.filter((j) => from < to && j[1] >= from && j[0] < to).length
}

/** Whether anything in the tile is admitted. */
function checkTile(
  { full, empty, from = 0, to = Infinity }: Evaluated,
  tiles: Readonly<Record<'h' | 'i' | 'j', readonly [number, number]>>,
  isAdmitted: (h: number, i: number, j: number) => boolean,
  count: Count,
): boolean {
  let [some, all] = [0, 0]
  const [first, last] = tiles.j
  for (let h = tiles.h[0]; h <= tiles.h[1]; h++) {
    for (let i = tiles.i[0]; i <= tiles.i[1]; i++) {
      for (let j = first; j <= last; j++) {
        const isInside = from <= j && j < to
        if (isInside) all++
        if (!isAdmitted(h, i, j)) continue
        some++
        if (!isInside) throw new Error(`admitted column ${j} of row ${i} is outside [${from}, ${to})`)
      }
    }
  }
  if (empty && some > 0) throw new Error(`empty tile ${JSON.stringify(tiles)} admits ${some} places`)
  if (full && some < all) throw new Error(`full tile ${JSON.stringify(tiles)} lacks ${all - some} places`)
  const isPartial = !full && !empty && last >= from && first < to
  count.tiles++
  if (isPartial) count.partial++
  if (isPartial && (some === 0 || some === all)) count.needless++
  return some > 0
}
