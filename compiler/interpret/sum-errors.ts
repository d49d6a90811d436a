/** Errors of sums, means and logsumexp. */
import type { FunctionError } from '../arithmetic.ts'
import type { Reduce } from '../ir.ts'
import { expand } from './array.ts'
import type { Context } from './context.ts'
import type { ErrorState } from './errors.ts'
import { evaluate, parts } from './evaluate.ts'
import {
  addFlags,
  addNames,
  type Body,
  bodies,
  bodyOf,
  finishTotals,
  perResult,
  startTotals,
  type Totals,
} from './fold-errors.ts'
import type { ErrorOf } from './names.ts'
import { addOperandErrors } from './operand-errors.ts'
import { addProducts, isPlainProduct } from './product-errors.ts'

/**
 * The sum of squares of partial sums, which a summation's roundings are proportional to: the larger of that in index order and that
 * of a random order, since a target may take any.
 */
const partials = (inOrder: number, n: number, sum: number, squares: number): number =>
  n < 2 ? 0 : Math.max(inOrder, (n * (squares - (sum * sum) / n)) / 6 + (n * sum * sum) / 3) * ((n - 1) / n)

/** Of each result of a sum. */
export interface Sums extends Totals {
  readonly size: Float64Array // sum of magnitudes, errors included
  readonly bound: Float64Array // sum of hard bounds
  readonly variance: Float64Array
  readonly partial: Float64Array // the sum so far
  readonly path: Float64Array // sum of squares of the sums so far
  readonly squares: Float64Array
  readonly loose: Float64Array // places of which it is uncertain whether they are in the domain
}

type Seven = [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]
const sevenZeros = (totals: Totals): Seven => [0, 0, 0, 0, 0, 0, 0].map(() => perResult(totals)) as Seven

export function sumErrors(e: Reduce, context: Context, state: ErrorState): ErrorOf {
  const totals = startTotals(e, context)
  const [size, bound, variance, partial, path, squares, loose] = sevenZeros(totals)
  const sums: Sums = { ...totals, size, bound, variance, partial, path, squares, loose }
  for (const part of parts(e, context)) {
    if (isPlainProduct(e, part, state)) addProducts(sums, part, state)
    else addTerms(sums, bodyOf(e, part, state))
    addOperandErrors(sums, part, state)
  }
  return finishSum(sums, context, state)
}

function addTerms(sums: Sums, body: Body): void {
  const { places, size, bound, variance, partial, path, squares, loose } = sums
  const { x, b, inside, open, target } = body
  addNames(sums, body)
  addFlags(sums, body)
  for (let k = 0; k < x.length; k += 1) {
    const t = target[k]!
    if (open && open[k] !== 0) {
      bound[t]! += Math.abs(x[k]!) + b[k]!
      variance[t]! += x[k]! * x[k]!
      loose[t]! += 1
    }
    if (inside && inside[k] === 0) continue
    places[t]! += 1
    size[t]! += Math.abs(x[k]!) + b[k]!
    bound[t]! += b[k]!
    variance[t]! += body.variance[k]!
    partial[t]! += x[k]!
    path[t]! += partial[t]! * partial[t]!
    squares[t]! += x[k]! * x[k]!
  }
}

function finishSum(sums: Sums, context: Context, state: ErrorState): ErrorOf {
  const { sumRoundoff, roundoff, largest, tiny } = state.arithmetic
  const { e, places: n, size, bound, variance, partial, path, squares, loose } = sums
  const value = expand(evaluate(e, context), e.axes, sums.shape)
  const hard = perResult(sums)
  for (let t = 0; t < hard.length; t += 1) {
    const v = value[t]!
    const isRounded = n[t]! > 1 && !Number.isNaN(size[t]!)
    const rounding = isRounded ? (n[t]! - 1) * (sumRoundoff * size[t]! + (size[t] === 0 ? 0 : tiny)) : 0
    hard[t] = settleSum(partial[t]!, bound[t]! + rounding, size[t]!, largest)
    variance[t]! += (sumRoundoff * sumRoundoff * partials(path[t]!, n[t]!, partial[t]!, squares[t]!)) / 3
    if (e.type !== 'f32') hard[t] = bound[t]!
    if (e.op === 'mean' && Number.isFinite(v) && n[t]! > 0) {
      const count = Math.max(n[t]! - loose[t]!, 1)
      const changed = loose[t] === 0 ? 0 : (loose[t]! * Math.abs(v)) / count
      hard[t] = hard[t]! / count + changed + roundoff * Math.abs(v) + (v === 0 ? 0 : tiny)
      variance[t] = variance[t]! / (n[t]! * n[t]!) + changed * changed + (roundoff * v) ** 2 / 3
    }
    if (!Number.isFinite(v)) variance[t] = 0
  }
  if (e.op === 'mean')
    for (const c of sums.named.values()) for (let t = 0; t < c.length; t += 1) c[t] = n[t] === 0 ? 0 : c[t]! / n[t]!
  return finishTotals(sums, hard, variance)
}

