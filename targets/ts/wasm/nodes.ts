/** Loop nests as code. */
import type { ElementType } from '../../../compiler/ir.ts'
import type { KernelExpr } from '../../../compiler/kernel.ts'
import type { Define, Fold, Item, Scale } from '../../nests/item.ts'
import type { Nest, Node } from '../../nests/nest.ts'
import { flagOf, isWhole, neededInWhole } from '../../nests/whole.ts'
import type { Block } from './block.ts'
import * as codes from './code.ts'
import { add, type Code, code, constantOf, isLess, isWide, setLocal, subtract } from './code.ts'
import { printLoop } from './loop.ts'
import { printProduct } from './product.ts'
import { put } from './put.ts'
import { printRunning } from './running.ts'
import {
  addressIn,
  countOf,
  hasLanes,
  inLoop,
  innerOf,
  keep,
  lanes,
  layoutOf,
  lengthOf,
  print,
  type Spot,
  siteOf,
  sourceAt,
  typeOf,
  valueAt,
} from './spot.ts'
import { highest, laneOf, lowest, widen } from './words.ts'

export function printNodes(all: readonly Node[], spot: Spot): void {
  const nodes = spot.flags.size > 0 ? neededInWhole(all, spot) : all
  for (const node of nodes) {
    if (node.kind === 'line') printItem(node.item, spot)
    else if (node.kind === 'loop') printLoop(node, spot)
    else printNest(node, spot)
  }
}

/** A loop over the elements of an axis, in two forms where whole tiles need no mask. */
function printNest(nest: Nest, spot: Spot): void {
  for (const fold of nest.folds) begin(fold, spot)
  const flag = flagOf(nest, spot)
  const inside = (at: Spot): void => {
    const loop = (block: Block): void =>
      openAxis(nest.axis, nest, { ...at, block }, (inner) => printNodes(nest.nodes, inner), roundsTogether(nest))
    const test = changesAnything(nest, at)
    if (test) at.block.when(test, loop)
    else loop(at.block)
  }
  if (flag === undefined) inside(spot)
  else {
    const form = (decided: boolean) => (block: Block) =>
      inside({ ...spot, block, flags: new Map(spot.flags).set(flag, decided) })
    spot.block.either(valueAt(flag, spot), form(true), form(false), true)
  }
  for (const fold of nest.folds) end(fold, spot)
}

/** A test that spares a loop which only multiplies by a factor: often the factor of all rows is 1. */
function changesAnything({ axis, nodes }: Nest, spot: Spot): Code | undefined {
  const items = nodes.map((node) => (node.kind === 'line' ? node.item : undefined))
  const scales = items.filter((item): item is Scale => item?.kind === 'scale')
  const [factor, ...others] = [...new Set(scales.map(({ by }) => (by.kind === 'value' ? by.name : '')))]
  if (scales.length !== items.length || !factor || others.length > 0 || axis === spot.sheet.lane) return undefined
  if (spot.sheet.facts.values.get(factor)?.axes.some((a) => a.axis === axis)) return undefined
  const by = valueAt(factor, spot)
  if (!isWide(by)) return code('f32.ne', [by, codes.float(1)])
  return code('v128.any_true', [code('f32x4.ne', [by, widen(codes.float(1), 'f32', siteOf(spot))])])
}

/** A loop over the elements of an axis: of the lane axis, a vector at a time. `atOnce`: elements of others in a round. */
export function openAxis(axis: string, node: object, spot: Spot, fill: (inner: Spot) => void, atOnce = 1): void {
  const { block, sheet } = spot
  const count = countOf(axis, spot)
  const one = (n: Code, inner: Block): void => fill(inLoop(spot, node, axis, inner, n))
  if (axis === sheet.lane && spot.oneLane === undefined) return block.count('elements', codes.zero, count, lanes, one)
  if (atOnce === 1) return block.count('elements', codes.zero, count, 1, one)
  const whole = block.hoist(atMost(count, atOnce))
  const together = (some: Block): void =>
    some.count('elements', codes.zero, whole, atOnce, (n, inner) =>
      inner.sideBySide(atOnce, (k, own) => one(add(n, codes.integer(k)), own)),
    )
  const alone = (some: Block): void => some.count('elements', whole, count, 1, one)
  block.when(isLess(codes.zero, whole), together, true)
  block.when(isLess(whole, count), alone, true)
}

