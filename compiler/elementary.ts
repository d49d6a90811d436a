/**
 * The elementwise operations on single numbers in float64: what `ops.ts` says, as functions. bool is 0 or 1; i32 is an integer
 * in [-2^31, 2^31). Everything here is within about one unit in the last place of float64.
 */
import type { ElementType } from './ir.ts'
import type { Op } from './ops.ts'

/** `random` alone has five operands. */
export type Scalar = (x: number, y: number, z: number, c?: number, d?: number) => number

/** The function of `op` on operands of these types (one suffices but for `pow`). */
export function elementary(op: Op, operands: readonly ElementType[]): Scalar {
  if (op === 'pow') return operands[1] === 'i32' ? power : realPower
  const exact = operands[0] === 'i32' ? integer[op] : undefined
  return exact ?? real[op]
}

/** Operations that differ on i32: results wrap. */
const integer: Readonly<Partial<Record<Op, Scalar>>> = {
  neg: (x) => -x | 0,
  abs: (x) => Math.abs(x) | 0,
  add: (x, y) => (x + y) | 0,
  sub: (x, y) => (x - y) | 0,
  mul: (x, y) => Math.imul(x, y),
  idiv: (x, y) => (y === 0 ? 0 : Math.floor(x / y) | 0),
  mod: (x, y) => (y === 0 ? 0 : x - y * Math.floor(x / y)),
}

const real: Readonly<Record<Op, Scalar>> = {
  neg: (x) => -x,
  not: (x) => 1 - x,
  abs: (x) => Math.abs(x),
  sign: (x) => Math.sign(x),
  floor: (x) => Math.floor(x),
  ceil: (x) => Math.ceil(x),
  round: (x) => roundHalfEven(x),
  int: (x) => toInteger(x),
  float: (x) => x,
  exp: (x) => Math.exp(x),
  exp2: (x) => 2 ** x,
  expm1: (x) => Math.expm1(x),
  log: (x) => Math.log(x),
  log2: (x) => Math.log2(x),
  log1p: (x) => Math.log1p(x),
  sqrt: (x) => Math.sqrt(x),
  rsqrt: (x) => 1 / Math.sqrt(x),
  tanh: (x) => Math.tanh(x),
  sin: (x) => Math.sin(x),
  cos: (x) => Math.cos(x),
  erf: (x) => erf(x),
  sigmoid: (x) => sigmoid(x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  stop_gradient: (x) => x,
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  idiv: (x, y) => (y === 0 ? x / y : Math.round((x - floorMod(x, y)) / y)),
  mod: (x, y) => floorMod(x, y),
  pow: (x, y) => realPower(x, y),
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  atan2: (x, y) => Math.atan2(x, y),
  logaddexp: (x, y) => logAddExp(x, y),
  lt: (x, y) => Number(x < y),
  le: (x, y) => Number(x <= y),
  eq: (x, y) => Number(x === y),
  ne: (x, y) => Number(x !== y),
  and: (x, y) => x * y,
  or: (x, y) => Math.max(x, y),
  straight_through: (x) => x,
  select: (c, x, y) => (c === 0 ? y : x),
  random: (seed, a, b, c, d) => philox(seed, a, b, c, d),
}

/** x to an integer power: sign kept, x ^ 0 = 1 for every x. */
export const power = (x: number, n: number): number => x ** n

/** x > 0, or 0 ^ y for y > 0; everything else NaN. */
export function realPower(x: number, y: number): number {
  if (x > 0) return x ** y
  return x === 0 && y > 0 ? 0 : Number.NaN
}

/** To the nearest integer, halves to the even one. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x)
  if (x - down !== 0.5) return Math.round(x)
  return down % 2 === 0 ? down : down + 1
}

/** The remainder with the sign of the divisor, exact (the language's `%` on floats). */
export function floorMod(x: number, y: number): number {
  const rest = x % y
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest
}

/** Toward zero; beyond i32 the nearest i32, NaN 0. */
export function toInteger(x: number): number {
  return Math.min(Math.max(Math.trunc(x), -0x80000000), 0x7fffffff) | 0
}

/** 1 / (1 + exp -x), accurate at both ends. */
export function sigmoid(x: number): number {
  const small = Math.exp(-Math.abs(x))
  return (x < 0 ? small : 1) / (1 + small)
}

/** log(exp x + exp y); -inf where both are. */
export function logAddExp(x: number, y: number): number {
  const high = Math.max(x, y)
  if (high === Infinity || high === -Infinity) return high
  return high + Math.log1p(Math.exp(-Math.abs(x - y)))
}

/**
 * The error function. Below 2 by its series of positive terms, above by the continued fraction of the complement
 * (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6 and 7.1.14).
 */
export function erf(x: number): number {
  const size = Math.abs(x)
  if (size > 6) return Math.sign(x)
  return size < 2 ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(size))
}

function erfSeries(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; sum + term !== sum; n += 1) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

function erfcFraction(x: number): number {
  let tail = x
  for (let n = 80; n >= 1; n -= 1) tail = x + n / 2 / tail
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail
}

/**
 * The first word of Philox 4x32-10 with key (seed, 0), as its top 24 bits times 2^-24: uniform in [0, 1), exact in f32.
 * Missing counters are 0. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
 */
export function philox(seed: number, a = 0, b = 0, c = 0, d = 0): number {
  return (philoxWords([seed, 0], [a, b, c, d])[0] >>> 8) * 2 ** -24
}

type Words4 = readonly [number, number, number, number]

/** Ten rounds; unsigned 32-bit words. */
export function philoxWords(key: readonly [number, number], counter: Words4): Words4 {
  let [x0, x1, x2, x3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round += 1) {
    const [high0, high2] = [multiplyHigh(0xd2511f53, x0), multiplyHigh(0xcd9e8d57, x2)]
    const [low0, low2] = [Math.imul(0xd2511f53, x0), Math.imul(0xcd9e8d57, x2)]
    x0 = high2 ^ x1 ^ k0
    x1 = low2
    x2 = high0 ^ x3 ^ k1
    x3 = low0
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  return [x0 >>> 0, x1 >>> 0, x2 >>> 0, x3 >>> 0]
}

/** The upper 32 bits of the product of two unsigned words. */
function multiplyHigh(a: number, b: number): number {
  return Number((BigInt(a >>> 0) * BigInt(b >>> 0)) >> 32n) | 0
}
