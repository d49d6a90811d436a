/**
 * How far a target may be from the definition: computed beside the value, twice (docs/numerics.md derives the rules).
 *
 * **hard** is a bound that right code never exceeds, whatever the order of its sums. **expected** is a standard deviation in which
 * roundings are independent, each uniform within its bound: an error of a row-level node (one that does not vary over both i and j)
 * has a name and reaches later nodes with a signed coefficient, so that what cancels in exact arithmetic cancels here. All other
 * errors are one variance per element.
 */
import type { Arithmetic } from './arithmetic.ts'
import type { ResultDecl } from './attention.ts'
import { mapValues, type Value } from './interpret/array.ts'
import { type Context, shapeOf } from './interpret/context.ts'
import { type ErrorState, errorOf } from './interpret/errors.ts'
import { evaluate } from './interpret/evaluate.ts'
import { deviation, exact } from './interpret/names.ts'
import type { Expr } from './ir.ts'

/**
 * What a plan's rewriting adds to a node's error. An amount that varies over both i and j is a rounding of its own in each element;
 * any other is one error that all elements along the missing axis share.
 */
export interface Price {
  readonly node: Expr
  readonly amount: Expr
}

export const startAllowance = (arithmetic: Arithmetic, prices: readonly Price[]): ErrorState => ({
  arithmetic,
  prices: new Map(prices.map((price) => [price.node, price.amount])),
  errors: new WeakMap(),
  bound: new WeakMap(),
  loops: new WeakMap(),
})

export interface Allowance {
  readonly value: Value
  readonly hard: Value
  readonly expected: Value
  readonly ambiguous: Value
}

/** The value of a result in `context` and both allowances, its storing included. */
export function allowanceOf({ name, expr }: ResultDecl, context: Context, state: ErrorState): Allowance {
  const value = evaluate(expr, context)
  const error = errorOf(expr, context, state)
  const shape = shapeOf(context, expr.axes)
  const over = (f: (x: number, y: number, z: number) => number, ...operands: Value[]) =>
    mapValues(expr.axes, shape, operands, f)
  const {
    roundoff = 0,
    smallest = 0,
    largest = Infinity,
  } = expr.type === 'f32' ? (state.arithmetic.storage[name] ?? {}) : {}
  const stored = (x: number, b: number) => b + roundoff * (Math.abs(x) + b) + (x === 0 && b === 0 ? 0 : smallest / 2)
  const hard = over(
    (x, b) => (Number.isFinite(x) && b !== Infinity ? within(x, stored(x, b), largest) : b),
    value,
    error.hard,
  )
  const sd = error === exact ? error.hard : deviation(error, expr.axes, context)
  const expected = over((x, d) => (Number.isFinite(x) ? Math.hypot(d, stored(x, 0) / Math.sqrt(3)) : 0), value, sd)
  return { value, hard, expected, ambiguous: error.ambiguous }
}

const within = (x: number, bound: number, largest: number): number => (Math.abs(x) + bound > largest ? Infinity : bound)
