/**
 * Intervals of numbers, in f64 as an approximation of the reals: the image of each operation of `ops.ts`. Roundings are not
 * tracked, NaN is not represented, and 0 has no sign. An i32 result that may leave i32 wraps, so that nothing is known of it.
 */
import type { ElementType } from './ir.ts'
import type { Op } from './ops.ts'

export interface Range {
  readonly lo: number
  readonly hi: number
}

export const range = (lo: number, hi: number): Range => ({ lo, hi })
export const anything: Range = { lo: -Infinity, hi: Infinity }
export const anyInteger: Range = { lo: -(2 ** 31), hi: 2 ** 31 - 1 }
export const anyLength: Range = { lo: 0, hi: 2 ** 31 - 1 }
export const anyBool: Range = { lo: 0, hi: 1 }
export const anyOf: Readonly<Record<ElementType, Range>> = { bool: anyBool, i32: anyInteger, f32: anything }

export const hull = (a: Range, b: Range): Range => range(Math.min(a.lo, b.lo), Math.max(a.hi, b.hi))
export const contains = (outer: Range, inner: Range): boolean => outer.lo <= inner.lo && inner.hi <= outer.hi
/** Both; `a` where they are disjoint, which only happens at places that are never evaluated. */
export function intersect(a: Range, b: Range): Range {
  const both = range(Math.max(a.lo, b.lo), Math.min(a.hi, b.hi))
  return both.lo <= both.hi ? both : a
}

export type NumberOp = Exclude<Op, 'not' | 'and' | 'or' | 'lt' | 'le' | 'eq' | 'ne' | 'select'>

/** The values of `op` over the given operands. */
export function applyToRanges(op: NumberOp, type: ElementType, args: readonly Range[]): Range {
  const [a = anything, b = anything] = args
  const raw = images[op](a, b, type)
  const out = range(Number.isNaN(raw.lo) ? -Infinity : raw.lo, Number.isNaN(raw.hi) ? Infinity : raw.hi)
  return type !== 'i32' || contains(anyInteger, out) ? out : anyInteger
}

type Image = (a: Range, b: Range, type: ElementType) => Range

const rising =
  (f: (x: number) => number): Image =>
  (a) =>
    range(f(a.lo), f(a.hi))
/** Rising on x >= 0 and NaN below. */
const risingFromZero =
  (f: (x: number) => number): Image =>
  (a) =>
    range(f(Math.max(a.lo, 0)), f(Math.max(a.hi, 0)))
const within =
  (lo: number, hi: number): Image =>
  () =>
    range(lo, hi)

const images: Readonly<Record<NumberOp, Image>> = {
  neg: (a) => range(-a.hi, -a.lo),
  abs: (a) => range(Math.max(0, a.lo, -a.hi), Math.max(-a.lo, a.hi)),
  sign: rising(Math.sign),
  floor: rising(Math.floor),
  ceil: rising(Math.ceil),
  round: (a) => range(Math.floor(a.lo), Math.ceil(a.hi)),
  int: rising(Math.trunc),
  float: (a) => a,
  exp: rising(Math.exp),
  exp2: rising((x) => 2 ** x),
  expm1: rising(Math.expm1),
  log: risingFromZero(Math.log),
  log2: risingFromZero(Math.log2),
  log1p: (a) => range(Math.log1p(Math.max(a.lo, -1)), Math.log1p(Math.max(a.hi, -1))),
  sqrt: risingFromZero(Math.sqrt),
  rsqrt: (a) => range(1 / Math.sqrt(Math.max(a.hi, 0)), 1 / Math.sqrt(Math.max(a.lo, 0))),
  tanh: rising(Math.tanh),
  sin: within(-1, 1),
  cos: within(-1, 1),
  erf: (a) => range(a.lo >= 0 ? 0 : -1, a.hi <= 0 ? 0 : 1),
  sigmoid: rising((x) => 1 / (1 + Math.exp(-x))),
  softplus: rising(softplus),
  stop_gradient: (a) => a,
  straight_through: (a) => a,
  add: (a, b) => range(a.lo + b.lo, a.hi + b.hi),
  sub: (a, b) => range(a.lo - b.hi, a.hi - b.lo),
  mul: (a, b) => corners(a, b, (x, y) => (x === 0 || y === 0 ? 0 : x * y)),
  div: (a, b) => quotient(a, b, (x, y) => x / y) ?? anything,
  idiv: (a, b, type) => floorQuotient(a, b, type),
  mod: (a, b, type) => remainder(a, b, type),
  pow: (a, b) => power(a, b),
  min: (a, b) => range(Math.min(a.lo, b.lo), Math.min(a.hi, b.hi)),
  max: (a, b) => range(Math.max(a.lo, b.lo), Math.max(a.hi, b.hi)),
  atan2: within(-Math.PI, Math.PI),
  random: within(0, 1),
  logaddexp: (a, b) => range(logaddexp(a.lo, b.lo), logaddexp(a.hi, b.hi)),
}

