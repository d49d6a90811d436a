/** Items as statements of a warp: loops over the elements that a lane has, products of tensor cores between them. */

import { invariant } from '../../../compiler/invariant.ts'
import type { KernelExpr, Value } from '../../../compiler/kernel.ts'
import type { Block } from '../../block.ts'
import { addressOf, bufferOf, indicesOf, narrowed } from '../../c-elements.ts'
import { atom, type Code, printExpr } from '../../expression.ts'
import type { Define, Fold, Item, Product } from '../../nests/item.ts'
import { isWhole } from '../../nests/whole.ts'
import { simplify } from '../../ranges.ts'
import { cudaTypes, foldStep, identity } from '../print.ts'
import { type AxisSpot, elementWords, type Spot, sourceAt, valueAt, wordsAt } from '../spot.ts'
import { largestOf } from './bounds.ts'
import { fragmentSpellings, scaled } from './functions.ts'
import { columnOf, columnsOf, formOf, type Layout, operandsOf, type TileOf } from './layout.ts'
import { isReferenceMaximum, isReferenceOnly } from './statistics.ts'

/** One form of a kernel's text while it is printed. */
export interface Sheet {
  readonly layout: Layout
  readonly names: ReadonlyMap<string, string> // of tiles' types, by value
  /** What stands before the first product that reads a tile: the wait for it, and the start of the next copy. */
  readonly arrive: (tile: TileOf, at: Warp) => void
  readonly addressOf: (tile: TileOf) => string // in shared memory
}
/** A place in the text. `checked`: tiles may be ragged, and masks may leave something out. */
export interface Warp {
  readonly sheet: Sheet
  readonly spot: Spot
  readonly checked: boolean
  readonly deferred: ReadonlySet<string> // sums of rows whose four lanes are not added up yet
}

const M = ({ layout }: Sheet): number => layout.groups
export const threadsOf = ({ warps }: Layout): number => warps * 32

/** The word for a place is in the text. */
const uses = (text: string, name: string): boolean => new RegExp(`\\b${name}\\b`).test(text)

/** Statements for every row. */
export function eachRow(at: Warp, fill: (inner: Warp, block: Block) => void): void {
  const { layout } = at.sheet
  printEach(
    at,
    `tiles::eachRow<${M(at.sheet)}>([&](int m, int r) {`,
    undefined,
    (inner, block) => fill(inner, block),
    [[layout.row, `num::smallest(tiles::rowOf<${M(at.sheet)}>(m, r), ${countText(layout.row, at)} - 1)`]],
    'r',
  )
}

/** Statements for every element of rows and an axis of columns. */
export function eachElement(column: string, at: Warp, fill: (inner: Warp, block: Block) => void, pairs = false): void {
  const { layout } = at.sheet
  const columns = columnsOf(column, layout.facts)
  const head = `tiles::each${pairs ? 'Pair' : 'Element'}<${M(at.sheet)}, ${columns / 8}>([&](int m, int n, int r) {`
  const width = widthOf(column, at)
  const own = width === undefined ? 'tiles::columnOf(n, r)' : `num::smallest(tiles::columnOf(n, r), ${width} - 1)`
  printEach(
    at,
    head,
    column,
    fill,
    [
      [layout.row, `num::smallest(tiles::rowOf<${M(at.sheet)}>(m, r / 2), ${countText(layout.row, at)} - 1)`],
      [column, own],
    ],
    'r / 2',
  )
}

function printEach(
  at: Warp,
  head: string,
  column: string | undefined,
  fill: (inner: Warp, block: Block) => void,
  places: readonly (readonly [string, string])[],
  rowText: string,
): void {
  const { spot, sheet } = at
  const { layout } = sheet
  const named = places.map(([axis, text]) => ({ axis, text, name: spot.sheet.names.reuse(axis) }))
  const axes = new Map<string, AxisSpot>(spot.axes)
  for (const { axis, name } of named) axes.set(axis, { ...axisAt(axis, at), inner: atom(name) })
  const spelled = (name: string): Code | undefined => {
    const value = layout.facts.values.get(name)
    const local = spot.sheet.locals.get(name)
    if (!value || !local) return undefined
    const form = formOf(value, layout.row)
    if (form === 'row') return atom(`${local.text}.at[m][${rowText}]`)
    if (form === 'fragment' && column !== undefined) return atom(`${local.text}.at[m][n][r]`)
    return undefined
  }
  const inner: Warp = { ...at, spot: { ...spot, axes, spelled } }
  const collected = collect(spot.block, (block) => fill({ ...inner, spot: { ...inner.spot, block } }, block))
  const text = collected.join('\n')
  const heads = named
    .filter(({ name }) => uses(text, name))
    .map(({ name, text: own }) => `const int32_t ${name} = ${own};`)
  const lines = [...heads, ...collected]
  if (lines.length === 1 && head.length + lines[0]!.length < 116) spot.block.line(`${head} ${lines[0]} });`)
  else spot.block.line(head, ...lines.map((line) => `  ${line}`), '});')
}

