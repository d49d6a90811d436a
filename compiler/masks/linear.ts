/** Sums of integer atoms: how comparisons of indices stay exact and readable. */
import { anyInteger, contains, type Range, range } from '../interval.ts'
import type { KernelExpr } from '../kernel.ts'
import { add, int, mul, scalar, sub } from './scalar.ts'
import type { Reach } from './search.ts'

/** What a value can be over a tile: `lo` and `hi` are computed at run time, `range` is known before, `known` is whether they hold. */
export interface Bounded {
  readonly lo: KernelExpr
  readonly hi: KernelExpr
  readonly range: Range
  readonly known: KernelExpr
}

/** An integer that no sum takes apart. */
export interface Atom extends Bounded {
  readonly key: string
  readonly role: { readonly kind: 'index' | 'size'; readonly axis: string } | undefined
  readonly column: boolean // it varies over the column axis
  readonly quotient: { readonly of: Linear; readonly by: number } | undefined // floor of `of / by`, by > 0
  readonly reach: Reach | undefined // of a tensor along the column
}
export interface Term {
  readonly atom: Atom
  readonly times: number
}
/** The sum of `times * atom` and `constant`. */
export interface Linear {
  readonly terms: readonly Term[]
  readonly constant: number
}

export const ofAtom = (atom: Atom): Linear => ({ terms: [{ atom, times: 1 }], constant: 0 })
export const ofConstant = (constant: number): Linear => ({ terms: [], constant })
export const shift = (a: Linear, by: number): Linear => ({ ...a, constant: a.constant + by })
export const scale = (a: Linear, by: number): Linear => ({
  terms: by === 0 ? [] : a.terms.map(({ atom, times }) => ({ atom, times: times * by })),
  constant: a.constant * by === 0 ? 0 : a.constant * by,
})

export function plus(a: Linear, b: Linear): Linear {
  const sums = new Map(a.terms.map((term) => [term.atom.key, term]))
  for (const { atom, times } of b.terms) sums.set(atom.key, { atom, times: times + (sums.get(atom.key)?.times ?? 0) })
  return { terms: [...sums.values()].filter((term) => term.times !== 0), constant: a.constant + b.constant }
}
export const minus = (a: Linear, b: Linear): Linear => plus(a, scale(b, -1))

/** What the sum can be for any tile, with 0 <= index < size of the same axis taken together: `i + size(j) - size(i) < size(j)`. */
export function rangeOf({ terms, constant }: Linear): Range {
  const axes = new Map<string, Term[]>()
  let [lo, hi] = [constant, constant]
  for (const term of terms) {
    const { atom, times } = term
    if (atom.role) axes.set(atom.role.axis, [...(axes.get(atom.role.axis) ?? []), term])
    else {
      lo += Math.min(times * atom.range.lo, times * atom.range.hi)
      hi += Math.max(times * atom.range.lo, times * atom.range.hi)
    }
  }
  for (const ofAxis of axes.values()) {
    const ends = axisEnds(ofAxis)
    lo += Math.min(...ends)
    hi += Math.max(...ends)
  }
  return range(lo, hi)
}

/** A linear function of 0 <= i < n <= N is extreme at a corner: (0, 1), (0, N), (N - 1, N). A fixed length is a constant already. */
function axisEnds(terms: readonly Term[]): readonly number[] {
  const times = (kind: 'index' | 'size'): number => terms.find((t) => t.atom.role?.kind === kind)?.times ?? 0
  const [i, n] = [times('index'), times('size')]
  const largest = Math.min(...terms.map(({ atom }) => atom.range.hi + (atom.role?.kind === 'index' ? 1 : 0)))
  return [n, n * largest, i * (largest - 1) + n * largest]
}

export const fits = (a: Linear): boolean => contains(anyInteger, rangeOf(a))

/** Its least or greatest value over the tile. Right if the sum fits, whatever its parts do: i32 arithmetic wraps. */
export function emit({ terms, constant }: Linear, end: 'lo' | 'hi'): KernelExpr {
  const other = end === 'lo' ? 'hi' : 'lo'
  const product = (times: number, of: KernelExpr): KernelExpr => mul(of, int(times))
  const [up, down] = [terms.filter((t) => t.times > 0), terms.filter((t) => t.times < 0)]
  const [head, ...tail] = up.map((t) => product(t.times, t.atom[end]))
  if (!head && down.length === 1 && down[0]?.times === -1 && constant === 0) return scalar('neg', down[0].atom[other])
  const start = head ? tail.reduce(add, head) : int(constant)
  const sum = down.map((t) => product(-t.times, t.atom[other])).reduce(sub, start)
  return head ? add(sum, int(constant)) : sum
}

export const knownOf = ({ terms }: Linear): readonly KernelExpr[] => terms.map((term) => term.atom.known)
/** One value all over the tile. */
export const isPoint = ({ terms }: Linear): boolean => terms.every(({ atom }) => atom.lo === atom.hi)
/** `lo` and `hi` are one object where the sum is the same at every place of a tile. */
export function bounded(a: Linear, known: KernelExpr): Bounded {
  const lo = emit(a, 'lo')
  const hi = isPoint(a) ? lo : emit(a, 'hi')
  return { lo, hi, range: rangeOf(a), known }
}

/**
 * `left - right` as two sides that both fit: the terms of `left` stay left if they can, else those with a plus, else all.
 * Undefined if no way fits. Terms on both sides cancel first.
 */
export function split(left: Linear, right: Linear): readonly [Linear, Linear] | undefined {
  const difference = minus(left, right)
  const ofLeft = new Set(left.terms.map((term) => term.atom.key))
  const ways: readonly ((term: Term) => boolean)[] = [
    ({ atom }) => ofLeft.has(atom.key),
    ({ times }) => times > 0,
    () => true,
  ]
  for (const way of ways) {
    const stays: Linear = { terms: difference.terms.filter(way), constant: 0 }
    for (const constant of [0, difference.constant]) {
      const a = shift(stays, constant)
      const b = minus(a, difference)
      if (fits(a) && fits(b)) return [a, b]
    }
  }
  return undefined
}