function corners(a: Range, b: Range, f: (x: number, y: number) => number): Range {
  const all = [f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)]
  return range(Math.min(...all), Math.max(...all))
}

/** Undefined where the divisor may be 0, but for one that is never negative: its 0 counts as +0. */
function quotient(a: Range, b: Range, f: (x: number, y: number) => number): Range | undefined {
  if (b.lo < 0 && b.hi >= 0) return undefined
  return corners(a, b, (x, y) => (x === 0 ? 0 : f(x, y === 0 ? 0 : y)))
}

function floorQuotient(a: Range, b: Range, type: ElementType): Range {
  if (type === 'f32') return quotient(a, b, (x, y) => Math.floor(x / y)) ?? anything
  if (b.lo === 0 && b.hi === 0) return range(0, 0)
  const parts = [range(b.lo, Math.min(b.hi, -1)), range(Math.max(b.lo, 1), b.hi)].filter((part) => part.lo <= part.hi)
  const images = parts.map((part) => corners(a, part, (x, y) => Math.floor(x / y)))
  const zero = b.lo <= 0 && b.hi >= 0 ? [range(0, 0)] : []
  return [...images, ...zero].reduce(hull)
}

function remainder(a: Range, b: Range, type: ElementType): Range {
  const [less, integer] = type === 'i32' ? [1, true] : [0, false]
  const whole = range(Math.min(0, b.lo + less), Math.max(0, b.hi - less))
  if (!integer || b.lo !== b.hi || b.lo <= 0) return whole
  if (Math.floor(a.lo / b.lo) !== Math.floor(a.hi / b.lo)) return whole
  const start = Math.floor(a.lo / b.lo) * b.lo
  return range(a.lo - start, a.hi - start)
}

function power(a: Range, b: Range): Range {
  if (b.lo === b.hi && Number.isInteger(b.lo)) return integerPower(a, b.lo)
  const largest = Math.max(Math.abs(a.lo), Math.abs(a.hi))
  const smallest = Math.max(0, a.lo, -a.hi)
  const size = corners(range(smallest, largest), b, (x, y) => x ** y)
  if (Number.isNaN(size.lo) || Number.isNaN(size.hi)) return a.lo >= 0 ? range(0, Infinity) : anything
  return a.lo >= 0 ? size : range(-size.hi, size.hi)
}

function integerPower(a: Range, n: number): Range {
  if (n === 0) return range(1, 1)
  if (n < 0) {
    const below = integerPower(a, -n)
    return quotient(range(1, 1), below, (x, y) => x / y) ?? anything
  }
  if (n % 2 === 1) return range(a.lo ** n, a.hi ** n)
  return range(Math.max(0, a.lo, -a.hi) ** n, Math.max(-a.lo, a.hi) ** n)
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

function logaddexp(x: number, y: number): number {
  const larger = Math.max(x, y)
  return Number.isFinite(larger) ? larger + Math.log1p(Math.exp(-Math.abs(x - y))) : larger
}
