/** Loop nests as lines. */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelExpr } from '../../compiler/kernel.ts'
import type { Block } from '../block.ts'
import { addressOf, bufferOf, indicesOf, narrowed } from '../c-elements.ts'
import { atom, type Code, inside, join, prefixed, tightness } from '../expression.ts'
import type { Define, Fold, Item } from '../nests/item.ts'
import type { Nest, Node } from '../nests/nest.ts'
import { flagOf, isWhole, neededInWhole } from '../nests/whole.ts'
import { printColumns } from './columns.ts'
import { foundExtreme, isLooseExtreme } from './extremes.ts'
import { alongFeatures } from './features.ts'
import { printLoop } from './loop.ts'
import { printProduct } from './product.ts'
import { printRunning } from './running.ts'
import {
  countOf,
  elementWords,
  inLane,
  inLoop,
  keep,
  laneAxisOf,
  layoutOf,
  print,
  rowsLeft,
  type Spot,
  sourceAt,
  valueAt,
} from './sheet.ts'
import { constant, isWide, widen } from './words.ts'

export const cppTypes: Readonly<Record<ElementType, string>> = { f32: 'float', i32: 'int32_t', bool: 'bool' }

export function printNodes(all: readonly Node[], spot: Spot): void {
  const nodes = spot.flags.size > 0 ? neededInWhole(all, spot) : all
  for (const node of nodes) {
    if (node.kind === 'line') printItem(node.item, spot)
    else if (node.kind === 'loop') printLoop(node, spot)
    else printNest(node, spot)
  }
}

/** A loop over the elements of an axis, in two forms where whole tiles need no mask. */
function printNest(nest: Nest, given: Spot): void {
  const spot = alongFeatures(nest, given) ?? given
  for (const fold of nest.folds) begin(fold, spot)
  const flag = flagOf(nest, spot)
  const inside = (at: Spot): void => {
    if (printColumns(nest, at)) return
    const rest = printAtOnce(nest, at)
    if (rest.length === 0) return
    const loop = (around: Spot): void => openAxis(nest.axis, nest, around, (inner) => printNodes(rest, inner))
    const test = changesAnything(nest, at)
    if (test === undefined) loop(at)
    else at.block.braces(`if (${test})`, (block) => loop({ ...at, block }))
  }
  if (flag === undefined) inside(spot)
  else {
    const form = (decided: boolean) => (block: Block) =>
      inside({ ...spot, block, flags: new Map(spot.flags).set(flag, decided) })
    spot.block.either(valueAt(flag, spot).text, form(true), form(false))
  }
  for (const fold of nest.folds) end(fold, spot)
}

/** Prints what needs no round of a loop of folds alone: extremes, each as a call, and truths that all rounds share; gives the others. */
function printAtOnce(nest: Nest, spot: Spot): readonly Node[] {
  const { axis, nodes } = nest
  const folds = nodes.flatMap((node) => (node.kind === 'line' && node.item.kind === 'fold' ? [node.item] : []))
  if (folds.length < nodes.length || axis === spot.sheet.lane || spot.oneLane) return nodes
  const printed = folds
    .filter(({ to }) => isWide(spot.sheet.locals.get(to.name)!))
    .filter((item) => printShared(item, nest, spot) || printExtreme(item, nest, spot))
  return nodes.filter((node) => !(node.kind === 'line' && printed.some((item) => item === node.item)))
}

/** Whether any of some truths that are all true: there is one. */
function printShared(item: Fold, nest: Nest, spot: Spot): boolean {
  if (item.op !== 'any') return false
  const { text } = foldedOf(item, inLoop(spot, nest, nest.axis, spot.block, atom('0')))
  if (text !== 'vec::mask(true)') return false
  const found = spot.sheet.locals.get(item.to.name)!.text
  spot.block.line(`if (${countOf(nest.axis, spot).text} > 0) ${found} = ${text};`)
  return true
}

