/** Products of tiles, on tensor cores. */
import { invariant } from '../../../compiler/invariant.ts'
import type { Value } from '../../../compiler/kernel.ts'
import { everyItem, type Product } from '../../nests/item.ts'
import { valueAt } from '../spot.ts'
import { largestOf } from './bounds.ts'
import { existsText, isBits } from './fold.ts'
import { columnsOf, operandsOf } from './layout.ts'
import { declared, eachElement, groupsOf, inForms, threadsOf, type Warp } from './warp.ts'

export function printProduct(item: Product, at: Warp): void {
  const { sheet, spot } = at
  const { layout } = sheet
  const { a, b } = operandsOf(item, layout.row)
  const [left, right] = [layout.tiles.get(a.name), layout.tiles.get(b.name)]
  invariant(right, `${b.name} lies in no tile`)
  const of = (value: Value): string => `${value.name}[${value.axes.map(({ axis }) => axis).join(', ')}]`
  spot.block.line(`// ${of(item.to)} ${item.fresh ? '=' : '+='} the sum over ${item.over} of ${of(a)} * ${of(b)}`)
  if (!left && !at.round?.settled.has(a.name)) inForms(at, (inner) => settle(a, item, inner))
  for (const tile of [left, right]) if (tile) sheet.arrive(tile, at)
  const type = `tiles::${layout.type}`
  if (item.weighted)
    inForms(at, ({ checked, spot: { block } }) => {
      const kinds = `${type}, ${sheet.names.get(b.name)}, ${threadsOf(layout)}`
      if (checked) block.line(`impure = impure || tiles::hasNonFinite<${kinds}>(shared + ${sheet.addressOf(right)});`)
    })
  if (item.fresh) spot.block.line(`${declared(item.to, at)} = {};`)
  const into = spot.sheet.locals.get(item.to.name)!.text
  const columns = columnsOf(item.over, layout.facts)
  const first = left
    ? `tiles::LeftTile<${sheet.names.get(a.name)}, ${groupsOf(sheet)}>(base + ${sheet.addressOf(left)})`
    : `tiles::LeftFragment<${type}, ${groupsOf(sheet)}, ${columns / 8}>{${spot.sheet.locals.get(a.name)!.text}}`
  const kind = right.minor === item.over ? 'RightRows' : 'RightColumns'
  const second = `tiles::${kind}<${sheet.names.get(b.name)}>(base + ${sheet.addressOf(right)})`
  spot.block.line(`tiles::multiply<${type}, ${columns / 16}>(${into}, ${first}, ${second});`)
}

/** Settles what has just been made, if it is an operand of a product. */
export function settleOperand(made: Value, at: Warp): void {
  const { layout } = at.sheet
  const product = everyItem(layout.items).find(
    (item): item is Product => item.kind === 'product' && operandsOf(item, layout.row).a.name === made.name,
  )
  if (!product || !at.round || layout.tiles.has(made.name)) return
  inForms(at, (inner) => settle(made, product, inner))
  at.round.settled.add(made.name)
}

/** A fragment as an operand: 0 beyond its columns, and each element within the range of the operand's type. */
function settle(a: Value, { over }: Product, at: Warp): void {
  const { layout } = at.sheet
  const bound = largestOf({ kind: 'value', type: 'f32', name: a.name }, layout)
  const isSafe = layout.type === 'Brain' || bound <= 65504
  const exists = isZeroBeyond(a.name, at) ? undefined : existsText(over, at)
  if (exists === undefined && isSafe) return
  const { block: around, sheet } = at.spot
  const largest = at.round ? sheet.names.reuse('largest', `operand ${a.name}`) : sheet.names.fresh('largest')
  if (!isSafe) around.line(`float ${largest} = 0.0f;`)
  eachElement(over, at, (inner, block) => {
    const name = valueAt(a.name, inner.spot).text
    if (exists !== undefined) block.line(`if (!(${exists})) ${name} = 0.0f;`)
    if (!isSafe) block.line(`${largest} = ::fmaxf(${largest}, ::fabsf(${name}));`)
  })
  if (!isSafe) around.line(`impure = impure || tiles::${layout.type}::isBeyond(${largest});`)
}

/** What a mask has put 0 into where there is no element. */
function isZeroBeyond(name: string, at: Warp): boolean {
  const from = at.sheet.layout.facts.defines.get(name)?.from
  if (from?.kind !== 'expr' || from.expr.kind !== 'call' || from.expr.op !== 'select') return false
  const [mask, , other] = from.expr.args
  return mask?.kind === 'value' && isBits(mask.name, at) && other?.kind === 'const' && other.value === 0
}
