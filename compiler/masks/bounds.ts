/**
 * The stretch of columns that a tile of rows can admit, in closed form: [from, to) holds every admitted column, and others where
 * the hull of several stretches does. Comparisons of sums of indices have one; `and` intersects, `or` takes the hull.
 */
import { anyInteger, contains, type Range, range } from '../interval.ts'
import { call, type Expr } from '../ir.ts'
import { type KernelExpr, sizeRef } from '../kernel.ts'
import { type Attempt, attempt } from './attempt.ts'
import { emit, fits, knownOf, type Linear, minus, rangeOf, scale, shift } from './linear.ts'
import type { Numbers, NumbersContext } from './numbers.ts'
import { add, and, int, isConst, max, min, no, scalar, select, sub } from './scalar.ts'
import { type Comparison, isComparisonCall } from './truth.ts'

/** Undefined: no bound on this side. */
export interface Stretch {
  readonly from: KernelExpr | undefined
  readonly to: KernelExpr | undefined
}
const everything: Stretch = { from: undefined, to: undefined }

type Join = (a: KernelExpr, b: KernelExpr) => KernelExpr
const tighter = (a: KernelExpr | undefined, b: KernelExpr | undefined, join: Join): KernelExpr | undefined =>
  a && b ? join(a, b) : (a ?? b)
const wider = (a: KernelExpr | undefined, b: KernelExpr | undefined, join: Join): KernelExpr | undefined =>
  a && b ? join(a, b) : undefined
const both = (a: Stretch, b: Stretch): Stretch => ({ from: tighter(a.from, b.from, max), to: tighter(a.to, b.to, min) })
const either = (a: Stretch, b: Stretch): Stretch => ({ from: wider(a.from, b.from, min), to: wider(a.to, b.to, max) })

/** Where `e` can be `is`. */
export function stretchOf(e: Expr, is: boolean, context: NumbersContext, numbers: Numbers): Stretch {
  const of = (x: Expr, value = is): Stretch => stretchOf(x, value, context, numbers)
  if (e.kind === 'const') return e.value === is ? everything : { from: undefined, to: int(0) }
  if (e.kind !== 'call' || !e.axes.includes(context.column)) return everything
  const [a, b, c] = e.args as readonly [Expr, Expr, Expr]
  if (e.op === 'not') return of(a, !is)
  if (e.op === 'and' || e.op === 'or') return ((e.op === 'and') === is ? both : either)(of(a), of(b))
  if (e.op === 'select') return either(both(of(a, true), of(b)), both(of(a, false), of(c)))
  if (!isComparisonCall(e) || a.type !== 'i32' || b.type !== 'i32') return everything
  const simpler = opened(e.op, a, b)
  if (simpler) return of(simpler)
  const [op, x, y] = is ? ([e.op, a, b] as const) : negated(e.op, a, b)
  return stretchOfComparison(op, x, y, context, numbers)
}

/** not (a < b) is b <= a. */
function negated(op: Comparison, a: Expr, b: Expr): readonly [Comparison, Expr, Expr] {
  if (op === 'lt') return ['le', b, a]
  if (op === 'le') return ['lt', b, a]
  return [op === 'eq' ? 'ne' : 'eq', a, b]
}

/** abs x <= y is x <= y and -x <= y; max and min alike. Undefined if neither side is one of them. */
function opened(op: Comparison, a: Expr, b: Expr): Expr | undefined {
  if (op !== 'lt' && op !== 'le') return undefined
  const left = parts(a)
  if (left)
    return call(
      left.smaller ? 'or' : 'and',
      left.of.map((x) => call(op, [x, b])),
    )
  const right = parts(b)
  return (
    right &&
    call(
      right.smaller ? 'and' : 'or',
      right.of.map((x) => call(op, [a, x])),
    )
  )
}

function parts(e: Expr): { readonly of: readonly Expr[]; readonly smaller: boolean } | undefined {
  if (e.kind !== 'call') return undefined
  const [x] = e.args
  if (e.op === 'abs' && x) return { of: [x, call('neg', [x])], smaller: false }
  return e.op === 'min' || e.op === 'max' ? { of: e.args, smaller: e.op === 'min' } : undefined
}

function stretchOfComparison(op: Comparison, a: Expr, b: Expr, context: NumbersContext, numbers: Numbers): Stretch {
  if (op === 'ne') return everything
  const found = attempt((tried): Stretch => {
    const [x, y] = [numbers.linear(a, tried), numbers.linear(b, tried)]
    if (!fits(x) || !fits(y)) tried.failed = true
    const size = context.sizes[context.column]
    const solver: Solver = { tried, size: size === undefined ? sizeRef(context.column) : int(size) }
    const forth = below(x, op === 'lt' ? shift(y, -1) : y, solver)
    return op === 'eq' ? both(forth, below(y, x, solver)) : forth
  })
  if (!found || isConst(found.guard, false)) return everything
  const { from, to } = found.result
  const size = context.sizes[context.column]
  const whole = size === undefined ? sizeRef(context.column) : int(size)
  return { from: from && select(found.guard, from, int(0)), to: to && select(found.guard, to, whole) }
}