/** An extreme, which a product has found already or several chains find. */
function printExtreme(item: Fold, nest: Nest, spot: Spot): boolean {
  if (!isLooseExtreme(item)) return false
  const { axis } = nest
  const to = spot.sheet.locals.get(item.to.name)!.text
  const found = item.where === undefined || isWhole(item.where, spot) ? foundExtreme(item, spot) : undefined
  if (found) {
    spot.block.line(`${to} = ${found.text};`)
    return true
  }
  const name = spot.sheet.names.reuse(axis)
  const of = foldedOf(item, inLoop(spot, nest, axis, spot.block, atom(name))).text
  const count = countOf(axis, spot).text
  spot.block.line(`${to} = vec::${looseSteps[item.op]}Of(${count}, ${to}, [&](int32_t ${name}) { return ${of}; });`)
  return true
}

/** A test that spares a loop which only multiplies by a factor: often the factor of all rows is 1. */
function changesAnything({ axis, nodes }: Nest, spot: Spot): string | undefined {
  const [line] = nodes
  const item = nodes.length === 1 && line?.kind === 'line' ? line.item : undefined
  if (item?.kind !== 'scale' || item.by.kind !== 'value' || axis === spot.sheet.lane) return undefined
  if (spot.sheet.facts.values.get(item.by.name)?.axes.some((a) => a.axis === axis)) return undefined
  const factor = print(item.by, spot)
  const differs = join('!=', tightness.equality, factor, atom('1.0f')).text
  return isWide(factor) ? `vec::anyOf(${differs})` : differs
}

/** A loop over the elements of an axis: of the lane axis, a vector at a time. */
export function openAxis(axis: string, node: object, spot: Spot, fill: (inner: Spot) => void): void {
  const { sheet, block, oneLane } = spot
  const name = sheet.names.reuse(axis)
  const step = axis === sheet.lane && !oneLane ? `${name} += vec::lanes` : `++${name}`
  block.braces(`for (int32_t ${name} = 0; ${name} < ${countOf(axis, spot).text}; ${step})`, (inner) =>
    fill(inLoop(spot, node, axis, inner, atom(name))),
  )
}

/** Whether a fold's running value has a lane for each row, or for each part of what it folds. */
const foldsLanes = ({ over }: Fold, { sheet, oneLane }: Spot): boolean => over === sheet.lane && !oneLane
const isRunningWide = (fold: Fold, spot: Spot): boolean =>
  foldsLanes(fold, spot) || (!spot.oneLane && fold.to.axes.some(({ axis }) => axis === spot.sheet.lane))

function begin(fold: Fold, spot: Spot): void {
  const { sheet, block } = spot
  const { to, op } = fold
  const name = sheet.names.reuse(to.name, `value ${to.name}`)
  const wide = isRunningWide(fold, spot)
  const first = identity(op, to.type)
  sheet.locals.set(to.name, atom(name, wide ? 1 : 0))
  block.line(`${wide ? 'auto' : cppTypes[to.type]} ${name} = ${wide ? widen(atom(first), to.type).text : first};`)
}

function end(fold: Fold, spot: Spot): void {
  const { sheet, block } = spot
  const { to, op } = fold
  if (foldsLanes(fold, spot)) {
    const all = sheet.locals.get(to.name)!
    const name = sheet.names.reuse(`${to.name}OfLanes`, `lanes of ${to.name}`)
    block.line(`const auto ${name} = vec::${ofLanes[op]}(${all.text});`)
    sheet.locals.set(to.name, atom(name))
  }
  if (sheet.places.get(to.name)?.stored) keep(to.name, sheet.locals.get(to.name)!, spot)
}

const ofLanes = {
  sum: 'sumOf',
  count: 'sumOf',
  max: 'largestOf',
  min: 'smallestOf',
  any: 'anyOf',
  all: 'allOf',
} as const