function collect(like: Block, fill: (block: Block) => void): readonly string[] {
  const block = new (like.constructor as new () => Block)()
  fill(block)
  return block.lines
}

const axisAt = (axis: string, { spot, sheet }: Warp): AxisSpot =>
  spot.axes.get(axis) ?? {
    single: false,
    first: atom('0'),
    count: atom(String(spot.sheet.program.sizes[axis] ?? sheet.layout.facts.extents.get(axis) ?? 1)),
    inner: undefined,
  }
const countText = (axis: string, at: Warp): string => axisAt(axis, at).count.text

/** How many columns exist, where it may be fewer than the fragment has. */
function widthOf(column: string, at: Warp): string | undefined {
  const { layout } = at.sheet
  const count = countText(column, at)
  const isTiled = at.spot.axes.has(column)
  if (isTiled) return at.checked ? count : undefined
  return Number(count) === columnsOf(column, layout.facts) ? undefined : count
}

export const printCode = (e: KernelExpr, at: Warp): Code =>
  printExpr(simplify(e, at.spot.sheet.program), {
    ...wordsAt(at.spot),
    ops: fragmentSpellings(at.sheet.layout.row, at.spot),
  })

export function printItems(items: readonly Item[], at: Warp): void {
  for (const item of items) printItem(item, at)
}

function printItem(item: Item, at: Warp): void {
  switch (item.kind) {
    case 'define':
      return define(item, at)
    case 'fold':
      return fold(item, at)
    case 'product':
      return product(item, at)
    case 'scale':
      return eachElement(columnOf(item.to, at.sheet.layout.row), at, (inner, block) =>
        block.line(`${valueAt(item.to.name, inner.spot).text} *= ${printCode(item.by, inner).text};`),
      )
    case 'update':
      return update(item, at)
    case 'put':
      return put(item, at)
    default:
      invariant(false, `a ${item.kind} has no place in fragments`)
  }
}

const typeOf = ({ type }: Value): string => cudaTypes[type]
/** The declaration of a value: its type and its name. */
function declared(value: Value, at: Warp): string {
  const { layout } = at.sheet
  const name = at.spot.sheet.names.reuse(value.name, `value ${value.name}`)
  at.spot.sheet.locals.set(value.name, atom(name))
  const form = formOf(value, layout.row)
  if (form === 'uniform') return `${typeOf(value)} ${name}`
  if (form === 'row') return `tiles::Rows<${M(at.sheet)}${value.type === 'f32' ? '' : `, ${typeOf(value)}`}> ${name}`
  return `tiles::Fragment<${M(at.sheet)}, ${columnsOf(columnOf(value, layout.row), layout.facts) / 8}> ${name}`
}

/** Every element of a value, from what `code` says. */
function assign(value: Value, at: Warp, code: (inner: Warp) => string): void {
  const { row } = at.sheet.layout
  const form = formOf(value, row)
  const set = (inner: Warp, block: Block): void =>
    block.line(`${valueAt(value.name, inner.spot).text} = ${code(inner)};`)
  if (form === 'row') eachRow(at, set)
  else eachElement(columnOf(value, row), at, set)
}

function define(item: Define, at: Warp): void {
  const { sheet, spot } = at
  const isQuiet = isReferenceMaximum(item, sheet.layout)
  const codeOf = (e: KernelExpr, inner: Warp): string =>
    isQuiet && e.kind === 'call'
      ? `::fmaxf(${e.args.map((arg) => printCode(arg, inner).text).join(', ')})`
      : printCode(e, inner).text
  if (sheet.layout.tiles.has(item.to.name) || sheet.layout.facts.inlined.has(item.to.name)) return
  const code = (inner: Warp): string =>
    item.from.kind === 'expr' ? codeOf(item.from.expr, inner) : sourceAt(item, inner.spot).text
  if (item.to.axes.length === 0) {
    const text = code(at)
    return spot.block.line(`[[maybe_unused]] const ${declared(item.to, at)} = ${text};`)
  }
  const text = declared(item.to, at)
  spot.block.line(`${text};`)
  assign(item.to, at, code)
}

