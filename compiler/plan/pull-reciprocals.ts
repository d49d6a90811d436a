/** Reciprocals: a sum of terms at different scales is taken relative to the largest, so that its own scale is never formed. */
import { call, type Expr } from '../ir.ts'
import {
  addWeights,
  exponential,
  factor,
  number,
  power,
  renderLinear,
  renderSum,
  type Sum,
  scaleWeights,
  type Term,
  times,
  weightsKey,
} from './algebra.ts'
import { finite, type PullScope, singleTerm } from './pull-scope.ts'

export function createReciprocals(scope: PullScope) {
  const { names, expand, hasStatistic, isRow } = scope

  const inverse = (e: Expr): Sum => {
    const sum = rowScaled(expand(e), e)
    noteDivisor(sum)
    const t = singleTerm(sum)
    if (t) return [power(t, -1)]
    return [power(factor(renderSum(sum, names)), -1)]
  }
  /** A row sum of several terms as one term: what they share times an opaque rest. */
  const rowScaled = (sum: Sum, e: Expr): Sum => {
    if (sum.length < 2 || !isRow(e) || sum.some((t) => t.guards.length > 0)) return sum
    const exponents = sum.map((t) => t.exponent)
    const powers = largestPowers(sum)
    const unpowered = sum.map((t) => times(t, { ...number(1), factors: scaleWeights(powers, -1) }))
    const outer: Term = { ...number(1), factors: powers }
    const keys = new Set(exponents.map((x) => weightsKey(x, names)))
    if (keys.size === 1) {
      const rest = unpowered.map((t) => ({ ...t, exponent: new Map<Expr, number>() }))
      return [
        times(times(outer, exponential(exponents[0] as ReadonlyMap<Expr, number>)), factor(renderSum(rest, names))),
      ]
    }
    if (!exponents.some((x) => [...x.keys()].some(hasStatistic)))
      return [times(outer, factor(renderSum(unpowered, names)))]
    const shared = new Map([...(exponents[0] ?? [])].filter(([x, w]) => exponents.every((other) => other.get(x) === w)))
    const own = exponents.map((x) => addWeights(x, shared, -1))
    const largest = names.intern(finite(own.map(renderLinear).reduce((x, y) => call('max', [x, y]))))
    const rest = unpowered.map((t, k) => ({
      ...t,
      exponent: addWeights(own[k] ?? t.exponent, new Map([[largest, 1]]), -1),
    }))
    return [
      times(times(outer, exponential(addWeights(shared, new Map([[largest, 1]])))), factor(renderSum(rest, names))),
    ]
  }
  /** Powers of multiplicative references shared out of a sum: those of its first term that has one. */
  const largestPowers = (sum: Sum): ReadonlyMap<Expr, number> => {
    const { isLargest } = scope
    const first = sum.find((t) => [...t.factors.keys()].some(isLargest))
    return new Map([...(first?.factors ?? [])].filter(([f]) => isLargest(f)))
  }
  const noteDivisor = (sum: Sum): void => {
    for (const t of sum) for (const f of t.factors.keys()) scope.divisors.add(f)
  }

  return { inverse, rowScaled, noteDivisor }
}
