/** Runs the scalar code of a mask's classes, to draw them and to test them. */

import { createNames } from '../fresh-names.ts'
import type { Expr } from '../ir.ts'
import type { KernelExpr } from '../kernel.ts'
import { own } from '../own.ts'
import type { RangeFacts } from '../range.ts'
import { createClassify, type MaskClasses, type MaskPlace } from './classify.ts'
import { createRun, type MaskInput, runKernel, type ScalarLaunch, type Tiles, tilesOf } from './scalar-run.ts'
import { createTables, type TableProgram } from './tables.ts'

export interface Classified {
  readonly classes: MaskClasses
  readonly tables: TableProgram
}

/** The classes of a mask as a program has them, with all tables that it asks for. */
export function classesFor(mask: Expr, facts: RangeFacts, place: Omit<MaskPlace, 'fresh'>): Classified {
  const names = createNames()
  const tables = createTables(names, (column) => `${column}_tiles`)
  const classes = createClassify(facts, tables)(mask, { ...place, fresh: names })
  return { classes, tables: tables.program(() => true, facts.sizes ?? {}) }
}

/** The launch with the tables filled. */
export function fillTables({ kernels, buffers, axes }: TableProgram, launch: ScalarLaunch): ScalarLaunch {
  const counts = axes.map(({ name, of, tile }) => [name, Math.ceil((own(launch.sizes, of) ?? 0) / tile)] as const)
  const sizes = { ...launch.sizes, ...Object.fromEntries(counts) }
  const into = Object.fromEntries(buffers.map(({ name }): [string, number[]] => [name, []]))
  const tables = buffers.map(({ name, axes }) => [name, { axes, data: own(into, name) ?? [] }] as const)
  const inputs: Readonly<Record<string, MaskInput>> = { ...launch.inputs, ...Object.fromEntries(tables) }
  const filled = { ...launch, sizes, inputs }
  for (const kernel of kernels) runKernel(kernel, filled, into)
  return filled
}

type Cuts = ReturnType<typeof tilesOf>
export type TileClass = 'empty' | 'full' | 'partial'
/** `columns`: those that a loop visits, which its bounds may cut; a tile that is cut is not full. */
export interface TileCell {
  readonly kind: TileClass
  readonly columns: number
}

/** The class of each tile, rows of tiles of `row` by tiles of `column`. A loop's bounds make a tile empty as well. */
export function tileCells(
  mask: Expr,
  facts: RangeFacts,
  launch: ScalarLaunch,
  tile: Readonly<Record<string, number>>,
  row = 'i',
  column = 'j',
): readonly (readonly TileCell[])[] {
  const place = { row, column, tile: (axis: string) => own(tile, axis) ?? 1 }
  const { classes, tables } = classesFor(mask, facts, place)
  const filled = fillTables(tables, launch)
  const [rows, columns] = [row, column].map((axis) => tilesOf(own(launch.sizes, axis) ?? 0, place.tile(axis))) as [
    Cuts,
    Cuts,
  ]
  return rows.map((at) => {
    const found = evaluateClasses(classes, { [row]: at }, column, columns, filled)
    return columns.map((cut, n) => cellOf(found[n] ?? nothing, cut))
  })
}
export const tileClasses = (...given: Parameters<typeof tileCells>): readonly (readonly TileClass[])[] =>
  tileCells(...given).map((row) => row.map(({ kind }) => kind))

export interface Evaluated {
  readonly full: boolean
  readonly empty: boolean
  readonly from: number | undefined
  readonly to: number | undefined
}

const nothing: Evaluated = { full: false, empty: false, from: undefined, to: undefined }

/**
 * Of each tile of the column, cut to the bounds of the loop as a kernel cuts it, beside one tile of rows and whatever else is tiled.
 * `launch`: with the tables filled.
 */
export function evaluateClasses(
  classes: MaskClasses,
  tiles: Tiles,
  column: string,
  columns: readonly (readonly [number, number])[],
  launch: ScalarLaunch,
): readonly Evaluated[] {
  const run = createRun(tiles, launch)
  const number = (e: KernelExpr | undefined): number | undefined => e && run.value(e, {})
  for (const statement of classes.before) run.define(statement)
  const [from, to] = [number(classes.from), number(classes.to)]
  return columns.map(([first, last]) => {
    const tile = [Math.max(first, from ?? first), Math.min(last, to === undefined ? last : to - 1)] as const
    if (tile[0] > tile[1]) return { full: false, empty: true, from, to }
    run.enter(column, tile)
    for (const statement of classes.inside) run.define(statement)
    return { full: number(classes.full) === 1, empty: number(classes.empty) === 1, from, to }
  })
}

function cellOf({ full, empty, from, to }: Evaluated, [first, last]: readonly [number, number]): TileCell {
  const columns = Math.min(last + 1, to ?? last + 1) - Math.max(first, from ?? first)
  if (empty || columns <= 0) return { kind: 'empty', columns: 0 }
  return { kind: full && columns === last + 1 - first ? 'full' : 'partial', columns }
}
