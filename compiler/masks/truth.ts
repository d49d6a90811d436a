/** Predicates over a tile: what is true everywhere in it, and what nowhere. */
import type { Range } from '../interval.ts'
import type { Call, Expr } from '../ir.ts'
import type { KernelExpr } from '../kernel.ts'
import { type Attempt, attempt } from './attempt.ts'
import { type Bounded, emit, fits, isPoint, knownOf, type Linear, minus, rangeOf, split } from './linear.ts'
import type { Numbers, NumbersContext, Truth } from './numbers.ts'
import { isFormula } from './resolve.ts'
import { and, eq, le, lt, no, or, scalar, yes } from './scalar.ts'

export const unknown: Truth = { full: no, empty: no }
const mirrored = ({ full, empty }: Truth): Truth => ({ full: empty, empty: full })
const under = (test: KernelExpr, { full, empty }: Truth): Truth => ({ full: and(test, full), empty: and(test, empty) })

export type Comparison = 'lt' | 'le' | 'eq' | 'ne'
export const isComparisonCall = (e: Expr): e is Call & { readonly op: Comparison } =>
  e.kind === 'call' && (e.op === 'lt' || e.op === 'le' || e.op === 'eq' || e.op === 'ne')

export function truthOf(e: Expr, context: NumbersContext, numbers: Numbers): Truth {
  const { leaves, truth } = context
  if (e.kind === 'const') return e.value ? { full: yes, empty: no } : { full: no, empty: yes }
  if (e.kind === 'call' && e.op in connectives) return connectives[e.op as keyof typeof connectives](e.args.map(truth))
  if (e.kind === 'reduce') return context.quantified(e) ?? unknown
  if (!isFormula(e)) return unknown
  const leaf = leaves.kindOf(e)
  if (leaf === 'fold') return { full: leaves.fold(e, 'all'), empty: not(leaves.fold(e, 'any')) }
  // What is no comparison of integers is one scalar; of those, the ends of the interval say the same and stay foldable.
  if (leaf === 'point' && !(isComparisonCall(e) && e.args[0]?.type === 'i32')) {
    const value = leaves.point(e)
    return { full: value, empty: not(value) }
  }
  if (!isComparisonCall(e)) return unknown
  const [a, b] = e.args as readonly [Expr, Expr]
  if (a.type === 'bool' && b.type === 'bool') return sameBool(e.op, truth(a), truth(b))
  const found = attempt((tried) => compare(e.op, a, b, numbers, tried))
  return found ? under(found.guard, found.result) : unknown
}

const connectives = {
  not: ([a = unknown]: readonly Truth[]): Truth => mirrored(a),
  and: ([a = unknown, b = unknown]: readonly Truth[]): Truth => ({
    full: and(a.full, b.full),
    empty: or(a.empty, b.empty),
  }),
  or: ([a = unknown, b = unknown]: readonly Truth[]): Truth => ({
    full: or(a.full, b.full),
    empty: and(a.empty, b.empty),
  }),
  select: ([c = unknown, a = unknown, b = unknown]: readonly Truth[]): Truth => {
    const either = (x: KernelExpr, y: KernelExpr): KernelExpr => or(and(c.full, x), and(c.empty, y), and(x, y))
    return { full: either(a.full, b.full), empty: either(a.empty, b.empty) }
  },
}

const not = (e: KernelExpr): KernelExpr => scalar('not', e)

function sameBool(op: Comparison, a: Truth, b: Truth): Truth {
  const equal: Truth = {
    full: or(and(a.full, b.full), and(a.empty, b.empty)),
    empty: or(and(a.full, b.empty), and(a.empty, b.full)),
  }
  if (op === 'eq') return equal
  return op === 'ne' ? mirrored(equal) : unknown
}

function compare(op: Comparison, a: Expr, b: Expr, numbers: Numbers, tried: Attempt): Truth {
  if (a.type !== 'i32' || b.type !== 'i32') return compareReals(op, numbers.real(a, tried), numbers.real(b, tried))
  const [x, y] = [numbers.linear(a, tried), numbers.linear(b, tried)]
  // Each side must be free of wrapping by itself: its difference is then exact wherever it is formed.
  if (!fits(x) || !fits(y)) tried.failed = true
  return under(and(...knownOf(x), ...knownOf(y)), compareIntegers(op, x, y, tried))
}

/** Exact on the difference: what both sides share cancels. */
function compareIntegers(op: Comparison, x: Linear, y: Linear, tried: Attempt): Truth {
  const difference = rangeOf(minus(x, y))
  const sides = split(x, y)
  if (!sides) {
    tried.failed = true
    return unknown
  }
  const [l, r] = sides
  const never = noInteger(minus(x, y)) || difference.lo > 0 || difference.hi < 0
  if ((op === 'eq' || op === 'ne') && !never && isPoint(l) && isPoint(r)) {
    const same = (as: 'eq' | 'ne'): KernelExpr => scalar(as, emit(l, 'lo'), emit(r, 'lo'))
    return { full: same(op), empty: same(op === 'eq' ? 'ne' : 'eq') }
  }
  const below = (strict: boolean): KernelExpr =>
    decided(difference, strict) ?? (strict ? lt : le)(emit(l, 'hi'), emit(r, 'lo'))
  const above = (strict: boolean): KernelExpr =>
    decided({ lo: -difference.hi, hi: -difference.lo }, strict) ?? (strict ? lt : le)(emit(r, 'hi'), emit(l, 'lo'))
  return orders[op](below, above, never)
}

/** Whether a value of range `r` is always, or never, below 0 (or at it). */
function decided(r: Range, strict: boolean): KernelExpr | undefined {
  if (strict ? r.hi < 0 : r.hi <= 0) return yes
  return (strict ? r.lo >= 0 : r.lo > 0) ? no : undefined
}

type Order = (strict: boolean) => KernelExpr
/** From whether all of a - b is below 0, or above it, each strictly or not. `never`: no integers make it 0. */
const orders: Readonly<Record<Comparison, (below: Order, above: Order, never: boolean) => Truth>> = {
  lt: (below, above) => ({ full: below(true), empty: above(false) }),
  le: (below, above) => ({ full: below(false), empty: above(true) }),
  eq: (below, above, never) =>
    never ? { full: no, empty: yes } : { full: and(below(false), above(false)), empty: or(below(true), above(true)) },
  ne: (below, above, never) => mirrored(orders.eq(below, above, never)),
}

/** 2 i - 4 j = 1 has no solution. */
function noInteger({ terms, constant }: Linear): boolean {
  const divisor = terms.reduce((a, { times }) => gcd(a, Math.abs(times)), 0)
  return divisor > 1 && constant % divisor !== 0
}
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** Claims are made of comparisons that hold, never of ones that fail: a NaN among the bounds makes no claim. */
function compareReals(op: Comparison, a: Bounded, b: Bounded): Truth {
  const equal: Truth = {
    full: and(eq(a.lo, a.hi), eq(b.lo, b.hi), eq(a.lo, b.lo)),
    empty: or(lt(a.hi, b.lo), lt(b.hi, a.lo)),
  }
  const results: Readonly<Record<Comparison, Truth>> = {
    lt: { full: lt(a.hi, b.lo), empty: le(b.hi, a.lo) },
    le: { full: le(a.hi, b.lo), empty: lt(b.hi, a.lo) },
    eq: equal,
    ne: mirrored(equal),
  }
  return under(and(a.known, b.known), results[op])
}
