/** What is read rather than calculated: scalars of a block, and the extremes of tensors over a tile. */
import { call, children, type Expr } from '../ir.ts'
import {
  indexRef,
  type KernelExpr,
  type Load,
  type Statement,
  type Value,
  type ValueAxis,
  valueRef,
} from '../kernel.ts'
import type { Op } from '../ops.ts'
import { createElements, type Surroundings } from './elements.ts'
import { isFormula } from './resolve.ts'
import { createSearches, type Reach } from './search.ts'
import { tileIndex } from './table-kernels.ts'
import type { Tables, TileFold } from './tables.ts'

export interface LeafContext extends Surroundings {
  readonly column: string
  readonly tables: Tables
}
export interface Leaves {
  readonly varying: (e: Expr) => readonly string[]
  /** A scalar of the block, or an expression whose extremes over the tile must be read; undefined: neither. */
  readonly kindOf: (e: Expr) => 'point' | 'fold' | undefined
  readonly point: (e: Expr) => KernelExpr
  readonly fold: (e: Expr, op: TileFold) => KernelExpr
  /** Whether one of an f32 expression's values over the tile is NaN. */
  readonly anyNaN: (e: Expr) => KernelExpr
  /** Where along the column a `fold` of one index a block otherwise can lie above or below a bound, or be true. */
  readonly reachOf: (e: Expr) => Reach | undefined
  readonly emit: (statement: Statement, late: boolean) => void
  readonly before: readonly Statement[]
  readonly inside: readonly Statement[]
}

export function createLeaves(context: LeafContext): Leaves {
  const { column, extent, tables } = context
  const before: Statement[] = []
  const inside: Statement[] = []
  const made = new Map<string, Value>()
  const place = (statement: Statement, of: Expr): number => (of.axes.includes(column) ? inside : before).push(statement)
  const { varying, element } = createElements(context, place)

  function kindOf(e: Expr): 'point' | 'fold' | undefined {
    if (!isExact(e)) return undefined
    const axes = varying(e)
    if (axes.length === 0) return 'point'
    const isRead = e.kind === 'input' || e.kind === 'at'
    return isRead || (axes.length === 1 && readsTensor(e, varying)) ? 'fold' : undefined
  }

  function once(key: string, make: () => Statement & { readonly to: Value }, of: Expr): Value {
    const known = made.get(key)
    if (known) return known
    const statement = make()
    place(statement, of)
    made.set(key, statement.to)
    return statement.to
  }

  /** Folds one axis after the other; the column's own in a table, where no other tile is concerned. */
  function fold(e: Expr, op: TileFold, name = `${op}_${nameOf(e)}`): KernelExpr {
    const inTable = hasTable(e)
    const start = inTable ? entryOf(e, op, name) : element(e)
    const axes = inTable ? e.axes.filter((axis) => extent(axis) === 'whole') : varying(e).toReversed()
    return axes.reduce((of, axis, n) => {
      const rest = axes.slice(n + 1).map((other): ValueAxis => ({ axis: other, extent: extent(other) ?? 'tile' }))
      const key = `${op} ${axis} ${context.number(e)}`
      const make = (): Statement & { readonly to: Value } => ({
        kind: 'reduce',
        to: { name: context.newName(`${name}_${axis}`), type: of.type, axes: rest },
        of,
        over: axis,
        op,
        where: undefined,
      })
      return valueRef(once(key, make, e))
    }, start)
  }

  const hasTable = (e: Expr): boolean =>
    varying(e).includes(column) && e.axes.every((axis) => axis === column || extent(axis) !== 'tile')
  const tableOf = (e: Expr, op: TileFold, name: string) => tables.fold(e, op, column, context.tile(column) ?? 1, name)

  /** The entry of the current tile, one for each index of an axis that is held whole. */
  function entryOf(e: Expr, op: TileFold, name: string): KernelExpr {
    const make = (): Load => {
      const { buffer, tiles, tile } = tableOf(e, op, name)
      const index = Object.fromEntries(
        buffer.axes.map((axis) => [axis, axis === tiles ? tileIndex(column, tile) : indexRef(axis)]),
      )
      const axes = e.axes
        .filter((axis) => extent(axis) === 'whole')
        .map((axis): ValueAxis => ({ axis, extent: 'whole' }))
      const to: Value = { name: context.newName(name), type: e.type, axes }
      return { kind: 'load', to, buffer: buffer.name, index, outside: 'never' }
    }
    return valueRef(once(`${op} of tiles ${context.number(e)}`, make, e))
  }

  const anyNaN = (e: Expr): KernelExpr => fold(call('ne', [e, e]), 'any', `nan_${nameOf(e)}`)

  const search = createSearches({ sizes: context.sizes, newName: context.newName, tables, emit: (s) => before.push(s) })
  function reachOf(e: Expr): Reach | undefined {
    const isPlain = kindOf(e) === 'fold' && hasTable(e) && e.axes.every((axis) => axis === column || !extent(axis))
    return isPlain ? search((op) => tableOf(e, op, `${op}_${nameOf(e)}`)) : undefined
  }

  const emit: Leaves['emit'] = (statement, late) => void (late ? inside : before).push(statement)
  return { varying, kindOf, point: element, fold, anyNaN, reachOf, emit, before, inside }
}

/** The first tensor in it, to name its extremes by. */
function nameOf(e: Expr): string {
  if (e.kind === 'input') return e.name
  for (const child of children(e)) {
    const name = nameOf(child)
    if (name) return name
  }
  return ''
}

function readsTensor(e: Expr, varying: (e: Expr) => readonly string[]): boolean {
  if (e.kind === 'input' || e.kind === 'at') return varying(e).length > 0
  return children(e).some((child) => readsTensor(child, varying))
}

/** Operations on f32 that have one value on every target, however they are compiled: none of them rounds. */
const exactOps: readonly Op[] = ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'int', 'min', 'max', 'select']

const exact = new WeakMap<Expr, boolean>()
/** Whether a value computed once for a tile is the same, to the bit, as the one computed for each element. */
export function isExact(e: Expr): boolean {
  const known = exact.get(e)
  if (known !== undefined) return known
  const readsOther = e.kind === 'at' && e.of.kind !== 'input'
  const rounds = e.kind === 'call' && e.type === 'f32' && !exactOps.includes(e.op)
  const out = isFormula(e) && !readsOther && !rounds && children(e).every(isExact)
  exact.set(e, out)
  return out
}
