/** Bounds that no interval rule sees, because a value meets a fold over itself. */
import { type Range, range } from './interval.ts'
import type { Call, Expr, Reduce } from './ir.ts'

export interface Place {
  readonly number: (e: Expr) => number // equal for equal expressions
  readonly find: (e: Expr) => Range
  readonly inDomain: (fold: Reduce) => boolean // the place is one of those that `fold` sees
}

/** The values of `e`, from relations alone; undefined if none applies. */
export function findRelation(e: Call, place: Place): Range | undefined {
  const [a, b] = e.args
  if (!a || !b) return undefined
  if (e.op === 'sub') return difference(a, b, place) ?? negated(difference(b, a, place))
  if (e.op === 'mul') return square(a, b, place) ?? reciprocalNorm(a, b, place) ?? reciprocalNorm(b, a, place)
  return e.op === 'div' ? quotient(a, b, place) : undefined
}

/** Every sum of products of two vectors of norm at most 1. */
export function isDotOfUnitVectors(e: Reduce, place: Place): boolean {
  if (e.op !== 'sum' || e.domain || e.of.kind !== 'call' || e.of.op !== 'mul') return false
  return e.of.args.every((vector) => isUnitVector(vector, e.over, place))
}

const negated = (r: Range | undefined): Range | undefined => r && range(-r.hi, -r.lo)

/** x - max x, x - logsumexp x <= 0; x - min x >= 0. */
function difference(x: Expr, fold: Expr, place: Place): Range | undefined {
  const f = strip(fold)
  if (f.kind !== 'reduce' || !isFoldOf(f, x, place)) return undefined
  if (f.op === 'max' || f.op === 'logsumexp') return range(-Infinity, 0)
  return f.op === 'min' ? range(0, Infinity) : undefined
}

function square(a: Expr, b: Expr, place: Place): Range | undefined {
  return place.number(a) === place.number(b) ? range(0, Infinity) : undefined
}

function reciprocalNorm(x: Expr, b: Expr, place: Place): Range | undefined {
  const reciprocal = b.kind === 'call' && b.op === 'rsqrt' ? b.args[0] : undefined
  return reciprocal && isAtLeast(reciprocal, place, (s) => isSumOfSquares(s, x, place)) ? range(-1, 1) : undefined
}

/** x / sum x and x / max x in [0, 1] for x >= 0; x / sqrt(sum x²) in [-1, 1]; also with something not negative added. */
function quotient(x: Expr, divisor: Expr, place: Place): Range | undefined {
  const bounds = (f: Expr): boolean =>
    f.kind === 'reduce' && (f.op === 'sum' || f.op === 'max') && isFoldOf(f, x, place)
  if (place.find(x).lo >= 0 && isAtLeast(divisor, place, bounds)) return range(0, 1)
  return isAtLeast(divisor, place, (f) => isNorm(f, x, place)) ? range(-1, 1) : undefined
}

function isNorm(e: Expr, x: Expr, place: Place): boolean {
  const under = e.kind === 'call' && e.op === 'sqrt' ? e.args[0] : undefined
  return under !== undefined && isAtLeast(under, place, (s) => isSumOfSquares(s, x, place))
}

function isSumOfSquares(e: Expr, x: Expr, place: Place, over?: readonly string[]): boolean {
  if (e.kind !== 'reduce' || e.op !== 'sum' || !place.inDomain(e)) return false
  if (over && `${over}` !== `${e.over}`) return false
  return isSquareOf(e.of, x, place)
}

function isSquareOf(e: Expr, x: Expr, { number }: Place): boolean {
  if (e.kind !== 'call') return false
  const [a, b] = e.args
  if (!a || !b || number(strip(a)) !== number(strip(x))) return false
  if (e.op === 'mul') return number(a) === number(b)
  return e.op === 'pow' && b.kind === 'const' && b.value === 2
}

function isUnitVector(e: Expr, over: readonly string[], place: Place): boolean {
  const v = strip(e)
  if (v.kind !== 'call') return false
  const [x, b] = v.args
  if (!x || !b) return false
  const isSum = (s: Expr): boolean => isSumOfSquares(s, x, place, over)
  if (v.op === 'div') {
    return isAtLeast(
      b,
      place,
      (f) => f.kind === 'call' && f.op === 'sqrt' && !!f.args[0] && isAtLeast(f.args[0], place, isSum),
    )
  }
  return v.op === 'mul' && b.kind === 'call' && b.op === 'rsqrt' && !!b.args[0] && isAtLeast(b.args[0], place, isSum)
}

/** `e` is `it`, or `it` with something not negative added, or a maximum with it. */
function isAtLeast(e: Expr, place: Place, it: (e: Expr) => boolean): boolean {
  const s = strip(e)
  if (it(s)) return true
  if (s.kind !== 'call') return false
  const [a, b] = s.args
  if (!a || !b || (s.op !== 'add' && s.op !== 'max')) return false
  const enough = (x: Expr): boolean => s.op === 'max' || place.find(x).lo >= 0
  return (isAtLeast(a, place, it) && enough(b)) || (isAtLeast(b, place, it) && enough(a))
}

const isFoldOf = (fold: Reduce, x: Expr, place: Place): boolean =>
  place.number(strip(fold.of)) === place.number(strip(x)) && place.inDomain(fold)

/** A declared spread and a gradient's marks do not change a value. */
function strip(e: Expr): Expr {
  if (e.kind === 'spread') return strip(e.of)
  const same = e.kind === 'call' && (e.op === 'stop_gradient' || e.op === 'straight_through') ? e.args[0] : undefined
  return same ? strip(same) : e
}
