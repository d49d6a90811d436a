/** Errors of reductions: what they have in common, and counts. */
import { type Reduce, unionAxes } from '../ir.ts'
import { dense, elements, expand, stridesOf, type Value, walk } from './array.ts'
import { type Context, shapeOf, widen } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate, parts } from './evaluate.ts'
import { extremeErrors } from './extreme-errors.ts'
import { type ErrorOf, exact, type Name, none, totalVariance } from './names.ts'
import { logSumErrors, sumErrors } from './sum-errors.ts'

/** One part of the body of a reduction, flat and in row-major order over `axes`. */
export interface Body {
  readonly x: Float64Array
  readonly b: Float64Array
  readonly variance: Float64Array // of what is independent along the reduced axes
  readonly named: readonly (readonly [Name, Float64Array])[]
  readonly inside: Float64Array | undefined // domain; undefined: all
  readonly open: Float64Array | undefined // where it is uncertain whether a place is in the domain
  readonly ambiguous: Float64Array | undefined
  readonly target: Int32Array // position of the result
}

/** The body in the parts in which it is folded. */
export function* bodies(e: Reduce, context: Context, state: ErrorState): Generator<Body> {
  for (const part of parts(e, context)) yield bodyOf(e, part, state)
}

export function bodyOf(e: Reduce, part: Context, state: ErrorState): Body {
  const axes = unionAxes(e.axes, e.over)
  const along = (name: Name) => name.axes.some((axis) => e.over.includes(axis))
  const shape = shapeOf(part, axes)
  const flat = (value: Value) => expand(value, axes, shape)
  const error = errorOf(e.of, part, state)
  const domain = e.domain ? errorOf(e.domain, part, state) : exact
  return {
    x: flat(evaluate(e.of, part)),
    b: flat(error.hard),
    variance: flat(totalVariance(error, e.of.axes, part, along)),
    named: [...error.named].filter(([name]) => !along(name)).map(([name, coefficient]) => [name, flat(coefficient)]),
    inside: e.domain && flat(evaluate(e.domain, part)),
    open: domain === exact ? undefined : flat(domain.hard),
    ambiguous: error.ambiguous === none ? undefined : flat(error.ambiguous),
    target: targets(e.axes, shapeOf(part, e.axes), axes, shape),
  }
}

function targets(
  outAxes: readonly string[],
  outShape: readonly number[],
  axes: readonly string[],
  shape: readonly number[],
): Int32Array {
  const out = new Int32Array(elements(shape))
  const own = stridesOf(outShape)
  let k = 0
  walk(shape, [axes.map((axis) => own[outAxes.indexOf(axis)] ?? 0)], [0], (at, count, step) => {
    for (let n = 0; n < count; n += 1) out[k++] = at[0]! + n * step[0]!
  })
  return out
}

export function reduceErrors(e: Reduce, context: Context, state: ErrorState): ErrorOf {
  if (e.domain === undefined || errorOf(e.domain, widen(context, e.over), state) === exact) {
    const rounds = e.op === 'sum' || e.op === 'mean' || e.op === 'logsumexp'
    if ((!rounds || e.type !== 'f32') && errorOf(e.of, widen(context, e.over), state) === exact) return exact
  }
  switch (e.op) {
    case 'sum':
    case 'mean':
      return sumErrors(e, context, state)
    case 'logsumexp':
      return logSumErrors(e, context, state)
    case 'max':
    case 'min':
      return extremeErrors(e, context, state)
    default:
      return countErrors(e, context, state)
  }
}

/** What every fold accumulates for each of its results. */
export interface Totals {
  readonly e: Reduce
  readonly shape: readonly number[]
  readonly places: Float64Array // counted or in doubt, as the fold needs
  readonly named: Map<Name, Float64Array>
  readonly ambiguous: Float64Array
}

export function startTotals(e: Reduce, context: Context): Totals {
  const shape = shapeOf(context, e.axes)
  const zeros = () => new Float64Array(elements(shape))
  return { e, shape, places: zeros(), named: new Map(), ambiguous: zeros() }
}

/** One number for each result. */
export const perResult = ({ shape }: Totals, value = 0): Float64Array => new Float64Array(elements(shape)).fill(value)

export function coefficientsOf(totals: Totals, name: Name): Float64Array {
  const array = totals.named.get(name) ?? perResult(totals)
  totals.named.set(name, array)
  return array
}

/** Signed coefficients add, each times its `weight`. */
export function addNames(totals: Totals, body: Body, weight?: Float64Array): void {
  const { inside, target } = body
  for (const [name, coefficient] of body.named) {
    const sum = coefficientsOf(totals, name)
    for (let k = 0; k < coefficient.length; k += 1) {
      const c = coefficient[k]!
      if (c === 0 || (inside && inside[k] === 0)) continue
      sum[target[k]!]! += weight ? c * weight[k]! : c
    }
  }
}

export function addFlags({ ambiguous: flags }: Totals, { ambiguous, inside, open, target }: Body): void {
  if (!ambiguous && !open) return
  target.forEach((t, k) => {
    const within = inside === undefined || inside[k] !== 0
    if ((ambiguous && ambiguous[k] !== 0 && within) || (open && open[k] !== 0)) flags[t] = 1
  })
}

export function finishTotals(
  { e, shape, named, ambiguous }: Totals,
  hard: Float64Array,
  variance: Float64Array,
): ErrorOf {
  const over = (data: Float64Array) => dense(e.axes, shape, data)
  const flagged = ambiguous.some((x) => x !== 0)
  const names = new Map([...named].map(([name, data]) => [name, over(data)]))
  return { hard: over(hard), variance: over(variance), named: names, ambiguous: flagged ? over(ambiguous) : none }
}

/** Counts are off by as many as are uncertain; `any` and `all` are uncertain where no certain place decides. */
function countErrors(e: Reduce, context: Context, state: ErrorState): ErrorOf {
  const totals = startTotals(e, context)
  const decided = perResult(totals)
  const deciding = e.op === 'all' ? 0 : 1
  for (const { x, b, inside, open, target } of bodies(e, context, state)) {
    target.forEach((t, k) => {
      const doubt = b[k] !== 0 || (open !== undefined && open[k] !== 0)
      const within = inside === undefined || inside[k] !== 0
      if (doubt && (within || (open && open[k] !== 0))) totals.places[t]! += 1
      else if (within && x[k] === deciding) decided[t] = 1
    })
  }
  const hard = totals.places.map((n, t) => (e.op === 'count' ? n : n > 0 && decided[t] === 0 ? 1 : 0))
  return finishTotals(totals, hard, perResult(totals))
}
