/** Conditions: a branch becomes a guard; a comparison with zero loses its positive statistics. */
import { call, type Expr, f32 } from '../ir.ts'
import { conjunction, guarded, renderLinear, renderTerm, type Sum, type Term } from './algebra.ts'
import { conditionsOf, extremeOf } from './extremes.ts'
import { isSurelyPositive, isZero, type PullScope, singleTerm } from './pull-scope.ts'

const none: ReadonlyMap<Expr, number> = new Map()

export function createConditions(scope: PullScope) {
  const { names, expand, expandUnder, hasStatistic, isRow, settle } = scope
  const positive = (e: Expr): boolean => isSurelyPositive(e, scope)

  const selectOf = (c: Expr, x: Expr, y: Expr): Sum | undefined => {
    const parts = conditionsOf(c).map((part) =>
      !hasStatistic(part) ? [part] : isRow(part) ? [settle(part)] : (atExtreme(part) ?? freeConditions(part)),
    )
    const conditions = parts.every((part) => part !== undefined) ? parts.flat() : undefined
    if (!conditions || (!scope.distribute && hasStatistic(x) && !isZero(y))) return undefined
    const under = (sum: Sum, guards: readonly Expr[]): Sum => sum.map((t) => guards.reduce(guarded, t))
    const taken = under(expandUnder(x, conditions), conditions)
    if (isZero(y)) return taken
    // Not (a and b) as two cases that exclude each other: not a; a and not b.
    const others = conditions.map((last, k) => [...conditions.slice(0, k), names.intern(call('not', [last]))])
    return [...taken, ...others.flatMap((guards) => under(expandUnder(y, guards), guards))]
  }
  /**
   * A comparison of a single term with zero, as conditions that hold together: the signs of its statistics, per row, and of the rest,
   * without statistics. exp(x) > 0 says x > -inf. A statistic that is NaN makes the row's condition false, as it makes the comparison.
   */
  const freeConditions = (c: Expr): readonly Expr[] | undefined => {
    if (c.kind !== 'call' || (c.op !== 'lt' && c.op !== 'le')) return undefined
    const [left, right] = c.args as [Expr, Expr]
    const other = isZero(left) ? right : isZero(right) ? left : undefined
    if (other?.type !== 'f32') return undefined
    const t = singleTerm(expand(other))
    if (!t) return undefined
    const statistics = [...t.factors.keys()].filter((f) => hasStatistic(f))
    if (!statistics.every((f) => isRow(f) && positive(f))) return undefined
    const signs = statistics.map((f) => call('lt', [f32(0), f]))
    const rest: Term = {
      ...t,
      coefficient: Math.sign(t.coefficient),
      factors: new Map([...t.factors].filter(([f]) => !statistics.includes(f))),
      exponent: none,
    }
    const parts = (wanted: boolean): ReadonlyMap<Expr, number> =>
      new Map([...t.exponent].filter(([x]) => hasStatistic(x) === wanted))
    const exponents = [parts(true), parts(false)]
      .filter((x) => x.size > 0)
      .map((x) => call('lt', [f32(-Infinity), renderLinear(x)]))
    const isPositive = rest.factors.size === 0
    const isTrue = isPositive && isZero(left) === t.coefficient > 0
    if (isPositive && !isTrue) return undefined
    const sign = isPositive ? [] : [call(c.op, isZero(left) ? [f32(0), renderTerm(rest)] : [renderTerm(rest), f32(0)])]
    return [...signs, ...exponents, ...sign].map(names.intern)
  }

  /** `x == max x`, where that maximum is a reference: whether the element is at it. */
  const atExtreme = (c: Expr): readonly Expr[] | undefined => {
    const found = extremeOf(c, scope.streams)
    if (!found || hasStatistic(found.x)) return undefined
    scope.extremes.push(found)
    const shift = scope.shifts.find((s) => s.x === found.x && s.kind === found.kind && s.domain === found.domain)
    return shift && [shift.isAt]
  }
  const settleCondition = (c: Expr): Expr =>
    names.intern(conjunction(conditionsOf(c).map((part) => atExtreme(part)?.[0] ?? settle(part))))

  return { selectOf, settleCondition }
}
