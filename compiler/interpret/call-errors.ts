/** Errors of elementwise operations. */
import type { Arithmetic } from '../arithmetic.ts'
import { InternalError } from '../invariant.ts'
import { type Call, type Expr, nodesOf } from '../ir.ts'
import type { Op } from '../ops.ts'
import { dense, expand, mapValues, type Value } from './array.ts'
import { bounds, realPowerBounds } from './bounds.ts'
import { compareErrors, logicErrors, selectErrors } from './choice-errors.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { combineNames, type ErrorOf, exact, isRepresentable, none } from './names.ts'

/** Arrays of one operand, flat over the node's shape. */
interface Flat {
  readonly x: Float64Array
  readonly b: Float64Array
  readonly variance: Float64Array
}

export function callErrors(e: Call, context: Context, state: ErrorState): ErrorOf {
  const errors = e.args.map((arg) => errorOf(arg, context, state))
  const { op } = e
  if (op === 'lt' || op === 'le' || op === 'eq' || op === 'ne') return compareErrors(e, context, state)
  if (op === 'and' || op === 'or' || op === 'not') return logicErrors(e, errors, context)
  if (op === 'random' || isTabulated(e)) return exact
  if (op === 'select') return selectErrors(e, errors, context, state)
  const certain = errors.every((error) => error === exact)
  const rounding = roundingOf(e, state.arithmetic)
  if (certain && rounding.relative === 0) return exact
  const shape = shapeOf(context, e.axes)
  const flat = (value: Value) => expand(value, e.axes, shape)
  const operands = e.args.map(
    (arg, k): Flat => ({
      x: flat(evaluate(arg, context)),
      b: flat(errors[k]!.hard),
      variance: flat(errors[k]!.variance),
    }),
  )
  const v = flat(evaluate(e, context))
  const { hard, variance, dx, dy, jumps } = propagateCall(e, v, operands, rounding)
  const over = (data: Float64Array) => dense(e.axes, shape, data)
  const ambiguous = errors
    .map((error) => error.ambiguous)
    .reduce((a, b) => (a === none || a === b ? b : b === none ? a : mapValues(e.axes, shape, [a, b], Math.max)), none)
  return {
    hard: over(hard),
    variance: over(variance),
    named: combineNames(isTwice(e) ? errors.slice(0, 1) : errors, [over(dx), over(dy)], e.axes, shape),
    ambiguous: jumps ? mapValues(e.axes, shape, [ambiguous, over(jumps)], Math.max) : ambiguous,
  }
}

/** An integer made of floats that are themselves made of integers: a table of it is computed in f64, so all targets agree. */
const isTabulated = (e: Call): boolean => e.op === 'int' && nodesOf(e).every(isOfIntegers)
const isOfIntegers = ({ kind, type }: Expr): boolean =>
  type !== 'f32' || (kind !== 'input' && kind !== 'param' && kind !== 'bound' && kind !== 'random')

const roundless: readonly string[] = [
  'neg',
  'abs',
  'sign',
  'floor',
  'ceil',
  'round',
  'int',
  'min',
  'max',
  'stop_gradient',
  'straight_through',
  'idiv',
]
const correctlyRounded: readonly string[] = ['add', 'sub', 'mul', 'div', 'sqrt', 'float', 'mod']
const jumping: readonly string[] = ['sign', 'floor', 'ceil', 'round', 'int', 'idiv', 'mod']

/** Of one operation, in units of roundoff. */
export interface Rounding {
  readonly relative: number | ((x: number, y: number) => number)
  readonly absolute: number
  readonly exactWhereRepresentable: boolean
  readonly roundoff: number
  readonly tiny: number
  readonly largest: number
}

/** An operation that nothing is said of is within 4 ulp, that is 8 units. */
export function roundingOf(e: Call, arithmetic: Arithmetic): Rounding {
  const { roundoff, tiny, largest, functions } = arithmetic
  const exactWhereRepresentable = e.op === 'add' || e.op === 'sub' || e.op === 'mul'
  const rounding = { exactWhereRepresentable, roundoff, tiny, largest }
  if (roundless.includes(e.op) || e.type !== 'f32') return { relative: 0, absolute: 0, ...rounding }
  const { relative = correctlyRounded.includes(e.op) ? 1 : 8, absolute = 0 } = functions[e.op] ?? {}
  const factors = e.op === 'pow' && e.args[1]?.type === 'i32' // a plan may multiply instead
  const most = (x: number, n: number): number =>
    Math.max(typeof relative === 'number' ? relative : relative(x, n), Math.abs(n))
  return { relative: factors ? most : relative, absolute, ...rounding }
}

