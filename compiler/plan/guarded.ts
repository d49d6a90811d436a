/**
 * Exponents, and bases of powers, under a condition. A sum of exp(x) where c holds is taken relative to the largest x where c holds:
 * one at another place may be so large that the sum would vanish beside it. So x has a *guarded form*, `if c then x else -inf`, whose
 * extreme is that reference.
 *
 * Where the definition itself takes x relative to a fold of all x, as weights of a softmax that a condition leaves out do, it is that
 * fold which sets the scale, and x stays bare. What a sum leaves of the definition does not show it any more; so decisions are made
 * while statistics are still there, and kept for later.
 */
import { call, type Expr, f32, nodesOf, rewrite } from '../ir.ts'
import { conjunction } from './algebra.ts'
import type { Interner } from './intern.ts'

export interface GuardedForms {
  /** The guarded form of `x`, times a rate of this sign in an exponent; `x` itself where the guards say nothing of it. */
  readonly of: (x: Expr, rate: number, guards: readonly Expr[]) => Expr
  /** The same for a base of powers: 0 where a guard does not hold. */
  readonly ofBase: (x: Expr, guards: readonly Expr[]) => Expr
  /** `e` with bare expressions in place of their guarded forms. */
  readonly bare: (e: Expr) => Expr
  /** What an exponential of `x` is made of where it is not 0. */
  readonly inside: (x: Expr) => Expr
  /** Notes whether a use of `form` asks for it; it is taken where any does. */
  readonly note: (form: Expr, isWanted: boolean) => void
  readonly isWanted: (form: Expr) => boolean
}

export function createGuardedForms(names: Interner): GuardedForms {
  const made = new Map<Expr, { readonly x: Expr; readonly guards: Expr }>()
  const wanted = new Map<Expr, boolean>()
  const of: GuardedForms['of'] = (x, rate, guards) => {
    const own = guards.filter((g) => !isAboveNothing(g, x))
    if (own.length === 0) return x
    const form = where(x, own, rate > 0 ? 'max' : 'min', names)
    made.set(form, { x, guards: conjunction(own) })
    return form
  }
  const ofBase: GuardedForms['ofBase'] = (x, guards) =>
    guards.length === 0 ? x : names.intern(call('select', [all(guards, names), x, f32(0)]))
  const bare = (e: Expr): Expr =>
    made.size === 0 ? e : names.intern(rewrite(e, (x) => made.get(names.intern(x))?.x ?? x))
  const inside = (x: Expr): Expr => {
    const found = made.get(x)
    return found ? names.intern(call('select', [found.guards, found.x, f32(0)])) : x
  }
  return {
    of,
    ofBase,
    bare,
    inside,
    note: (form, isWanted) => void wanted.set(form, isWanted || wanted.get(form) === true),
    isWanted: (form) => wanted.get(form) ?? true,
  }
}

/** `x` where all of `conditions` hold, else what a fold with `op` leaves out. */
export function where(x: Expr, conditions: readonly Expr[], op: 'max' | 'min', names: Interner): Expr {
  return names.intern(call('select', [all(conditions, names), x, f32(op === 'max' ? -Infinity : Infinity)]))
}

const all = (conditions: readonly Expr[], names: Interner): Expr =>
  conjunction(conditions.map(names.intern).toSorted((a, b) => names.id(a) - names.id(b)))

/** `x > -inf`, which a guarded form says anyway. */
const isAboveNothing = (g: Expr, x: Expr): boolean =>
  g.kind === 'call' && g.op === 'lt' && g.args[1] === x && g.args[0]?.kind === 'const' && g.args[0].value === -Infinity

/** Is one of `others` a fold of all of `x`, or the reference that stands for it? */
export function hasFoldOf(x: Expr, form: Expr, others: readonly Expr[], references: ReadonlyMap<Expr, Expr>): boolean {
  const nodes = nodesOf(...others)
  const referred = nodes.flatMap((e) => references.get(e) ?? [])
  if (referred.includes(form) || nodes.includes(form)) return false
  return referred.includes(x) || nodes.some((e) => e.kind === 'reduce' && nodesOf(e.of).includes(x))
}
