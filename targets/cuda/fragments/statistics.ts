/** What loops carry for rows: sums that need not be whole in each round, and maxima that are asked for nothing but a reference. */
import type { KernelExpr } from '../../../compiler/kernel.ts'
import type { Facts } from '../../nests/item.ts'
import { everyItem, type Fold, type Item, type Repeat, refs, valuesIn } from '../../nests/item.ts'
import type { Layout } from './layout.ts'

const count = (items: readonly Item[], name: string): number =>
  everyItem(items)
    .flatMap(refs)
    .filter((ref) => ref === name).length

/**
 * Sums over the columns that are added to a carried sum and read nowhere else: each lane may carry its own share. By the carried
 * value, the fold.
 */
export function deferredSums(loop: Repeat, facts: Facts): ReadonlyMap<string, string> {
  const inside = [...loop.head, ...loop.body]
  return new Map(
    loop.loop.carried.flatMap(({ value, initial, next }): readonly (readonly [string, string])[] => {
      const from = facts.defines.get(next)?.from
      const isNone = initial.kind === 'const' && Number(initial.value) === 0 && value.type === 'f32'
      if (!isNone || from?.kind !== 'expr' || from.expr.kind !== 'call' || from.expr.op !== 'add') return []
      const orders = [from.expr.args, from.expr.args.toReversed()]
      const added = orders.map(([kept, sum]) =>
        isKept(kept!, value.name) && sum?.kind === 'value' ? sum.name : undefined,
      )
      const fold = added.find((name) =>
        inside.some((item) => item.kind === 'fold' && item.op === 'sum' && item.to.name === name),
      )
      const isAlone =
        fold !== undefined && count(inside, fold) === 1 && count(inside, value.name) === 1 && count(inside, next) === 1
      return isAlone ? [[value.name, fold]] : []
    }),
  )
}

/** The carried value, or a multiple of it. */
const isKept = (e: KernelExpr, name: string): boolean =>
  (e.kind === 'value' && e.name === name) ||
  (e.kind === 'call' &&
    e.op === 'mul' &&
    e.args.some((arg) => arg.kind === 'value' && arg.name === name) &&
    valuesIn(e).filter((one) => one === name).length === 1)

/**
 * Whether a maximum is only subtracted from what is exponentiated, and compared with -inf: then it need not be NaN where an element is,
 * since the exponential of the element is. After the loop it has to stand beside another value that the loop carries.
 */
export function isReferenceOnly(fold: Fold, { items, facts }: Layout): boolean {
  const loop = items.find((item): item is Repeat => item.kind === 'repeat' && item.body.includes(fold))
  if (!loop || fold.op !== 'max' || fold.to.type !== 'f32') return false
  const [user, ...others] = loop.body.filter((item) => refs(item).includes(fold.to.name))
  if (
    others.length > 0 ||
    user?.kind !== 'define' ||
    user.from.kind !== 'expr' ||
    user.from.expr.kind !== 'call' ||
    user.from.expr.op !== 'max'
  )
    return false
  const carried = loop.loop.carried.find(({ next }) => next === user.to.name)
  if (!carried) return false
  const names = [user.to.name, carried.value.name]
  const isQuiet = loop.body.every(
    (item) => item === user || item.kind === 'update' || exprs(item).every((e) => isGuarded(e, names)),
  )
  const sums = loop.loop.carried.map(({ value }) => value.name).filter((name) => name !== carried.value.name)
  const later = everyItem(items).filter(
    (item) =>
      item !== loop && !loop.body.includes(item) && refs(item).includes(carried.value.name) && item.kind !== 'update',
  )
  const isBeside = later.every((item) => exprs(item).some((e) => valuesIn(e).some((name) => sums.includes(name))))
  return (
    isQuiet && isBeside && loop.body.some((item) => exprs(item).some((e) => refersTo(e, user.to.name, fold.of, facts)))
  )
}

/** Whether an item takes the maximum of such a fold and what was before. */
export const isReferenceMaximum = (item: Item, layout: Layout): boolean =>
  item.kind === 'define' &&
  item.from.kind === 'expr' &&
  item.from.expr.kind === 'call' &&
  item.from.expr.op === 'max' &&
  everyItem(layout.items).some(
    (fold) => fold.kind === 'fold' && refs(item).includes(fold.to.name) && isReferenceOnly(fold, layout),
  )

const exprs = (item: Item): readonly KernelExpr[] =>
  item.kind === 'define'
    ? item.from.kind === 'load'
      ? Object.values(item.from.index)
      : [item.from.expr]
    : item.kind === 'fold'
      ? [item.of]
      : item.kind === 'scale'
        ? [item.by]
        : item.kind === 'update'
          ? [item.from]
          : item.kind === 'put'
            ? [item.store.value]
            : []

/** Every mention of these names is in `select(abs(x) < inf, x, 0)` or in `x == -inf`. */
function isGuarded(e: KernelExpr, names: readonly string[]): boolean {
  if (e.kind === 'value') return !names.includes(e.name)
  if (e.kind !== 'call') return true
  const [a, b, c] = e.args
  const isOwn = (x: KernelExpr | undefined): boolean => x?.kind === 'value' && names.includes(x.name)
  if (e.op === 'eq' && isOwn(a) && b?.kind === 'const') return true
  if (e.op === 'select' && isOwn(b) && c?.kind === 'const') return true
  return e.args.every((arg) => isGuarded(arg, names))
}

/** Whether this subtracts the guarded reference from what it is the largest of. */
function refersTo(e: KernelExpr, reference: string, of: KernelExpr, facts: Facts): boolean {
  if (e.kind !== 'call') return false
  const [x, y] = e.args
  const isIt = e.op === 'sub' && valuesIn(y!).includes(reference) && JSON.stringify(x) === JSON.stringify(of)
  return isIt || e.args.some((arg) => refersTo(arg, reference, of, facts))
}
