/** Loop nests as lines. */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelExpr } from '../../compiler/kernel.ts'
import { atom, type Code, join, prefixed, tightness } from '../expression.ts'
import { type Define, type Fold, type Item, type Scale, valuesIn } from '../nests/item.ts'
import type { Nest, Node } from '../nests/nest.ts'
import { isWhole, neededInWhole } from '../nests/whole.ts'
import { findGuard, printGuarded } from './guard.ts'
import { printLoop } from './loop.ts'
import { printProduct } from './product.ts'
import { printRunning } from './running.ts'
import {
  address,
  bufferOf,
  countOf,
  elementAt,
  inLoop,
  isRows,
  print,
  rounded,
  rowNames,
  type Spot,
  sizeOf,
  sourceAt,
  valueAt,
} from './spot.ts'
import { inBothForms } from './whole.ts'
import { constant } from './words.ts'

export function printNodes(all: readonly Node[], spot: Spot): void {
  const nodes = spot.flags.size > 0 ? neededInWhole(all, spot) : all
  const items = nodes.flatMap((node) => (node.kind === 'line' ? [node.item] : []))
  const guard = spot.path.length > 0 && items.length === nodes.length ? findGuard(items, spot) : undefined
  if (guard) return printGuarded(items, guard, spot)
  nodes.forEach((node, n) => {
    const mask = maskOfFold(node, spot)
    if (mask === undefined) printNode(node, spot)
    else if (n === 0 || maskOfFold(nodes[n - 1]!, spot) !== mask) printFolds(mask, nodes.slice(n), spot)
  })
}

function maskOfFold(node: Node, spot: Spot): string | undefined {
  const mask = node.kind === 'line' && node.item.kind === 'fold' ? node.item.where : undefined
  return mask === undefined || isWhole(mask, spot) ? undefined : mask
}

/** The folds from the first on that have one mask, under one condition. */
function printFolds(mask: string, nodes: readonly Node[], spot: Spot): void {
  const end = nodes.findIndex((node) => maskOfFold(node, spot) !== mask)
  const run = end < 0 ? nodes : nodes.slice(0, end)
  spot.block.when(valueAt(mask, spot).text, (block) => {
    for (const node of run) {
      if (node.kind === 'line' && node.item.kind === 'fold') block.line(foldStep(node.item, { ...spot, block }))
    }
  })
}

function printNode(node: Node, spot: Spot): void {
  if (node.kind === 'line') printItem(node.item, spot)
  else if (node.kind === 'loop') printLoop(node, spot)
  else printNest(node, spot)
}

function printNest(node: Nest, spot: Spot): void {
  const { sheet, block } = spot
  for (const { to, op } of node.folds) {
    const name = sheet.names.reuse(to.name, `value ${to.name}`)
    sheet.locals.set(to.name, atom(name, block.level))
    block.line(`let ${name} = ${identity(op, to.type)}`)
  }
  inBothForms(node, spot, (at) =>
    openAxis(node.axis, onlyWhenScaled(node, at), node, at, (inner) => printNodes(node.nodes, inner)),
  )
  for (const { to } of node.folds)
    if (sheet.places.get(to.name)?.stored) keep(to.name, spot.sheet.locals.get(to.name)!, spot)
}

/** A loop over the elements of an axis. */
export function openAxis(axis: string, before: string, node: object, spot: Spot, fill: (inner: Spot) => void): void {
  const name = spot.sheet.names.reuse(axis)
  const count = spot.block.hoist(countOf(axis, spot), `${axis}Count`)
  spot.block.loop(axis, `${before}for (let ${name} = 0; ${name} < ${count.text}; ${name}++)`, (block) => {
    fill(inLoop(spot, node, axis, block, atom(name, block.level)))
  })
}

/** Nothing is to be done to a tile that is scaled by 1. */
function onlyWhenScaled({ nodes, axis }: Nest, spot: Spot): string {
  const items = nodes.map((node) => (node.kind === 'line' ? node.item : undefined))
  const scales = items.filter((item): item is Scale => item?.kind === 'scale')
  const [factor, ...others] = [...new Set(scales.map(({ by }) => (by.kind === 'value' ? by.name : '')))]
  if (scales.length !== items.length || !factor || others.length > 0) return ''
  const { facts, locals } = spot.sheet
  const varies = facts.values.get(factor)?.axes.some((other) => other.axis === axis)
  const isAtHand = locals.has(factor) && !facts.inlined.has(factor) && !varies
  return isAtHand ? `if (${valueAt(factor, spot).text} !== 1) ` : ''
}

