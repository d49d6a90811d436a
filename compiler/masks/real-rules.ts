/**
 * Bounds of f32 operations, rounded outward. A kernel may round each operation, fuse it with the next or compute in f64, and the
 * scalars here are rounded too; the margin covers all of that, so that a class never contradicts the code of an element.
 * Operands of arithmetic are known only where finite: inf - inf and 0 * inf would be NaN, of which no comparison is true.
 */
import { type Range, range } from '../interval.ts'
import type { KernelExpr } from '../kernel.ts'
import type { Op } from '../ops.ts'
import { absolute, corners } from './integer-rules.ts'
import type { Bounded } from './linear.ts'
import { add, and, float, le, lt, max, min, mul, or, scalar, sub, yes } from './scalar.ts'

type Rule = (a: Bounded, b: Bounded, image: Range) => Bounded

interface Margin {
  readonly relative: number
  readonly absolute: number
}
/** Sixteen roundings of f32, and what flushing to zero may take. */
const rounding: Margin = { relative: 2 ** -20, absolute: 2 ** -120 }
/** Of any target's elementary functions, the fast ones included. */
const elementary: Margin = { relative: 2 ** -9, absolute: 2 ** -9 }

const largest = 3e38

const arithmetic =
  (ends: (a: Bounded, b: Bounded) => Pick<Bounded, 'lo' | 'hi'>): Rule =>
  (a, b, image) =>
    outward({ ...ends(a, b), range: image, known: and(finite(a), finite(b)) }, rounding)
/** Rising, and computed without rounding. */
const stepwise =
  (op: Op): Rule =>
  (a, _, image) => ({ lo: scalar(op, a.lo), hi: scalar(op, a.hi), range: image, known: a.known })
const rising =
  (op: Op, margin: Margin, domain: (a: Bounded) => KernelExpr = () => yes): Rule =>
  (a, _, image) =>
    outward({ lo: scalar(op, a.lo), hi: scalar(op, a.hi), range: image, known: and(finite(a), domain(a)) }, margin)

const divide = (x: KernelExpr, y: KernelExpr): KernelExpr => scalar('div', x, y)

export const realRules: Partial<Record<Op, Rule>> = {
  neg: (a, _, image) => ({ lo: scalar('neg', a.hi), hi: scalar('neg', a.lo), range: image, known: a.known }),
  abs: (a, _, image) => ({ ...absolute(a), range: image, known: and(a.known, finite(a)) }),
  min: (a, b, image) => ({ lo: min(a.lo, b.lo), hi: min(a.hi, b.hi), range: image, known: and(a.known, b.known) }),
  max: (a, b, image) => ({ lo: max(a.lo, b.lo), hi: max(a.hi, b.hi), range: image, known: and(a.known, b.known) }),
  sign: stepwise('sign'),
  floor: stepwise('floor'),
  ceil: stepwise('ceil'),
  round: stepwise('round'),
  add: arithmetic((a, b) => ({ lo: add(a.lo, b.lo), hi: add(a.hi, b.hi) })),
  sub: arithmetic((a, b) => ({ lo: sub(a.lo, b.hi), hi: sub(a.hi, b.lo) })),
  mul: arithmetic((a, b) => corners(a, b, mul)),
  div: (a, b, image) => {
    const ends = outward({ ...corners(a, b, divide), range: image, known: and(finite(a), finite(b)) }, rounding)
    return { ...ends, known: and(ends.known, or(lt(float(0), b.lo), lt(b.hi, float(0)))) }
  },
  sqrt: rising('sqrt', rounding, (a) => (a.range.lo >= 0 ? yes : le(float(0), a.lo))),
  exp: rising('exp', elementary),
  exp2: rising('exp2', elementary),
  log: rising('log', elementary, (a) => lt(float(2 ** -100), a.lo)),
  log2: rising('log2', elementary, (a) => lt(float(2 ** -100), a.lo)),
  tanh: rising('tanh', elementary),
  sigmoid: rising('sigmoid', elementary),
}

export const conversion = {
  /** Rounds to f32 above 2^24. */
  toReal: (a: Bounded): Bounded => {
    const exact = { ...a, lo: real(a.lo), hi: real(a.hi) }
    return a.range.lo >= -(2 ** 24) && a.range.hi <= 2 ** 24 ? exact : outward(exact, rounding)
  },
  toInteger: (a: Bounded): Bounded => {
    const bound = 2 ** 31 - 2 ** 7 // the largest f32 below 2^31
    const fits = and(atLeast(a, -bound), atMost(a, bound))
    const isNumber = and(le(a.lo, float(bound)), le(a.hi, float(bound))) // NaN gives 0, which no bound tells
    const known = and(a.known, fits, isNumber)
    const inside = range(Math.trunc(Math.max(a.range.lo, -bound)), Math.trunc(Math.min(a.range.hi, bound)))
    return { lo: scalar('int', a.lo), hi: scalar('int', a.hi), range: inside, known }
  },
}

const real = (e: KernelExpr): KernelExpr =>
  e.kind === 'const' && Math.abs(Number(e.value)) <= 2 ** 24 ? float(Number(e.value)) : scalar('float', e)

const atLeast = (a: Bounded, bound: number): KernelExpr => (a.range.lo >= bound ? yes : le(float(bound), a.lo))
const atMost = (a: Bounded, bound: number): KernelExpr => (a.range.hi <= bound ? yes : le(a.hi, float(bound)))
const finite = (a: Bounded): KernelExpr => and(a.known, atLeast(a, -largest), atMost(a, largest))

/** No rounding crosses zero: what has one sign keeps it. */
function outward(a: Bounded, margin: Margin): Bounded {
  const down = (x: number): number => x - Math.abs(x) * margin.relative - margin.absolute
  const [lo, hi] = [down(a.range.lo), -down(-a.range.hi)]
  const bounds = range(a.range.lo >= 0 ? Math.max(0, lo) : lo, a.range.hi <= 0 ? Math.min(0, hi) : hi)
  const capped = range(bounds.lo < -largest ? -Infinity : bounds.lo, bounds.hi > largest ? Infinity : bounds.hi)
  const [less, more] = [move(a.lo, 'sub', margin), move(a.hi, 'add', margin)]
  return {
    lo: a.range.lo >= 0 ? max(float(0), less) : less,
    hi: a.range.hi <= 0 ? min(float(0), more) : more,
    range: capped,
    known: a.known,
  }
}

function move(e: KernelExpr, op: 'sub' | 'add', margin: Margin): KernelExpr {
  const slack = add(mul(scalar('abs', e), float(margin.relative)), float(margin.absolute))
  if (e.kind !== 'const') return scalar(op, e, slack)
  const by = Math.abs(Number(e.value)) * margin.relative + margin.absolute
  return float(op === 'sub' ? Number(e.value) - by : Number(e.value) + by)
}
