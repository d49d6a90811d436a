/** Reductions over axes that a block holds whole, or walks one by one. */
import { call, constant, type Expr, type Reduce, reduce } from '../ir.ts'
import { type KernelExpr, kernelCall, type Loop, type Value, valueRef } from '../kernel.ts'
import {
  factorsOf,
  foldWith,
  identityFor,
  identityOf,
  logSumExpOf,
  meanOf,
  multiply,
  oneAxisAtATime,
  plainOp,
} from './forms.ts'
import type { LoweringContext } from './lowering.ts'
import { NotLowered, type Scopes } from './scopes.ts'

export function createReductions(
  { define, newValue, emit, has, extentOf, nested, mapTo }: Scopes,
  context: LoweringContext,
  lower: (e: Expr) => KernelExpr,
  lowerToValue: (e: Expr, base: string) => Value,
) {
  const lowerReduce = (e: Reduce): KernelExpr => {
    const [axis, ...rest] = e.over
    if (axis === undefined) return lower(e.of)
    if (rest.length > 0) return lower(oneAxisAtATime(e))
    if (e.op === 'mean') return lower(meanOf(e))
    if (e.op === 'logsumexp') return lower(logSumExpOf(e))
    if (has(axis, 'tile')) throw new NotLowered(`a reduction over ${axis} inside its own tile`, e)
    if (has(axis, 'single')) throw new NotLowered(`a reduction over ${axis}, of which a block has one place`, e)
    return along(e, bodyOf(e), axis)
  }
  const bodyOf = (e: Reduce): Expr => {
    if (e.domain) return call('select', [e.domain, e.of, identityOf(e)])
    return e.op === 'count' ? constant(true, 'bool') : e.of
  }
  const along = (e: Reduce, body: Expr, axis: string): KernelExpr => {
    const canHold = !context.flat && context.sizes[axis] !== undefined
    const [first, second] = e.axes.filter((a) => extentOf(a) === 'tile')
    if (!canHold) return reduceByMembers(e, body, axis)
    if (first === undefined || second === undefined) return reduceWhole(e, body, axis)
    const product = e.op === 'sum' && e.type === 'f32' && sumOfProducts(e, factorsOf(body), axis, [first, second])
    if (product) return product
    return context.resident.has(axis) ? reduceWhole(e, body, axis) : reduceByMembers(e, body, axis)
  }
  const reduceWhole = (e: Reduce, body: Expr, axis: string): KernelExpr => {
    const of = lower(body)
    const to = define(newValue(context.hint(e) ?? e.op, e.type, e.axes, e))
    emit({ kind: 'reduce', to, of, over: axis, op: plainOp(e), where: undefined })
    return valueRef(to)
  }
  const reduceByMembers = (e: Reduce, body: Expr, axis: string): KernelExpr => {
    const held = define(newValue(context.hint(e) ?? e.op, e.type, e.axes, e))
    const { scope, value: next } = nested(new Map([[axis, 'single']]), () =>
      mapTo('next', foldWith(plainOp(e), valueRef(held), lower(body)), e),
    )
    const loop: Loop = {
      kind: 'loop',
      over: { kind: 'members', axis, direction: 'up' },
      carried: [{ value: held, initial: identityFor(plainOp(e), e.type), next: next.name }],
      body: scope.statements,
    }
    emit(loop)
    return valueRef(held)
  }

  /** A sum over pairs as a contraction of one side with the other, or as a smaller sum times what does not vary along it. */
  const sumOfProducts = (e: Reduce, factors: readonly Expr[], axis: string, pair: readonly [string, string]) => {
    const sides = sidesOf(factors, axis, pair, context.resident)
    if (sides) return contract(e, axis, sides)
    const inner = factors.filter((f) => f.axes.includes(axis))
    const outer = factors.filter((f) => !inner.includes(f))
    if (inner.length === 0 || outer.length === 0) return undefined
    return lower(call('mul', [reduce('sum', e.over, multiply(inner)), multiply(outer)]))
  }
  const contract = (e: Reduce, axis: string, { left, right, after }: Sides): KernelExpr => {
    const [a, b] = [lowerToValue(multiply(left), 'left'), lowerToValue(multiply(right), 'right')]
    const to = define(newValue(context.hint(e) ?? 'dot', 'f32', e.axes, e))
    emit({ kind: 'contract', to, left: a.name, right: b.name, over: axis, where: undefined })
    return after.length > 0 ? kernelCall('mul', valueRef(to), lower(multiply(after))) : valueRef(to)
  }

  return { lowerReduce }
}

interface Sides {
  readonly left: readonly Expr[]
  readonly right: readonly Expr[]
  readonly after: readonly Expr[] // per pair, and the same all along the axis
}
/**
 * The factors of a sum over `axis` as the sides of a contraction, both of which vary along it: rows with columns, or, where a block
 * holds all of the axis, what varies over pairs with the rest. What has neither side's axes goes left.
 */
function sidesOf(
  factors: readonly Expr[],
  axis: string,
  [first, second]: readonly [string, string],
  resident: ReadonlySet<string>,
): Sides | undefined {
  const isPair = (f: Expr): boolean => f.axes.includes(first) && f.axes.includes(second)
  const after = factors.filter((f) => !f.axes.includes(axis) && isPair(f))
  const inside = factors.filter((f) => !after.includes(f))
  const isMix = inside.some(isPair)
  const right = inside.filter(isMix ? isPair : (f) => f.axes.includes(second))
  const left = inside.filter((f) => !right.includes(f))
  const varies = [left, right].every((side) => side.some((f) => f.axes.includes(axis)))
  const isContraction = isMix ? resident.has(axis) : left.some((f) => f.axes.includes(first))
  return varies && isContraction ? { left, right, after } : undefined
}
