/**
 * Sums, extremes, counts and `any` over some of the places that other folds see become folds over all of those, of what is nothing at the
 * others. So they share a walk, and an empty set of places needs no case of its own.
 */
import { call, constant, type Expr, mapChildren, nodesOf, type Reduce, reduce } from '../ir.ts'
import { conjunction } from './algebra.ts'
import { conditionsOf, extremeOf } from './extremes.ts'
import { where } from './guarded.ts'
import type { Interner } from './intern.ts'

export const widen = (exprs: readonly Expr[], streams: readonly string[], names: Interner): readonly Expr[] =>
  streams.reduce((all, stream) => widenOver(all, stream, names), exprs)

function widenOver(exprs: readonly Expr[], stream: string, names: Interner): readonly Expr[] {
  const isFold = (e: Expr): e is Reduce => e.kind === 'reduce' && e.over.join() === stream
  const all = exprs.map(names.intern)
  const domains = [...new Set(nodesOf(...all).flatMap((e) => (isFold(e) && e.domain ? [e.domain] : [])))]
  const done = new Map<Expr, Expr>()
  const visit = (e: Expr): Expr => {
    const known = done.get(e)
    if (known) return known
    const out = names.intern(mapChildren(e, visit))
    const made = isFold(out) && out.domain ? names.intern(widened(out, out.domain)) : out
    done.set(e, made)
    return made
  }
  const widened = (e: Reduce, domain: Expr): Expr => {
    const own = conditionsOf(domain)
    const extremes = own.filter((c) => extremeOf(c, [stream]))
    const others = own.filter((c) => !extremes.includes(c))
    // The places at an extreme are some of those that the extreme is of.
    const ofExtreme = extremes.length > 0 && extremes.every((c) => isAll(extremeOf(c, [stream])?.domain, others))
    if (ofExtreme) return over(e, others, extremes, names)
    const wider = domains
      .map(conditionsOf)
      .filter((some) => some.length > 0 && some.length < own.length && some.every((c) => own.includes(c)))
      .toSorted((a, b) => a.length - b.length)[0]
    return wider
      ? over(
          e,
          wider,
          own.filter((c) => !wider.includes(c)),
          names,
        )
      : e
  }
  return all.map(visit)
}

/** `e` over the places where `domain` holds, of what it sees where `conditions` hold as well. */
function over(e: Reduce, domain: readonly Expr[], conditions: readonly Expr[], names: Interner): Expr {
  const wide = domain.length > 0 ? conjunction(domain) : undefined
  if (e.op === 'sum') {
    const body = call('select', [conjunction(conditions), e.of, constant(0, e.type)])
    return reduce('sum', e.over, body, wide, e.span)
  }
  if ((e.op === 'max' || e.op === 'min') && e.type === 'f32')
    return reduce(e.op, e.over, where(e.of, conditions, e.op, names), wide, e.span)
  if (e.op !== 'count' && e.op !== 'any') return e
  const isTrue = e.of.kind === 'const' && e.of.value === true
  return reduce(e.op, e.over, conjunction(isTrue ? conditions : [...conditions, e.of]), wide, e.span)
}

const isAll = (domain: Expr | undefined, conditions: readonly Expr[]): boolean => {
  const own = domain ? conditionsOf(domain) : []
  return own.length === conditions.length && own.every((c) => conditions.includes(c))
}
