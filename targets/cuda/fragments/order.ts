/** The order of a round: what is carried is rescaled as soon as the factor is known. */
import { type Define, defined, type Item, refs, type Scale } from '../../nests/item.ts'
import { formOf } from './layout.ts'

/**
 * The items of a round with the factors of carried fragments, and these multiplied by them, moved up to before the tile's own
 * fragments are made, where nothing that they need comes later: fewer registers live at a time, since old statistics are no longer
 * read when weights fill them.
 */
export function scaleEarly(body: readonly Item[], row: string): readonly Item[] {
  return body.reduce(
    (items, item) => (item.kind === 'scale' && formOf(item.to, row) === 'fragment' ? moveUp(items, item, row) : items),
    body,
  )
}

function moveUp(items: readonly Item[], scale: Scale, row: string): readonly Item[] {
  const at = items.indexOf(scale)
  const moved = new Set<Item>([scale])
  const needed = new Set(refs(scale))
  for (let n = at - 1; n >= 0; n--) {
    const item = items[n]!
    if (item.kind === 'define' && needed.has(item.to.name) && isOfRows(item, row)) {
      moved.add(item)
      for (const name of refs(item)) needed.add(name)
    }
  }
  const isBound = (item: Item): boolean =>
    !moved.has(item) &&
    (needed.has(defined(item) ?? '') ||
      (item.kind === 'scale' && needed.has(item.to.name)) ||
      refs(item).includes(scale.to.name))
  const from = items.findLastIndex((item, n) => n < at && isBound(item)) + 1
  const up = items.slice(from, at + 1).filter((item) => moved.has(item))
  return [...items.slice(0, from), ...up, ...items.slice(from).filter((item) => !up.includes(item))]
}

const isOfRows = ({ to, from }: Define, row: string): boolean =>
  from.kind === 'expr' && ['uniform', 'row'].includes(formOf(to, row))
