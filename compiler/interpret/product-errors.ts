/** Sums of products: the errors of a product are computed where it is added, so that no array has a place for each product. */
import { type Expr, type Reduce, withoutAxes } from '../ir.ts'
import { elements, expand, stridesWithin, type Value, walk } from './array.ts'
import { bounds, productImage } from './bounds.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { coefficientsOf } from './fold-errors.ts'
import { exact, isRowLevel, type Name, none, totalVariance } from './names.ts'
import { boundOfInfinite, ownRounding, type Rounding, roundingOf } from './rounding.ts'
import type { Sums } from './sum-errors.ts'

/**
 * Whether the body of a sum is a product of which nothing has to be known but its factors: nothing is in doubt, nothing is priced,
 * and no error that varies along the sum is in both.
 */
export function isPlainProduct({ of, over, domain }: Reduce, part: Context, state: ErrorState): boolean {
  if (of.kind !== 'call' || of.op !== 'mul' || of.type !== 'f32' || state.prices.has(of)) return false
  if (of.args[0] === of.args[1] || (domain && errorOf(domain, part, state) !== exact)) return false
  const varies = (axes: readonly string[]): boolean => axes.some((axis) => over.includes(axis))
  const [x, y] = of.args.map((arg) => errorOf(arg, part, state))
  if (x?.ambiguous !== none || y?.ambiguous !== none || (isRowLevel(of.axes) && !varies(of.axes))) return false
  return ![...x.named.keys()].some((name) => varies(name.axes) && y.named.has(name))
}

/** Each array in row-major order over the factor's own axes, those of the sum last: it is read from start to end. */
interface Factor {
  readonly axes: readonly string[]
  readonly x: Float64Array
  readonly b: Float64Array
  readonly variance: Float64Array // of what is independent along the sum
  readonly named: readonly Coefficients[]
}

interface Coefficients {
  readonly of: Float64Array // of the factor
  readonly sum: Float64Array // of the results
}

function factorOf(arg: Expr, sums: Sums, part: Context, state: ErrorState): Factor {
  const { over } = sums.e
  const axes = [...withoutAxes(arg.axes, over), ...over.filter((axis) => arg.axes.includes(axis))]
  const flat = (value: Value) => expand(value, axes, shapeOf(part, axes))
  const along = (name: Name) => name.axes.some((axis) => over.includes(axis))
  const error = errorOf(arg, part, state)
  return {
    axes,
    x: flat(evaluate(arg, part)),
    b: flat(error.hard),
    variance: flat(totalVariance(error, arg.axes, part, along)),
    named: [...error.named].flatMap(([name, coefficient]) =>
      along(name) ? [] : [{ of: flat(coefficient), sum: coefficientsOf(sums, name) }],
    ),
  }
}

/** What is the same for all products of a part. */
interface Products {
  readonly x: Factor
  readonly y: Factor
  readonly domain: Float64Array | undefined
  readonly rounding: Rounding
  readonly slopes: { readonly x: Float64Array; readonly y: Float64Array } | undefined // of a result's products, if errors have names
}

/** Adds the products of a part. Those of one result follow one another, in the order in which they are summed. */
export function addProducts(sums: Sums, part: Context, state: ErrorState): void {
  const { of, over, axes: kept, domain } = sums.e
  const [p, q] = of.kind === 'call' ? of.args : []
  if (of.kind !== 'call' || !p || !q) return
  const [x, y] = [factorOf(p, sums, part, state), factorOf(q, sums, part, state)]
  const axes = [...kept, ...over]
  const inside = domain && expand(evaluate(domain, part), domain.axes, shapeOf(part, domain.axes))
  const room = x.named.length + y.named.length > 0 ? elements(shapeOf(part, over)) : 0
  const products: Products = {
    x,
    y,
    domain: inside,
    rounding: roundingOf(of, state.arithmetic),
    slopes: room > 0 ? { x: new Float64Array(room), y: new Float64Array(room) } : undefined,
  }
  const strides = [kept, x.axes, y.axes, domain?.axes ?? []].map((own) => stridesWithin(own, shapeOf(part, own), axes))
  walk(shapeOf(part, axes), strides, [0, 0, 0, 0], (at, count, step) => {
    if (step[0] === 0) addRun(sums, products, at, step, 0, count)
    else for (let n = 0; n < count; n += 1) addRun(sums, products, at, step, n, 1)
  })
}

