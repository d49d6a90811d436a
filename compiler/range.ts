/**
 * What values an expression can take, in real arithmetic: roundings of a few ulp and NaN are left out. Relations between a value
 * and a fold over it (`x - max x <= 0`, `x / sum x <= 1` for x >= 0) hold at the places of that fold's domain; they are used only
 * where the place is known to be one: the fold has no domain, or a condition around the place, or `holds`, is that domain.
 */
import type { Attention, DeclaredRange } from './attention.ts'
import {
  anyInteger,
  anyLength,
  anyOf,
  applyToRanges,
  contains,
  hull,
  intersect,
  type Range,
  range,
} from './interval.ts'
import type { Call, Expr, Reduce, Scan } from './ir.ts'
import { createInterner } from './plan/intern.ts'
import { findRelation, isDotOfUnitVectors, type Place } from './relations.ts'

export interface RangeFacts {
  readonly attention?: Pick<Attention, 'inputs' | 'params'> & { readonly score?: Expr | undefined }
  /** Lengths known when the program is made. */
  readonly sizes?: Readonly<Record<string, number>>
  /** Values of compile-time params. */
  readonly params?: Readonly<Record<string, number | boolean>>
  /** Bool expressions that are true wherever the root is evaluated, such as the mask for a body over admitted pairs. */
  readonly holds?: readonly Expr[]
  /** A score of unknown range is taken as `assumedMagnitude`, of either sign. */
  readonly assumed?: boolean
}

/** Unknown scores: 2^-14 <= |s| <= 2^14, so that s^4 needs no reference and exp(s) does. */
export const assumedMagnitude: Range = { lo: 2 ** -14, hi: 2 ** 14 }

/** What is known at a place besides the facts: ranges by number of expression, and conditions that hold. */
interface Scope {
  readonly ranges: ReadonlyMap<number, Range>
  readonly holds: ReadonlySet<number>
  readonly done: Map<Expr, Range>
  readonly inner: Map<string, Scope> // by the condition that is assumed further
  readonly depth: number
}
// Conditions below this many others, or after this many scopes, refine nothing: each branch is looked at in its own scope.
const deepest = 4
const mostScopes = 200

