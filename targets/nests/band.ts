/**
 * The bounds of a loop over columns follow from the first and the last row of a tile of rows; with one row for both, they are those
 * of this row. Products leave out the columns that none of the rows at hand can admit.
 */
import type { KernelExpr, TileLoop } from '../../compiler/kernel.ts'
import { type Define, everyItem, type Facts, type Item, type Product, type Repeat, refs } from './item.ts'

/** What each row of a tile can admit of the columns that a loop walks: [from, to). */
export interface Band {
  readonly loop: TileLoop
  readonly row: string
  readonly from: KernelExpr | undefined
  readonly to: KernelExpr | undefined
  readonly products: readonly Product[] // those that need nothing else
}

/** A bound that is longer costs readers more than it saves. */
const mostLeaves = 16

export function findBands(items: readonly Item[], facts: Facts): readonly Band[] {
  const all = everyItem(items)
  return all.flatMap((item) => (item.kind === 'repeat' ? (bandOf(item, all, facts) ?? []) : []))
}

function bandOf(repeat: Repeat, all: readonly Item[], facts: Facts): Band | undefined {
  const { over } = repeat.loop
  if (over.kind !== 'tiles') return undefined
  const bounds = [over.from, over.to].map((e) => e && writtenOut(e, facts))
  const named = new Set(bounds.flatMap((e) => (e ? axesOf(e) : [])))
  const rows = facts.kernel.grid.filter(({ axis, tile }) => tile !== undefined && named.has(axis))
  const row = rows[0]?.axis
  if (row === undefined || rows.length > 1) return undefined
  const [from, to] = bounds.map((e) => (e && axesOf(e).includes(row) ? e : undefined))
  const masks = masksOf(repeat, facts)
  const products = repeat.body.filter(
    (item): item is Product => item.kind === 'product' && needsBandOnly(item, row, over.axis, masks, all),
  )
  return products.length > 0 ? { loop: over, row, from, to, products } : undefined
}

/** With the values in it replaced by what they stand for; undefined where one is no formula of indices and lengths, or a long one. */
function writtenOut(e: KernelExpr, facts: Facts): KernelExpr | undefined {
  const bound = withoutValues(e, facts)
  return bound && leavesOf(bound).length <= mostLeaves ? bound : undefined
}

function withoutValues(e: KernelExpr, facts: Facts): KernelExpr | undefined {
  if (e.kind === 'value') {
    const define = facts.defines.get(e.name)
    return define?.from.kind === 'expr' && define.to.axes.length === 0
      ? withoutValues(define.from.expr, facts)
      : undefined
  }
  if (e.kind !== 'call') return e
  const args = e.args.flatMap((arg) => withoutValues(arg, facts) ?? [])
  return args.length === e.args.length ? { ...e, args } : undefined
}

const leavesOf = (e: KernelExpr): readonly KernelExpr[] => (e.kind === 'call' ? e.args.flatMap(leavesOf) : [e])
const axesOf = (e: KernelExpr): readonly string[] =>
  leavesOf(e).flatMap((leaf) => (leaf.kind === 'index' ? [leaf.axis] : []))

/** The masks that admit nothing outside of a loop's bounds: those that the loop's own flag speaks of. */
function masksOf({ head }: Repeat, { defines }: Facts): ReadonlySet<string> {
  const flags = new Set(head.flatMap((item) => (item.kind === 'define' ? [item.to.name] : [])))
  const isOwn = ({ from }: Define): boolean => from.kind === 'mask' && from.full !== undefined && flags.has(from.full)
  return new Set([...defines.values()].filter(isOwn).map(({ to }) => to.name))
}

function needsBandOnly(
  { to, left, over, weighted, fresh }: Product,
  row: string,
  column: string,
  masks: ReadonlySet<string>,
  all: readonly Item[],
): boolean {
  const isPair = (value: { readonly axes: readonly { readonly axis: string }[] }): boolean =>
    value.axes.length === 2 && [row, column].every((axis) => value.axes.some((a) => a.axis === axis))
  if (weighted) return over === column && isPair(left)
  return fresh && isPair(to) && over !== row && over !== column && isReadWhereAdmitted(to.name, masks, all)
}

/** Whether all that is made of a value's elements is made under one of these masks. */
function isReadWhereAdmitted(name: string, masks: ReadonlySet<string>, all: readonly Item[]): boolean {
  return all.every((item) => {
    if (!refs(item).includes(name)) return true
    if (item.kind === 'fold') return item.where !== undefined && masks.has(item.where)
    if (item.kind !== 'define' || item.from.kind !== 'expr') return false
    return isSelected(item.from.expr, masks) || isReadWhereAdmitted(item.to.name, masks, all)
  })
}

/** `mask ? x : constant` */
function isSelected(e: KernelExpr, masks: ReadonlySet<string>): boolean {
  const [mask, , no] = e.kind === 'call' && e.op === 'select' ? e.args : []
  return mask?.kind === 'value' && masks.has(mask.name) && no?.kind === 'const'
}
