/** Bounds of i32 operations that are no sums. A result whose `range` leaves i32 is refused by the caller. */
import { applyToRanges, intersect, type NumberOp, type Range, range } from '../interval.ts'
import type { KernelExpr } from '../kernel.ts'
import type { Op } from '../ops.ts'
import type { Bounded } from './linear.ts'
import { add, and, eq, float, int, isConst, le, max, min, mul, scalar, select, sub, yes } from './scalar.ts'

/** `crosses`: the quotient of the operands may differ within the tile. */
type Rule = (a: Bounded, b: Bounded, crosses: boolean) => Bounded | undefined

export const integerRules: Partial<Record<Op, Rule>> = {
  abs: (a) => ({ ...absolute(a), range: image('abs', a), known: a.known }),
  sign: (a) => ({ lo: scalar('sign', a.lo), hi: scalar('sign', a.hi), range: image('sign', a), known: a.known }),
  min: (a, b) => ({
    lo: min(a.lo, b.lo),
    hi: min(a.hi, b.hi),
    range: image('min', a, b),
    known: and(a.known, b.known),
  }),
  max: (a, b) => ({
    lo: max(a.lo, b.lo),
    hi: max(a.hi, b.hi),
    range: image('max', a, b),
    known: and(a.known, b.known),
  }),
  mul: (a, b) => {
    const product = corners(a, b, mul)
    return { ...product, range: image('mul', a, b), known: and(a.known, b.known) }
  },
  idiv: quotient,
  mod: remainder,
}

/** The image without wrapping; `applyToRanges` as f32 does not clip. */
const image = (op: NumberOp, ...args: readonly Bounded[]): Range =>
  applyToRanges(
    op,
    'f32',
    args.map((arg) => arg.range),
  )

export function absolute(a: Bounded): Pick<Bounded, 'lo' | 'hi'> {
  const mirrored = { lo: scalar('neg', a.hi), hi: scalar('neg', a.lo) }
  if (a.range.lo >= 0) return a
  if (a.range.hi <= 0) return mirrored
  return { lo: max(a.lo.type === 'i32' ? int(0) : float(0), max(a.lo, mirrored.lo)), hi: max(a.hi, mirrored.hi) }
}

/** Least and greatest of `f` at the corners, as few as the signs leave. `f` is monotone in each operand. */
export function corners(
  a: Bounded,
  b: Bounded,
  f: (x: KernelExpr, y: KernelExpr) => KernelExpr,
): Pick<Bounded, 'lo' | 'hi'> {
  if (f === mul && a.range.lo >= 0 && b.range.lo >= 0) return { lo: f(a.lo, b.lo), hi: f(a.hi, b.hi) }
  const ends = (x: Bounded): readonly KernelExpr[] => (x.lo === x.hi ? [x.lo] : [x.lo, x.hi])
  const all = ends(a).flatMap((x) => ends(b).map((y) => f(x, y)))
  return { lo: all.reduce(min), hi: all.reduce(max) }
}

const divide = (x: KernelExpr, y: KernelExpr): KernelExpr => scalar('idiv', x, y)

/** A divisor is taken to be positive unless it is known to be negative; where it is not, nothing is known. */
function positive(b: Bounded): Bounded {
  if (b.range.lo >= 1) return b
  return { ...b, range: intersect(range(1, Infinity), b.range), known: and(b.known, le(int(1), b.lo)) }
}

function quotient(a: Bounded, b: Bounded): Bounded | undefined {
  if (isConst(b.lo, 0) && isConst(b.hi, 0)) return { lo: int(0), hi: int(0), range: range(0, 0), known: a.known }
  if (b.range.hi < 1 && b.range.hi > -1) return undefined
  const by = b.range.hi <= -1 ? b : positive(b)
  const known = and(a.known, by.known)
  const ends = endsOfQuotient(a, by)
  const bounds = applyToRanges('idiv', 'f32', [a.range, by.range])
  return { ...ends, range: range(Math.floor(bounds.lo), Math.floor(bounds.hi)), known }
}

function endsOfQuotient(a: Bounded, by: Bounded): Pick<Bounded, 'lo' | 'hi'> {
  if (by.range.hi <= -1 && by.lo === by.hi) return { lo: divide(a.hi, by.lo), hi: divide(a.lo, by.lo) }
  if (by.range.hi <= -1) return corners(a, by, divide)
  if (by.lo === by.hi) return { lo: divide(a.lo, by.lo), hi: divide(a.hi, by.lo) }
  return a.range.lo >= 0 ? { lo: divide(a.lo, by.hi), hi: divide(a.hi, by.lo) } : corners(a, by, divide)
}

/** x % n rises over an interval without multiples of n beyond its start: [lo % n, hi % n]. Else it is anything from 0 to n. */
function remainder(a: Bounded, b: Bounded, crosses: boolean): Bounded | undefined {
  if (isConst(b.lo, 0) && isConst(b.hi, 0)) return { lo: int(0), hi: int(0), range: range(0, 0), known: a.known }
  const isNegative = b.range.hi <= -1
  if (!isNegative && b.range.hi < 1) return undefined
  const by = isNegative ? b : positive(b)
  const known = and(a.known, by.known)
  const whole: Bounded = isNegative
    ? { lo: add(by.lo, int(1)), hi: int(0), range: range(by.range.lo + 1, 0), known }
    : { lo: int(0), hi: sub(by.hi, int(1)), range: range(0, by.range.hi - 1), known }
  if (by.lo !== by.hi) return whole
  const n = by.lo
  if (a.lo === a.hi) {
    const value = scalar('mod', a.lo, n)
    return { ...whole, lo: value, hi: value }
  }
  const same = crosses ? eq(divide(a.lo, n), divide(a.hi, n)) : yes
  const end = (x: KernelExpr, other: KernelExpr): KernelExpr => select(same, scalar('mod', x, n), other)
  return { ...whole, lo: end(a.lo, whole.lo), hi: end(a.hi, whole.hi) }
}
