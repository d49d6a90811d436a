/**
 * A kernel's items in the order in which a group of invocations does them: a phase is what they do between two barriers, each
 * invocation for elements of its own.
 */
import { defined, type Facts, type Item, type Repeat } from '../nests/item.ts'
import { type Effects, effects, meets } from '../nests/nest.ts'

export type Step = Phase | LoopStep
/** `axes`: whose elements are spread over invocations, rows first; none: every invocation does all of it. */
export interface Phase {
  readonly kind: 'phase'
  readonly axes: readonly string[]
  readonly items: readonly Item[]
}
export interface LoopStep {
  readonly kind: 'loop'
  readonly item: Repeat
  readonly head: readonly Step[]
  readonly body: readonly Step[]
}

/** The axes whose elements of an item are independent of each other. */
export function spread(item: Item, order: readonly string[]): readonly string[] {
  const sorted = (axes: readonly { readonly axis: string }[]): readonly string[] =>
    axes.map(({ axis }) => axis).sort((a, b) => order.indexOf(a) - order.indexOf(b))
  if (item.kind === 'repeat') return []
  if (item.kind === 'put') return sorted(item.store.axes)
  const axes = sorted(item.to.axes)
  return item.kind === 'running' ? axes.filter((axis) => axis !== item.along) : axes
}

interface Open {
  readonly key: string
  readonly axes: readonly string[]
  readonly items: Item[]
}

/** An item joins the last phase over its axes that it may move up to, past what it has nothing to do with. */
export function phasesOf(items: readonly Item[], facts: Facts): readonly Step[] {
  const known = new Map<Item, Effects>()
  const effectsOf = (item: Item): Effects => {
    const found = known.get(item) ?? effects(item, facts)
    known.set(item, found)
    return found
  }
  const groups: Open[] = []
  for (const item of items.filter((one) => !facts.inlined.has(defined(one) ?? ''))) {
    const axes = spread(item, facts.order)
    const isAlone = item.kind === 'repeat' || item.kind === 'product'
    const key = isAlone ? `alone ${groups.length}` : axes.join()
    const home = isAlone ? undefined : findHome(item, key, groups, effectsOf)
    if (home) home.items.push(item)
    else groups.push({ key, axes, items: [item] })
  }
  return groups.flatMap(({ axes, items: inside }): readonly Step[] => {
    const [only] = inside
    if (only?.kind !== 'repeat') return [{ kind: 'phase', axes, items: inside }]
    return [{ kind: 'loop', item: only, head: phasesOf(only.head, facts), body: phasesOf(only.body, facts) }]
  })
}

function findHome(
  item: Item,
  key: string,
  groups: readonly Open[],
  effectsOf: (item: Item) => Effects,
): Open | undefined {
  for (const group of groups.toReversed()) {
    const clashes = group.items.map((other) => clash(effectsOf(other), effectsOf(item)))
    if (group.key === key && !clashes.includes('buffer')) return group
    if (clashes.some((one) => one !== undefined)) return undefined
  }
  return undefined
}

/** What stands between two items: a buffer, whose elements may be anybody's, or values, which in one phase are an invocation's own. */
function clash(a: Effects, b: Effects): 'buffer' | 'value' | undefined {
  if (meets(a.stores, b.stores) || meets(a.stores, b.loads) || meets(a.loads, b.stores)) return 'buffer'
  return meets(a.writes, b.reads) || meets(a.writes, b.writes) || meets(a.reads, b.writes) ? 'value' : undefined
}