export function createRanges(facts: RangeFacts = {}): (e: Expr) => Range {
  const number = createInterner().id
  const inputs = new Map(facts.attention?.inputs.map((decl) => [decl.name, decl.range]))
  const params = new Map(facts.attention?.params.map((decl) => [decl.name, decl.range]))
  const top: Scope = { ranges: new Map(), holds: new Set(), done: new Map(), inner: new Map(), depth: 0 }
  let scopes = 0
  const start = (facts.holds ?? []).reduce((scope, condition) => assume(condition, true, scope), top)

  function find(e: Expr, scope: Scope): Range {
    const known = scope.done.get(e)
    if (known) return known
    const refined = scope.ranges.get(number(e)) ?? anyOf[e.type]
    const out = intersect(assumeScore(e, compute(e, scope), scope), refined)
    scope.done.set(e, out)
    return out
  }

  function assumeScore(e: Expr, found: Range, scope: Scope): Range {
    const score = facts.assumed ? facts.attention?.score : undefined
    if (!score) return found
    const unknown = (x: Expr): boolean => number(x) === number(score) && !isLimited(compute(x, scope))
    if (unknown(e)) return intersect(range(-assumedMagnitude.hi, assumedMagnitude.hi), found)
    const magnitude = e.kind === 'call' && e.op === 'abs' && e.args[0] && unknown(e.args[0])
    return magnitude ? assumedMagnitude : found
  }

  function compute(e: Expr, scope: Scope): Range {
    switch (e.kind) {
      case 'const':
        return range(Number(e.value), Number(e.value))
      case 'size':
        return sizeOf(e.axis)
      case 'index':
        return range(0, Math.max(0, sizeOf(e.axis).hi - 1))
      case 'input':
        return declared(inputs.get(e.name), e)
      case 'param':
        return paramOf(e.name, e)
      case 'call':
        return callOf(e, scope)
      case 'spread':
        return find(e.of, scope)
      case 'at':
        // Elsewhere: nothing that is known of this place need hold there. An axis of length 0 and `zero` give 0.
        return e.places.every((p) => p.outside === 'clamp' && sizeOf(p.axis).lo > 0)
          ? find(e.of, top)
          : hull(find(e.of, top), range(0, 0))
      case 'reduce':
        return foldOf(e)
      case 'scan':
        return scanOf(e)
      case 'solve':
        return hull(find(e.lo, scope), find(e.hi, scope))
      case 'random':
        return range(0, 1)
      case 'bound':
      case 'repeat':
        return anyOf[e.type]
    }
  }

  function sizeOf(axis: string): Range {
    const fixed = facts.sizes?.[axis]
    return fixed === undefined ? anyLength : range(fixed, fixed)
  }

  function paramOf(name: string, e: Expr): Range {
    const value = facts.params?.[name]
    return value === undefined ? declared(params.get(name), e) : range(Number(value), Number(value))
  }

  function declared(bounds: DeclaredRange | undefined, e: Expr): Range {
    if (!bounds) return anyOf[e.type]
    return intersect(anyOf[e.type], range(find(bounds.lo, top).lo, find(bounds.hi, top).hi))
  }

  function callOf(e: Call, scope: Scope): Range {
    const { op, args } = e
    if (op === 'select') return selectOf(args as readonly [Expr, Expr, Expr], scope)
    if (op === 'not' || op === 'and' || op === 'or' || op === 'lt' || op === 'le' || op === 'eq' || op === 'ne') {
      return anyOf.bool
    }
    const image = applyToRanges(
      op,
      e.type,
      args.map((arg) => find(arg, scope)),
    )
    const related = findRelation(e, placeOf(scope))
    return related ? intersect(image, related) : image
  }

  function placeOf(scope: Scope): Place {
    const inDomain = (fold: Reduce): boolean => !fold.domain || scope.holds.has(number(fold.domain))
    return { number, inDomain, find: (e) => find(e, scope) }
  }

  function selectOf([condition, yes, no]: readonly [Expr, Expr, Expr], scope: Scope): Range {
    if (scope.depth >= deepest || scopes >= mostScopes) return hull(find(yes, scope), find(no, scope))
    return hull(find(yes, assume(condition, true, scope)), find(no, assume(condition, false, scope)))
  }

  /** The body runs over other places than this one: of what is known here, only its own domain counts there. */
  function foldOf(e: Reduce): Range {
    const inside = e.domain ? assume(e.domain, true, top) : top
    if (isDotOfUnitVectors(e, placeOf(inside))) return range(-1, 1)
    const of = find(e.of, inside)
    const lengths = e.over.map(sizeOf)
    const all = lengths.reduce((n, length) => range(n.lo * length.lo, n.hi * length.hi), range(1, 1))
    const places = e.domain ? range(0, all.hi) : all
    return unlessWrapped(e, folds[e.op](of, places))
  }

  function scanOf(e: Scan): Range {
    const of = find(e.of, e.domain ? assume(e.domain, true, top) : top)
    return unlessWrapped(e, folds[e.op === 'cummax' ? 'max' : 'sum'](of, range(0, sizeOf(e.over).hi)))
  }

  /** `scope` where `condition` is `value`. */
  function assume(condition: Expr, value: boolean, scope: Scope): Scope {
    const key = `${number(condition)} ${value}`
    const known = scope.inner.get(key)
    if (known) return known
    scopes += 1
    const made = learnFrom(condition, value, scope)
    scope.inner.set(key, made)
    return made
  }
  function learnFrom(condition: Expr, value: boolean, scope: Scope): Scope {
    const ranges = new Map(scope.ranges)
    const holds = new Set(scope.holds)
    const learn = (e: Expr, known: Range): void => {
      ranges.set(number(e), intersect(ranges.get(number(e)) ?? anyOf[e.type], known))
    }
    const visit = (c: Expr, is: boolean): void => {
      if (is) holds.add(number(c))
      if (c.kind === 'spread') visit(c.of, is)
      if (c.kind !== 'call') return
      const [a, b] = c.args
      if (a && c.op === 'not') visit(a, !is)
      if (!a || !b) return
      if (c.op === (is ? 'and' : 'or')) {
        visit(a, is)
        visit(b, is)
      } else if (c.op === 'lt' || c.op === 'le') {
        // The comparison is false of NaN as well, but then the value is NaN and not in any range.
        const [small, large] = is ? [a, b] : [b, a]
        const strict = (c.op === 'lt') === is
        learn(small, range(-Infinity, strict ? below(find(large, scope).hi, a) : find(large, scope).hi))
        learn(large, range(strict ? above(find(small, scope).lo, a) : find(small, scope).lo, Infinity))
      } else if (c.op === (is ? 'eq' : 'ne')) {
        learn(a, find(b, scope))
        learn(b, find(a, scope))
      }
    }
    visit(condition, value)
    return { ranges, holds, done: new Map(), inner: new Map(), depth: scope.depth + 1 }
  }

  return (e) => {
    scopes = 0
    return find(e, start)
  }
}

const folds: Readonly<Record<Reduce['op'], (of: Range, places: Range) => Range>> = {
  sum: (of, n) => range(times(of.lo, of.lo < 0 ? n.hi : n.lo), times(of.hi, of.hi > 0 ? n.hi : n.lo)),
  mean: (of, n) => (n.lo > 0 ? of : hull(of, range(0, 0))),
  max: (of, n) => (n.lo > 0 ? of : range(-Infinity, of.hi)),
  min: (of, n) => (n.lo > 0 ? of : range(of.lo, Infinity)),
  logsumexp: (of, n) => range(n.lo > 0 ? of.lo + Math.log(n.lo) : -Infinity, of.hi + Math.log(Math.max(n.hi, 1))),
  count: (_, n) => range(n.lo, Math.min(n.hi, anyLength.hi)),
  any: () => anyOf.bool,
  all: () => anyOf.bool,
}
const times = (x: number, n: number): number => (x === 0 || n === 0 ? 0 : x * n)

/** The next number that matters: zero is left behind, so that `x > 0` makes x positive. */
const above = (x: number, { type }: Expr): number => (type === 'i32' ? x + 1 : x === 0 ? 2 ** -149 : x)
const below = (x: number, e: Expr): number => -above(-x, e)

const unlessWrapped = (e: Expr, r: Range): Range => (e.type !== 'i32' || contains(anyInteger, r) ? r : anyInteger)
const isLimited = (r: Range): boolean => r.lo > -Infinity && r.hi < Infinity
export const isPositive = (r: Range): boolean => r.lo > 0
export const isNonNegative = (r: Range): boolean => r.lo >= 0
export const isBounded = (r: Range, lo: number, hi: number): boolean => lo <= r.lo && r.hi <= hi
export type { Range }
