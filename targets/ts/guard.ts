/** Where all that a loop does is for admitted places only, one branch serves for everything. */
import type { KernelExpr } from '../../compiler/kernel.ts'
import { type Define, type Item, refs } from '../nests/item.ts'
import { isWhole } from '../nests/whole.ts'
import { foldStep, keep, printItem } from './print.ts'
import { print, type Spot, valueAt } from './spot.ts'

/** The mask that every effect of these items has as its condition, if it is made elsewhere and there are things to save. */
export function findGuard(items: readonly Item[], spot: Spot): string | undefined {
  const effects = items.filter((item) => item.kind !== 'define' || spot.sheet.places.get(item.to.name)?.stored)
  const masks = new Set(effects.map((item) => maskOf(item, spot)))
  const [mask] = masks
  if (masks.size !== 1 || mask === undefined || isWhole(mask, spot)) return undefined
  return effects.length > 1 || items.length > 1 ? mask : undefined
}

function maskOf(item: Item, spot: Spot): string | undefined {
  if (item.kind === 'fold') return item.where
  if (item.kind !== 'define' || spot.sheet.places.get(item.to.name)?.local) return undefined
  return selection(item)?.mask
}

/** `mask ? yes : constant` */
function selection({
  from,
}: Define): { readonly mask: string; readonly yes: KernelExpr; readonly no: KernelExpr } | undefined {
  if (from.kind !== 'expr' || from.expr.kind !== 'call' || from.expr.op !== 'select') return undefined
  const [mask, yes, no] = from.expr.args
  return mask?.kind === 'value' && yes && no?.kind === 'const' ? { mask: mask.name, yes, no } : undefined
}

export function printGuarded(items: readonly Item[], mask: string, spot: Spot): void {
  const before = neededFor(mask, items, spot)
  const after = items.filter((item) => !before.includes(item))
  const chosen = after.filter((item): item is Define => item.kind === 'define' && selection(item)?.mask === mask)
  for (const item of before) printItem(item, spot)
  spot.block.either(
    valueAt(mask, spot).text,
    (block) => {
      for (const item of after) printAdmitted(item, mask, { ...spot, block })
    },
    (block) => {
      for (const item of chosen) keep(item.to.name, print(selection(item)!.no, spot), { ...spot, block })
    },
  )
}

function printAdmitted(item: Item, mask: string, spot: Spot): void {
  if (item.kind === 'fold') return spot.block.line(foldStep(item, spot))
  const selected = item.kind === 'define' ? selection(item) : undefined
  if (item.kind === 'define' && selected?.mask === mask) return keep(item.to.name, print(selected.yes, spot), spot)
  printItem(item, spot)
}

/** The items that the mask itself rests on, in their order. */
function neededFor(mask: string, items: readonly Item[], spot: Spot): readonly Item[] {
  const { facts } = spot.sheet
  const needed = new Set<string>()
  const need = (name: string): void => {
    if (needed.has(name)) return
    needed.add(name)
    const source = facts.defines.get(name)
    if (source) for (const ref of refs(source)) need(ref)
  }
  need(mask)
  return items.filter((item) => item.kind === 'define' && needed.has(item.to.name))
}
