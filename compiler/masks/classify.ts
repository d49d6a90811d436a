/**
 * The classes of a mask's tiles, as scalar code: at run time a tile is empty (skipped), full (the mask is not evaluated) or neither.
 * `j <= i` -> empty: `first_j > last_i`, full: `last_j <= first_i`, to: `last_i + 1`
 *
 * Both claims are true whatever the data: NaN, wrapping integers, rounding and gathers out of range make a tile partial at worst.
 * Scores, random numbers, folds and tensors over both token axes are unknown. Three-valued logic after Kleene.
 */
import type { Expr } from '../ir.ts'
import type { KernelExpr, Statement } from '../kernel.ts'
import { createRanges, type RangeFacts } from '../range.ts'
import { stretchOf } from './bounds.ts'
import { createLeaves, type LeafContext, type Leaves } from './leaves.ts'
import { createNumbersOver, type Numbers, type NumbersContext, type Truth } from './numbers.ts'
import { type Opened, type QuantifierContext, quantified } from './quantifier.ts'
import { resolveMask } from './resolve.ts'
import { no } from './scalar.ts'
import { definedBy, readsColumn, share } from './share.ts'
import type { Tables } from './tables.ts'
import { truthOf } from './truth.ts'

/** Where a block stands. Any axis that is not named is a single index. */
export interface MaskPlace {
  readonly row: string // tiled, and outside the loop
  readonly column: string // tiled; `inside` is the head of the loop over its tiles
  readonly tiled?: readonly string[] // others of which a block holds a tile
  readonly whole?: readonly string[] // others of which it holds all
  readonly tile: (axis: string) => number // tiles of an axis start at multiples of it
  readonly fresh: (base: string) => string
}

export interface MaskClasses {
  readonly full: KernelExpr // bool, uniform: every pair of the tile is admitted
  readonly empty: KernelExpr // no pair of the tile is admitted
  readonly from: KernelExpr | undefined // every admitted column is in [from, to); not clipped to the axis
  readonly to: KernelExpr | undefined
  readonly before: readonly Statement[] // once per tile of rows
  readonly inside: readonly Statement[] // once per tile of columns
}

export type Classify = (mask: Expr, place: MaskPlace) => MaskClasses

/** The tables that masks read are asked of `tables`. */
export const createClassify =
  (facts: RangeFacts, tables: Tables): Classify =>
  (mask, place) =>
    classify(mask, place, facts, tables)

function classify(mask: Expr, place: MaskPlace, facts: RangeFacts, tables: Tables): MaskClasses {
  const { column, fresh: newName } = place
  const { context, numbers } = open(place, facts, tables)
  const { leaves, truth } = context
  const resolved = resolveMask(mask, tables.number)
  const stretch = stretchOf(resolved, true, context, numbers)
  const { full, empty } = truth(resolved)
  const shared = share(
    [full, empty, rowsOnly(stretch.from, column, leaves), rowsOnly(stretch.to, column, leaves)],
    leaves,
    column,
    newName,
  )
  const [isFull = no, isEmpty = no, from, to] = shared.roots
  return { full: isFull, empty: isEmpty, from, to, before: shared.before, inside: shared.inside }
}

function open(
  place: MaskPlace,
  facts: RangeFacts,
  tables: Tables,
): { readonly context: NumbersContext; readonly numbers: Numbers } {
  const { column, fresh: newName } = place
  const tiled = [place.row, column, ...(place.tiled ?? [])]
  const extent: LeafContext['extent'] = (axis) =>
    tiled.includes(axis) ? 'tile' : place.whole?.includes(axis) ? 'whole' : undefined
  const tile: LeafContext['tile'] = (axis) => (extent(axis) === 'tile' ? place.tile(axis) : undefined)
  const sizes = facts.sizes ?? {}
  const leafContext: LeafContext = { column, extent, tile, sizes, newName, number: tables.number, tables }
  const leaves = createLeaves(leafContext)
  const done = new Map<Expr, Truth>()
  const truth = (e: Expr): Truth => {
    const out = done.get(e) ?? truthOf(e, context, numbers)
    done.set(e, out)
    return out
  }
  const openInner = (): Opened => {
    const inner = open(place, facts, tables).context
    return { truth: inner.truth, before: inner.leaves.before, inside: inner.leaves.inside }
  }
  const { emit } = leaves
  const isSingle = (axis: string): boolean => extent(axis) === undefined
  const resolve = (e: Expr): Expr => resolveMask(e, tables.number)
  const quantifying: QuantifierContext = { open: openInner, newName, isSingle, resolve, emit, column }
  const context: NumbersContext = {
    ...leafContext,
    leaves,
    ranges: createRanges(facts),
    truth,
    quantified: (e) => quantified(e, quantifying),
  }
  const numbers = createNumbersOver(context)
  return { context, numbers }
}

/** A bound is for all columns: one that leans on the current tile of them says nothing. */
const rowsOnly = (e: KernelExpr | undefined, column: string, { inside }: Leaves): KernelExpr | undefined =>
  e && readsColumn(e, column, new Set(inside.flatMap(definedBy))) ? undefined : e