/** Sums of infinities are exact, whatever is finite beside them; partial sums may overflow before the whole does. */
export function settleSum(value: number, bound: number, size: number, largest: number): number {
  if (Number.isNaN(value)) return bound === Infinity ? Infinity : Number.NaN
  if (!Number.isFinite(value)) return Number.isNaN(bound) || bound !== Infinity || size === Infinity ? 0 : Infinity
  return size + bound <= largest ? bound : Infinity
}

const relativeOf = (f: FunctionError | undefined, x: number): number => {
  const relative = f?.relative ?? 8
  return typeof relative === 'number' ? relative : relative(x, 0)
}

/** 1-Lipschitz in the largest error; its own roundings are those of exp, of the sum, and of log at a sum between 1 and n. */
export function logSumErrors(e: Reduce, context: Context, state: ErrorState): ErrorOf {
  const { roundoff, sumRoundoff, tiny, largest, functions } = state.arithmetic
  const totals = startTotals(e, context)
  const value = expand(evaluate(e, context), e.axes, totals.shape)
  const n = totals.places
  const [up, down, variance, partial, path, squares, exps] = sevenZeros(totals)
  for (const body of bodies(e, context, state)) {
    const { x, b, inside, open, target } = body
    const share = x.map((value_, k) => (value_ === -Infinity ? 0 : Math.exp(value_ - value[target[k]!]!)))
    addNames(totals, body, share)
    addFlags(totals, body)
    for (let k = 0; k < x.length; k += 1) {
      const t = target[k]!
      const p = share[k]!
      const loose = open !== undefined && open[k] !== 0
      const within = inside === undefined || inside[k] !== 0
      if (!within && !loose) continue
      const rises = p === 0 && b[k] === 0 ? 0 : p * Math.exp(b[k]!)
      up[t]! += rises
      if (loose) variance[t]! += p * p
      if (!within) continue
      down[t]! += loose ? 0 : p * Math.exp(-b[k]!)
      n[t]! += 1
      const unit = p === 0 ? 0 : relativeOf(functions.exp, x[k]! - value[t]!) + Math.abs(x[k]! - value[t]!)
      variance[t]! += p === 0 ? 0 : p * p * (body.variance[k]! + (roundoff * unit) ** 2 / 3)
      exps[t]! += p * unit
      partial[t]! += p
      path[t]! += partial[t]! * partial[t]!
      squares[t]! += p * p
    }
  }
  const hard = perResult(totals)
  for (let t = 0; t < hard.length; t += 1) {
    const v = value[t]!
    if (!Number.isFinite(v)) {
      hard[t] = Number.isNaN(v) ? Number.NaN : v === -Infinity && up[t]! > 0 ? Infinity : 0
      variance[t] = 0
      continue
    }
    const logarithm = relativeOf(functions.log, n[t]!) * Math.log(Math.max(n[t]!, 1)) + (functions.log?.absolute ?? 0)
    // Of one term too: where exponentials fit the accumulator as they are, a plan takes the logarithm of that one.
    const own = roundoff * (exps[t]! + logarithm + Math.abs(v)) + sumRoundoff * n[t]! + tiny
    const image = Math.max(Math.log(up[t]!), -Math.log(down[t]!))
    const bound = image + own
    hard[t] = Math.abs(v) + bound <= largest ? bound : Infinity
    if (n[t]! < 2) continue
    variance[t]! += (sumRoundoff ** 2 * partials(path[t]!, n[t]!, partial[t]!, squares[t]!)) / 3
    variance[t]! += (roundoff * roundoff * (logarithm * logarithm + v * v)) / 3
  }
  return finishTotals(totals, hard, variance)
}
