/** Folds of arrays: what a reduction or a running fold makes of the places of its domain, in float64. */
import type { ReduceOp, ScanOp } from '../ops.ts'
import { dense, elements, stridesOver, type Value, walk } from './array.ts'

/** Accumulators over the axes that stay. `high` is logsumexp's running maximum, `sum` then relative to it. */
export interface Fold {
  readonly axes: readonly string[]
  readonly shape: readonly number[]
  readonly sum: Float64Array
  readonly high: Float64Array
  readonly places: Float64Array // how many places the domain had
}

const neutral: Readonly<Record<ReduceOp, number>> = {
  sum: 0,
  mean: 0,
  count: 0,
  logsumexp: 0,
  max: -Infinity,
  min: Infinity,
  any: 0,
  all: 1,
}

export function startFold(op: ReduceOp, axes: readonly string[], shape: readonly number[]): Fold {
  const count = elements(shape)
  const array = (value: number) => new Float64Array(count).fill(value)
  return { axes, shape, sum: array(neutral[op]), high: array(-Infinity), places: array(0) }
}

/** Folds in `body` at the places of `domain` (all if undefined) of an index space of `axes`. */
export function foldInto(
  fold: Fold,
  op: ReduceOp,
  axes: readonly string[],
  shape: readonly number[],
  body: Value,
  domain: Value | undefined,
): void {
  const operands = [dense(fold.axes, fold.shape, fold.sum), body, ...(domain ? [domain] : [])]
  const xs = body.data
  const cs = domain?.data
  walk(
    shape,
    operands.map((v) => stridesOver(v, axes)),
    operands.map((v) => v.offset),
    (at, count, step) => {
      let o = at[0]!
      let i = at[1]!
      let c = at[2] ?? 0
      const dO = step[0]!
      const di = step[1]!
      const dc = step[2] ?? 0
      for (let n = 0; n < count; n += 1, o += dO, i += di, c += dc)
        if (cs === undefined || cs[c] !== 0) combine(op, fold, o, xs[i]!)
    },
  )
}

/** A sum of products x y, without an array for the products: what most of the time goes to. */
export function addProducts(
  fold: Fold,
  axes: readonly string[],
  shape: readonly number[],
  x: Value,
  y: Value,
  domain: Value | undefined,
): void {
  const operands = [dense(fold.axes, fold.shape, fold.sum), x, y, ...(domain ? [domain] : [])]
  const sum = fold.sum
  const xs = x.data
  const ys = y.data
  const cs = domain?.data
  walk(
    shape,
    operands.map((v) => stridesOver(v, axes)),
    operands.map((v) => v.offset),
    (at, count, step) => {
      addRun(sum, xs, ys, cs, at, step, count)
    },
  )
}

function addRun(
  sum: Float64Array,
  xs: Float64Array,
  ys: Float64Array,
  cs: Float64Array | undefined,
  at: readonly number[],
  step: readonly number[],
  count: number,
): void {
  let o = at[0]!
  let i = at[1]!
  let j = at[2]!
  let c = at[3] ?? 0
  const dO = step[0]!
  const di = step[1]!
  const dj = step[2]!
  const dc = step[3] ?? 0
  for (let n = 0; n < count; n += 1, o += dO, i += di, j += dj, c += dc)
    if (cs === undefined || cs[c] !== 0) sum[o]! += xs[i]! * ys[j]!
}

function combine(op: ReduceOp, { sum, high, places }: Fold, o: number, x: number): void {
  switch (op) {
    case 'max':
    case 'any':
      sum[o] = Math.max(sum[o]!, x)
      return
    case 'min':
    case 'all':
      sum[o] = Math.min(sum[o]!, x)
      return
    case 'logsumexp':
      addExponential(sum, high, o, x)
      return
    default:
      sum[o]! += x
      places[o]! += 1
  }
}

function addExponential(sum: Float64Array, high: Float64Array, o: number, x: number): void {
  const top = high[o]!
  if (x === -Infinity || top === Infinity) {
    if (Number.isNaN(x)) high[o] = x
  } else if (x <= top) sum[o]! += Math.exp(x - top)
  else {
    sum[o] = sum[o]! * Math.exp(top - x) + 1
    high[o] = Math.max(top, x)
  }
}

/** The value of a finished fold; i32 sums wrap. */
export function finishFold(fold: Fold, op: ReduceOp, wraps: boolean): Value {
  const { sum, high, places } = fold
  const out = sum.map((x, o) => {
    if (op === 'mean') return places[o] === 0 ? 0 : x / places[o]!
    if (op === 'logsumexp') return Number.isFinite(high[o]!) ? high[o]! + Math.log(x) : high[o]!
    return wraps && op === 'sum' ? x | 0 : x
  })
  return dense(fold.axes, fold.shape, out)
}

/** The running fold of `body` along one axis, in place order (`cumsum_back`: from the end), over `axes` in row-major order. */
export function runningFold(
  op: ScanOp,
  axes: readonly string[],
  shape: readonly number[],
  along: string,
  body: Float64Array,
  domain: Float64Array | undefined,
): Value {
  const out = new Float64Array(body.length)
  const k = axes.indexOf(along)
  const length = shape[k] ?? 1
  const stride = elements(shape.slice(k + 1))
  for (let first = 0; first < out.length; first += 1) {
    if (Math.floor(first / stride) % length !== 0) continue
    let total = op === 'cummax' ? -Infinity : 0
    for (let n = 0; n < length; n += 1) {
      const place = first + stride * (op === 'cumsum_back' ? length - 1 - n : n)
      const x = body[place]!
      if (domain === undefined || domain[place] !== 0) total = op === 'cummax' ? Math.max(total, x) : total + x
      out[place] = total
    }
  }
  return dense(axes, shape, out)
}