/** The last multiple of a power of two. */
function atMost(count: Code, step: number): Code {
  const known = constantOf(count)
  return known === undefined ? code('i32.and', [count, codes.integer(-step)]) : codes.integer(known - (known % step))
}

/** Where there is but one thing to do for an element, most of a round would be counting; two of more have their chains side by side. */
function roundsTogether({ nodes }: Nest): number {
  if (!nodes.every((node) => node.kind === 'line' && node.item.kind !== 'running' && node.item.kind !== 'product'))
    return 1
  return nodes.length === 1 ? 4 : 2
}

/** Whether a fold's running value has a lane for each row, or for each part of what it folds. */
const foldsLanes = ({ over }: Fold, { sheet, oneLane }: Spot): boolean => over === sheet.lane && oneLane === undefined
const isRunningWide = (fold: Fold, spot: Spot): boolean =>
  foldsLanes(fold, spot) || (spot.oneLane === undefined && hasLanes(fold.to.name, spot.sheet))

function begin(fold: Fold, spot: Spot): void {
  const { to, op } = fold
  const first = identity(op, to.type)
  const value = isRunningWide(fold, spot) ? widen(first, to.type, siteOf(spot)) : first
  spot.sheet.locals.set(to.name, spot.block.variable(value))
}

function end(fold: Fold, spot: Spot): void {
  const { locals, places } = spot.sheet
  const { to, op } = fold
  if (foldsLanes(fold, spot)) {
    const all = locals.get(to.name)!
    const kind = op === 'any' || op === 'all' ? 'bool' : to.type
    const [first, ...rest] = [0, 1, 2, 3].map((n) => spot.block.keep(laneOf(all, n, kind)))
    const one = rest.reduce((sum, lane) => spot.block.keep(step(op, sum, lane, to.type)), first!)
    locals.set(to.name, op === 'count' ? one : spot.block.keep(one))
  }
  if (places.get(to.name)?.stored) keep(to.name, locals.get(to.name)!, spot)
}

function identity(op: Fold['op'], type: ElementType): Code {
  if (op === 'any' || op === 'all') return codes.integer(Number(op === 'all'))
  if (op === 'sum' || op === 'count') return type === 'f32' ? codes.float(0) : codes.zero
  const sign = op === 'max' ? -1 : 1
  if (type === 'f32') return codes.float(sign * Infinity)
  return codes.integer(op === 'max' ? -(2 ** 31) : 2 ** 31 - 1)
}

/** A running value with one more. */
function step(op: Fold['op'], all: Code, next: Code, type: ElementType): Code {
  const real = type === 'f32'
  switch (op) {
    case 'sum':
    case 'count':
      return real ? code('f32.add', [all, next]) : add(all, next)
    case 'max':
      return real ? code('f32.max', [all, next]) : highest(all, next)
    case 'min':
      return real ? code('f32.min', [all, next]) : lowest(all, next)
    case 'any':
      return code('i32.or', [all, next])
    case 'all':
      return code('i32.and', [all, next])
  }
}

function wideStep({ op, loose, to: { type } }: Fold, all: Code, next: Code): Code {
  const real = type === 'f32'
  switch (op) {
    case 'sum':
      return code(real ? 'f32x4.add' : 'i32x4.add', [all, next])
    case 'count':
      return code('i32x4.sub', [all, next])
    case 'max':
      return code(real ? (loose ? 'f32x4.pmax' : 'f32x4.max') : 'i32x4.max_s', [all, next])
    case 'min':
      return code(real ? (loose ? 'f32x4.pmin' : 'f32x4.min') : 'i32x4.min_s', [all, next])
    case 'any':
      return code('v128.or', [all, next])
    case 'all':
      return code('v128.and', [all, next])
  }
}

