/** What the rules of pulling share: the expression in progress, its shifts, and what is noted on the way. */
import { call, type Expr, f32, type Reduce } from '../ir.ts'
import type { Sum, Term } from './algebra.ts'
import type { Extreme } from './extremes.ts'
import type { GuardedForms } from './guarded.ts'
import type { Interner } from './intern.ts'

/** `x` is written as `difference + reference` (additive) or `difference * reference`. */
export interface Shift {
  readonly x: Expr
  readonly difference: Expr
  readonly reference: Expr
  /** Whether an element is at the reference, for those that are extremes. */
  readonly isAt: Expr
  /** Nothing but `isAt` is asked for: `x` stays as it is elsewhere. */
  readonly onlyAt: boolean
  readonly kind: 'max' | 'min' | 'largest' | 'mean'
  readonly domain: Expr | undefined
  readonly stream: string
}

export interface PullContext {
  readonly names: Interner
  readonly streams: readonly string[]
  readonly shifts: readonly Shift[]
  readonly elements: ReadonlySet<Expr> // of running sums: they leave an exponent that has no reference
  readonly isPositive: (e: Expr) => boolean
  readonly isBounded: (e: Expr) => boolean // exp of it fits the accumulator's window: no reference is needed
  readonly isNonNegative: (e: Expr) => boolean
  readonly distribute: boolean // may a product be multiplied out to free a statistic
  readonly guarded: GuardedForms
  /** Of guarded forms: decides where they are wanted, shows them to who chooses references, or uses those that were chosen. */
  readonly stage: 'decide' | 'propose' | 'use'
}

export interface PullScope extends PullContext {
  readonly expand: (e: Expr) => Sum
  /** `expand` where `guards` hold as well. */
  readonly expandUnder: (e: Expr, guards: readonly Expr[]) => Sum
  /** The guards that expansion is under: conditions on pairs, free of statistics. */
  readonly guards: () => readonly Expr[]
  /** Does a condition tell elements apart without looking at the state? */
  readonly isGuard: (c: Expr) => boolean
  readonly render: (e: Expr) => Expr
  /** A node that algebra cannot open: its operands are put into safe form, the node stays. */
  readonly settle: (e: Expr) => Expr
  readonly hasStatistic: (e: Expr) => boolean
  readonly isStatistic: (e: Expr) => e is Reduce
  readonly isOpen: (e: Expr) => boolean
  readonly isRow: (e: Expr) => boolean
  readonly shiftOf: (x: Expr) => Shift | undefined
  /** Is it the reference of a power, that is, at least 0 and perhaps 0? */
  readonly isLargest: (x: Expr) => boolean
  readonly centred: Set<Expr>
  readonly divisors: Set<Expr>
  /** Exponents of a later pass, in the form that they are computed in, and as the source has them. */
  readonly stuck: Map<Expr, Expr>
  readonly extremes: Extreme[]
  /** The parts of a fold's body that hold a statistic which no rule could pull, by the fold. */
  readonly walls: Map<Expr, readonly Expr[]>
}

/** A fold over a streamed axis that leaves a value per row. */
export const isStatisticOver =
  (streams: readonly string[]) =>
  (e: Expr): e is Reduce =>
    e.kind === 'reduce' &&
    e.over.some((axis) => streams.includes(axis)) &&
    !e.axes.some((axis) => streams.includes(axis))

const isNotNumber = (e: Expr): boolean => e.kind === 'const' && Number.isNaN(e.value)
/** Is an expression NaN where the condition in it says so? */
export const isConditional = (e: Expr): boolean => e.kind === 'call' && e.op === 'select' && e.args.some(isNotNumber)

/** Is a factor certainly above zero, for a domain with a place? */
export function isSurelyPositive(e: Expr, scope: PullScope): boolean {
  const positive = (x: Expr): boolean => isSurelyPositive(x, scope)
  if (scope.isStatistic(e)) return e.op === 'count' || (e.op === 'sum' && positive(e.of))
  if (e.kind !== 'call') return scope.isPositive(e)
  if (e.op === 'float') return isSizeLike(e.args[0])
  if (e.op === 'exp') return true
  if (e.op === 'select' && e.args.slice(1).every((x) => isNotNumber(x) || positive(x))) return true
  if (e.op === 'mul' || e.op === 'div' || e.op === 'add' || e.op === 'sqrt') return e.args.every(positive)
  return scope.isPositive(e)
}
/** Is a factor certainly not below zero? */
export function isSurelyNonNegative(e: Expr, scope: PullScope): boolean {
  const nonNegative = (x: Expr): boolean => isSurelyNonNegative(x, scope)
  if (scope.isLargest(e) || isSurelyPositive(e, scope)) return true
  if (scope.isStatistic(e)) return e.op === 'sum' && nonNegative(e.of)
  if (e.kind !== 'call') return scope.isNonNegative(e)
  const [x, n] = e.args
  const isEven = e.op === 'pow' && n?.kind === 'const' && n.type === 'i32' && Number(n.value) % 2 === 0
  if (isEven || (e.op === 'mul' && x === n)) return true
  if (e.op === 'mul' || e.op === 'div' || e.op === 'add' || e.op === 'sqrt' || (e.op === 'pow' && x && nonNegative(x)))
    return e.op === 'pow' || e.args.every(nonNegative)
  return scope.isNonNegative(e)
}
const isSizeLike = (e: Expr | undefined): boolean => e?.kind === 'size' || (e?.kind === 'reduce' && e.op === 'count')

/** The only term of a sum, if it stands under no condition. */
export const singleTerm = (sum: Sum): Term | undefined =>
  sum.length === 1 && sum[0]?.guards.length === 0 ? sum[0] : undefined

export const isZero = (e: Expr | undefined): boolean => e?.kind === 'const' && e.value === 0

/** `x`, or 0 where it is not finite: what may be subtracted without making NaN of an infinite row. */
export const finite = (x: Expr): Expr => call('select', [call('lt', [call('abs', [x]), f32(Infinity)]), x, f32(0)])

/** `c * x`, `x * c`, `x / c` and `-x` as x and a number. */
export function withoutConstantFactor(e: Expr): readonly [Expr, number] {
  if (e.kind !== 'call') return [e, 1]
  const [a, b] = e.args
  const numberOf = (x: Expr | undefined): number | undefined =>
    x?.kind === 'const' && typeof x.value === 'number' && x.value !== 0 ? x.value : undefined
  if (e.op === 'neg' && a) {
    const [x, rate] = withoutConstantFactor(a)
    return [x, -rate]
  }
  if (e.op !== 'mul' && e.op !== 'div') return [e, 1]
  const [left, right] = [numberOf(a), numberOf(b)]
  if (e.op === 'mul' && left !== undefined && b) return inner(b, left)
  if (right !== undefined && a) return inner(a, e.op === 'mul' ? right : 1 / right)
  return [e, 1]
}
function inner(e: Expr, rate: number): readonly [Expr, number] {
  const [x, r] = withoutConstantFactor(e)
  return [x, r * rate]
}
