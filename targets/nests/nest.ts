/**
 * Items as loop nests: neighbours that walk the same axis share its loop. An item may move up to a loop that already stands, past
 * items that neither define what it reads nor read or write what it writes.
 */
import { defined, everyItem, type Facts, type Fold, type Item, type Repeat, refs, walked } from './item.ts'

export type Node = Line | Nest | LoopNode
export interface Line {
  readonly kind: 'line'
  readonly item: Item
}
/** One loop over an axis. `folds`: what is folded over this axis, so it starts before the loop and ends after it. */
export interface Nest {
  readonly kind: 'nest'
  readonly axis: string
  readonly folds: readonly Fold[]
  readonly nodes: readonly Node[]
}
export interface LoopNode {
  readonly kind: 'loop'
  readonly item: Repeat
  readonly head: readonly Node[]
  readonly body: readonly Node[]
}

export function nest(items: readonly Item[], facts: Facts): readonly Node[] {
  const known = new Map<Item, Effects>()
  const effectsOnce = (item: Item): Effects => {
    const found = known.get(item) ?? effects(item, facts)
    known.set(item, found)
    return found
  }
  return nestList(items, { facts, effects: effectsOnce })
}

interface Context {
  readonly facts: Facts
  readonly effects: (item: Item) => Effects
}

const nestList = (items: readonly Item[], context: Context): readonly Node[] =>
  group(
    items.filter((item) => !context.facts.inlined.has(defined(item) ?? '')),
    [],
    context,
  )

interface Group {
  readonly axis: string | undefined
  readonly items: Item[]
}

function group(items: readonly Item[], bound: readonly string[], context: Context): readonly Node[] {
  const groups: Group[] = []
  for (const item of items) {
    const axis = walked(item, context.facts.order).find((a) => !bound.includes(a))
    const first = earliest(item, axis, groups, context)
    const fits = (g: Group, n: number): boolean => axis !== undefined && n >= first && g.axis === axis
    const home = item.kind === 'update' ? groups.find(fits) : groups.findLast(fits)
    if (home) home.items.push(item)
    else groups.push({ axis, items: [item] })
  }
  return groups.flatMap(({ axis, items: inside }): readonly Node[] => {
    if (axis === undefined) return inside.map((item) => single(item, context))
    const nodes = group(inside, [...bound, axis], context)
    const folds = inside.filter((item): item is Fold => item.kind === 'fold' && item.over === axis)
    return [{ kind: 'nest', axis, folds, nodes }]
  })
}

const single = (item: Item, context: Context): Node =>
  item.kind === 'repeat'
    ? { kind: 'loop', item, head: nestList(item.head, context), body: nestList(item.body, context) }
    : { kind: 'line', item }

/** The first group that the item may join. */
function earliest(item: Item, axis: string | undefined, groups: readonly Group[], context: Context): number {
  for (let n = groups.length - 1; n >= 0; n--) {
    const { axis: theirs, items } = groups[n]!
    const orders = items.map((other) => order(other, item, axis === theirs ? axis : undefined, context))
    if (orders.includes('after')) return n + 1
    if (orders.includes('with')) return n
  }
  return 0
}

/** How `later` must stand to `earlier`: anywhere, in the same loop over `axis` at the earliest, or after that loop. */
function order(earlier: Item, later: Item, axis: string | undefined, context: Context): 'any' | 'with' | 'after' {
  const [a, b] = [context.effects(earlier), context.effects(later)]
  if (meets(a.stores, b.stores) || meets(a.stores, b.loads) || meets(a.loads, b.stores)) return 'after'
  const shared = [...a.writes].filter((x) => b.reads.has(x) || b.writes.has(x))
  shared.push(...[...a.reads].filter((x) => b.writes.has(x)))
  if (shared.length === 0) return 'any'
  const elementwise = (name: string): boolean =>
    context.facts.values.get(name)?.axes.some((x) => x.axis === axis) ?? false
  return axis !== undefined && shared.every(elementwise) ? 'with' : 'after'
}

export const meets = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((x) => b.has(x))

export interface Effects {
  readonly reads: ReadonlySet<string>
  readonly writes: ReadonlySet<string>
  readonly loads: ReadonlySet<string>
  readonly stores: ReadonlySet<string>
}

/** Everything an item reads and writes, through values that are written out in it and through the items inside it. */
export function effects(item: Item, facts: Facts): Effects {
  const reads = new Set<string>()
  const loads = new Set<string>()
  const see = (inner: Item): void => {
    if (inner.kind === 'define' && inner.from.kind === 'load') loads.add(inner.from.buffer)
    for (const name of refs(inner)) {
      reads.add(name)
      const source = facts.inlined.has(name) ? facts.defines.get(name) : undefined
      if (source) see(source)
    }
  }
  const all = everyItem([item])
  for (const inner of all) see(inner)
  const writes = all.flatMap((inner) => (inner.kind === 'scale' ? inner.to.name : (defined(inner) ?? [])))
  const stores = all.flatMap((inner) => (inner.kind === 'put' ? inner.store.buffer : []))
  return { reads, writes: new Set(writes), loads, stores: new Set(stores) }
}