function identity(op: Fold['op'], type: ElementType): string {
  const real = { sum: '0.0f', count: '0', max: '-INFINITY', min: 'INFINITY', any: 'false', all: 'true' }
  const integer = { ...real, sum: '0', max: '-2147483647 - 1', min: '2147483647' }
  return (type === 'i32' ? integer : real)[op]
}

export function printItem(item: Item, spot: Spot): void {
  const { block } = spot
  switch (item.kind) {
    case 'define':
      return define(item, spot)
    case 'fold':
      return fold(item, spot)
    case 'product':
      return printProduct(item, spot)
    case 'running':
      return printRunning(item, spot)
    case 'scale': {
      const now = valueAt(item.to.name, spot)
      return keep(item.to.name, join('*', tightness.product, now, print(item.by, spot)), spot)
    }
    case 'update':
      return update(item.to.name, item.from, item.first, spot)
    case 'put':
      return put(item.store, spot)
    case 'repeat':
      return block.line()
  }
}

function define(item: Define, spot: Spot): void {
  const { sheet, block } = spot
  const { name, type } = item.to
  const code = sourceAt(item, spot)
  const place = sheet.places.get(name)
  if (place?.stored && !place.local) return keep(name, code, spot)
  const local = sheet.names.reuse(name, `value ${name}`)
  block.line(`const ${isWide(code) ? 'auto' : cppTypes[type]} ${local} = ${code.text};`)
  sheet.locals.set(name, atom(local, code.level))
  if (place?.stored) keep(name, atom(local, code.level), spot)
}

/** One element's share in a fold, or a vector's. */
function fold(item: Fold, spot: Spot): void {
  const { to, op } = item
  const name = spot.sheet.locals.get(to.name)!
  if (!isWide(name)) {
    const step = narrowSteps[op](name.text, print(item.of, spot), to.type)
    const condition = conditionsOf(item, spot)
      .map(({ text }) => text)
      .join('')
    return spot.block.line(condition === '' ? step : `if (${condition}) ${step}`)
  }
  const of = foldedOf(item, spot)
  spot.block.line(
    isLooseExtreme(item)
      ? `${name.text} = vec::${looseSteps[item.op]}(${of.text}, ${name.text});`
      : wideSteps[op](name.text, of, to.type),
  )
}

const looseSteps = { max: 'larger', min: 'smaller' } as const

const conditionsOf = (item: Fold, spot: Spot): readonly Code[] => [
  ...(item.where !== undefined && !isWhole(item.where, spot) ? [valueAt(item.where, spot)] : []),
  ...(foldsLanes(item, spot) ? [atom(`vec::below(${rowsLeft(spot)})`, 1)] : []),
]

/** What a fold takes of a vector. */
function foldedOf(item: Fold, spot: Spot): Code {
  const { to, op, of } = item
  const wide = widen(print(of, spot), op === 'count' || op === 'any' || op === 'all' ? 'bool' : to.type)
  return admitted(wide, op, to.type, conditionsOf(item, spot))
}

/** What is folded of a vector: in lanes that do not count, what changes nothing. */
function admitted(code: Code, op: Fold['op'], type: ElementType, conditions: readonly Code[]): Code {
  if (conditions.length === 0) return code
  const mask = conditions.map((c) => widen(c, 'bool')).reduce((a, b) => join('&', tightness.bits, a, b))
  if (op === 'count' || op === 'any')
    return code.text === 'vec::mask(true)' ? mask : join('&', tightness.bits, code, mask)
  if (op === 'all') return join('|', tightness.bits, code, prefixed('~', mask))
  const neutral = widen(atom(identity(op, type)), type)
  return atom(`vec::select(${mask.text}, ${code.text}, ${neutral.text})`, 1)
}

type Step = (name: string, code: Code, type: ElementType) => string
const summed: Step = (name, code, type) =>
  type === 'i32' ? `${name} = vec::add(${name}, ${code.text});` : `${name} += ${code.text};`
