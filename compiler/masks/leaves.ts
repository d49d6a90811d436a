/** What is read rather than calculated: scalars of a block, and the extremes of tensors over a tile. */
import type { Expr } from '../ir.ts'
import { children } from '../ir.ts'
import {
  indexRef,
  type KernelExpr,
  paramRef,
  type Reduce,
  type Statement,
  sizeRef,
  type Value,
  type ValueAxis,
  valueRef,
} from '../kernel.ts'
import type { Op } from '../ops.ts'
import { isFormula } from './resolve.ts'
import { float, int, no, scalar, yes } from './scalar.ts'

export interface LeafContext {
  readonly column: string
  readonly extent: (axis: string) => 'tile' | 'whole' | undefined // undefined: a single index
  readonly sizes: Readonly<Record<string, number>>
  readonly newName: (hint: string) => string
  readonly number: (e: Expr) => number
}
export interface Leaves {
  readonly varying: (e: Expr) => readonly string[]
  /** A scalar of the block, or an expression whose extremes over the tile must be read; undefined: neither. */
  readonly kindOf: (e: Expr) => 'point' | 'fold' | undefined
  readonly point: (e: Expr) => KernelExpr
  readonly fold: (e: Expr, op: Reduce['op']) => KernelExpr
  /** Whether one of an f32 expression's values over the tile is NaN. */
  readonly anyNaN: (e: Expr) => KernelExpr
  readonly before: readonly Statement[]
  readonly inside: readonly Statement[]
}

export function createLeaves(context: LeafContext): Leaves {
  const before: Statement[] = []
  const inside: Statement[] = []
  const made = new Map<string, Value>()
  const varying = (e: Expr): readonly string[] => e.axes.filter((axis) => context.extent(axis))
  const place = (e: Expr, statement: Statement): number =>
    (e.axes.includes(context.column) ? inside : before).push(statement)

  function kindOf(e: Expr): 'point' | 'fold' | undefined {
    const axes = varying(e)
    if (axes.length > 1 || !isExact(e)) return undefined
    if (axes.length === 0) return 'point'
    return readsTensor(e, varying) ? 'fold' : undefined
  }

  function value(
    e: Expr,
    key: string,
    hint: string,
    make: (name: string) => Statement & { readonly to: Value },
  ): Value {
    const id = `${key} ${context.number(e)}`
    const known = made.get(id)
    if (known) return known
    const statement = make(context.newName(hint))
    place(e, statement)
    made.set(id, statement.to)
    return statement.to
  }

  function element(e: Expr): KernelExpr {
    switch (e.kind) {
      case 'const':
        return e.type === 'bool'
          ? e.value
            ? yes
            : no
          : e.type === 'i32'
            ? int(Number(e.value))
            : float(Number(e.value))
      case 'index':
        return indexRef(e.axis)
      case 'size':
        return sizeOf(e.axis)
      case 'param':
        return paramRef(e.name, e.type)
      case 'call':
        return scalar(e.op, ...e.args.map(element))
      default:
        return valueRef(load(e))
    }
  }

  const sizeOf = (axis: string): KernelExpr => {
    const fixed = context.sizes[axis]
    return fixed === undefined ? sizeRef(axis) : int(fixed)
  }

  function load(e: Expr): Value {
    const of = e.kind === 'at' ? e.of : e
    const places = e.kind === 'at' ? e.places : []
    const name = of.kind === 'input' ? of.name : ''
    const own = of.axes.filter((axis) => !places.some((p) => p.axis === axis)).map((axis) => [axis, indexRef(axis)])
    const moved = places.map((p) => [p.axis, element(unclamped(p.index))])
    const axes = varying(e).map((axis): ValueAxis => ({ axis, extent: context.extent(axis) ?? 'tile' }))
    return value(e, 'load', name, (to) => ({
      kind: 'load',
      to: { name: to, type: e.type, axes },
      buffer: name,
      index: Object.fromEntries([...own, ...moved]) as Readonly<Record<string, KernelExpr>>,
      outside: moved.length > 0 ? 'clamp' : 'never',
    }))
  }

  function reduce(e: Expr, op: Reduce['op'], key: string, of: KernelExpr): KernelExpr {
    const [axis = ''] = varying(e)
    const hint = `${key}_${nameOf(e)}_${axis}`
    const type = of.type
    return valueRef(
      value(e, key, hint, (to) => ({
        kind: 'reduce',
        to: { name: to, type, axes: [] },
        of,
        over: axis,
        op,
        where: undefined,
      })),
    )
  }

  const anyNaN = (e: Expr): KernelExpr => {
    const x = element(e)
    return reduce(e, 'any', 'nan', scalar('ne', x, x))
  }
  return { varying, kindOf, point: element, fold: (e, op) => reduce(e, op, op, element(e)), anyNaN, before, inside }
}

/** The clamp that `resolveMask` wrote, which the load does itself. */
function unclamped(e: Expr): Expr {
  const inner =
    e.kind === 'call' && e.op === 'max' && e.args[0]?.kind === 'const' && e.args[0].value === 0 ? e.args[1] : undefined
  return inner?.kind === 'call' && inner.op === 'min' && inner.args[0] ? inner.args[0] : e
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

/** Whether a value computed once for a tile is the same, to the bit, as the one computed for each element. */
export function isExact(e: Expr): boolean {
  if (!isFormula(e)) return false
  if (e.kind === 'at' && e.of.kind !== 'input') return false
  const inexact = e.kind === 'call' && e.type === 'f32' && !exactOps.includes(e.op)
  return !inexact && children(e).every(isExact)
}
