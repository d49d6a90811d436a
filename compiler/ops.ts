import type { ElementType } from './ir.ts'

/**
 * The elementwise operations. Semantics (docs/language.md, Numbers):
 *
 * - i32 arithmetic wraps; `add sub mul neg min max abs sign` take two operands of one type and keep it.
 * - `div` is real division (f32 only). `idiv` rounds down, `mod` has the sign of the divisor; on i32 both give 0 for a zero divisor.
 * - `pow` with an i32 exponent is the exact power (sign kept, x ^ 0 = 1, negative n: 1 / x ^ -n); with an f32 exponent
 *   x > 0, 0 ^ y = 0 for y > 0, everything else NaN.
 * - `min max` are NaN if an operand is. Comparisons with NaN are false, `ne` true. `round` is half to even. `sign(0) = 0`.
 * - `int` truncates toward zero, `float` converts i32 exactly up to 2^24.
 * - `sigmoid softplus logaddexp` are the stable forms of 1 / (1 + exp -x), log(1 + exp x), log(exp x + exp y).
 * - `select(c, x, y)` is pure: both branches may be computed, the one not taken never matters, its NaN included.
 * - `random(seed, a, b, c, d)`: Philox 4x32-10 with key `seed` and four i32 counters, top 24 bits times 2^-24.
 * - `stop_gradient x` and `straight_through(forward, backward)` have the value of their first operand.
 */
// biome-ignore format: a table is read by columns
export const ops = {
  neg: 1, not: 1, abs: 1, sign: 1, floor: 1, ceil: 1, round: 1, int: 1, float: 1,
  exp: 1, exp2: 1, expm1: 1, log: 1, log2: 1, log1p: 1, sqrt: 1, rsqrt: 1,
  tanh: 1, sin: 1, cos: 1, erf: 1, sigmoid: 1, softplus: 1, stop_gradient: 1,
  add: 2, sub: 2, mul: 2, div: 2, idiv: 2, mod: 2, pow: 2, min: 2, max: 2, atan2: 2, logaddexp: 2,
  lt: 2, le: 2, eq: 2, ne: 2, and: 2, or: 2, straight_through: 2,
  select: 3,
  random: 5,
} as const

export type Op = keyof typeof ops

const comparisons: readonly Op[] = ['lt', 'le', 'eq', 'ne']
const logic: readonly Op[] = ['not', 'and', 'or']
const sameAsOperand: readonly Op[] = [
  'neg',
  'abs',
  'sign',
  'add',
  'sub',
  'mul',
  'idiv',
  'mod',
  'min',
  'max',
  'stop_gradient',
  'straight_through',
]

export const isComparison = (op: Op): boolean => comparisons.includes(op)
export const isLogic = (op: Op): boolean => logic.includes(op)

/** The element type of `op` applied to operands of these types. The checker has already made operands agree. */
export function resultType(op: Op, operands: readonly ElementType[]): ElementType {
  if (isComparison(op) || isLogic(op)) return 'bool'
  if (op === 'int') return 'i32'
  if (op === 'select') return operands[1] ?? 'f32'
  if (sameAsOperand.includes(op)) return operands[0] ?? 'f32'
  return 'f32'
}

/** What a reduction folds with. `count` counts the places of its domain; its body is the constant `true`. */
export type ReduceOp = 'sum' | 'max' | 'min' | 'mean' | 'any' | 'all' | 'logsumexp' | 'count'
/** Folds with a value at every place. `cumsum_back` runs from the other end. Their domain bounds what is added, not where a value is. */
export type ScanOp = 'cumsum' | 'cumsum_back' | 'cummax'