/** A lane folds its own elements of a row; then the four lanes of the row are folded, or at the end of the loop. */
function fold(item: Fold, at: Warp): void {
  const { to, op, over, where } = item
  const { spot } = at
  const known = knownFold(item, at)
  const start = declared(to, at)
  spot.block.line(`${start};`)
  if (known !== undefined)
    return eachRow(at, (inner, block) => block.line(`${valueAt(to.name, inner.spot).text} = ${known};`))
  eachRow(at, (inner, block) => block.line(`${valueAt(to.name, inner.spot).text} = ${identity(op, to.type)};`))
  const reference = isReferenceOnly(item, at.sheet.layout)
  const { by, of } = op === 'max' || op === 'min' ? scaledFold(item, at) : { by: 1, of: item.of }
  eachElement(over, at, (inner, block) => {
    const [name, code] = [valueAt(to.name, inner.spot).text, printCode(of, inner)]
    const conditions = conditionsOf(over, where, inner)
    const step = reference ? `${name} = ::fmaxf(${name}, ${code.text});` : foldStep(op, name, code, to.type)
    block.line(conditions === '' ? step : `if (${conditions}) ${step}`)
  })
  if (at.deferred.has(to.name)) return
  eachRow(at, (inner, block) => {
    const name = valueAt(to.name, inner.spot).text
    const all = `tiles::${reference ? 'upperOfRow' : ofRow[op]}(${name})`
    block.line(`${name} = ${by === 1 ? all : scaleText(item, all, inner)};`)
  })
}

export const ofRow = {
  sum: 'sumOfRow',
  count: 'sumOfRow',
  max: 'largestOfRow',
  min: 'smallestOfRow',
  any: 'anyOfRow',
  all: 'allOfRow',
} as const

/** The largest of what is scaled is the largest, scaled: rounding keeps the order. */
function scaledFold(item: Fold, at: Warp): { readonly by: number; readonly of: KernelExpr } {
  return item.to.type === 'f32' ? scaled(item.of, at.spot) : { by: 1, of: item.of }
}
/** The same operation on the folded value as on each element. */
function scaleText(item: Fold, folded: string, at: Warp): string {
  const from = item.of.kind === 'value' ? at.sheet.layout.facts.defines.get(item.of.name)?.from : undefined
  const call = from?.kind === 'expr' ? from.expr : item.of
  invariant(call.kind === 'call', 'a scaled fold')
  const { of } = scaled(item.of, at.spot)
  const spelled = (name: string): Code | undefined =>
    of.kind === 'value' && name === of.name ? atom(folded) : at.spot.spelled?.(name, at.spot)
  return of.kind === 'value' ? printCode(call, { ...at, spot: { ...at.spot, spelled } }).text : `(${folded})`
}

/** Where every place counts: whether there is one, and how many. */
function knownFold({ op, of, over, where }: Fold, at: Warp): string | undefined {
  const isAll = where === undefined || isWhole(where, at.spot)
  if (!isAll || of.kind !== 'const' || of.value !== true) return undefined
  const count = countText(over, at)
  return op === 'any' ? `${count} > 0` : op === 'count' ? count : undefined
}

/** Which of a fragment's elements count. */
function conditionsOf(over: string, where: string | undefined, at: Warp): string {
  const width = widthOf(over, at)
  const exists = width === undefined ? [] : [`tiles::columnOf(n, r) < ${width}`]
  const admitted = where !== undefined && !isWhole(where, at.spot) ? [valueAt(where, at.spot).text] : []
  return [...exists, ...admitted.map((text) => (exists.length > 0 && text.includes('||') ? `(${text})` : text))].join(
    ' && ',
  )
}

