/** Errors of elementwise operations. */
import { InternalError } from '../invariant.ts'
import { type Call, type Expr, nodesOf } from '../ir.ts'
import { dense, expand, mapValues, stridesWithin, type Value, walk } from './array.ts'
import { type BoundedOp, type Bounds, bounds, imageOf, otherSlopeOf, realPowerBounds, slopeOf } from './bounds.ts'
import { compareErrors, logicErrors, selectErrors } from './choice-errors.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { combineNames, type ErrorOf, exact, none } from './names.ts'
import { boundOfInfinite, ownRounding, type Rounding, roundingOf, vanishes } from './rounding.ts'

export function callErrors(e: Call, context: Context, state: ErrorState): ErrorOf {
  const errors = e.args.map((arg) => errorOf(arg, context, state))
  const { op } = e
  if (op === 'lt' || op === 'le' || op === 'eq' || op === 'ne') return compareErrors(e, context, state)
  if (op === 'and' || op === 'or' || op === 'not') return logicErrors(e, errors, context)
  if (op === 'random' || isTabulated(e)) return exact
  if (op === 'select') return selectErrors(e, errors, context, state)
  const rounding = roundingOf(e, state.arithmetic)
  if (rounding.relative === 0 && errors.every((error) => error === exact)) return exact
  const shape = shapeOf(context, e.axes)
  const { hard, variance, dx, dy, jumps } = propagateCall(e, errors, rounding, context)
  const over = (data: Float64Array) => dense(e.axes, shape, data)
  const slopes = dx && dy ? [over(dx), over(dy)] : []
  const ambiguous = errors
    .map((error) => error.ambiguous)
    .reduce((a, b) => (a === none || a === b ? b : b === none ? a : mapValues(e.axes, shape, [a, b], Math.max)), none)
  return {
    hard: over(hard),
    variance: over(variance),
    named: combineNames(isTwice(e) ? errors.slice(0, 1) : errors, slopes, e.axes, shape),
    ambiguous: jumps ? mapValues(e.axes, shape, [ambiguous, over(jumps)], Math.max) : ambiguous,
  }
}

/** An integer made of floats that are themselves made of integers: a table of it is computed in f64, so all targets agree. */
const isTabulated = (e: Call): boolean => e.op === 'int' && nodesOf(e).every(isOfIntegers)
const isOfIntegers = ({ kind, type }: Expr): boolean =>
  type !== 'f32' || (kind !== 'input' && kind !== 'param' && kind !== 'bound' && kind !== 'random')

const jumping: readonly string[] = ['sign', 'floor', 'ceil', 'round', 'int', 'idiv', 'mod']

/** x * x: one error, not two independent ones. */
const isTwice = (e: Call): boolean => e.args.length > 1 && e.args[0] === e.args[1]

/** Each array in row-major order over the operand's own axes. */
interface Operand {
  readonly axes: readonly string[]
  readonly x: Float64Array
  readonly b: Float64Array
  readonly variance: Float64Array
}

interface Propagation {
  readonly op: BoundedOp
  readonly rule: Bounds
  readonly rounding: Rounding
  readonly twice: boolean
  readonly binary: boolean
  readonly first: Operand
  readonly second: Operand
  readonly value: Float64Array
  readonly hard: Float64Array
  readonly variance: Float64Array
  readonly dx: Float64Array | undefined // slopes, where errors have names
  readonly dy: Float64Array | undefined
  readonly jumps: Float64Array | undefined
}

function propagateCall(e: Call, errors: readonly ErrorOf[], rounding: Rounding, context: Context): Propagation {
  const op = e.op as BoundedOp
  const shape = shapeOf(context, e.axes)
  const [first, second = first] = e.args.map((arg, k) => operandOf(arg, errors[k]!, context))
  if (!first || !second) throw new InternalError(`'${e.op}' without operands`)
  const value = expand(evaluate(e, context), e.axes, shape)
  const named = errors.some((error) => error.named.size > 0)
  const array = () => new Float64Array(value.length)
  const propagation: Propagation = {
    ...{ op, rounding, first, second, value, twice: isTwice(e), binary: e.args.length > 1 },
    rule: op === 'pow' && e.args[1]?.type === 'f32' ? realPowerBounds : bounds[op],
    ...{ hard: array(), variance: array(), dx: named ? array() : undefined, dy: named ? array() : undefined },
    jumps: jumping.includes(op) ? array() : undefined,
  }
  let done = 0
  const strides = [first, second].map(({ axes }) => stridesWithin(axes, shapeOf(context, axes), e.axes))
  walk(shape, strides, [0, 0], (at, count, step) => {
    propagateRun(propagation, done, at, step, count)
    done += count
  })
  return propagation
}

function operandOf(arg: Expr, error: ErrorOf, context: Context): Operand {
  const { axes } = arg
  const flat = (value: Value) => expand(value, axes, shapeOf(context, axes))
  return { axes, x: flat(evaluate(arg, context)), b: flat(error.hard), variance: flat(error.variance) }
}

function propagateRun(
  { op, rule, rounding, twice, binary, first, second, value, hard, variance, dx, dy, jumps }: Propagation,
  start: number,
  at: readonly number[],
  step: readonly number[],
  count: number,
): void {
  const { roundoff, tiny, largest } = rounding
  const xs = first.x
  const xBounds = first.b
  const xVariance = first.variance
  const ys = second.x
  const yBounds = second.b
  const yVariance = second.variance
  const di = step[0]!
  const dj = step[1]!
  let i = at[0]!
  let j = at[1]!
  for (let k = start; k < start + count; k += 1, i += di, j += dj) {
    const x = xs[i]!
    const y = ys[j]!
    const v = value[k]!
    const bx = xBounds[i]!
    const by = binary ? yBounds[j]! : 0
    if (!Number.isFinite(v)) {
      hard[k] = boundOfInfinite(v, bx, by, rule.image(v, x, bx, y, by))
      continue
    }
    const image = bx === 0 && by === 0 ? 0 : imageOf(op, rule, v, x, bx, y, by)
    const unit = typeof rounding.relative === 'number' ? rounding.relative : rounding.relative(x, y)
    const own = v === 0 && vanishes(op, x, y) ? tiny : ownRounding(v, image, unit, rounding)
    const bound = image + own + unit * roundoff * image
    hard[k] = Math.abs(v) + bound <= largest ? bound : Infinity
    variance[k] = (own * own) / 3
    if (jumps && image > 0) jumps[k] = 1
    if (image === 0) continue
    const slope = slopeOf(op, rule, v, x, y)
    const other = binary ? otherSlopeOf(op, rule, v, x, y) : 0
    const sx = twice ? slope + other : slope
    const sy = twice ? 0 : other
    if (image <= 4 * (Math.abs(sx) * bx + Math.abs(sy) * by)) {
      variance[k]! += sx * sx * xVariance[i]! + (sy === 0 ? 0 : sy * sy * yVariance[j]!)
      if (dx) dx[k] = sx
      if (dy) dy[k] = sy
    } else variance[k] = image < Infinity ? variance[k]! + image * image : Infinity // near a corner or pole slopes say nothing
  }
}
