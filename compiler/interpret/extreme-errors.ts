/** Errors of maxima and minima, and of comparisons with them. */
import type { Expr, Reduce } from '../ir.ts'
import { dense, elements, expand, type Value } from './array.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { addFlags, bodies, coefficientsOf, finishTotals, perResult, startTotals } from './fold-errors.ts'
import type { ErrorOf } from './names.ts'

/** Which interval the maximum lies in; as a random number it is the winner. */
export function extremeErrors(e: Reduce, context: Context, state: ErrorState): ErrorOf {
  const totals = startTotals(e, context)
  const sign = e.op === 'max' ? 1 : -1
  const [best, high, low, variance] = [
    perResult(totals, -Infinity),
    perResult(totals, -Infinity),
    perResult(totals, -Infinity),
    perResult(totals),
  ]
  for (const body of bodies(e, context, state)) {
    const { x, b, inside, open, target, named } = body
    const coefficients = named.map(([name, c]) => [coefficientsOf(totals, name), c] as const)
    addFlags(totals, body)
    for (let k = 0; k < x.length; k += 1) {
      const t = target[k]!
      const loose = open !== undefined && open[k] !== 0
      if (inside && inside[k] === 0 && !loose) continue
      const y = sign * x[k]!
      const reach = y === -Infinity && b[k] === 0 ? y : y + b[k]!
      high[t] = Math.max(high[t]!, reach)
      if (!loose) low[t] = Math.max(low[t]!, y - b[k]!)
      if ((inside && inside[k] === 0) || !(y > best[t]!)) continue
      best[t] = y
      variance[t] = body.variance[k]!
      for (const [sum, c] of coefficients) sum[t] = c[k]!
    }
  }
  const value = expand(evaluate(e, context), e.axes, totals.shape)
  const hard = high.map((h, t) => {
    if (Number.isNaN(value[t]!)) return Number.NaN
    const v = sign * value[t]!
    const l = low[t]!
    const bound = Math.max(h === v ? 0 : h - v, l === v ? 0 : v - l)
    return Number.isNaN(bound) ? Infinity : bound
  })
  return finishTotals(totals, hard, variance)
}

/** For each place of `axes` whether it certainly is, or is not, where the extreme of `of` is attained. */
export function extremeBounds(of: Expr, extreme: Reduce, axes: readonly string[], context: Context, state: ErrorState) {
  const sign = extreme.op === 'max' ? 1 : -1
  const rows = shapeOf(context, extreme.axes)
  const [first, second, floor] = [0, 0, 0].map(() => new Float64Array(elements(rows)).fill(-Infinity)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  for (const { x, b, inside, target } of bodies(extreme, context, state)) {
    target.forEach((t, k) => {
      if (inside && inside[k] === 0) return
      const reach = sign * x[k]! + b[k]!
      second[t] = Math.max(second[t]!, Math.min(first[t]!, reach))
      first[t] = Math.max(first[t]!, reach)
      floor[t] = Math.max(floor[t]!, sign * x[k]! - b[k]!)
    })
  }
  const shape = shapeOf(context, axes)
  const flat = (value: Value) => expand(value, axes, shape)
  const row = (data: Float64Array) => flat(dense(extreme.axes, rows, data))
  const [top, next, low] = [row(first), row(second), row(floor)]
  const [x, b] = [flat(evaluate(of, context)), flat(errorOf(of, context, state).hard)]
  const inside = extreme.domain ? flat(evaluate(extreme.domain, context)) : x.map(() => 1)
  const rival = (k: number) => (sign * x[k]! + b[k]! === top[k] ? next[k]! : top[k]!) // the furthest that any other reaches
  return {
    inside,
    wins: x.map((value, k) => Number(sign * value - b[k]! >= rival(k))),
    loses: x.map((value, k) => Number(sign * value + b[k]! < low[k]!)),
  }
}