function product(item: Product, at: Warp): void {
  const { sheet, spot } = at
  const { layout } = sheet
  const { a, b } = operandsOf(item, layout.row)
  const [left, right] = [layout.tiles.get(a.name), layout.tiles.get(b.name)]
  invariant(right, `${b.name} lies in no tile`)
  const of = (value: Value): string => `${value.name}[${value.axes.map(({ axis }) => axis).join(', ')}]`
  spot.block.line(`// ${of(item.to)} ${item.fresh ? '=' : '+='} the sum over ${item.over} of ${of(a)} * ${of(b)}`)
  if (!left) settle(a, item, at)
  for (const tile of [left, right]) if (tile) sheet.arrive(tile, at)
  if (item.weighted && at.checked)
    spot.block.line(
      `impure = impure || tiles::hasNonFinite<tiles::${layout.type}, ${sheet.names.get(b.name)}, ${threadsOf(layout)}>(shared + ${sheet.addressOf(right)});`,
    )
  if (item.fresh) spot.block.line(`${declared(item.to, at)} = {};`)
  const into = spot.sheet.locals.get(item.to.name)!.text
  const columns = columnsOf(item.over, layout.facts)
  const first = left
    ? `tiles::LeftTile<${sheet.names.get(a.name)}, ${M(sheet)}>(base + ${sheet.addressOf(left)})`
    : `tiles::LeftFragment<tiles::${layout.type}, ${M(sheet)}, ${columns / 8}>{${spot.sheet.locals.get(a.name)!.text}}`
  const kind = right.minor === item.over ? 'RightRows' : 'RightColumns'
  const second = `tiles::${kind}<${sheet.names.get(b.name)}>(base + ${sheet.addressOf(right)})`
  spot.block.line(`tiles::multiply<tiles::${layout.type}, ${columns / 16}>(${into}, ${first}, ${second});`)
}

/** A fragment as an operand: 0 beyond its columns, and each element within the range of the operand's type. */
function settle(a: Value, { over }: Product, at: Warp): void {
  const { layout } = at.sheet
  const width = widthOf(over, at)
  const bound = largestOf({ kind: 'value', type: 'f32', name: a.name }, layout.facts, layout.items)
  const isSafe = layout.type === 'Brain' || bound <= 65504
  if (width === undefined && isSafe) return
  eachElement(over, at, (inner, block) => {
    const name = valueAt(a.name, inner.spot).text
    if (width !== undefined) block.line(`if (tiles::columnOf(n, r) >= ${width}) ${name} = 0.0f;`)
    if (!isSafe) block.line(`impure = impure || tiles::${layout.type}::isBeyond(${name});`)
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

function put({ store }: Extract<Item, { kind: 'put' }>, at: Warp): void {
  const { layout } = at.sheet
  const { buffer, text } = bufferOf(store.buffer, at.spot.sheet)
  const form = formOf(store, layout.row)
  const rows = countText(layout.row, at)
  const element = (inner: Warp): string =>
    `${text}[${
      addressOf(
        buffer,
        indicesOf(store.index, buffer).map((e) => printCode(e, inner)),
        inner.spot.sheet,
      ).text
    }]`
  if (form === 'row')
    return eachRow(at, (inner, block) =>
      block.line(
        `if (tiles::rowOf<${M(at.sheet)}>(m, r) < ${rows} && threadIdx.x % 4 == 0) ${element(inner)} = ${narrowed(buffer, printCode(store.value, inner), elementWords)};`,
      ),
    )
  const column = columnOf(store, layout.row)
  const width = widthOf(column, at)
  const inside = `tiles::rowOf<${M(at.sheet)}>(m, r / 2) < ${rows}${width === undefined ? '' : ` && tiles::columnOf(n, r) < ${width}`}`
  const last = store.index[buffer.axes.at(-1) ?? '']
  const isPair =
    last?.kind === 'index' &&
    last.axis === column &&
    last.of === 'element' &&
    (buffer.storage === 'f16' || buffer.storage === 'bf16')
  if (!isPair)
    return eachElement(column, at, (inner, block) =>
      block.line(
        `if (${inside}) ${element(inner)} = ${narrowed(buffer, printCode(store.value, inner), elementWords)};`,
      ),
    )
  const type = buffer.storage === 'f16' ? 'Half' : 'Brain'
  eachElement(
    column,
    at,
    (inner, block) => {
      const low = printCode(store.value, inner).text
      const high = low.replaceAll('.at[m][n][r]', '.at[m][n][r + 1]')
      block.line(`if (${inside}) tiles::storePair<tiles::${type}>(&${element(inner)}, ${low}, ${high});`)
    },
    true,
  )
}