/**
 * Adds the products of one result from the one `first` steps after `at`. The time that verification takes is spent here: numbers stay
 * in variables, since arrays of them and calls that are not inlined would cost several times the arithmetic.
 */
function addRun(
  sums: Sums,
  { x, y, domain, rounding, slopes }: Products,
  at: readonly number[],
  step: readonly number[],
  first: number,
  count: number,
): void {
  const result = at[0]! + first * step[0]!
  const di = step[1]!
  const dj = step[2]!
  const dk = step[3]!
  const { roundoff, tiny, largest } = rounding
  let places = sums.places[result]!
  let size = sums.size[result]!
  let bound = sums.bound[result]!
  let variance = sums.variance[result]!
  let partial = sums.partial[result]!
  let path = sums.path[result]!
  let squares = sums.squares[result]!
  const xs = x.x
  const xBounds = x.b
  const xVariance = x.variance
  const ys = y.x
  const yBounds = y.b
  const yVariance = y.variance
  const xSlopes = slopes?.x.fill(0, 0, count)
  const ySlopes = slopes?.y.fill(0, 0, count)
  let i = at[1]! + first * di
  let j = at[2]! + first * dj
  let k = at[3]! + first * dk
  for (let n = 0; n < count; n += 1, i += di, j += dj, k += dk) {
    if (domain !== undefined && domain[k] === 0) continue
    const p = xs[i]!
    const q = ys[j]!
    const bp = xBounds[i]!
    const bq = yBounds[j]!
    const value = p * q
    const magnitude = Math.abs(value)
    let hard: number
    if (magnitude < Infinity) {
      const image = productImage(p, bp, q, bq)
      const unit = typeof rounding.relative === 'number' ? rounding.relative : rounding.relative(p, q)
      const own = value === 0 && p !== 0 && q !== 0 ? tiny : ownRounding(value, image, unit, rounding)
      hard = image + own + unit * roundoff * image
      if (!(magnitude + hard <= largest)) hard = Infinity
      variance += (own * own) / 3
      if (image !== 0) {
        if (image <= 4 * (Math.abs(q) * bp + Math.abs(p) * bq)) {
          variance += q * q * xVariance[i]! + (p === 0 ? 0 : p * p * yVariance[j]!)
          if (xSlopes) xSlopes[n] = q
          if (ySlopes) ySlopes[n] = p
        } else variance += image < Infinity ? image * image : Infinity // near a zero of both slopes say nothing
      }
    } else hard = boundOfInfinite(value, bp, bq, bounds.mul.image(value, p, bp, q, bq))
    places += 1
    size += magnitude + hard
    bound += hard
    partial += value
    path += partial * partial
    squares += value * value
  }
  sums.places[result] = places
  sums.size[result] = size
  sums.bound[result] = bound
  sums.variance[result] = variance
  sums.partial[result] = partial
  sums.path[result] = path
  sums.squares[result] = squares
  if (!slopes) return
  for (const names of x.named) addSlopes(names, result, at[1]! + first * di, di, slopes.x, count)
  for (const names of y.named) addSlopes(names, result, at[2]! + first * dj, dj, slopes.y, count)
}

/** Signed coefficients add, each times the slope of its product. */
function addSlopes(
  { of, sum }: Coefficients,
  result: number,
  start: number,
  step: number,
  slopes: Float64Array,
  count: number,
): void {
  let total = sum[result]!
  for (let n = 0, i = start; n < count; n += 1, i += step) {
    const c = of[i]!
    const slope = slopes[n]!
    if (c !== 0 && slope !== 0) total += c * slope
  }
  sum[result] = total
}