/** One element's share in a fold, or a vector's: what does not count changes nothing. */
function fold(item: Fold, spot: Spot): void {
  const { to, op, of, where } = item
  const { block, sheet } = spot
  const site = siteOf(spot)
  const all = sheet.locals.get(to.name)!
  const value = print(of, spot)
  const conditions = [
    ...(where !== undefined && !isWhole(where, spot) ? [valueAt(where, spot)] : []),
    ...(foldsLanes(item, spot) ? [belowEnd(spot)] : []),
  ]
  if (!isWide(all)) {
    const [condition] = conditions
    const next = step(op, all, op === 'max' || op === 'min' ? block.keep(value) : value, to.type)
    return block.line(setLocal(all, condition ? codes.select(condition, next, all) : next))
  }
  const isTruth = op === 'count' || op === 'any' || op === 'all'
  const wide = widen(value, isTruth ? 'bool' : to.type, site)
  const masks = conditions.map((condition) => widen(condition, 'bool', site))
  const [first, ...rest] = masks
  if (!first) return block.line(setLocal(all, wideStep(item, all, wide)))
  const mask = rest.reduce((a, b) => code('v128.and', [a, b]), first)
  const neutral = op === 'count' ? codes.zero : identity(op, to.type)
  const admitted = isTruth
    ? op === 'all'
      ? code('v128.or', [wide, code('v128.not', [mask])])
      : constantOf(value) === 1
        ? mask
        : code('v128.and', [wide, mask])
    : code('v128.bitselect', [wide, widen(neutral, to.type, site), mask])
  block.line(setLocal(all, wideStep(item, all, admitted)))
}

/** A mask of the lanes of the current vector that are rows of the tile. */
function belowEnd(spot: Spot): Code {
  const { block, sheet } = spot
  const left = subtract(countOf(sheet.lane!, spot), innerOf(sheet.lane!, spot))
  return block.hoist(code('i32x4.lt_s', [block.constant(codes.words(0, 1, 2, 3)), codes.splat(left, 'i32')]))
}

export function printItem(item: Item, spot: Spot): void {
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
      const [now, by] = [valueAt(item.to.name, spot), print(item.by, spot)]
      const factor = by.level < spot.block.level ? spot.block.hoist(by) : by
      const wide = isWide(now) ? widen(factor, 'f32', siteOf(spot)) : factor
      return keep(item.to.name, code(isWide(now) ? 'f32x4.mul' : 'f32.mul', [now, wide]), spot)
    }
    case 'update':
      return update(item.to.name, item.from, item.first, spot)
    case 'put':
      return put(item.store, spot)
    case 'repeat':
      return undefined
  }
}

function define(item: Define, spot: Spot): void {
  const { sheet, block } = spot
  const { name } = item.to
  const value = sourceAt(item, spot)
  const place = sheet.places.get(name)
  if (place?.stored && !place.local) return keep(name, value, spot)
  const local = constantOf(value) !== undefined ? value : isCopy(value) ? block.variable(value) : block.hoist(value)
  sheet.locals.set(name, local)
  if (place?.stored) keep(name, local, spot)
}

/** What it copies may change. */
const isCopy = ({ op }: Code): boolean => op === 'local.get'

/** The first or the next content of a carried value. */
function update(name: string, from: KernelExpr, first: boolean, spot: Spot): void {
  const { sheet, block } = spot
  if (sheet.arrays.has(name)) {
    if (first && from.kind === 'const') return fillArray(name, print(from, spot), spot)
    return keep(name, print(from, spot), spot)
  }
  const value = print(from, spot)
  if (first) sheet.locals.set(name, block.variable(value))
  else block.line(setLocal(sheet.locals.get(name)!, value))
}

function fillArray(name: string, value: Code, spot: Spot): void {
  const { sheet, block } = spot
  const layout = layoutOf(name, sheet)
  const { at, offset } = addressIn(name, spot, () => codes.zero)
  const type = typeOf(name, sheet)
  const wide = layout.lanes || type !== 'bool' ? widen(value, type, siteOf(spot)) : codes.splat(value, 'i32')
  const length = Math.ceil(lengthOf(layout) / lanes) * lanes
  block.count('elements', codes.zero, codes.integer(4 * length), 4 * lanes, (n, inner) =>
    inner.line(code('v128.store', [add(at, n), wide], [offset])),
  )
}