const narrowSteps: Readonly<Record<Fold['op'], Step>> = {
  sum: summed,
  count: (name, code) => (code.text === 'true' ? `++${name};` : `${name} += ${inside(code, tightness.sum)} ? 1 : 0;`),
  max: (name, code) => `${name} = vec::largest(${name}, ${code.text});`,
  min: (name, code) => `${name} = vec::smallest(${name}, ${code.text});`,
  any: (name, code) =>
    code.text === 'true' ? `${name} = true;` : `${name} = ${name} || ${inside(code, tightness.and)};`,
  all: (name, code) => `${name} = ${name} && ${inside(code, tightness.equality)};`,
}
const wideSteps: Readonly<Record<Fold['op'], Step>> = {
  ...narrowSteps,
  sum: summed,
  count: (name, code) => `${name} -= ${inside(code, tightness.product)};`,
  any: (name, code) => `${name} |= ${code.text};`,
  all: (name, code) => `${name} &= ${code.text};`,
}

/** The first or the next content of a carried value. */
function update(name: string, from: KernelExpr, first: boolean, spot: Spot): void {
  const { sheet, block } = spot
  const array = sheet.arrays.get(name)
  const type = sheet.facts.values.get(name)?.type ?? 'f32'
  if (array !== undefined && first && from.kind === 'const') {
    const { sizes, lanes } = layoutOf(name, sheet)
    const value = lanes && type === 'bool' ? (from.value ? '-1' : '0') : constant({ ...from, type }).text
    return block.line(`vec::fill(scratch.${array}, ${sizes.reduce((a, b) => a * b, 1)}, ${value});`)
  }
  if (array !== undefined) return keep(name, print(from, spot), spot)
  if (!first) return block.line(`${sheet.locals.get(name)?.text} = ${print(from, spot).text};`)
  const local = sheet.names.fresh(name)
  block.line(`${cppTypes[type]} ${local} = ${print(from, spot).text};`)
  sheet.locals.set(name, atom(local))
}

type Put = Extract<Item, { readonly kind: 'put' }>

function put({ index, buffer: to, value, axes }: Put['store'], spot: Spot): void {
  const { sheet, block } = spot
  const { buffer, text } = bufferOf(to, sheet)
  const given = indicesOf(index, buffer)
  const hasLanes = !spot.oneLane && axes.some(({ axis }) => axis === sheet.lane)
  if (!hasLanes) {
    const at = addressOf(
      buffer,
      given.map((e) => print(e, spot)),
      sheet,
    )
    return block.line(`${text}[${at.text}] = ${narrowed(buffer, print(value, spot), elementWords)};`)
  }
  const codes = given.map((e) => print(e, spot))
  const lane = laneAxisOf(given, codes, spot)
  const all = widen(print(value, spot), value.type)
  const rows = rowsLeft(spot)
  if (lane !== undefined && (buffer.storage === 'f32' || buffer.storage === 'i32')) {
    const begin = given.map((e, n) => (n === lane ? print(e, { ...spot, oneLane: { at: atom('0') } }) : codes[n]!))
    const stride = sheet.given.strides.get(buffer.name)?.[lane] ?? '1'
    sheet.used.add(stride)
    return block.line(
      `vec::storeEvery(&${text}[${addressOf(buffer, begin, sheet).text}], ${stride}, ${rows}, ${all.text});`,
    )
  }
  const name = sheet.names.fresh('stored')
  const at = addressOf(
    buffer,
    given.map((e) => print(e, inLane(spot))),
    sheet,
  )
  const one =
    value.type === 'bool' ? join('!=', tightness.equality, atom(`${name}[lane]`), atom('0')) : atom(`${name}[lane]`)
  block.line(`const auto ${name} = ${all.text};`)
  block.line(`vec::scatter(${rows}, [&](int lane) { ${text}[${at.text}] = ${narrowed(buffer, one, elementWords)}; });`)
}