export function printItem(item: Item, spot: Spot): void {
  const { block, sheet } = spot
  switch (item.kind) {
    case 'define':
      return define(item, spot)
    case 'fold':
      return block.line(foldStep(item, spot))
    case 'product':
      return printProduct(item, spot)
    case 'running':
      return printRunning(item, spot)
    case 'scale':
      return block.line(`${elementAt(item.to.name, spot).text}! *= ${print(item.by, spot).text}`)
    case 'update':
      return update(item.to.name, item.from, item.first, spot)
    case 'put': {
      const { buffer, text } = bufferOf(item.store.buffer, sheet)
      const indices = buffer.axes.map((axis) => print(item.store.index[axis]!, spot))
      const at = address(
        indices,
        buffer.axes.map((axis) => sizeOf(axis, sheet)),
        rowNames(buffer),
        spot,
      )
      return block.line(`${text}[${at.text}] = ${rounded(buffer.storage, print(item.store.value, spot), sheet)}`)
    }
    case 'repeat':
      return undefined
  }
}

function define(item: Define, spot: Spot): void {
  const { sheet, block } = spot
  const { name } = item.to
  const code = sourceAt(item, spot)
  const place = sheet.places.get(name)
  if (place?.stored && !place.local) return keep(name, code, spot)
  const local = sheet.names.reuse(name, `value ${name}`)
  const type =
    item.from.kind === 'expr' && (isLiteral(item.from.expr) || isCircular(item, sheet.facts.carried))
      ? `: ${item.to.type === 'bool' ? 'boolean' : 'number'}`
      : ''
  block.line(`const ${local}${type} = ${code.text}`)
  sheet.locals.set(name, atom(local, block.level))
  if (place?.stored) keep(name, atom(local, block.level), spot)
}

/** TypeScript takes such a value for one or two numbers rather than any, and refuses to compare it with others. */
const isLiteral = (e: KernelExpr): boolean =>
  e.kind === 'const' || (e.kind === 'call' && e.op === 'select' && e.args.slice(1).every(isLiteral))

/** TypeScript narrows a boolean that changes from round to round by what it is set to, which must not depend on it then. */
const isCircular = ({ to, from }: Define, carried: ReadonlySet<string>): boolean =>
  to.type === 'bool' &&
  from.kind === 'expr' &&
  from.expr.kind === 'call' &&
  ['and', 'or', 'select'].includes(from.expr.op) &&
  valuesIn(from.expr).some((name) => carried.has(name))

/** Puts an element into its array. */
export function keep(name: string, code: Code, spot: Spot): void {
  const { text, storage } = elementAt(name, spot)
  spot.block.line(`${text} = ${rounded(storage, code, spot.sheet)}`)
}

function update(name: string, from: KernelExpr, first: boolean, spot: Spot): void {
  const { sheet, block } = spot
  const array = sheet.arrays.get(name)
  if (array !== undefined && first && from.kind === 'const') {
    const value = sheet.facts.values.get(name)?.type === 'bool' ? String(Number(from.value)) : constant(from).text
    return block.line(isRows(name, sheet) ? `fillTile(${array}, ${value})` : `${array}.fill(${value})`)
  }
  if (array !== undefined) return keep(name, print(from, spot), spot)
  if (!first) return block.line(`${sheet.locals.get(name)?.text} = ${print(from, spot).text}`)
  const local = sheet.names.fresh(name)
  const type = { bool: 'boolean', i32: 'number', f32: 'number' }[sheet.facts.values.get(name)?.type ?? 'f32']
  block.line(`let ${local}: ${type} = ${print(from, spot).text}`)
  sheet.locals.set(name, atom(local, block.level))
}

function identity(op: Fold['op'], type: ElementType): string {
  const real = { sum: '0', count: '0', max: '-Infinity', min: 'Infinity', any: 'false', all: 'true' }
  const integer = { ...real, max: '-2147483648', min: '2147483647' }
  return (type === 'i32' ? integer : real)[op]
}

const steps: Readonly<Record<Fold['op'], (name: string, code: Code, integer: boolean) => string>> = {
  sum: (name, code, integer) =>
    integer ? `${name} = (${join('+', tightness.sum, atom(name), code).text}) | 0` : `${name} += ${code.text}`,
  count: (name, code) => (code.text === 'true' ? `${name}++` : `if (${code.text}) ${name}++`),
  max: (name, code) => `${name} = Math.max(${name}, ${code.text})`,
  min: (name, code) => `${name} = Math.min(${name}, ${code.text})`,
  any: (name, code) => (code.text === 'true' ? `${name} = true` : `if (${code.text}) ${name} = true`),
  all: (name, code) => `if (${prefixed('!', code).text}) ${name} = false`,
}

/** One element's share in a fold; `where` is left out where a branch has already seen to it. */
export function foldStep({ to, op, of }: Fold, spot: Spot): string {
  const name = spot.sheet.locals.get(to.name)?.text ?? ''
  return steps[op](name, print(of, spot), to.type === 'i32')
}
