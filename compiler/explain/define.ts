/**
 * Gives names to parts of expressions, so that each formula stays short: what the source has a name for, what is used twice, and what
 * is solved for. A definition stands before those that use it.
 */
import { children, type Expr, type Repeat, type RepeatLoop } from '../ir.ts'
import type { Line } from './layout.ts'
import { bare, type NameOf, notate, refer, variableName } from './notation.ts'

/** A named value, or the rounds of a `repeat` (`from`: first values; `lines`: what a round does). */
export interface Definition extends Line {
  readonly axes: readonly string[]
  readonly rounds?: { readonly from: readonly Line[]; readonly lines: readonly Definition[] } | undefined
}
/** The base of names for what nobody has named. */
const temporary = 't'

export interface Defined {
  readonly nameOf: NameOf
  readonly definitions: readonly Definition[]
}

/** Names for the life of one page: none is given twice. */
export interface Taken {
  readonly fresh: (base: string) => string
}
export function createTaken(names: Iterable<string>): Taken {
  const taken = new Set(names)
  const fresh = (base: string): string => {
    let name = base === temporary ? `${base}1` : base
    for (let n = 2; taken.has(name); n++) name = `${base}${n}`
    taken.add(name)
    return name
  }
  return { fresh }
}

/**
 * @param known  what has a name already: it is used, not defined
 * @param own    names to be given where they occur
 * @param pays   whether a part that is used twice gets a name of its own
 */
export function define(
  roots: readonly Expr[],
  known: NameOf,
  own: ReadonlyMap<Expr, string>,
  taken: Taken,
  pays: (e: Expr, isNamed: (e: Expr) => boolean) => boolean = isWorthAName,
): Defined {
  const isKnown = (e: Expr): boolean => known(e) !== undefined
  const nodes = reachable(roots, isKnown)
  const uses = countUses(nodes, roots, isKnown)
  const names = new Map<Expr, string>()
  const isRoot = new Set(roots)
  const isNamed = (e: Expr): boolean => isKnown(e) || names.has(e)
  for (const e of nodes) {
    if (isKnown(e) || isLeaf(bare(e))) continue
    const name = own.get(e)
    if (name !== undefined) names.set(e, taken.fresh(name))
    else if (!isRoot.has(e) && ((uses.get(e) ?? 0) > 1 ? pays(e, isNamed) : e.kind === 'solve'))
      names.set(e, taken.fresh(e.kind === 'solve' ? variableName(e.variable.id) : temporary))
  }
  const nameOf: NameOf = (e) => known(e) ?? names.get(e)
  return { nameOf, definitions: definitionsOf(nodes, names, nameOf) }
}

function definitionsOf(
  nodes: readonly Expr[],
  names: ReadonlyMap<Expr, string>,
  nameOf: NameOf,
): readonly Definition[] {
  const loops = new Map<RepeatLoop, Repeat>()
  for (const e of nodes) if (e.kind === 'repeat' && !loops.has(e.loop)) loops.set(e.loop, e)
  const inner = new Map<Expr, RepeatLoop>() // values of a round
  for (const loop of loops.keys())
    for (const e of reachable(
      loop.carried.map((c) => c.next),
      () => false,
    ))
      if (readsVariable(e, loop)) inner.set(e, loop)
  const shown = new Set<RepeatLoop>()
  const one = (e: Expr): Definition => ({ name: names.get(e) ?? '', axes: e.axes, formula: notate(e, nameOf) })
  return nodes.flatMap((e) => {
    if (e.kind === 'repeat' && !shown.has(e.loop)) {
      shown.add(e.loop)
      const own = nodes.filter((x) => names.has(x) && inner.get(x) === e.loop)
      return [roundsOf(e.loop, own.map(one), nameOf)]
    }
    return names.has(e) && !inner.has(e) && e.kind !== 'repeat' ? [one(e)] : []
  })
}

function roundsOf(loop: RepeatLoop, own: readonly Definition[], nameOf: NameOf): Definition {
  const variables = loop.carried.map(({ variable }) => variableName(variable.id))
  const next = loop.carried.map(
    ({ variable, next: e }): Definition => ({
      name: variableName(variable.id),
      axes: variable.axes,
      formula: refer(e, nameOf),
    }),
  )
  return {
    name: variables.join(', '),
    axes: [],
    formula: `repeated ${refer(loop.count, nameOf)} times`,
    rounds: {
      from: loop.carried.map(({ initial }, k) => ({ name: variables[k] ?? '', formula: refer(initial, nameOf) })),
      lines: [...own, ...next],
    },
  }
}

const readsVariable = (e: Expr, loop: RepeatLoop): boolean => {
  const ids = new Set(loop.carried.map((c) => c.variable.id))
  return reachable([e], () => false).some((x) => x.kind === 'bound' && ids.has(x.id))
}

/** Children before parents, without what lies below a known one. */
function reachable(roots: readonly Expr[], isKnown: (e: Expr) => boolean): readonly Expr[] {
  const seen = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    if (!isKnown(e)) for (const child of children(e)) visit(child)
    seen.add(e)
  }
  for (const root of roots) visit(root)
  return [...seen]
}

function countUses(
  nodes: readonly Expr[],
  roots: readonly Expr[],
  isKnown: (e: Expr) => boolean,
): ReadonlyMap<Expr, number> {
  const uses = new Map<Expr, number>()
  const loops = new Set<RepeatLoop>()
  const use = (e: Expr): unknown => uses.set(e, (uses.get(e) ?? 0) + 1)
  for (const e of nodes) {
    if (isKnown(e) || (e.kind === 'repeat' && loops.has(e.loop))) continue
    if (e.kind === 'repeat') loops.add(e.loop)
    for (const child of children(e)) use(child)
  }
  for (const root of new Set(roots)) use(root)
  return uses
}

const isLeaf = (e: Expr): boolean => children(e).length === 0
/** A name pays where it spares two operations at least, or a fold; parts with a name count for nothing. */
export const isWorthAName = (e: Expr, isNamed: (e: Expr) => boolean = () => false): boolean => weightOf(e, isNamed) >= 2
function weightOf(e: Expr, isNamed: (e: Expr) => boolean): number {
  const of = bare(e)
  const parts = children(of)
  if (of.kind === 'repeat' || parts.length === 0) return 0
  const own = of.kind === 'call' || of.kind === 'at' ? 1 : 2
  return own + Math.max(0, ...parts.map((part) => (isNamed(part) ? 0 : weightOf(part, isNamed))))
}
