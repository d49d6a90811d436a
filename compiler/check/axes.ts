/** The axes of an attention, and what happens where a derived axis meets the one it comes from. */
import type { Span } from '../../grammar/source.ts'
import type { Axis } from '../attention.ts'
import { at, axisOrder, call, type Expr, index, size, unionAxes } from '../ir.ts'
import { createRanges } from '../range.ts'
import { isPoison, poison } from './context.ts'

/** The axes that need no declaration. */
export const conventionalAxes: readonly string[] = ['b', 'h', 'i', 'j', 'd', 'e']
export const featureAxes: readonly string[] = ['d', 'e']

/** Axes as a result has them in memory: b, h, i, j, declared ones in order of declaration, d, e. */
export function inMemoryOrder(axes: readonly string[], known: readonly Axis[]): readonly string[] {
  const declared = known.map(({ name }) => name).filter((name) => !conventionalAxes.includes(name))
  const order = [...['b', 'h', 'i', 'j'], ...declared, ...featureAxes]
  return axes.toSorted((x, y) => order.indexOf(x) - order.indexOf(y) || axisOrder(x, y))
}

/** `by` and `value` are elaborated when first asked for, since they may use parameters. */
export type AxisRule =
  | { readonly kind: 'like'; readonly of: string }
  | { readonly kind: 'divides'; readonly of: string }
  | { readonly kind: 'fixed'; readonly value: () => Expr }
  | {
      readonly kind: 'part'
      readonly of: string
      readonly outer: string
      readonly inner: string
      readonly by: () => Expr
    }

export interface AxisEntry {
  readonly name: string
  readonly span: Span | undefined // undefined: conventional and not declared
  readonly rule: AxisRule | undefined
}

export interface AxisTable {
  readonly entries: ReadonlyMap<string, AxisEntry>
  /** What `raise` made, so that a value that is read twice in one way stays one node. */
  readonly raised: Map<Expr, Map<string, Expr>>
}

const ruleOf = (table: AxisTable, axis: string): AxisRule | undefined => table.entries.get(axis)?.rule

/** The axis whose index gives this one's: `h` of `g divides h`, `j` of its parts. */
function parentOf(table: AxisTable, axis: string): string | undefined {
  const rule = ruleOf(table, axis)
  return rule?.kind === 'divides' || rule?.kind === 'part' ? rule.of : undefined
}

/** Nearest first. */
export function ancestorsOf(table: AxisTable, axis: string): readonly string[] {
  const found: string[] = []
  for (let next = parentOf(table, axis); next !== undefined; next = parentOf(table, next)) found.push(next)
  return found
}

/** The axis whose length this one has by `like`, at the end of the chain. */
export function lengthRoot(table: AxisTable, axis: string): string {
  for (let name = axis; ; ) {
    const rule = ruleOf(table, name)
    if (rule?.kind !== 'like') return name
    name = rule.of
  }
}

/** The splits there are, once each, by their outer part. */
const splitsOf = (table: AxisTable): readonly (AxisRule & { readonly kind: 'part' })[] =>
  [...table.entries.values()].flatMap(({ name, rule }) => (rule?.kind === 'part' && rule.outer === name ? [rule] : []))

/** The token axis that this axis is, or is a part of. */
export function tokenRoot(table: AxisTable, axis: string): 'i' | 'j' | undefined {
  let root = axis
  for (let rule = ruleOf(table, root); rule?.kind === 'part'; rule = ruleOf(table, root)) root = rule.of
  return root === 'i' || root === 'j' ? root : undefined
}

/** Whether `axes` tell a place of `axis`: by itself or by both its parts. */
const locates = (table: AxisTable, axes: readonly string[], axis: string): boolean =>
  axes.includes(axis) ||
  splitsOf(table).some((s) => s.of === axis && locates(table, axes, s.outer) && locates(table, axes, s.inner))

/** Whether something over `axes` has one value per query and key. */
export const isPair = (table: AxisTable, axes: readonly string[]): boolean =>
  locates(table, axes, 'i') && locates(table, axes, 'j')

