/** Comparisons, logic and `select`: what is too close to call may go either way. For a bool, `hard` is 1 where it may be either. */
import type { Call, Expr, Reduce } from '../ir.ts'
import { dense, expand, mapValues, type Value } from './array.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { extremeBounds } from './extreme-errors.ts'
import { combineNames, type ErrorOf, exact, none } from './names.ts'

const choice = (hard: Value): ErrorOf => ({ ...exact, hard })

/** Two values closer than their bounds may compare either way. */
export function compareErrors(e: Call, context: Context, state: ErrorState): ErrorOf {
  const [x, y] = e.args
  if (!x || !y) return exact
  const errors = [errorOf(x, context, state), errorOf(y, context, state)] as const
  if (errors[0] === exact && errors[1] === exact) return exact
  const shape = shapeOf(context, e.axes)
  const flat = (value: Value) => expand(value, e.axes, shape)
  const [xs, ys] = [flat(evaluate(x, context)), flat(evaluate(y, context))]
  const [bx, by] = [flat(errors[0].hard), flat(errors[1].hard)]
  const open = xs.map((value, k) => {
    const within = bx[k]! + by[k]!
    if (within === 0 || Number.isNaN(value) || Number.isNaN(ys[k]!)) return within === Infinity ? 1 : 0
    return Math.abs(value - ys[k]!) > within ? 0 : 1
  })
  decideExtreme(e, context, state, shape, open)
  return choice(dense(e.axes, shape, open))
}

/**
 * x_j against the maximum (minimum) of the same x: decided by the order of the intervals alone, since the winner has the bits of the
 * extreme. Clears `open` where x_j wins or loses for certain, and where the answer is the same either way.
 */
function decideExtreme(
  e: Call,
  context: Context,
  state: ErrorState,
  _shape: readonly number[],
  open: Float64Array,
): void {
  const [x, y] = e.args.map(bare)
  if (!x || !y) return
  const found = extremeOver(y, x)
    ? { of: x, extreme: y as Reduce, first: true }
    : extremeOver(x, y)
      ? { of: y, extreme: x as Reduce, first: false }
      : undefined
  if (!found) return
  const { of, extreme, first } = found
  const { wins, loses, inside } = extremeBounds(of, extreme, e.axes, context, state)
  const below = extreme.op === 'max' ? first : !first // `x <= max x` and `min x <= x` hold whoever wins; their strict twins tell
  const always = (e.op === 'le' && below) || (e.op === 'lt' && !below)
  for (let k = 0; k < open.length; k += 1)
    if (inside[k] !== 0 && (always || wins[k] !== 0 || loses[k] !== 0)) open[k] = 0
}

const bare = (e: Expr): Expr => (e.kind === 'spread' ? bare(e.of) : e)
const extremeOver = (e: Expr, x: Expr): boolean =>
  e.kind === 'reduce' && (e.op === 'max' || e.op === 'min') && bare(e.of) === x

/** `and` is certain where one operand is false for certain, or both are certain; `or` alike. */
export function logicErrors(e: Call, errors: readonly ErrorOf[], context: Context): ErrorOf {
  if (errors.every((error) => error === exact)) return exact
  const [first, second] = errors
  if (e.op === 'not' || !second) return first ?? exact
  const shape = shapeOf(context, e.axes)
  const deciding = e.op === 'and' ? 0 : 1
  const [x, y] = e.args.map((arg) => expand(evaluate(arg, context), e.axes, shape))
  const [bx, by] = errors.map((error) => expand(error.hard, e.axes, shape))
  const open = x!.map((value, k) => {
    const decided = (value === deciding && bx![k] === 0) || (y![k] === deciding && by![k] === 0)
    return decided || (bx![k] === 0 && by![k] === 0) ? 0 : 1
  })
  return choice(dense(e.axes, shape, open))
}