/** No bound as things are; there is one under tests, which the next attempt makes. */
function wraps({ tried }: Solver): Stretch {
  tried.failed = true
  return everything
}

interface Solver {
  readonly tried: Attempt
  readonly size: KernelExpr
}
/** A bound as it will be computed, for the tile of rows as a whole. */
interface Bound {
  readonly value: KernelExpr
  readonly range: Range
}

/** Where a <= b somewhere in the tile of rows. */
function below(a: Linear, b: Linear, solver: Solver): Stretch {
  const difference = minus(a, b)
  const columns = difference.terms.filter(({ atom }) => atom.column)
  const [column] = columns
  if (!column || columns.length > 1) return everything
  const rest: Linear = { ...difference, terms: difference.terms.filter((term) => term !== column) }
  const known = and(...knownOf(difference))
  const stretch = stretchOfTerm({ terms: [column], constant: 0 }, scale(rest, -1), 'hi', solver)
  const { from, to } = stretch
  return { from: from && select(known, from, int(0)), to: to && select(known, to, solver.size) }
}

/** `term` = c x is at most the greatest of `limit` ('hi'), or at least its least ('lo'). */
function stretchOfTerm(term: Linear, limit: Linear, side: 'lo' | 'hi', solver: Solver): Stretch {
  const [{ atom, times } = { atom: undefined, times: 1 }] = term.terms
  if (!atom) return everything
  if (times < 0) return stretchOfTerm(scale(term, -1), scale(limit, -1), side === 'hi' ? 'lo' : 'hi', solver)
  const exact = side === 'hi' && times === 1 && atom.key.startsWith('index ') && fits(shift(limit, 1))
  if (exact) return { from: undefined, to: emit(shift(limit, 1), 'hi') }
  // x >= l / c is x >= floor((l + c - 1) / c).
  const moved = side === 'hi' ? limit : shift(limit, times - 1)
  if (!fits(moved)) return wraps(solver)
  const { lo, hi } = rangeOf(moved)
  const by = int(times)
  const bound = {
    value: scalar('idiv', emit(moved, side), by),
    range: range(Math.floor(lo / times), Math.floor(hi / times)),
  }
  return stretchOfAtom(atom, bound, side, solver)
}

function stretchOfAtom(
  atom: Linear['terms'][number]['atom'],
  bound: Bound,
  side: 'lo' | 'hi',
  solver: Solver,
): Stretch {
  if (atom.key.startsWith('index ')) {
    if (side === 'lo') return { from: bound.value, to: undefined }
    const safe = bound.range.hi < anyInteger.hi ? bound.value : min(bound.value, sub(solver.size, int(1)))
    return { from: undefined, to: add(safe, int(1)) }
  }
  const { quotient } = atom
  if (!quotient) return everything
  // floor(y / n) <= t is y <= n t + n - 1, and floor(y / n) >= t is y >= n t.
  const [n, extra] = [quotient.by, side === 'hi' ? quotient.by - 1 : 0]
  const ofY = range(n * bound.range.lo + extra, n * bound.range.hi + extra)
  if (!contains(anyInteger, ofY)) return wraps(solver)
  const value = add(scalar('mul', bound.value, int(n)), int(extra))
  return stretchOfSum(quotient.of, { value, range: ofY }, side, solver)
}

/** A sum with one column term is at most (or least) `bound`. */
function stretchOfSum(sum: Linear, bound: Bound, side: 'lo' | 'hi', solver: Solver): Stretch {
  const columns = sum.terms.filter(({ atom }) => atom.column)
  const [column] = columns
  if (!column || columns.length > 1) return everything
  const limit: Linear = {
    terms: [
      { atom: constantAtom(bound), times: 1 },
      ...sum.terms.filter((t) => t !== column).map(({ atom, times }) => ({ atom, times: -times })),
    ],
    constant: -sum.constant,
  }
  return stretchOfTerm({ terms: [column], constant: 0 }, limit, side, solver)
}

const constantAtom = ({ value, range }: Bound): Linear['terms'][number]['atom'] => ({
  key: 'bound',
  lo: value,
  hi: value,
  range,
  known: scalar('not', no),
  role: undefined,
  column: false,
  quotient: undefined,
})
