/** The error of a `solve`: every t at which f may be 0 is allowed. */
import type { Solve } from '../ir.ts'
import { dense, expand, mapValues, type Value } from './array.ts'
import { largest } from './bisect.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { bindVariable, evaluate } from './evaluate.ts'
import { combineNames, type ErrorOf, totalVariance } from './names.ts'

export function solveErrors(e: Solve, context: Context, state: ErrorState): ErrorOf {
  const shape = shapeOf(context, e.axes)
  const flat = (value: Value) => expand(value, e.axes, shape)
  const t = flat(evaluate(e, context))
  const ends = [e.lo, e.hi].map((end) => ({
    x: flat(evaluate(end, context)),
    b: flat(errorOf(end, context, state).hard),
  }))
  const [lo, hi] = [ends[0]!.x.map((x, k) => x - ends[0]!.b[k]!), ends[1]!.x.map((x, k) => x + ends[1]!.b[k]!)]
  /** The largest t at which f and `sign` times its bound is not negative. */
  const edge = (sign: number) =>
    largest(
      lo,
      hi,
      (guess) => {
        const inner = bindVariable(context, e.variable, dense(e.axes, shape, guess))
        const bound = flat(errorOf(e.of, inner, state).hard)
        return flat(evaluate(e.of, inner)).map((f, k) => Number(f + sign * bound[k]! >= 0))
      },
      t,
    )
  const [low, high] = [edge(-1), edge(1)]
  const { roundoff } = state.arithmetic
  const hard = t.map((x, k) => {
    if (Number.isNaN(x)) return Number.NaN
    const apart = Math.max(high[k] === x ? 0 : high[k]! - x, low[k] === x ? 0 : x - low[k]!)
    return Number.isFinite(x) ? apart + Math.max(roundoff, 2 ** -23) * Math.abs(x) : apart
  })
  return { ...slopeErrors(e, t, hard, context, state), hard: dense(e.axes, shape, hard) }
}

/** To first order the error of t is that of f over f's slope (implicit function theorem); at most the hard bound. */
function slopeErrors(e: Solve, t: Float64Array, hard: Float64Array, context: Context, state: ErrorState): ErrorOf {
  const shape = shapeOf(context, e.axes)
  const at = (x: Float64Array) => bindVariable(context, e.variable, dense(e.axes, shape, x))
  const move = t.map((x) => 1e-4 * Math.max(Math.abs(x), 1e-3))
  const f = (sign: number) => expand(evaluate(e.of, at(t.map((x, k) => x + sign * move[k]!))), e.axes, shape)
  const [above, below] = [f(1), f(-1)]
  const slope = t.map((_, k) => (2 * move[k]!) / (above[k]! - below[k]!))
  const usable = slope.map((s) => (Number.isFinite(s) ? -s : 0))
  const here = at(t)
  const error = errorOf(e.of, here, state)
  const variance = expand(
    totalVariance(error, e.axes, here, () => false),
    e.axes,
    shape,
  )
  const own = t.map((x, k) => {
    const rounding = (2 ** -23 * x) ** 2 / 3
    const fallback = Number.isFinite(hard[k]!) ? hard[k]! ** 2 : 0
    return usable[k] === 0 ? fallback : Math.min(usable[k]! ** 2 * variance[k]!, fallback) + rounding
  })
  const over = (data: Float64Array) => dense(e.axes, shape, data)
  return {
    hard: over(hard),
    variance: over(own.map((x) => (Number.isNaN(x) ? 0 : x))),
    named: combineNames([error], [over(usable)], e.axes, shape),
    ambiguous: mapValues(e.axes, shape, [error.ambiguous], (x) => x),
  }
}
