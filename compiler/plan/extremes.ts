/** Elements at their own extreme: `x == max x`, `x >= max x`, `x == min x`, `x <= min x`. */
import { call, constant, type Expr, f32, mapChildren, type Reduce, reduce } from '../ir.ts'
import { conjunction } from './algebra.ts'
import type { Interner } from './intern.ts'

export interface Extreme {
  readonly x: Expr
  readonly kind: 'max' | 'min'
  readonly domain: Expr | undefined
}

/** `c` as such a condition over `stream`, if it is one. Expressions are interned. */
export function extremeOf(c: Expr, stream: string): Extreme | undefined {
  if (c.kind !== 'call' || (c.op !== 'eq' && c.op !== 'le')) return undefined
  const [a, b] = c.args as [Expr, Expr]
  if (c.op === 'le') return at(b, a, 'max', stream) ?? at(a, b, 'min', stream)
  return at(a, b, undefined, stream) ?? at(b, a, undefined, stream)
}
function at(x: Expr, fold: Expr, kind: 'max' | 'min' | undefined, stream: string): Extreme | undefined {
  if (fold.kind !== 'reduce' || fold.of !== x || fold.over.join() !== stream) return undefined
  if (fold.op !== 'max' && fold.op !== 'min') return undefined
  return kind === undefined || kind === fold.op ? { x, kind: fold.op, domain: fold.domain } : undefined
}

/**
 * Sums, counts and `any` over the places at an extreme become folds over all places of that extreme, of what is nothing elsewhere: so
 * they need no pass of their own.
 */
export function takeExtremes(exprs: readonly Expr[], stream: string, names: Interner): readonly Expr[] {
  const done = new Map<Expr, Expr>()
  const visit = (e: Expr): Expr => {
    const known = done.get(e)
    if (known) return known
    const out = names.intern(mapChildren(e, visit))
    const taken = out.kind === 'reduce' && out.over.join() === stream ? names.intern(widened(out, stream)) : out
    done.set(e, taken)
    return taken
  }
  return exprs.map((e) => visit(names.intern(e)))
}

function widened(e: Reduce, stream: string): Expr {
  const parts = e.domain ? conditionsOf(e.domain) : []
  const extremes = parts.filter((c) => extremeOf(c, stream))
  const others = parts.filter((c) => !extremes.includes(c))
  const domain = others.length > 0 ? conjunction(others) : undefined
  const isOwn = extremes.length > 0 && extremes.every((c) => sameConditions(extremeOf(c, stream)?.domain, others))
  if (!isOwn) return e
  if (e.op === 'sum' && e.type === 'f32')
    return reduce('sum', e.over, call('select', [conjunction(extremes), e.of, f32(0)]), domain, e.span)
  if (e.op !== 'count' && e.op !== 'any') return e
  const isAll = e.of.kind === 'const' && e.of.value === true
  return reduce(e.op, e.over, conjunction(isAll ? extremes : [...extremes, e.of]), domain, e.span)
}
const sameConditions = (domain: Expr | undefined, others: readonly Expr[]): boolean => {
  const own = domain ? conditionsOf(domain) : []
  return own.length === others.length && own.every((c) => others.includes(c))
}

/** The conditions that hold together where `e` does. */
export const conditionsOf = (e: Expr): readonly Expr[] =>
  e.kind === 'call' && e.op === 'and' ? e.args.flatMap(conditionsOf) : e.kind === 'const' && e.value === true ? [] : [e]