/** The bound of the branch taken; where either may be taken, the distance to the other and its bound as well. */
export function selectErrors(e: Call, errors: readonly ErrorOf[], context: Context, state: ErrorState): ErrorOf {
  const [c, x, y] = [errors[0], guardedEntropy(e, errors, context, state), errors[2]]
  if (!c || !x || !y || errors.every((error) => error === exact)) return exact
  const shape = shapeOf(context, e.axes)
  const over = (f: (x: number, y: number, z: number) => number, ...operands: Value[]) =>
    mapValues(e.axes, shape, operands, f)
  const [taken, xs, ys] = e.args.map((arg) => evaluate(arg, context)) as [Value, Value, Value]
  const pick = (a: Value, b: Value) => (a === b ? a : over((t, p, q) => (t === 0 ? q : p), taken, a, b))
  const slope = over((t) => (t === 0 ? 0 : 1), taken)
  const named = combineNames([exact, x, y], [none, slope, over((t) => 1 - t, slope)], e.axes, shape)
  const kept = {
    hard: pick(x.hard, y.hard),
    variance: pick(x.variance, y.variance),
    named,
    ambiguous: pick(x.ambiguous, y.ambiguous),
  }
  if (c === exact) return kept
  const distance = over((p, q) => (p === q ? 0 : Math.abs(p - q)), xs, ys)
  const apart = over((d, p, q) => (Number.isNaN(d) ? Infinity : d + Math.max(p, q)), distance, x.hard, y.hard)
  const either = (a: Value, b: Value) => over((open, p, q) => (open === 0 ? p : Math.max(p, q)), c.hard, a, b)
  return {
    named,
    hard: over(
      (open, p, q) => (open === 0 ? p : Number.isNaN(q) ? Infinity : Math.max(p, q)),
      c.hard,
      kept.hard,
      apart,
    ),
    variance: over(
      (open, t, d) => (open === 0 ? t : t + (Number.isNaN(d) ? Infinity : d * d)),
      c.hard,
      kept.variance,
      apart,
    ),
    ambiguous: over(
      (flag, open, d) => (open !== 0 && d !== 0 ? 1 : flag),
      either(kept.ambiguous, kept.ambiguous),
      c.hard,
      apart,
    ),
  }
}

/**
 * `if p > 0 then p * log p else 0`: where p may be 0, log p has no bound, but the whole has; its branch is judged by x log x.
 * Only there: the same product without the condition may rightly be NaN.
 */
function guardedEntropy(e: Call, errors: readonly ErrorOf[], context: Context, state: ErrorState): ErrorOf | undefined {
  const [c, product] = e.args
  const branch = errors[1]
  const p = c?.kind === 'call' && c.op === 'lt' && isZero(c.args[0]) ? c.args[1] : undefined
  if (!branch || !p || product?.kind !== 'call' || product.op !== 'mul' || !product.args.includes(p)) return branch
  const log = product.args.find((arg) => arg !== p)
  if (log?.kind !== 'call' || (log.op !== 'log' && log.op !== 'log2') || log.args[0] !== p) return branch
  const shape = shapeOf(context, product.axes)
  const over = (f: (x: number, y: number, z: number) => number, ...operands: Value[]) =>
    mapValues(product.axes, shape, operands, f)
  const { roundoff, tiny } = state.arithmetic
  const unit = log.op === 'log' ? 1 : 1 / Math.LN2
  const image = over(
    (x, b) => unit * (entropyImage(x, b) + 16 * roundoff * Math.abs(x * Math.log(x + b))),
    evaluate(p, context),
    errorOf(p, context, state).hard,
  )
  const lost = branch.hard
  return {
    ...branch,
    hard: over((b, joint) => (b === Infinity ? joint + tiny : b), lost, image),
    variance: over((t, b, joint) => (b === Infinity ? joint * joint : t), branch.variance, lost, image),
  }
}

/** How far x log x moves while x moves by b, x staying positive. */
function entropyImage(x: number, b: number): number {
  const f = (t: number) => (t <= 0 ? 0 : t * Math.log(t))
  const low = Math.max(x - b, 0)
  const high = x + b
  const turn = low < 1 / Math.E && high > 1 / Math.E ? Math.abs(f(x) + 1 / Math.E) : 0
  return Math.max(Math.abs(f(low) - f(x)), Math.abs(f(high) - f(x)), turn)
}

const isZero = (e: Expr | undefined): boolean => e?.kind === 'const' && e.value === 0
