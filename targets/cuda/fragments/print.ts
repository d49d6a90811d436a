/** Items as statements of a warp: loops over the elements that a lane has, products of tensor cores between them. */
import { invariant } from '../../../compiler/invariant.ts'
import type { KernelExpr, Value } from '../../../compiler/kernel.ts'
import type { Block } from '../../block.ts'
import { inside, tightness } from '../../expression.ts'
import type { Define, Item } from '../../nests/item.ts'
import { isWhole } from '../../nests/whole.ts'
import { sourceAt, valueAt } from '../spot.ts'
import { existsText, printFold } from './fold.ts'
import { columnOf, formOf } from './layout.ts'
import { printProduct, settleOperand } from './product.ts'
import { printFoldOfRows, printScalarLoop } from './scalar.ts'
import { isLooseMaximum } from './statistics.ts'
import { printPut } from './store.ts'
import { assign, declared, eachElement, eachRow, inForms, printCode, type Warp } from './warp.ts'

export function printItems(items: readonly Item[], at: Warp): void {
  for (const item of items) printItem(item, at)
}

function printItem(item: Item, at: Warp): void {
  switch (item.kind) {
    case 'define':
      inForms(at, (inner) => define(item, inner))
      return settleOperand(item.to, at)
    case 'fold':
      if (item.over === at.sheet.layout.row) return printFoldOfRows(item, at)
      return inForms(at, (inner) => printFold(item, inner))
    case 'product':
      return printProduct(item, at)
    case 'scale':
      return scale(item, at)
    case 'update':
      return update(item, at)
    case 'put':
      return printPut(item, at)
    case 'repeat':
      return printScalarLoop(item, at, printItems)
    default:
      invariant(false, `a ${item.kind} has no place in fragments`)
  }
}

/** Multiplies what is carried, in its place. */
function scale({ to, by }: Extract<Item, { kind: 'scale' }>, at: Warp): void {
  const { row } = at.sheet.layout
  const times = (inner: Warp, block: Block): void =>
    block.line(`${valueAt(to.name, inner.spot).text} *= ${printCode(by, inner).text};`)
  if (formOf(to, row) === 'row') eachRow(at, times)
  else eachElement(columnOf(to, row), at, times)
}

function define(item: Define, at: Warp): void {
  const { to, from } = item
  const { layout } = at.sheet
  const { block } = at.spot
  if (layout.tiles.has(to.name) || layout.facts.inlined.has(to.name)) return
  if (from.kind === 'mask' && formOf(to, layout.row) === 'fragment') return defineMask(item, at)
  const code = (inner: Warp): string => codeOf(item, inner)
  if (to.axes.length === 0) {
    const text = code(at)
    return block.line(`[[maybe_unused]] const ${declared(to, at)} = ${text};`)
  }
  block.line(`${declared(to, at)};`)
  assign(to, at, code)
}

function codeOf(item: Define, at: Warp): string {
  const { from, to } = item
  if (from.kind !== 'expr') return sourceAt(item, at.spot).text
  const isLoose = from.expr.kind === 'call' && isLooseMaximum(to.name, at.sheet.layout)
  return isLoose ? looseMaximum(from.expr.args, at) : printCode(from.expr, at).text
}
const looseMaximum = (args: readonly KernelExpr[], at: Warp): string =>
  `::fmaxf(${args.map((arg) => printCode(arg, at).text).join(', ')})`

/** Which elements exist and are admitted, a bit each. */
function defineMask(item: Define, at: Warp): void {
  const { to } = item
  const { block } = at.spot
  const column = columnOf(to, at.sheet.layout.row)
  block.line(`${declared(to, at)};`)
  if (isWhole(to.name, at.spot)) return
  const { text } = at.spot.sheet.locals.get(to.name)!
  block.line(`${text} = {};`)
  eachElement(column, at, (inner, own) => {
    const code = sourceAt(item, inner.spot)
    const exists = existsText(column, inner)
    own.line(
      `if (${exists === undefined ? code.text : `${exists} && ${inside(code, tightness.and)}`}) ${text}.add(m, n, r);`,
    )
  })
}

function update({ to, from, first }: Extract<Item, { kind: 'update' }>, at: Warp): void {
  const { sheet, spot } = at
  if (first) {
    const text = to.axes.length === 0 ? printCode(typed(from, to), at).text : ''
    const start = declared(to, at)
    if (to.axes.length === 0) return spot.block.line(`${start} = ${text};`)
    spot.block.line(`${start};`)
    return assign(to, at, (inner) => printCode(typed(from, to), inner).text)
  }
  const local = spot.sheet.locals.get(to.name)!.text
  const source = from.kind === 'value' ? sheet.layout.facts.values.get(from.name) : undefined
  const isCopy = from.kind === 'value' && source?.axes.length === to.axes.length && spot.sheet.locals.has(from.name)
  if (isCopy) return spot.block.line(`${local} = ${spot.sheet.locals.get(from.name)!.text};`)
  if (to.axes.length === 0) return spot.block.line(`${local} = ${printCode(from, at).text};`)
  assign(to, at, (inner) => printCode(from, inner).text)
}

const typed = (from: KernelExpr, { type }: Value): KernelExpr => (from.kind === 'const' ? { ...from, type } : from)