/** `g = h idiv (size(h) idiv size(g))`, `c = j idiv n`, `t = j mod n`. */
function indexFromParent(table: AxisTable, axis: string): Expr {
  const rule = ruleOf(table, axis)
  if (rule?.kind === 'part') return call(rule.outer === axis ? 'idiv' : 'mod', [index(rule.of), rule.by()])
  const parent = parentOf(table, axis) ?? axis
  return call('idiv', [index(parent), call('idiv', [size(parent), size(axis)])])
}

const sizeOfPart = (table: AxisTable, axis: string): Expr => {
  const rule = ruleOf(table, axis)
  return rule?.kind === 'part' ? rule.by() : poison
}

/** `e` read at the place that the parents of these axes name; poison if a split has no size. */
export function raise(table: AxisTable, e: Expr, axes: readonly string[]): Expr {
  const known = table.raised.get(e) ?? new Map<string, Expr>()
  table.raised.set(e, known)
  const key = axes.join()
  if (axes.some((axis) => ruleOf(table, axis)?.kind === 'part' && isPoison(sizeOfPart(table, axis)))) return poison
  const made =
    known.get(key) ??
    at(
      e,
      axes.map((axis) => ({ axis, index: indexFromParent(table, axis), outside: 'clamp' })),
    )
  known.set(key, made)
  return made
}

/**
 * Operands as they stand together: one over a derived axis reads it from the parent's index wherever some operand, or `extra`,
 * has the parent. Axes in `bound` belong to a reduction and stay.
 */
export function meet(
  table: AxisTable,
  operands: readonly Expr[],
  extra: readonly string[] = [],
  bound: readonly string[] = [],
): readonly Expr[] {
  let current = operands
  for (;;) {
    const all = unionAxes(extra, ...current.map((e) => e.axes))
    const next = current.map((e) => {
      const meeting = e.axes.filter((a) => !bound.includes(a) && ancestorsOf(table, a).some((p) => all.includes(p)))
      return meeting.length > 0 ? raise(table, e, meeting) : e
    })
    if (next.every((e, k) => e === current[k])) return current
    current = next
  }
}

/** The union of axes where derived ones give way to their parents. */
export function joinAxes(table: AxisTable, ...sets: readonly (readonly string[])[]): readonly string[] {
  const all = unionAxes(...sets)
  const derived = all.filter((a) => ancestorsOf(table, a).some((p) => all.includes(p)))
  if (derived.length === 0) return all
  const rest = all.filter((a) => !derived.includes(a))
  return joinAxes(
    table,
    rest,
    derived.flatMap((a) => parentOf(table, a) ?? []),
  )
}

/** `e` over the parts of an axis instead of the axis, if `part` is one of its parts: `j = c * n + t`. */
export function openPart(table: AxisTable, e: Expr, part: string, outside: 'clamp' | 'zero' = 'clamp'): Expr {
  const rule = ruleOf(table, part)
  if (rule?.kind !== 'part' || e.axes.includes(part)) return e
  const whole = e.axes.includes(rule.of) ? e : openPart(table, e, rule.of, outside)
  if (isPoison(whole, rule.by())) return poison
  if (!whole.axes.includes(rule.of)) return e
  return at(whole, [{ axis: rule.of, index: placeInWhole(rule), outside }])
}

const placeInWhole = (rule: AxisRule & { readonly kind: 'part' }): Expr =>
  call('add', [call('mul', [index(rule.outer), rule.by()]), index(rule.inner)])

/** Where both parts of a split occur and one is reduced: the places that are not past the end of the whole. */
export function partBounds(table: AxisTable, axes: readonly string[], over: readonly string[]): readonly Expr[] {
  return splitsOf(table)
    .filter(
      (s) =>
        !isPoison(s.by()) &&
        axes.includes(s.outer) &&
        axes.includes(s.inner) &&
        (over.includes(s.outer) || over.includes(s.inner)),
    )
    .map((s) => call('lt', [placeInWhole(s), size(s.of)]))
}

/** The length of an axis if the source fixes it as a number. */
export function fixedLength(table: AxisTable, axis: string): number | undefined {
  const rule = ruleOf(table, lengthRoot(table, axis))
  if (rule?.kind === 'fixed') return constantOf(rule.value())
  return rule?.kind === 'part' && rule.inner === axis ? constantOf(rule.by()) : undefined
}

function constantOf(e: Expr): number | undefined {
  if (isPoison(e)) return undefined
  const { lo, hi } = createRanges()(e)
  return lo === hi ? lo : undefined
}
