/** Largest or smallest scores of each row: a product that has them in registers finds them, which spares a pass over its tile. */
import { atom, type Code } from '../expression.ts'
import type { Facts, Fold, Product } from '../nests/item.ts'
import type { Node } from '../nests/nest.ts'
import { blockedForm } from './product.ts'
import type { Sheet, Spot } from './sheet.ts'

export type LooseExtreme = Fold & { readonly op: 'max' | 'min' }
export const isLooseExtreme = (item: Fold): item is LooseExtreme =>
  item.loose === true && item.to.type === 'f32' && (item.op === 'max' || item.op === 'min')

/** The products whose extremes are folded right after them, and which these are. */
export function findExtremes(nodes: readonly Node[], sheet: Sheet): ReadonlyMap<string, LooseExtreme['op']> {
  const found = new Map<string, LooseExtreme['op']>()
  const see = (list: readonly Node[]): void => {
    list.forEach((node, n) => {
      if (node.kind === 'line' && node.item.kind === 'product') {
        const fold = list.slice(n + 1).flatMap((one) => extremesOf(node.item as Product, one, sheet))[0]
        if (fold) found.set(node.item.to.name, fold.op)
      }
      if (node.kind === 'nest' && node.axis !== sheet.lane) see(node.nodes)
      if (node.kind === 'loop') for (const inner of [node.head, node.body]) see(inner)
    })
  }
  see(nodes)
  return found
}

/** The folds over a product's own axis in a loop over rows. */
function extremesOf(product: Product, node: Node, sheet: Sheet): readonly LooseExtreme[] {
  const { to, fresh, weighted } = product
  const form = blockedForm(product, { sheet, oneLane: undefined })
  if (!form || !fresh || weighted || to.axes.length > 2 || node.kind !== 'nest' || node.axis !== sheet.lane) return []
  const folds = node.nodes.flatMap((one) => (one.kind === 'nest' && one.axis === form.x ? one.folds : []))
  const isOfProduct = ({ of }: Fold): boolean => of.kind === 'value' && of.name === to.name
  return folds.filter(isLooseExtreme).filter((fold) => isOfProduct(fold) && mayBeWhole(fold, sheet.facts))
}

function mayBeWhole({ where }: Fold, { defines }: Facts): boolean {
  const from = where === undefined ? undefined : defines.get(where)?.from
  return where === undefined || (from?.kind === 'mask' && from.full !== undefined)
}

/** What a product has found of the rows of a vector: of what is folded here, where no element is left out. */
export function foundExtreme({ op, of }: LooseExtreme, { sheet, axes }: Spot): Code | undefined {
  const found = of.kind === 'value' ? sheet.extremes.get(of.name) : undefined
  const row = axes.get(sheet.lane ?? '')?.inner
  return found?.op === op && row ? atom(`vec::load(&scratch.${found.array}[${row.text}])`, 1) : undefined
}
