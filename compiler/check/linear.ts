/** i32 expressions as sums of indices and lengths, for what intervals do not see: an index is below its length. */

import { type Range, range } from '../interval.ts'
import { type Expr, type Size, size } from '../ir.ts'
import { type AxisTable, ancestorsOf, featureAxes, fixedLength, lengthRoot } from './axes.ts'

/** Lengths are taken to be below 2^30, so that a place less another never wraps; of batch, heads and features below 2^16. */
const longest = 2 ** 30 - 1
const fewHeads = 2 ** 16 - 1

interface Term {
  readonly atom: Expr
  readonly factor: number
}

/** `constant + sum of factor * atom`; an atom may occur more than once. */
export interface Linear {
  readonly constant: number
  readonly terms: readonly Term[]
}

const none: Linear = { constant: 0, terms: [] }

export function linearOf(e: Expr): Linear {
  if (e.kind === 'const') return { constant: Number(e.value), terms: [] }
  const atom: Linear = { constant: 0, terms: [{ atom: e, factor: 1 }] }
  if (e.kind === 'spread') return linearOf(e.of)
  if (e.kind !== 'call' || e.type !== 'i32') return atom
  const [a = none, b = none] = e.args.map(linearOf)
  if (e.op === 'add') return plus(a, b)
  if (e.op === 'sub') return plus(a, times(b, -1))
  if (e.op === 'neg') return times(a, -1)
  if (e.op === 'mul' && a.terms.length === 0) return times(b, a.constant)
  if (e.op === 'mul' && b.terms.length === 0) return times(a, b.constant)
  return atom
}

const plus = (a: Linear, b: Linear): Linear => ({ constant: a.constant + b.constant, terms: [...a.terms, ...b.terms] })
const times = (a: Linear, n: number): Linear => ({
  constant: a.constant * n,
  terms: a.terms.map(({ atom, factor }) => ({ atom, factor: factor * n })),
})

/** `e - size(axis) + 1`: not above 0 if `e` is below the length. */
export const overEnd = (e: Expr, axis: string): Linear =>
  plus(linearOf(e), { constant: 1, terms: [{ atom: size(axis) satisfies Size, factor: -1 }] })

/** The values of a sum, where `rangeOf` gives those of other atoms and lengths are `least` or more. */
export function boundsOf(
  table: AxisTable,
  { constant, terms }: Linear,
  rangeOf: (atom: Expr) => Range,
  least = 0,
): Range {
  const groups = new Map<string, { size: number; readonly indices: Map<string, number> }>()
  let out = range(constant, constant)
  for (const { atom, factor } of terms) {
    if (atom.kind !== 'index' && atom.kind !== 'size') out = sum(out, scaled(rangeOf(atom), factor))
    else {
      const root = lengthRoot(table, atom.axis)
      const group = groups.get(root) ?? { size: 0, indices: new Map() }
      groups.set(root, group)
      if (atom.kind === 'size') group.size += factor
      else group.indices.set(atom.axis, (group.indices.get(atom.axis) ?? 0) + factor)
    }
  }
  for (const [root, { size: factor, indices }] of groups) {
    const { lo, hi } = lengthsOf(table, root)
    out = sum(out, boundsOfGroup(factor, [...indices.values()], range(Math.max(lo, least), hi)))
  }
  return out
}

/** The length n of one axis times `factor`, plus indices in [0, n - 1] times theirs: the extremes lie at extreme n. */
function boundsOfGroup(factor: number, indices: readonly number[], lengths: Range): Range {
  const least = indices.length > 0 ? Math.max(lengths.lo, 1) : lengths.lo
  const at = (n: number): Range =>
    indices.map((f) => scaled(range(0, Math.max(0, n - 1)), f)).reduce(sum, range(factor * n, factor * n))
  const [low, high] = [at(least), at(lengths.hi)]
  return range(Math.min(low.lo, high.lo), Math.max(low.hi, high.hi))
}

export function lengthsOf(table: AxisTable, axis: string): Range {
  const fixed = fixedLength(table, axis)
  if (fixed !== undefined) return range(fixed, fixed)
  const rule = table.entries.get(axis)?.rule
  const inner = rule?.kind === 'part' ? fixedLength(table, rule.inner) : undefined
  if (rule?.kind === 'part' && inner) return range(0, Math.ceil(lengthsOf(table, rule.of).hi / inner))
  const family = [axis, ...ancestorsOf(table, axis)].map((name) => lengthRoot(table, name))
  return range(0, family.some((name) => ['b', 'h', ...featureAxes].includes(name)) ? fewHeads : longest)
}

const sum = (a: Range, b: Range): Range => range(a.lo + b.lo, a.hi + b.hi)
const scaled = ({ lo, hi }: Range, n: number): Range =>
  n === 0 ? range(0, 0) : n < 0 ? range(hi * n, lo * n) : range(lo * n, hi * n)
