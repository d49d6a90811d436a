/**
 * Sums of products of powers and one exponential, over opaque expressions: the normal form in which statistics are pulled out of
 * sums. `coefficient * product(factor ^ power) * exp(sum(weight * x))`, where the guards hold, else 0. Expressions are interned.
 * `outside`: factors that the definition multiplies with after it has made the rest 0; where they are infinite, 0 times them is NaN.
 */
import { call, type Expr, f32, i32 } from '../ir.ts'
import type { Interner } from './intern.ts'

export interface Term {
  readonly coefficient: number
  readonly factors: ReadonlyMap<Expr, number>
  readonly exponent: ReadonlyMap<Expr, number>
  readonly guards: readonly Expr[]
  readonly outside: ReadonlySet<Expr>
}
export type Sum = readonly Term[]

const none: ReadonlyMap<Expr, number> = new Map()
const nothing: ReadonlySet<Expr> = new Set()
export const number = (coefficient: number): Term => ({
  coefficient,
  factors: none,
  exponent: none,
  guards: [],
  outside: nothing,
})
export const factor = (e: Expr, power = 1): Term => ({ ...number(1), factors: new Map([[e, power]]) })
export const exponential = (exponent: ReadonlyMap<Expr, number>): Term => ({ ...number(1), exponent })
export const guarded = (term: Term, guard: Expr): Term => ({
  ...term,
  guards: union(term.guards, [guard]),
  outside: nothing,
})

export const times = (a: Term, b: Term): Term => ({
  coefficient: a.coefficient * b.coefficient,
  factors: addWeights(a.factors, b.factors),
  exponent: addWeights(a.exponent, b.exponent),
  guards: union(a.guards, b.guards),
  outside: a.guards.length + b.guards.length === 0 ? nothing : new Set([...outsideOf(a, b), ...outsideOf(b, a)]),
})
/** What of `a` comes after the guards of `b`. */
const outsideOf = (a: Term, b: Term): Iterable<Expr> =>
  a.guards.length === 0 && b.guards.length > 0 ? a.factors.keys() : a.outside
export const scaled = (sum: Sum, by: number): Sum => sum.map((t) => ({ ...t, coefficient: t.coefficient * by }))
export const product = (a: Sum, b: Sum, names: Interner): Sum =>
  collect(
    a.flatMap((x) => b.map((y) => times(x, y))),
    names,
  )

/** `term ^ power`. Guards must be empty unless the power is a positive integer. */
export const power = (t: Term, p: number): Term => ({
  coefficient: t.coefficient ** p,
  factors: scaleWeights(t.factors, p),
  exponent: scaleWeights(t.exponent, p),
  guards: t.guards,
  outside: t.outside,
})

/** Adds terms that differ in their coefficient only, and drops those that cancel. */
export function collect(terms: Sum, names: Interner): Sum {
  const byKey = new Map<string, Term>()
  for (const term of terms) {
    const key = keyOf(term, names)
    const other = byKey.get(key)
    byKey.set(key, other ? { ...term, coefficient: term.coefficient + other.coefficient } : term)
  }
  return [...byKey.values()].filter((term) => term.coefficient !== 0)
}

const keyOf = (t: Term, names: Interner): string =>
  `${weightsKey(t.factors, names)}|${weightsKey(t.exponent, names)}|${t.guards.map(names.id).sort().join(',')}`
export const weightsKey = (weights: ReadonlyMap<Expr, number>, names: Interner): string =>
  [...weights]
    .map(([e, w]) => [names.id(e), w] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([id, w]) => `${id}*${w}`)
    .join(',')

export function addWeights(
  a: ReadonlyMap<Expr, number>,
  b: ReadonlyMap<Expr, number>,
  by = 1,
): ReadonlyMap<Expr, number> {
  if (b.size === 0) return a
  const out = new Map(a)
  for (const [e, w] of b) {
    const total = (out.get(e) ?? 0) + by * w
    if (total === 0) out.delete(e)
    else out.set(e, total)
  }
  return out
}
export const scaleWeights = (a: ReadonlyMap<Expr, number>, by: number): ReadonlyMap<Expr, number> =>
  new Map([...a].map(([e, w]) => [e, w * by]))
const union = (a: readonly Expr[], b: readonly Expr[]): readonly Expr[] => [...new Set([...a, ...b])]

// Back to expressions. Exponents of one term are added before one `exp`, so that large ones cancel.

export function renderSum(sum: Sum, names: Interner): Expr {
  const [first, ...rest] = sum
  if (!first) return names.intern(f32(0))
  return names.intern(rest.reduce((e, t) => addTerm(e, t), renderTerm(first)))
}
/** A sum of terms with what all of them share taken out: (x + y) v instead of x v + y v. */
export function renderFactored(sum: Sum, names: Interner): Expr {
  const [first, ...rest] = sum
  const shared = new Map(
    [...(first?.factors ?? [])].filter(([x, p]) => p > 0 && rest.every((t) => t.factors.get(x) === p)),
  )
  if (rest.length === 0 || shared.size === 0) return renderSum(sum, names)
  const inner = sum.map((t) => ({ ...t, factors: addWeights(t.factors, shared, -1) }))
  return names.intern(call('mul', [renderSum(inner, names), renderTerm({ ...number(1), factors: shared })]))
}
const addTerm = (e: Expr, t: Term): Expr =>
  t.coefficient < 0 && t.guards.length === 0
    ? call('sub', [e, renderTerm({ ...t, coefficient: -t.coefficient })])
    : call('add', [e, renderTerm(t)])

export function renderTerm(t: Term): Expr {
  const above: Expr[] = []
  const below: Expr[] = []
  if (t.exponent.size > 0) above.push(call('exp', [renderLinear(t.exponent)]))
  for (const [e, p] of t.factors) (p > 0 ? above : below).push(renderPower(e, Math.abs(p)))
  const c = t.coefficient
  if (above.length === 0 && below.length === 0 && t.guards.length === 0) return f32(c)
  if (above.length === 0 || (c !== 1 && c !== -1)) above.unshift(f32(Math.abs(c)))
  const top = multiply(above)
  const value = below.length > 0 ? call('div', [top, multiply(below)]) : top
  const signed = c < 0 ? call('neg', [value]) : value
  return t.guards.length > 0 ? call('select', [conjunction(t.guards), signed, f32(0)]) : signed
}
const multiply = (all: readonly Expr[]): Expr => all.slice(1).reduce((x, y) => call('mul', [x, y]), all[0] ?? f32(1))
export const conjunction = (all: readonly Expr[]): Expr =>
  all.slice(1).reduce((x, y) => call('and', [x, y]), all[0] as Expr)

function renderPower(e: Expr, p: number): Expr {
  if (p === 1) return e
  if (p === 0.5) return call('sqrt', [e])
  return call('pow', [e, Number.isInteger(p) ? i32(p) : f32(p)])
}

/** sum(weight * x); the constant 1 as x carries a constant. Positive weights first, so that a difference reads as one. */
export function renderLinear(weights: ReadonlyMap<Expr, number>): Expr {
  const ordered = [...weights].sort((a, b) => Number(b[1] > 0) - Number(a[1] > 0))
  let out: Expr | undefined
  for (const [e, w] of ordered) {
    const size = Math.abs(w)
    const part = e.kind === 'const' && e.value === 1 ? f32(size) : size === 1 ? e : call('mul', [f32(size), e])
    out = out === undefined ? (w < 0 ? call('neg', [part]) : part) : call(w < 0 ? 'sub' : 'add', [out, part])
  }
  return out ?? f32(0)
}
