/** Errors as random numbers: what is independent in each element, and what named errors contribute. */
import { addScaled, filled, mapValues, single, type Value } from './array.ts'
import { type Context, shapeOf, view } from './context.ts'

/**
 * The error of a node. Of a bool or an uncertain choice `hard` is 1 where both outcomes are possible. The elements that are bound by
 * nothing have Infinity; NaN stands where the value is NaN for certain.
 */
export interface ErrorOf {
  readonly hard: Value
  readonly variance: Value // of what is independent from element to element
  readonly named: ReadonlyMap<Name, Value> // signed coefficients
  readonly ambiguous: Value // 1 where an outcome that was too close to call has a say
}

/** The error of one row-level node: a random number for each index of its axes. */
export interface Name {
  readonly axes: readonly string[]
  readonly variance: Value
  readonly home: Context
}

export const none = single(0)
export const exact: ErrorOf = { hard: none, variance: none, named: new Map(), ambiguous: none }

export const mapError = (error: ErrorOf, f: (value: Value) => Value): ErrorOf => ({
  hard: f(error.hard),
  variance: f(error.variance),
  named: new Map([...error.named].map(([name, coefficient]) => [name, f(coefficient)])),
  ambiguous: f(error.ambiguous),
})

export const isRowLevel = (axes: readonly string[]): boolean => !(axes.includes('i') && axes.includes('j'))
export const varianceOf = (name: Name, context: Context): Value => view(name.variance, name.home, context)

/** Coefficients after an operation with these slopes in its operands. */
export function combineNames(
  errors: readonly ErrorOf[],
  slopes: readonly Value[],
  axes: readonly string[],
  shape: readonly number[],
): ReadonlyMap<Name, Value> {
  const out = new Map<Name, Value>()
  errors.forEach((error, k) => {
    const slope = slopes[k]
    if (!slope) return
    for (const [name, coefficient] of error.named) {
      const sum = out.get(name) ?? filled(axes, shape, 0)
      addScaled(sum.data, axes, shape, coefficient, slope)
      out.set(name, sum)
    }
  })
  return out
}

/** The standard deviation over `axes`. */
export function deviation(error: ErrorOf, axes: readonly string[], context: Context): Value {
  return mapValues(axes, shapeOf(context, axes), [totalVariance(error, axes, context, () => true)], Math.sqrt)
}

/** The variance, that of all names for which `counts` holds included. */
export function totalVariance(
  error: ErrorOf,
  axes: readonly string[],
  context: Context,
  counts: (name: Name) => boolean,
): Value {
  let total = error.variance
  for (const [name, coefficient] of error.named) {
    if (!counts(name)) continue
    const add = (t: number, c: number, s: number) => t + (c === 0 || s === 0 ? 0 : c * c * s)
    total = mapValues(axes, shapeOf(context, axes), [total, coefficient, varianceOf(name, context)], add)
  }
  return total
}

/** Whether a significand of roundoff's width holds `x` exactly (Veltkamp's splitting). */
export function isRepresentable(x: number, roundoff: number): boolean {
  if (roundoff < 2 ** -50) return false
  const c = x * (2 ** 53 * roundoff + 1)
  return c - (c - x) === x || x === Infinity || x === -Infinity
}
