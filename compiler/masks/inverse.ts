/** Comparisons solved for the column: `2 j - i <= 3` gives `j <= (3 + i) / 2` for the last i of the tile of rows. */
import { anyInteger, contains, type Range, range } from '../interval.ts'
import type { Expr } from '../ir.ts'
import type { KernelExpr } from '../kernel.ts'
import { type Attempt, attempt } from './attempt.ts'
import { type Atom, emit, fits, knownOf, type Linear, minus, rangeOf, scale, shift, type Term } from './linear.ts'
import type { Numbers, NumbersContext } from './numbers.ts'
import { add, and, int, isConst, min, no, scalar, select, sub } from './scalar.ts'
import { both, columnSize, everything, type Stretch } from './stretch.ts'
import type { Comparison } from './truth.ts'

interface Solver {
  readonly tried: Attempt
  readonly size: KernelExpr
}
/** A bound as it will be computed, for the tile of rows as a whole. */
interface Bound {
  readonly value: KernelExpr
  readonly range: Range
}

/** Where `a op b` can hold. A comparison of reals has bounds where one side is read along the column and the other is not. */
export function stretchOfComparison(
  op: Comparison,
  a: Expr,
  b: Expr,
  context: NumbersContext,
  numbers: Numbers,
): Stretch {
  if (op === 'ne') return everything
  const size = columnSize(context)
  const found = attempt((tried): { readonly stretch: Stretch; readonly known: KernelExpr } => {
    if (a.type !== 'i32') return stretchOfReals(op, a, b, tried, context, numbers)
    const [x, y] = [numbers.linear(a, tried), numbers.linear(b, tried)]
    if (!fits(x) || !fits(y)) tried.failed = true
    const solver: Solver = { tried, size }
    const forth = below(x, op === 'lt' ? shift(y, -1) : y, solver)
    const known = and(...knownOf(minus(x, y)))
    return { stretch: op === 'eq' ? both(forth, below(y, x, solver)) : forth, known }
  }, true)
  if (!found) return everything
  const holds = and(found.guard, found.result.known)
  if (isConst(holds, false)) return everything
  const { from, to } = found.result.stretch
  return { from: from && select(holds, from, int(0)), to: to && select(holds, to, size) }
}

function stretchOfReals(
  op: Comparison,
  a: Expr,
  b: Expr,
  tried: Attempt,
  { leaves, column }: NumbersContext,
  numbers: Numbers,
): { readonly stretch: Stretch; readonly known: KernelExpr } {
  const nothing = { stretch: everything, known: no }
  const [reachOfA, reachOfB] = [leaves.reachOf(a), leaves.reachOf(b)]
  const reach = reachOfA ?? reachOfB
  const other = reachOfA ? b : a
  if (!reach || other.axes.includes(column)) return nothing
  const { lo, hi, known } = numbers.real(other, tried)
  const above: Stretch = { from: undefined, to: reach.atMost(hi) }
  const under: Stretch = { from: reach.atLeast(lo), to: undefined }
  return { stretch: op === 'eq' ? both(above, under) : reachOfA ? above : under, known }
}

/** No bound as things are; there is one under tests, which the next attempt makes. */
function wraps({ tried }: Solver): Stretch {
  tried.failed = true
  return everything
}

/** Where a <= b somewhere in the tile of rows. */
function below(a: Linear, b: Linear, solver: Solver): Stretch {
  const difference = minus(a, b)
  const column = columnOf(difference)
  if (!column) return everything
  const rest: Linear = { ...difference, terms: difference.terms.filter((term) => term !== column) }
  return stretchOfTerm({ terms: [column], constant: 0 }, scale(anywhere(rest), -1), 'hi', solver)
}

/** The term to solve for, of those that vary along the column: the index itself if it occurs. */
function columnOf({ terms }: Linear): Term | undefined {
  const columns = terms.filter(({ atom }) => atom.column)
  const [first, ...others] = columns.toSorted((a, b) => rank(a.atom) - rank(b.atom))
  return first && rank(first.atom) < 3 && others.every(({ atom }) => atom.reach || isNarrow(atom.range))
    ? first
    : undefined
}
const rank = (atom: Atom): number => (isIndex(atom) ? 0 : atom.quotient ? 1 : atom.reach ? 2 : 3)
const isIndex = (atom: Atom): boolean => atom.key.startsWith('index ')
const isNarrow = ({ lo, hi }: Range): boolean => hi - lo <= 2 ** 24

/** What is calculated from the column's index has ends for the current tile: at any tile it has what its range says. */
const anywhere = (sum: Linear): Linear => ({
  ...sum,
  terms: sum.terms.map(({ atom, times }) => {
    const { lo, hi } = atom.range
    return { times, atom: atom.column && !atom.reach ? { ...atom, lo: int(lo), hi: int(hi) } : atom }
  }),
})

/** `term` = c x is at most the greatest of `limit` ('hi'), or at least its least ('lo'). */
function stretchOfTerm(term: Linear, limit: Linear, side: 'lo' | 'hi', solver: Solver): Stretch {
  const [{ atom, times } = { atom: undefined, times: 1 }] = term.terms
  if (!atom) return everything
  if (times < 0) return stretchOfTerm(scale(term, -1), scale(limit, -1), side === 'hi' ? 'lo' : 'hi', solver)
  const exact = side === 'hi' && times === 1 && isIndex(atom) && fits(shift(limit, 1))
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

function stretchOfAtom(atom: Atom, bound: Bound, side: 'lo' | 'hi', solver: Solver): Stretch {
  if (isIndex(atom)) {
    if (side === 'lo') return { from: bound.value, to: undefined }
    const safe = bound.range.hi < anyInteger.hi ? bound.value : min(bound.value, sub(solver.size, int(1)))
    return { from: undefined, to: add(safe, int(1)) }
  }
  const { quotient, reach } = atom
  if (reach)
    return side === 'lo'
      ? { from: reach.atLeast(bound.value), to: undefined }
      : { from: undefined, to: reach.atMost(bound.value) }
  if (!quotient) return everything
  // floor(y / n) <= t is y <= n t + n - 1, and floor(y / n) >= t is y >= n t.
  const [n, extra] = [quotient.by, side === 'hi' ? quotient.by - 1 : 0]
  const ofY = range(n * bound.range.lo + extra, n * bound.range.hi + extra)
  if (!contains(anyInteger, ofY)) return wraps(solver)
  const value = add(scalar('mul', bound.value, int(n)), int(extra))
  return stretchOfSum(quotient.of, { value, range: ofY }, side, solver)
}

/** A sum with a column term is at most (or least) `bound`. */
function stretchOfSum(sum: Linear, bound: Bound, side: 'lo' | 'hi', solver: Solver): Stretch {
  const column = columnOf(sum)
  if (!column) return everything
  const rest: Linear = { ...sum, terms: sum.terms.filter((term) => term !== column) }
  const limit = minus({ terms: [{ atom: constantAtom(bound), times: 1 }], constant: 0 }, anywhere(rest))
  return stretchOfTerm({ terms: [column], constant: 0 }, limit, side, solver)
}

const constantAtom = ({ value, range }: Bound): Atom => ({
  key: 'bound',
  lo: value,
  hi: value,
  range,
  known: scalar('not', no),
  role: undefined,
  column: false,
  quotient: undefined,
  reach: undefined,
})
