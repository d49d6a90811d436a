/**
 * Where a kernel knows of a tile that a mask admits all of it, loops that ask the mask stand twice: without the question for such
 * tiles, with it for the others.
 */
import { exprsOf, type Facts, type Item, refs, valuesIn } from './item.ts'
import type { Nest, Node } from './nest.ts'
import type { Place } from './place.ts'

/** What is known at a place of a kernel while it is printed. */
export interface WholeSpot {
  readonly sheet: {
    readonly facts: Facts
    readonly places: ReadonlyMap<string, Place>
    readonly locals: ReadonlyMap<string, unknown> // values that have a name here
  }
  readonly flags: ReadonlyMap<string, boolean> // uniform values that a branch around this place has decided
}

/** The flag that decides between the forms; undefined where one form is enough. */
export function flagOf(nest: Nest, spot: WholeSpot): string | undefined {
  const { facts, locals } = spot.sheet
  const asked = linesOf(nest).flatMap((item) => (item.kind === 'define' && item.from.kind === 'mask' ? [] : refs(item)))
  const flags = asked.flatMap((name) => masksIn(name, spot)).map((mask) => fullOf(mask, spot))
  return flags.find(
    (flag) => flag !== undefined && !spot.flags.has(flag) && locals.has(flag) && !facts.inlined.has(flag),
  )
}

const linesOf = ({ nodes }: Nest): readonly Item[] => nodes.flatMap((node) => (node.kind === 'line' ? [node.item] : []))

/** The masks that a value is, or is written out with. */
function masksIn(name: string, spot: WholeSpot): readonly string[] {
  const { defines, inlined } = spot.sheet.facts
  const from = defines.get(name)?.from
  if (from?.kind === 'mask') return [name]
  return from?.kind === 'expr' && inlined.has(name) ? valuesIn(from.expr).flatMap((ref) => masksIn(ref, spot)) : []
}

const fullOf = (mask: string, { sheet }: WholeSpot): string | undefined => {
  const from = sheet.facts.defines.get(mask)?.from
  return from?.kind === 'mask' ? from.full : undefined
}

/** Whether every place of the tile is known to be admitted by this mask here. */
export const isWhole = (mask: string, spot: WholeSpot): boolean => spot.flags.get(fullOf(mask, spot) ?? '') === true

/** What is left to do in a whole tile: not what only its masks rest on. */
export function neededInWhole(nodes: readonly Node[], spot: WholeSpot): readonly Node[] {
  const { facts, places } = spot.sheet
  const needed = new Set<Item>()
  const need = (item: Item): void => {
    if (needed.has(item)) return
    needed.add(item)
    const names = item.kind === 'fold' && isWhole(item.where ?? '', spot) ? exprsOf(item).flatMap(valuesIn) : refs(item)
    for (const name of names) {
      const source = isWhole(name, spot) ? undefined : facts.defines.get(name)
      if (source) need(source)
    }
  }
  const isLocal = (node: Node): boolean =>
    node.kind === 'line' && node.item.kind === 'define' && !places.get(node.item.to.name)?.stored
  const itemsIn = (node: Node): readonly Item[] =>
    node.kind === 'line'
      ? [node.item]
      : node.kind === 'nest'
        ? node.nodes.flatMap(itemsIn)
        : [node.item, ...[...node.head, ...node.body].flatMap(itemsIn)]
  for (const node of nodes) if (!isLocal(node)) for (const item of itemsIn(node)) need(item)
  return nodes.filter((node) => node.kind !== 'line' || needed.has(node.item))
}
