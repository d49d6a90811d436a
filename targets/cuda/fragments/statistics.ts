/** What loops carry for rows: sums that need not be whole in each round, and maxima. */
import type { KernelCall, KernelExpr, Value } from '../../../compiler/kernel.ts'
import { type Define, everyItem, type Fold, type Item, type Repeat, refs, valuesIn } from '../../nests/item.ts'
import type { Layout } from './layout.ts'

const count = (items: readonly Item[], name: string): number =>
  everyItem(items)
    .flatMap(refs)
    .filter((ref) => ref === name).length

/**
 * The items of a round with sums over the columns added to what is carried in its place, where nothing else reads either: each lane
 * then carries its own share. `sums`: the carried values.
 */
export function sumInPlace(loop: Repeat): { readonly body: readonly Item[]; readonly sums: ReadonlySet<string> } {
  const inside = [...loop.head, ...loop.body]
  const found = loop.loop.carried.flatMap(({ value, initial, next }): readonly Sum[] => {
    const define = loop.body.find((item): item is Define => item.kind === 'define' && item.to.name === next)
    const isNone = initial.kind === 'const' && Number(initial.value) === 0 && value.type === 'f32'
    if (!isNone || define?.from.kind !== 'expr' || !isSum(define.from.expr)) return []
    const { args } = define.from.expr
    return [args, args.toReversed()].flatMap(([kept, added]): readonly Sum[] => {
      const by = factorOf(kept!, value.name)
      const fold = loop.body.find(
        (item): item is Fold =>
          item.kind === 'fold' && item.op === 'sum' && added?.kind === 'value' && item.to.name === added.name,
      )
      const isAlone = fold && [fold.to.name, value.name, next].every((name) => count(inside, name) === 1)
      return by && isAlone ? [{ value, by: by.by, fold, define }] : []
    })
  })
  const body = loop.body.flatMap((item): readonly Item[] => {
    const sum = found.find(({ fold, define }) => item === fold || item === define)
    if (item.kind === 'update' && found.some(({ value }) => value.name === item.to.name)) return []
    if (!sum) return [item]
    if (item === sum.fold) return []
    const scale: readonly Item[] = sum.by ? [{ kind: 'scale', to: sum.value, by: sum.by }] : []
    return [...scale, { ...sum.fold, to: sum.value }]
  })
  return { body, sums: new Set(found.map(({ value }) => value.name)) }
}

interface Sum {
  readonly value: Value
  readonly by: KernelExpr | undefined
  readonly fold: Fold
  readonly define: Item
}
const isSum = (e: KernelExpr): e is KernelCall => e.kind === 'call' && e.op === 'add'

/** The factor of the carried value in a multiple of it. */
function factorOf(e: KernelExpr, carried: string): { readonly by: KernelExpr | undefined } | undefined {
  const isIt = (x: KernelExpr | undefined): boolean => x?.kind === 'value' && x.name === carried
  if (isIt(e)) return { by: undefined }
  if (e.kind !== 'call' || e.op !== 'mul') return undefined
  const [x, y] = e.args
  const by = isIt(x) ? y : isIt(y) ? x : undefined
  return by && !valuesIn(by).includes(carried) ? { by } : undefined
}
/** What a value is the largest of, where it is a fold or a scaled fold; undefined otherwise. */
export function extremeOf(name: string, { items, facts }: Pick<Layout, 'items' | 'facts'>): Extreme | undefined {
  const foldOf = (to: string): Fold | undefined =>
    everyItem(items).find((item): item is Fold => item.kind === 'fold' && item.to.name === to)
  const fold = foldOf(name)
  if (fold) return { fold, of: fold.of }
  const from = facts.defines.get(name)?.from
  if (from?.kind !== 'expr' || from.expr.kind !== 'call' || !['mul', 'div'].includes(from.expr.op)) return undefined
  const [x, ...others] = from.expr.args
  const scaled = x?.kind === 'value' ? foldOf(x.name) : undefined
  return scaled && { fold: scaled, of: { ...from.expr, args: [scaled.of, ...others] } }
}
export interface Extreme {
  readonly fold: Fold
  readonly of: KernelExpr
}

/** The values of a maximum of values. */
export function ofMaximum(name: string, { facts }: Pick<Layout, 'facts'>): readonly string[] {
  const from = facts.defines.get(name)?.from
  if (from?.kind !== 'expr' || from.expr.kind !== 'call' || from.expr.op !== 'max') return []
  return from.expr.args.flatMap((arg) => (arg.kind === 'value' ? [arg.name] : []))
}

/** Whether this is the maximum of what was before and of a tile, and NaN may be left out of it. */
export const isLooseMaximum = (name: string, layout: Layout): boolean =>
  ofMaximum(name, layout).some((arg) => extremeOf(arg, layout)?.fold.loose)
