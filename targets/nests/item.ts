/**
 * A kernel's statements as this target nests them: an item says which axes it walks, what it reads and what it defines, so that
 * items over the same axis can share a loop.
 */
import type { Kernel, KernelExpr, Load, Loop, Mask, Prefix, Reduce, Store, Value } from '../../compiler/kernel.ts'

export type Item = Define | Fold | Product | Running | Scale | Update | Put | Repeat

/** to[axes] = an expression, a load or a mask. */
export interface Define {
  readonly kind: 'define'
  readonly to: Value
  readonly from: Source
}
export type Source = ExprSource | Load | Mask
export interface ExprSource {
  readonly kind: 'expr'
  readonly expr: KernelExpr
}
export interface Fold {
  readonly kind: 'fold'
  readonly to: Value
  readonly of: KernelExpr
  readonly over: string
  readonly op: Reduce['op']
  readonly where: string | undefined
  readonly loose?: boolean | undefined
}
/**
 * Adds the product of two tiles to a third; `fresh`: which is 0 before. `where`: the left operand is 0 there, and
 * what it is multiplied with may be NaN; `full`: the value that says that there is no such place.
 */
export interface Product {
  readonly kind: 'product'
  readonly to: Value
  readonly fresh: boolean
  readonly left: Value
  readonly right: Value
  readonly over: string
  readonly weighted: boolean
  readonly full: string | undefined
}
/** A running sum or maximum along an axis of a tile, in a loop of its own. */
export interface Running {
  readonly kind: 'running'
  readonly to: Value
  readonly of: Value
  readonly along: string
  readonly op: Prefix['op']
  readonly direction: Prefix['direction']
  readonly inclusive: boolean
  readonly mask: Value | undefined
}
/** Multiplies a carried tile by a factor in its place. */
export interface Scale {
  readonly kind: 'scale'
  readonly to: Value
  readonly by: KernelExpr
}
/** The first or the next content of a carried value. */
export interface Update {
  readonly kind: 'update'
  readonly to: Value
  readonly from: KernelExpr
  readonly first: boolean
}
export interface Put {
  readonly kind: 'put'
  readonly store: Store
}
export interface Repeat {
  readonly kind: 'repeat'
  readonly loop: Loop
  readonly head: readonly Item[]
  readonly body: readonly Item[]
}

/** What the items of one kernel refer to. */
export interface Facts {
  readonly kernel: Kernel
  readonly values: ReadonlyMap<string, Value>
  readonly defines: ReadonlyMap<string, Define>
  readonly carried: ReadonlySet<string>
  readonly stored: ReadonlySet<string> // buffers that the kernel writes
  readonly order: readonly string[] // axes, outer loops first
  readonly extents: ReadonlyMap<string, number> // of tiles and whole axes
  readonly inlined: ReadonlySet<string> // values that are written out where they are used
}

/** The axes that an item walks by itself, outermost first. */
export function walked(item: Item, order: readonly string[]): readonly string[] {
  const sorted = (value: { readonly axes: Value['axes'] }): readonly string[] =>
    value.axes.map(({ axis }) => axis).sort((a, b) => order.indexOf(a) - order.indexOf(b))
  switch (item.kind) {
    case 'fold':
      return [...sorted(item.to), item.over]
    case 'put':
      return sorted(item.store)
    case 'product':
    case 'running':
    case 'repeat':
      return []
    case 'update':
      return item.first && item.from.kind === 'const' ? [] : sorted(item.to)
    default:
      return sorted(item.to)
  }
}

/** The expressions of an item, those of loads and stores included. */
export function exprsOf(item: Item): readonly KernelExpr[] {
  switch (item.kind) {
    case 'define':
      return item.from.kind === 'load' ? Object.values(item.from.index) : [item.from.expr]
    case 'fold':
      return [item.of]
    case 'scale':
      return [item.by]
    case 'update':
      return [item.from]
    case 'put':
      return [...Object.values(item.store.index), item.store.value]
    case 'repeat':
      return loopExprs(item.loop)
    default:
      return []
  }
}

function loopExprs({ over, carried }: Loop): readonly KernelExpr[] {
  const bounds = over.kind === 'tiles' ? [over.from, over.to] : over.kind === 'rounds' ? [over.count] : []
  return [...bounds.filter((e) => e !== undefined), ...carried.map((c) => c.initial)]
}

/** Every occurrence of a value in an item itself, not in the items inside it. */
export function refs(item: Item): readonly string[] {
  const names = exprsOf(item).flatMap(valuesIn)
  if (item.kind === 'define' && item.from.kind === 'mask' && item.from.full) names.push(item.from.full)
  if (item.kind === 'fold' && item.where) names.push(item.where)
  if (item.kind === 'product') names.push(item.left.name, item.right.name, ...(item.full ? [item.full] : []))
  if (item.kind === 'running') names.push(item.of.name, ...(item.mask ? [item.mask.name] : []))
  if (item.kind === 'scale') names.push(item.to.name)
  if (item.kind === 'repeat' && item.loop.over.kind === 'tiles' && item.loop.over.skip) names.push(item.loop.over.skip)
  return names
}

export function valuesIn(e: KernelExpr): string[] {
  const found: string[] = []
  const visit = (one: KernelExpr): void => {
    if (one.kind === 'value') found.push(one.name)
    else if (one.kind === 'call') for (const arg of one.args) visit(arg)
  }
  visit(e)
  return found
}

/** What an item defines by itself. */
export const defined = (item: Item): string | undefined =>
  item.kind === 'put' || item.kind === 'repeat' || item.kind === 'scale' ? undefined : item.to.name

/** The items of a list and of the loops in it. */
export const everyItem = (items: readonly Item[]): readonly Item[] =>
  items.flatMap((item) => (item.kind === 'repeat' ? [item, ...everyItem(item.head), ...everyItem(item.body)] : [item]))
