/** What one thread does: loop nests as lines. */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelExpr } from '../../compiler/kernel.ts'
import type { Block } from '../block.ts'
import { addressOf, bufferOf, indicesOf, narrowed } from '../c-elements.ts'
import { constant } from '../c-words.ts'
import { atom, type Code, inside, invoke, join, tightness } from '../expression.ts'
import type { Define, Fold, Item } from '../nests/item.ts'
import type { Nest, Node } from '../nests/nest.ts'
import { flagOf, isWhole, neededInWhole } from '../nests/whole.ts'
import { countOf, elementWords, inLoop, keep, print, type Spot, sourceAt, valueAt, write } from './spot.ts'

export const cudaTypes: Readonly<Record<ElementType, string>> = { f32: 'float', i32: 'int32_t', bool: 'bool' }

export function printNodes(all: readonly Node[], spot: Spot): void {
  const nodes = spot.flags.size > 0 ? neededInWhole(all, spot) : all
  for (const node of nodes) {
    if (node.kind === 'line') printItem(node.item, spot)
    else if (node.kind === 'nest') printNest(node, spot)
  }
}

/** A loop over the elements of an axis, in two forms where whole tiles need no mask. */
export function printNest(nest: Nest, spot: Spot): void {
  for (const fold of nest.folds) begin(fold, spot)
  const inside = (at: Spot): void => openAxis(nest.axis, nest, at, (inner) => printNodes(nest.nodes, inner))
  inForms(nest, spot, inside)
  for (const { to } of nest.folds)
    if (spot.sheet.places.get(to.name)?.stored) keep(to.name, localOf(to.name, spot), spot)
}

/** Prints once, or for whole tiles and others apart. */
export function inForms(nest: Nest, spot: Spot, fill: (at: Spot) => void): void {
  const flag = flagOf(nest, spot)
  if (flag === undefined) return fill(spot)
  const form = (decided: boolean) => (block: Block) =>
    fill({ ...spot, block, flags: new Map(spot.flags).set(flag, decided) })
  spot.block.either(valueAt(flag, spot).text, form(true), form(false))
}

export function openAxis(axis: string, node: object, spot: Spot, fill: (inner: Spot) => void): void {
  const name = spot.sheet.names.reuse(axis)
  spot.block.braces(`for (int32_t ${name} = 0; ${name} < ${countOf(axis, spot).text}; ++${name})`, (inner) =>
    fill(inLoop(spot, node, axis, inner, atom(name))),
  )
}

const localOf = (name: string, { sheet }: Spot): Code => sheet.locals.get(name)!

export function begin({ to, op }: Fold, { sheet, block }: Spot): void {
  const name = sheet.names.reuse(to.name, `value ${to.name}`)
  sheet.locals.set(to.name, atom(name))
  block.line(`${cudaTypes[to.type]} ${name} = ${identity(op, to.type)};`)
}

export function identity(op: Fold['op'], type: ElementType): string {
  const real = { sum: '0.0f', count: '0', max: '-INFINITY', min: 'INFINITY', any: 'false', all: 'true' }
  const integer = { ...real, sum: '0', max: '-2147483647 - 1', min: '2147483647' }
  return (type === 'i32' ? integer : real)[op]
}

export function printItem(item: Item, spot: Spot): void {
  switch (item.kind) {
    case 'define':
      return define(item, spot)
    case 'fold':
      return fold(item, spot)
    case 'scale': {
      const now = valueAt(item.to.name, spot)
      return keep(item.to.name, join('*', tightness.product, now, print(item.by, spot)), spot)
    }
    case 'update':
      return update(item.to.name, item.from, item.first, spot)
    case 'put':
      return put(item.store, spot)
    default:
      return undefined
  }
}

function define(item: Define, spot: Spot): void {
  const { sheet, block } = spot
  const { name, type } = item.to
  const code = sourceAt(item, spot)
  const place = sheet.places.get(name)
  if (place?.stored && !place.local) return keep(name, code, spot)
  const local = sheet.names.reuse(name, `value ${name}`)
  block.line(`const ${cudaTypes[type]} ${local} = ${code.text};`)
  sheet.locals.set(name, atom(local))
  if (place?.stored) keep(name, atom(local), spot)
}

/** One element's share in a fold. */
function fold({ to, op, of, where }: Fold, spot: Spot): void {
  const step = foldStep(op, localOf(to.name, spot).text, print(of, spot), to.type)
  const condition = where !== undefined && !isWhole(where, spot) ? valueAt(where, spot).text : ''
  spot.block.line(condition === '' ? step : `if (${condition}) ${step}`)
}

export function foldStep(op: Fold['op'], name: string, code: Code, type: ElementType): string {
  switch (op) {
    case 'sum':
      return type === 'i32' ? `${name} = num::add(${name}, ${code.text});` : `${name} += ${code.text};`
    case 'count':
      return code.text === 'true' ? `++${name};` : `${name} += ${inside(code, tightness.sum)} ? 1 : 0;`
    case 'max':
    case 'min':
      return `${name} = ${invoke(op === 'max' ? 'num::largest' : 'num::smallest', atom(name), code).text};`
    case 'any':
      return code.text === 'true' ? `${name} = true;` : `${name} = ${name} || ${inside(code, tightness.and)};`
    case 'all':
      return `${name} = ${name} && ${inside(code, tightness.equality)};`
  }
}

/** The first or the next content of a carried value. */
function update(name: string, from: KernelExpr, first: boolean, spot: Spot): void {
  const { sheet, block } = spot
  const type = sheet.facts.values.get(name)?.type ?? 'f32'
  const code = from.kind === 'const' ? constant({ ...from, type }) : print(from, spot)
  if (sheet.arrays.has(name)) return keep(name, code, spot)
  if (!first) return block.line(`${localOf(name, spot).text} = ${code.text};`)
  const local = sheet.names.fresh(name)
  block.line(`${cudaTypes[type]} ${local} = ${code.text};`)
  sheet.locals.set(name, atom(local))
}

function put({ index, buffer: to, value }: Extract<Item, { readonly kind: 'put' }>['store'], spot: Spot): void {
  const { buffer, text } = bufferOf(to, spot.sheet)
  const codes = indicesOf(index, buffer).map((e) => print(e, spot))
  write(
    `${text}[${addressOf(buffer, codes, spot.sheet).text}] = ${narrowed(buffer, print(value, spot), elementWords)};`,
    spot,
  )
}
