/** Errors of running folds. */
import type { Scan } from '../ir.ts'
import { dense, elements, expand, type Value } from './array.ts'
import { type Context, shapeOf, view, widen } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { type ErrorOf, exact, type Name, none, totalVariance } from './names.ts'
import { settleSum } from './sum-errors.ts'

/** As a sum's, at each place of the running fold; neighbours' errors are taken as independent. */
export function scanErrors(e: Scan, context: Context, state: ErrorState): ErrorOf {
  const inner = widen(context, [e.over])
  const error = errorOf(e.of, inner, state)
  const domain = e.domain ? errorOf(e.domain, inner, state) : exact
  if (error === exact && domain === exact && (e.type !== 'f32' || e.op === 'cummax')) return exact
  const shape = shapeOf(inner, e.axes)
  const flat = (value: Value) => expand(value, e.axes, shape)
  const [x, b, inside] = [flat(evaluate(e.of, inner)), flat(error.hard), e.domain && flat(evaluate(e.domain, inner))]
  const open = domain === exact ? undefined : flat(domain.hard)
  const along = (name: Name) => name.axes.includes(e.over)
  const own = flat(totalVariance(error, e.of.axes, inner, along))
  const names = [...error.named]
    .filter(([name]) => !along(name))
    .map(([name, c]) => [name, flat(c), new Float64Array(x.length)] as const)
  const value = flat(evaluate(e, inner))
  const [hard, variance] = [new Float64Array(x.length), new Float64Array(x.length)]
  forEachLine(shape, e.axes.indexOf(e.over), e.op === 'cumsum_back', (places) => {
    runLine(e, places, { x, b, own, inside, open, value, hard, variance }, state)
    for (const [, c, out] of names) runNames(e, places, x, c, inside, out)
  })
  const over = (data: Float64Array) => view(dense(e.axes, shape, data), inner, context)
  const named = new Map(names.map(([name, , out]) => [name, over(out)]))
  return {
    hard: over(hard),
    variance: over(variance),
    named,
    ambiguous: error.ambiguous === none && !open ? none : over(running(e, shape, flat(error.ambiguous), open)),
  }
}

type Arrays<Name extends string> = { readonly [name in Name]: Float64Array }
type Lines = Arrays<'x' | 'b' | 'own' | 'value' | 'hard' | 'variance'> & {
  readonly [name in 'inside' | 'open']: Float64Array | undefined
}

function runLine(
  e: Scan,
  places: Int32Array,
  { x, b, own, inside, open, value, hard, variance }: Lines,
  state: ErrorState,
): void {
  const { sumRoundoff, tiny, largest } = state.arithmetic
  const u = e.type === 'f32' ? sumRoundoff : 0
  let n = 0
  let size = 0
  let bound = 0
  let t = 0
  let path = 0
  let high = -Infinity
  let low = -Infinity
  let best = -Infinity
  for (const k of places) {
    const loose = open !== undefined && open[k] !== 0
    const within = inside === undefined || inside[k] !== 0
    const reach = Math.abs(x[k]!) + b[k]!
    if (loose) {
      bound += reach
      t += reach * reach
    }
    if (within || loose) high = Math.max(high, x[k]! + b[k]!)
    if (within && !loose) low = Math.max(low, x[k]! - b[k]!)
    if (within) {
      n += 1
      size += reach
      bound += b[k]!
      path += value[k]! * value[k]!
      if (e.op !== 'cummax') t += own[k]!
      else if (x[k]! > best) {
        best = x[k]!
        t = own[k]!
      }
    }
    const rounding = Math.max(n - 1, 0) * (u * size + (size === 0 ? 0 : tiny))
    const apart = Math.max(high === value[k] ? 0 : high - value[k]!, low === value[k] ? 0 : value[k]! - low)
    hard[k] =
      e.op === 'cummax'
        ? Number.isNaN(value[k]!)
          ? Number.NaN
          : apart
        : settleSum(value[k]!, bound + rounding, size, largest)
    variance[k] = e.op === 'cummax' || n < 2 ? t : t + (u * u * path) / 3
  }
}

function runNames(
  e: Scan,
  places: Int32Array,
  x: Float64Array,
  c: Float64Array,
  inside: Float64Array | undefined,
  out: Float64Array,
): void {
  let sum = 0
  let best = -Infinity
  for (const k of places) {
    if (inside === undefined || inside[k] !== 0) {
      if (e.op !== 'cummax') sum += c[k]!
      else if (x[k]! > best) {
        best = x[k]!
        sum = c[k]!
      }
    }
    out[k] = sum
  }
}

function running(e: Scan, shape: readonly number[], flags: Float64Array, open: Float64Array | undefined): Float64Array {
  const out = new Float64Array(flags.length)
  forEachLine(shape, e.axes.indexOf(e.over), e.op === 'cumsum_back', (places) => {
    let flag = 0
    for (const k of places) {
      if (flags[k] !== 0 || (open && open[k] !== 0)) flag = 1
      out[k] = flag
    }
  })
  return out
}

/** The positions of every line along `axis`, in the order of the fold. */
function forEachLine(
  shape: readonly number[],
  axis: number,
  backwards: boolean,
  f: (places: Int32Array) => void,
): void {
  const length = shape[axis] ?? 1
  const stride = elements(shape.slice(axis + 1))
  for (let first = 0; first < elements(shape); first += 1) {
    if (Math.floor(first / stride) % length !== 0) continue
    const places = Int32Array.from({ length }, (_, n) => first + n * stride)
    f(backwards ? places.reverse() : places)
  }
}
