/** Sums, products, powers and functions that let a positive factor through. */
import { call, children, type Expr, f32 } from '../ir.ts'
import { factor, number, power, product, renderSum, renderTerm, type Sum, type Term, times } from './algebra.ts'
import { isSurelyNonNegative, isSurelyPositive, type PullScope, singleTerm } from './pull-scope.ts'

const maxTerms = 24

export function createProducts(scope: PullScope, rowScaled: (sum: Sum, e: Expr) => Sum) {
  const { names, expand, hasStatistic, isOpen, isRow, shiftOf } = scope
  const positive = (e: Expr): boolean => isSurelyPositive(e, scope)

  const multiply = (a: Sum, b: Sum, e: Expr): Sum | undefined => {
    const many = a.length > 1 && b.length > 1
    noteCentred(a)
    noteCentred(b)
    if (a.length * b.length > maxTerms || (many && !scope.distribute)) return undefined
    if (!distributes(a, b, e)) return undefined
    const out = product(a, b, names)
    return many && out.some(isStuck) ? undefined : out
  }
  /** Without leave to distribute, a sum that mixes pairs with statistics stays whole. */
  const distributes = (a: Sum, b: Sum, e: Expr): boolean =>
    scope.distribute || isRow(e) || [a, b].every((sum) => sum.length <= 1)

  const add = (e: Expr, a: Sum, b: Sum): Sum | undefined => {
    if (!hasStatistic(e) && !shiftInside(e)) return isPlainSum(a, b) ? [factor(e)] : [...a, ...b]
    const all = [...a, ...b]
    return all.length > maxTerms ? undefined : all
  }
  const isPlainSum = (a: Sum, b: Sum): boolean => [...a, ...b].every((t) => t.exponent.size === 0)
  const shiftInside = (e: Expr): boolean => shiftOf(e) !== undefined || (isOpen(e) && children(e).some(shiftInside))
  const noteCentred = (all: Sum): void => {
    const pairs = all.filter((t) => [...t.factors.keys()].some((f) => !isRow(f)))
    const rows = all.filter((t) => !pairs.includes(t) && [...t.factors.keys()].some(hasStatistic))
    if (rows.length === 0) return
    for (const t of pairs) {
      const [only, ...more] = [...t.factors].filter(([f]) => !isRow(f))
      if (only && more.length === 0 && only[1] === 1 && t.exponent.size === 0 && !hasStatistic(only[0]))
        scope.centred.add(only[0])
    }
  }

  const root = (a: Expr, p: number, e: Expr): Sum | undefined => {
    const sum = rowScaled(expand(a), a)
    const t = singleTerm(sum)
    // A factor of 0 has 0 as its root; its reciprocal, infinite, is that of the root.
    if (t && t.coefficient > 0 && [...t.factors.keys()].every((f) => isSurelyNonNegative(f, scope)))
      return [power(t, p)]
    // A difference of moments may come out a little below zero.
    const whole = renderSum(expand(a), names)
    const safe = scope.isNonNegative(a) ? call('max', [whole, f32(0)]) : whole
    return e.kind === 'call' ? [factor(names.intern(call(e.op, [safe])))] : undefined
  }
  const powOf = (a: Expr, b: Expr): Sum | undefined => {
    if (b.kind !== 'const' || typeof b.value !== 'number') return undefined
    const sum = expand(a)
    const n = b.value
    const whole = b.type === 'i32'
    const t = singleTerm(sum)
    if (t && (whole || (t.coefficient > 0 && [...t.factors.keys()].every(positive)))) return [power(t, n)]
    if (!whole || n < 1 || n > 4 || !scope.distribute) return undefined
    noteCentred(sum)
    const out = Array.from({ length: n - 1 }).reduce<Sum>((x) => product(x, sum, names), sum)
    return out.some(isStuck) ? undefined : out
  }

  /** Does a term still hold a statistic that varies along the stream, so that multiplying out has freed nothing? */
  const isStuck = (t: Term): boolean =>
    [...t.factors.keys(), ...t.exponent.keys()].some((x) => hasStatistic(x) && !isRow(x))

  /** f(c x) = c f(x) for c > 0, and f(x) = x where x >= 0. */
  const homogeneous = (a: Expr, f: (x: Expr) => Expr): Sum | undefined => {
    const t = singleTerm(expand(a))
    if (t && t.coefficient > 0 && [...t.factors].every(([x, p]) => p % 2 === 0 || positive(x))) return [t]
    const split = positivePart(a)
    return split && [times(split.pulled, factor(names.intern(f(split.rest))))]
  }
  const unscaled = (a: Expr, f: (x: Expr) => Expr): Sum | undefined => {
    const split = positivePart(a)
    return split && [factor(names.intern(f(split.rest)))]
  }
  /** The positive statistics of a single term, and what they multiply. */
  const positivePart = (a: Expr): { pulled: Term; rest: Expr } | undefined => {
    const t = singleTerm(expand(a))
    if (!t) return undefined
    const isPulled = (f: Expr) => hasStatistic(f) && isRow(f) && positive(f)
    const pulled: Term = {
      ...number(1),
      factors: new Map([...t.factors].filter(([f]) => isPulled(f))),
      exponent: new Map([...t.exponent].filter(([f]) => hasStatistic(f) && isRow(f))),
    }
    const rest: Term = {
      ...t,
      factors: new Map([...t.factors].filter(([f]) => !isPulled(f))),
      exponent: new Map([...t.exponent].filter(([f]) => !(hasStatistic(f) && isRow(f)))),
    }
    // An element relative to a running reference must not go below a function: its state could not follow.
    const isRelative = [...rest.factors.keys(), ...rest.exponent.keys()].some((x) =>
      scope.shifts.some((s) => s.difference === x),
    )
    return isRelative ? undefined : { pulled, rest: names.intern(renderTerm(rest)) }
  }

  return { add, multiply, noteCentred, root, powOf, homogeneous, unscaled }
}