/** x * x: one error, not two independent ones. */
const isTwice = (e: Call): boolean => e.args.length > 1 && e.args[0] === e.args[1]

function propagateCall(e: Call, v: Float64Array, operands: readonly Flat[], rounding: Rounding) {
  const rule = e.op === 'pow' && e.args[1]?.type === 'f32' ? realPowerBounds : bounds[e.op as keyof typeof bounds]
  const twice = isTwice(e)
  const [first, second = first] = operands
  if (!first || !second) throw new InternalError(`'${e.op}' without operands`)
  const [n, binary] = [v.length, operands.length > 1]
  const [hard, variance, dx, dy] = [new Float64Array(n), new Float64Array(n), new Float64Array(n), new Float64Array(n)]
  const jumps = jumping.includes(e.op) ? new Float64Array(n) : undefined
  for (let k = 0; k < n; k += 1) {
    const x = first.x[k]!
    const y = second.x[k]!
    const value = v[k]!
    const bx = first.b[k]!
    const by = binary ? second.b[k]! : 0
    const image = bx === 0 && by === 0 ? 0 : rule.image(value, x, bx, y, by)
    const unit = typeof rounding.relative === 'number' ? rounding.relative : rounding.relative(x, y)
    const own = value === 0 && vanishes(e.op, x, y) ? rounding.tiny : ownRounding(value, image, unit, rounding)
    hard[k] = settle(value, bx, by, image, own + unit * rounding.roundoff * image, rounding.largest)
    if (!Number.isFinite(value)) continue
    variance[k] = (own * own) / 3
    if (jumps && image > 0) jumps[k] = 1
    if (image === 0) continue
    const slope = rule.dx(value, x, y)
    const other = binary ? rule.dy(value, x, y) : 0
    const sx = twice ? slope + other : slope
    const sy = twice ? 0 : other
    if (image <= 4 * (Math.abs(sx) * bx + Math.abs(sy) * by)) {
      variance[k]! += sx * sx * first.variance[k]! + (sy === 0 ? 0 : sy * sy * second.variance[k]!)
      dx[k] = sx
      dy[k] = sy
    } else variance[k] = image < Infinity ? variance[k]! + image * image : Infinity // near a corner or pole slopes say nothing
  }
  return { hard, variance, dx, dy, jumps }
}

/** Is a result of 0 an underflow, so that a number of another range would not have it? */
function vanishes(op: Op, x: number, y: number): boolean {
  if (op === 'exp' || op === 'exp2' || op === 'sigmoid' || op === 'softplus') return x !== -Infinity
  if (op === 'mul') return x !== 0 && y !== 0
  if (op === 'div') return x !== 0 && Number.isFinite(y)
  return op === 'pow' && x !== 0 && Number.isFinite(x) && Number.isFinite(y)
}

/** The rounding of the operation itself: none where its result is a number of the format anyway. */
export function ownRounding(
  value: number,
  image: number,
  unit: number,
  { absolute, roundoff, tiny, exactWhereRepresentable }: Rounding,
): number {
  if (unit === 0) return 0
  if (image === 0 && (value === 0 ? absolute === 0 : exactWhereRepresentable && isRepresentable(value, roundoff)))
    return 0
  return (unit * Math.abs(value) + absolute) * roundoff + tiny
}

/** The bound of a value whose operands have bounds bx and by. */
export function settle(
  value: number,
  bx: number,
  by: number,
  image: number,
  rounding: number,
  largest: number,
): number {
  if (Number.isNaN(value)) return Number.isNaN(bx) || Number.isNaN(by) || (bx === 0 && by === 0) ? Number.NaN : Infinity
  if (!Number.isFinite(value)) return image === 0 ? 0 : Infinity
  const bound = image + rounding
  return Math.abs(value) + bound <= largest ? bound : Infinity
}
