/**
 * Which values are written out where they are used: plain elements of buffers, what is read once in the loops it would be made
 * in, and what costs less to compute again than to keep.
 */
import type { Buffer, KernelCall, KernelExpr, Load, Value } from '../../compiler/kernel.ts'
import type { Op } from '../../compiler/ops.ts'
import { isDiagonalValue } from './diagonal.ts'
import { type Define, exprsOf, type Facts, type Item, refs, valuesIn, walked } from './item.ts'
import type { Place } from './place.ts'

interface Use {
  readonly by: Item
  readonly list: readonly Item[]
}

const cheap: readonly Op[] = [
  'add',
  'sub',
  'mul',
  'neg',
  'not',
  'lt',
  'le',
  'eq',
  'ne',
  'and',
  'or',
  'select',
  'float',
  'stop_gradient',
]
/** A mask is read by many; most of it does not change along a row, and is worked out once for it. */
const costLimit = { mask: 6, expr: 2 }

/** The cheap operations of an expression; infinite with any other. */
const cost = (e: KernelExpr): number =>
  e.kind === 'call' ? e.args.reduce((sum, arg) => sum + cost(arg), isQuick(e) ? 1 : Infinity) : 0
/** Whether an operation by itself costs about as much as reading its result would. */
export const isQuick = ({ op, args }: KernelCall): boolean =>
  cheap.includes(op) || (op === 'div' && args[1]?.kind === 'const')

/** A load that is one read of a typed array: no conversion, no test, no other value in its indices than one of the block. */
export const isPlain = (load: Load, buffer: Buffer | undefined, { values }: Facts): boolean =>
  load.outside === 'never' &&
  (buffer?.storage === 'f32' || buffer?.storage === 'i32' || buffer?.storage === 'bool') &&
  Object.values(load.index).every((e) => valuesIn(e).every((name) => values.get(name)?.axes.length === 0))

/** Whether products may read a loaded value from its buffer. */
export type InPlace = (load: Load, to: Value, values: Facts['values']) => boolean

/** First choice, before loops are known. */
export function chooseInlined(
  items: readonly Item[],
  facts: Facts,
  buffers: readonly Buffer[],
  inPlace: InPlace,
  row: string | undefined,
): ReadonlySet<string> {
  const uses = findUses(items)
  const chosen = new Set<string>()
  for (const item of facts.defines.values()) {
    const all = uses.get(item.to.name) ?? []
    const { from } = item
    const isFixed = ({ by }: Use): boolean => {
      if (by.kind === 'product' && from.kind === 'load' && inPlace(from, item.to, facts.values))
        return facts.stored.has(from.buffer)
      return !mayWriteOut(item, by, facts, chosen)
    }
    if (item.to.axes.length === 0 || all.some(isFixed)) continue
    const plain =
      from.kind === 'load' &&
      isPlain(
        from,
        buffers.find(({ name }) => name === from.buffer),
        facts,
      )
    const isOfDistance = row !== undefined && isDiagonalValue(item, row, facts)
    if (plain || isOfDistance || isReadOnceBeside(item, all, facts) || from.kind === 'mask') chosen.add(item.to.name)
  }
  return new Set(
    [...chosen].filter((name) => facts.defines.get(name)?.from.kind !== 'mask' || isCheap(name, facts, chosen)),
  )
}

/** Further values that loops would have to keep in arrays, though they are cheap to compute again from what is at hand. */
export function chooseCheap(
  items: readonly Item[],
  facts: Facts,
  places: ReadonlyMap<string, Place>,
): readonly string[] {
  const uses = findUses(items)
  return [...facts.defines.values()].flatMap((item) => {
    const { name } = item.to
    if (!places.get(name)?.stored || item.from.kind !== 'expr' || !isCheap(name, facts, facts.inlined)) return []
    const atHand = valuesIn(item.from.expr).every((ref) => isAtHand(ref, facts, places))
    const all = uses.get(name) ?? []
    return atHand && all.every(({ by }) => mayWriteOut(item, by, facts, facts.inlined)) ? [name] : []
  })
}

const isAtHand = (name: string, facts: Facts, places: ReadonlyMap<string, Place>): boolean =>
  facts.inlined.has(name) || facts.values.get(name)?.axes.length === 0 || places.get(name)?.stored !== undefined

function isCheap(name: string, facts: Facts, inlined: ReadonlySet<string>): boolean {
  const total = (of: string): number => {
    const from = facts.defines.get(of)?.from
    if (!from || from.kind === 'load' || (of !== name && !inlined.has(of))) return 0
    return cost(from.expr) + valuesIn(from.expr).reduce((sum, ref) => sum + total(ref), 0)
  }
  return total(name) <= costLimit[facts.defines.get(name)?.from.kind === 'mask' ? 'mask' : 'expr']
}

/** Products read arrays. What is carried on may only be written out if it reads no other value that changes in the same round. */
function mayWriteOut(item: Define, by: Item, facts: Facts, inlined: ReadonlySet<string>): boolean {
  if (by.kind === 'product' || by.kind === 'running') return false
  if (item.from.kind === 'load' && facts.stored.has(item.from.buffer)) return false
  if (by.kind !== 'update') return true
  return readThrough(item, facts, inlined).every((name) => !facts.carried.has(name) || name === by.to.name)
}

const readThrough = (item: Item, facts: Facts, inlined: ReadonlySet<string>): readonly string[] =>
  refs(item).flatMap((name) => {
    const source = inlined.has(name) ? facts.defines.get(name) : undefined
    return source ? readThrough(source, facts, inlined) : [name]
  })

function isReadOnceBeside(item: Define, uses: readonly Use[], facts: Facts): boolean {
  const [use] = uses
  if (!use || uses.length !== 1 || !use.list.includes(item)) return false
  if (exprsOf(use.by).length === 0) return false
  const axes = walked(use.by, facts.order)
  return axes.length === item.to.axes.length && item.to.axes.every(({ axis }) => axes.includes(axis))
}

function findUses(items: readonly Item[]): ReadonlyMap<string, readonly Use[]> {
  const uses = new Map<string, Use[]>()
  const see = (list: readonly Item[]): void => {
    for (const by of list) {
      for (const name of refs(by)) uses.set(name, [...(uses.get(name) ?? []), { by, list }])
      if (by.kind === 'repeat') for (const inner of [by.head, by.body]) see(inner)
    }
  }
  see(items)
  return uses
}
