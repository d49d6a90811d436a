/**
 * For each operation: how far its exact result can move while its operands move within their bounds, and its slopes. Roundings of
 * the operation itself are the caller's. `v` is the value, `bx` and `by` bounds on the operands' errors; NaN means: no bound.
 */
import { elementary, floorMod, realPower, sigmoid } from '../elementary.ts'
import type { Op } from '../ops.ts'

export interface Bounds {
  readonly image: (v: number, x: number, bx: number, y: number, by: number) => number
  readonly dx: (v: number, x: number, y: number) => number
  readonly dy: (v: number, x: number, y: number) => number
}

export type BoundedOp = Exclude<Op, 'lt' | 'le' | 'eq' | 'ne' | 'and' | 'or' | 'not' | 'select' | 'random'>

/** 0 between equal infinities. */
const gap = (a: number, v: number): number => (a === v ? 0 : Math.abs(a - v))
const one = () => 1
const zero = () => 0

/** A function that rises or falls throughout its domain [low, ∞). */
function monotone(op: Op, dx: Bounds['dx'], low = -Infinity): Bounds {
  const f = elementary(op, ['f32'])
  const image: Bounds['image'] = (v, x, bx) =>
    bx === 0 ? 0 : Math.max(gap(f(x + bx, 0, 0), v), gap(f(Math.max(x - bx, low), 0, 0), v))
  return { image, dx, dy: zero }
}

/** A function that is monotone in each operand: its extremes lie at corners. */
function corners(f: (x: number, y: number) => number): Bounds['image'] {
  return (v, x, bx, y, by) => {
    if (bx === 0 && by === 0) return 0
    const left = Math.max(gap(f(x - bx, y - by), v), gap(f(x - bx, y + by), v))
    return Math.max(left, gap(f(x + bx, y - by), v), gap(f(x + bx, y + by), v))
  }
}

/** Products of finite values: (x + bx) (y + by) and its like lie no further apart. */
export const productImage = (x: number, bx: number, y: number, by: number): number =>
  Math.abs(x) * by + Math.abs(y) * bx + bx * by

const addCorners = corners((x, y) => x + y)
const subCorners = corners((x, y) => x - y)
const mulCorners = corners((x, y) => x * y)
const divCorners = corners((x, y) => x / y)

/** x / y where y may be 0 has no bound, unless y is exactly 0. */
const quotient: Bounds['image'] = (v, x, bx, y, by) => {
  if (!Number.isFinite(v) || by === 0)
    return by === 0 && Number.isFinite(v) ? bx / Math.abs(y) : divCorners(v, x, bx, y, by)
  return by >= Math.abs(y) ? Infinity : (bx + Math.abs(v) * by) / (Math.abs(y) - by)
}

/** x ^ n: |x| lies in an interval, on which |x| ^ n is monotone; its sign may change where the interval of x holds 0. */
const integerPower: Bounds['image'] = (v, x, bx, n) => {
  if (bx === 0) return 0
  if (n % 2 !== 0 && (n > 0 || Math.abs(x) > bx)) return Math.max(gap((x + bx) ** n, v), gap((x - bx) ** n, v))
  const near = Math.max(Math.abs(x) - bx, 0)
  return Math.max(gap((Math.abs(x) + bx) ** n, v), gap(near ** n, v))
}

/** A remainder jumps where the quotient passes an integer. */
const remainder: Bounds['image'] = (_v, x, bx, y, by) => {
  if (bx === 0 && by === 0) return 0
  const turns = Math.floor((x - bx) / y)
  const steady =
    Math.abs(y) > by &&
    Math.floor((x + bx) / y) === turns &&
    Math.floor(x / (Math.abs(y) - by)) === Math.floor(x / (Math.abs(y) + by))
  return steady ? bx + Math.abs(turns) * by : Math.abs(y) + by
}

const angle: Bounds['image'] = (_v, y, by, x, bx) => {
  const reach = Math.hypot(x, y) - Math.hypot(bx, by)
  if (bx === 0 && by === 0) return 0
  return reach <= 0 || (x < bx && Math.abs(y) <= by) ? Infinity : (bx + by) / reach
}

const step = (op: Op): Bounds => monotone(op, zero)
const same: Bounds = { image: (_v, _x, bx) => bx, dx: one, dy: zero }
const takesX =
  (op: 'min' | 'max'): Bounds['dx'] =>
  (v, x, y) =>
    Number(op === 'min' ? x <= y : x >= y || v === x)
