/**
 * Rules of pulling hold where domains have a place. Where one is empty, an expression is what the values over nothing make of it; a
 * condition on the row tells the two apart.
 */
import {
  call,
  children,
  constant,
  type Expr,
  mapChildren,
  nodesOf,
  type Reduce,
  reduce,
  rewrite,
  size,
  withoutAxes,
} from '../ir.ts'
import type { Interner } from './intern.ts'
import { fold } from './normalise.ts'

/** What statistics are taken over: an axis, and which of its places count. */
export interface Places {
  readonly stream: string
  readonly domain: Expr | undefined
}
const placesOfOne = (e: Reduce): Places => ({ stream: e.over[0] as string, domain: e.domain })
const areSame = (a: Places, b: Places): boolean => a.stream === b.stream && a.domain === b.domain

type IsStatistic = (e: Expr) => e is Reduce

export function placesOf(exprs: readonly Expr[], isStatistic: IsStatistic): readonly Places[] {
  const all = nodesOf(...exprs)
    .filter((e) => isStatistic(e))
    .map(placesOfOne)
  return all.filter((places, k) => all.findIndex((other) => areSame(other, places)) === k)
}

/**
 * Does `e` fold an axis that these places vary over, such as heads with a mask of their own? Then what it folds has such places for
 * each of its members, and one condition outside says nothing of them.
 */
const mixes = (e: Expr, { domain }: Places, isStatistic: (e: Expr) => boolean): e is Reduce =>
  e.kind === 'reduce' && !isStatistic(e) && e.over.some((axis) => domain?.axes.includes(axis))

/** Those places of `e` that one condition on its row can tell empty: not inside of what mixes them. */
function placesOutside(e: Expr, isStatistic: IsStatistic): readonly Places[] {
  const isOutside = (places: Places): boolean => {
    const reach = (x: Expr): boolean =>
      (isStatistic(x) && areSame(placesOfOne(x), places)) || (!mixes(x, places, isStatistic) && children(x).some(reach))
    return reach(e)
  }
  return placesOf([e], isStatistic).filter(isOutside)
}

/** `all`, with conditions inside of the folds that mix rows of their own domains. */
export function guardMixed(all: readonly Expr[], isStatistic: IsStatistic, names: Interner): readonly Expr[] {
  const guarded = (e: Expr): Expr => {
    if (e.kind !== 'reduce') return e
    const mixed = placesOutside(e.of, isStatistic).filter((places) => mixes(e, places, isStatistic))
    const of = mixed.reduce((x, places) => {
      const nothing = overNothing(x, places, { names, isStatistic })
      return call('select', [notEmpty(places), x, nothing])
    }, e.of)
    return mixed.length > 0 ? reduce(e.op, e.over, of, e.domain, e.span) : e
  }
  return all.map((e) => names.intern(rewrite(e, guarded)))
}

interface Guarding {
  readonly names: Interner
  readonly isStatistic: IsStatistic
  readonly pulled: (e: Expr) => Expr
}
/**
 * `pulled(e)` where every domain has a place; where one is empty, `e` with the values over nothing. An expression that is one
 * reduction as it stands needs no guard: its state starts as the value over nothing. `filled`: domains known to have a place.
 */
export function guardEmpty(e: Expr, tools: Guarding, filled: readonly Places[] = []): Expr {
  const { names, isStatistic, pulled } = tools
  const open = placesOutside(e, isStatistic).find((places) => !filled.some((other) => areSame(other, places)))
  const value = pulled(e)
  if (open === undefined || (filled.length === 0 && isOneReduction(e, value))) return value
  const whenEmpty = guardEmpty(overNothing(e, open, tools), tools, filled)
  const otherwise = guardEmpty(e, tools, [...filled, open])
  return names.intern(call('select', [notEmpty(open), otherwise, whenEmpty]))
}
/** The value of a row in which no place counts. */
export const emptyValue = (e: Expr, tools: Omit<Guarding, 'pulled'>): Expr =>
  placesOutside(e, tools.isStatistic).reduce((value, places) => overNothing(value, places, tools), e)
const isOneReduction = (e: Expr, value: Expr): boolean =>
  value === e && value.kind === 'reduce' && value.op !== 'mean' && value.op !== 'logsumexp'

const notEmpty = ({ stream, domain }: Places): Expr =>
  domain === undefined
    ? call('lt', [constant(0, 'i32'), size(stream)])
    : {
        kind: 'reduce',
        op: 'any',
        over: [stream],
        of: constant(true, 'bool'),
        domain,
        type: 'bool',
        axes: withoutAxes(domain.axes, [stream]),
        span: domain.span,
      }

function overNothing(e: Expr, places: Places, { names, isStatistic }: Omit<Guarding, 'pulled'>): Expr {
  const done = new Map<Expr, Expr>()
  const visit = (x: Expr): Expr => {
    const known = done.get(x)
    if (known) return known
    const out = replaced(x)
    done.set(x, out)
    return out
  }
  const replaced = (x: Expr): Expr => {
    if (isStatistic(x) && areSame(placesOfOne(x), places)) return identity(x.op, x.type)
    return mixes(x, places, isStatistic) ? x : fold(foldNumbers(mapChildren(x, visit)))
  }
  return names.intern(visit(e))
}
const identity = (op: string, type: Expr['type']): Expr => {
  if (op === 'any' || op === 'all') return constant(op === 'all', 'bool')
  if (op === 'max' || op === 'logsumexp') return constant(-Infinity, type)
  return op === 'min' ? constant(Infinity, type) : constant(0, type)
}
/** 0 * x and 0 / x stay: they are what the row's expression says. Only sums with 0 read better without. */
function foldNumbers(e: Expr): Expr {
  if (e.kind !== 'call' || e.op !== 'add') return e
  const [a, b] = e.args as [Expr, Expr]
  if (a.kind === 'const' && a.value === 0) return b
  return b.kind === 'const' && b.value === 0 ? a : e
}
