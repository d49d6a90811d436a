/** Where each value lives: in a `const` of the loop that makes it, or in an array over the axes that its readers walk separately. */
import type { ValueAxis } from '../../compiler/kernel.ts'
import { defined, type Facts, type Item, refs } from './item.ts'
import type { Node } from './nest.ts'

/** The loops around a place, by their nodes, outermost first. */
export type Path = readonly object[]
export interface Place {
  readonly path: Path // where its `const` is in scope
  readonly stored: readonly ValueAxis[] | undefined // the axes of its array, outermost first; undefined: none
  readonly local: boolean // whether it is read where its `const` is in scope
}

export const isWithin = (path: Path, outer: Path): boolean => outer.every((node, n) => path[n] === node)

interface Found {
  readonly made: Map<string, Path>
  readonly read: Map<string, Path[]>
  readonly axes: Map<object, string> // of each nest
  readonly whole: Set<string> // values that are read or made as whole tiles
}

export function findPlaces(nodes: readonly Node[], facts: Facts): ReadonlyMap<string, Place> {
  const found: Found = { made: new Map(), read: new Map(), axes: new Map(), whole: new Set(facts.carried) }
  walk(nodes, [], found, facts)
  return new Map([...found.made].map(([name, path]) => [name, placeOf(name, path, found, facts)]))
}

function placeOf(name: string, path: Path, found: Found, facts: Facts): Place {
  const axes = [...(facts.values.get(name)?.axes ?? [])]
  axes.sort((a, b) => facts.order.indexOf(a.axis) - facts.order.indexOf(b.axis))
  const reads = found.read.get(name) ?? []
  if (axes.length === 0 || (!found.whole.has(name) && reads.every((read) => isWithin(read, path)))) {
    return { path, stored: undefined, local: true }
  }
  const local = reads.some((read) => isWithin(read, path))
  if (found.whole.has(name)) return { path, stored: axes, local }
  const depth = Math.min(...reads.map((read) => path.findIndex((node, n) => read[n] !== node)).filter((n) => n >= 0))
  const separate = path.slice(depth).map((node) => found.axes.get(node))
  return { path, stored: axes.filter(({ axis }) => separate.includes(axis)), local }
}

function walk(nodes: readonly Node[], path: Path, found: Found, facts: Facts): void {
  for (const node of nodes) {
    const inner = [...path, node]
    if (node.kind === 'line') {
      see(node.item, path, found, facts)
      if (node.item.kind === 'product')
        for (const { name } of [node.item.left, node.item.right, node.item.to])
          if (!facts.inlined.has(name)) found.whole.add(name)
      if (node.item.kind === 'running')
        for (const value of [node.item.of, node.item.to, node.item.mask]) if (value) found.whole.add(value.name)
    } else if (node.kind === 'loop') {
      see(node.item, path, found, facts)
      walk(node.head, inner, found, facts)
      walk(node.body, inner, found, facts)
    } else {
      found.axes.set(node, node.axis)
      walk(node.nodes, inner, found, facts)
      for (const { to } of node.folds) found.made.set(to.name, path)
    }
  }
}

/** Notes what an item makes and reads at a place, through the values that are written out in it. */
function see(item: Item, path: Path, found: Found, facts: Facts): void {
  const name = defined(item)
  if (name !== undefined && !found.made.has(name)) found.made.set(name, path)
  for (const ref of refs(item)) {
    const source = facts.inlined.has(ref) ? facts.defines.get(ref) : undefined
    if (source) see({ ...source }, path, found, facts)
    else found.read.set(ref, [...(found.read.get(ref) ?? []), path])
  }
}