const extreme = (op: 'min' | 'max'): Bounds => ({
  image: corners(op === 'min' ? Math.min : Math.max),
  dx: takesX(op),
  dy: (v, x, y) => 1 - takesX(op)(v, x, y),
})

export const realPowerBounds: Bounds = {
  image: corners((x, y) => realPower(Math.max(x, 0), y)), // as far as its domain reaches
  dx: (v, x, y) => (y * v) / x,
  dy: (v, x) => (v === 0 ? 0 : v * Math.log(x)),
}

export const bounds: Readonly<Record<BoundedOp, Bounds>> = {
  neg: { ...same, dx: () => -1 },
  abs: { ...same, dx: (_v, x) => Math.sign(x) },
  stop_gradient: same,
  straight_through: same,
  float: same,
  sign: step('sign'),
  floor: step('floor'),
  ceil: step('ceil'),
  round: step('round'),
  int: step('int'),
  exp: monotone('exp', (v) => v),
  exp2: monotone('exp2', (v) => v * Math.LN2),
  expm1: monotone('expm1', (v) => v + 1),
  log: monotone('log', (_v, x) => 1 / x, 0),
  log2: monotone('log2', (_v, x) => 1 / x / Math.LN2, 0),
  log1p: monotone('log1p', (_v, x) => 1 / (1 + x), -1),
  sqrt: monotone('sqrt', (v) => 0.5 / v, 0),
  rsqrt: monotone('rsqrt', (v, x) => (-0.5 * v) / x, 0),
  tanh: monotone('tanh', (v) => 1 - v * v),
  erf: monotone('erf', (_v, x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x)),
  sigmoid: monotone('sigmoid', (v) => v * (1 - v)),
  softplus: monotone('softplus', (_v, x) => sigmoid(x)),
  sin: { image: (_v, _x, bx) => Math.min(bx, 2), dx: (_v, x) => Math.cos(x), dy: zero },
  cos: { image: (_v, _x, bx) => Math.min(bx, 2), dx: (_v, x) => -Math.sin(x), dy: zero },
  add: { image: (v, x, bx, y, by) => (Number.isFinite(v) ? bx + by : addCorners(v, x, bx, y, by)), dx: one, dy: one },
  sub: {
    image: (v, x, bx, y, by) => (Number.isFinite(v) ? bx + by : subCorners(v, x, bx, y, by)),
    dx: one,
    dy: () => -1,
  },
  mul: {
    image: (v, x, bx, y, by) => (Number.isFinite(v) ? productImage(x, bx, y, by) : mulCorners(v, x, bx, y, by)),
    dx: (_v, _x, y) => y,
    dy: (_v, x) => x,
  },
  div: { image: quotient, dx: (_v, _x, y) => 1 / y, dy: (v, _x, y) => -v / y },
  idiv: { image: corners((x, y) => Math.floor(x / y)), dx: zero, dy: zero },
  mod: { image: remainder, dx: one, dy: (_v, x, y) => -(x - floorMod(x, y)) / y },
  pow: { image: integerPower, dx: (_v, x, n) => n * x ** (n - 1), dy: zero },
  min: extreme('min'),
  max: extreme('max'),
  atan2: { image: angle, dx: (_v, y, x) => x / (x * x + y * y), dy: (_v, y, x) => -y / (x * x + y * y) },
  logaddexp: {
    image: corners((x, y) => elementary('logaddexp', ['f32'])(x, y, 0)),
    dx: (_v, x, y) => (x === y ? 0.5 : sigmoid(x - y)),
    dy: (_v, x, y) => (x === y ? 0.5 : sigmoid(y - x)),
  },
}

/** `rule.image` of a finite v. Arithmetic, which most operations are, is spared the call that cannot be foreseen. */
export function imageOf(op: BoundedOp, rule: Bounds, v: number, x: number, bx: number, y: number, by: number): number {
  if (op === 'add' || op === 'sub') return bx + by
  return op === 'mul' ? productImage(x, bx, y, by) : rule.image(v, x, bx, y, by)
}

/** `rule.dx`, alike. */
export function slopeOf(op: BoundedOp, rule: Bounds, v: number, x: number, y: number): number {
  if (op === 'add' || op === 'sub') return 1
  if (op === 'mul') return y
  return op === 'div' ? 1 / y : rule.dx(v, x, y)
}

/** `rule.dy`, alike. */
export function otherSlopeOf(op: BoundedOp, rule: Bounds, v: number, x: number, y: number): number {
  if (op === 'add') return 1
  if (op === 'sub') return -1
  if (op === 'mul') return x
  return op === 'div' ? -v / y : rule.dy(v, x, y)
}
