/** A product of tiles: a call of the blocked form where rows lie in the lanes of one operand alone, else loops. */
import { invariant } from '../../../compiler/invariant.ts'
import type { KernelExpr, Load, Value } from '../../../compiler/kernel.ts'
import type { Product } from '../../nests/item.ts'
import * as codes from './code.ts'
import { add, type Code, call, code, isWide, setLocal } from './code.ts'
import { multiplyMasked, multiplyTiles, type Strides, sumOf } from './multiply.ts'
import { openAxis } from './nodes.ts'
import {
  type Address,
  addressIn,
  addressOf,
  bufferOf,
  bytesOf,
  countOf,
  hasLanes,
  indicesOf,
  keep,
  layoutOf,
  print,
  type Sheet,
  type Spot,
  siteOf,
  strideIn,
  valueAt,
} from './spot.ts'
import { laneOf, widen } from './words.ts'

const has = (value: Value, axis: string): boolean => value.axes.some((a) => a.axis === axis)
const names = (value: Value): readonly string[] => value.axes.map(({ axis }) => axis)

export function printProduct(item: Product, spot: Spot): void {
  const form = blockedForm(item, spot)
  if (form) printBlocked(item, form, spot)
  else printLoops(item, spot)
}

/** `a` has rows in its lanes, `b` none; `x` is the axis that b brings into the product. */
interface Form {
  readonly a: Value
  readonly b: Value
  readonly x: string
}

function blockedForm({ to, left, right, over, weighted }: Product, { sheet, oneLane }: Spot): Form | undefined {
  const { lane } = sheet
  if (lane === undefined || oneLane !== undefined || over === lane) return undefined
  if (!layoutOf(to.name, sheet).axes.includes(lane)) return undefined
  const orders = weighted
    ? [[left, right]]
    : [
        [left, right],
        [right, left],
      ] // prettier-ignore
  for (const [a, b] of orders as [Value, Value][]) {
    if (!has(a, lane) || has(b, lane) || !has(a, over) || !has(b, over)) continue
    if (!layoutOf(a.name, sheet).axes.includes(lane)) continue
    const x = names(b).find((axis) => has(to, axis) && !has(a, axis))
    if (x !== undefined) return { a, b, x }
  }
  return undefined
}

/** Further axes, such as heads that a block holds all of, are walked outside. */
function printBlocked({ to, over, weighted, fresh, full }: Product, { a, b, x }: Form, spot: Spot): void {
  const outer = names(to).filter((axis) => axis !== x && axis !== spot.sheet.lane)
  const innermost = (at: Spot): void => {
    const { sheet, block } = at
    const place = (axis: string): Code =>
      axis === sheet.lane || axis === x || axis === over ? codes.zero : (at.axes.get(axis)?.inner ?? codes.zero)
    const whole = ({ at: begin, offset }: Address): Code => add(begin, codes.integer(offset))
    const right = rightOf(b, x, over, at)
    const strides: Strides = {
      ...{ c: strideIn(layoutOf(to.name, sheet), x), a: strideIn(layoutOf(a.name, sheet), over) },
      ...{ x: right.x, k: right.k },
    }
    const tiles = [addressIn(to.name, at, place), addressIn(a.name, at, place)].map(whole)
    const counts = [sheet.lane!, x, over].map((axis) => countOf(axis, at))
    const args = [...tiles, right.at, ...counts]
    const known = full === undefined ? codes.zero : valueAt(full, at)
    if (weighted) block.line(call(multiplyMasked(sheet.module, strides, fresh), ...args, known))
    else block.line(call(multiplyTiles(sheet.module, strides, fresh), ...args))
  }
  const nested = outer.reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, {}, at, inside),
    innermost,
  )
  nested(spot)
}

interface Right {
  readonly at: Code
  readonly x: number
  readonly k: number
}

/** Where the right operand lies: in a tile, or in the buffer that it is read from. */
function rightOf(b: Value, x: string, over: string, spot: Spot): Right {
  const { sheet } = spot
  const source = sheet.facts.inlined.has(b.name) ? sheet.facts.defines.get(b.name)?.from : undefined
  if (source?.kind === 'load') return inBuffer(source, x, over, spot)
  const layout = layoutOf(b.name, sheet)
  const place = (axis: string): Code =>
    axis === x || axis === over ? codes.zero : (spot.axes.get(axis)?.inner ?? codes.zero)
  const { at, offset } = addressIn(b.name, spot, place)
  return { at: add(at, codes.integer(offset)), x: strideIn(layout, x), k: strideIn(layout, over) }
}

function inBuffer(load: Load, x: string, over: string, spot: Spot): Right {
  const { buffer, base } = bufferOf(load.buffer, spot.sheet)
  const axes = new Map(spot.axes)
  for (const axis of [x, over]) {
    const at = axes.get(axis) ?? { single: false, first: codes.zero, count: countOf(axis, spot), inner: undefined }
    axes.set(axis, { ...at, inner: codes.zero })
  }
  const given = indicesOf(load.index, buffer)
  const indices = given.map((e) => print(e, { ...spot, axes }))
  const strideOf = (axis: string): number => {
    const stride = strideAlong(load, axis, spot.sheet)
    invariant(stride !== undefined, `${load.buffer} is not read along ${axis}`)
    return stride
  }
  return { at: addressOf(buffer, base, indices, spot), x: strideOf(x), k: strideOf(over) }
}

/** Bytes between the elements that a load reads along an axis, where that is known when code is made. */
export function strideAlong(load: Load, axis: string, { program }: Pick<Sheet, 'program'>): number | undefined {
  const buffer = program.buffers.find(({ name }) => name === load.buffer)
  if (!buffer) return undefined
  const isOwn = (e: KernelExpr | undefined): boolean => e?.kind === 'index' && e.axis === axis && e.of === 'element'
  const n = buffer.axes.findIndex((own) => isOwn(load.index[own]))
  const sizes = buffer.axes.slice(n + 1).map((own) => program.sizes[own])
  if (n < 0 || sizes.includes(undefined)) return undefined
  return sizes.reduce<number>((product, size) => product * (size ?? 1), bytesOf[buffer.storage])
}

/** One element after the other, for tiles that lie in any way. In lanes that are alike where there is one: as the blocked form is rounded. */
function printLoops({ to, left, right, over, weighted, fresh }: Product, spot: Spot): void {
  const start = over === spot.sheet.lane ? { ...spot, oneLane: 0 } : spot
  const innermost = (at: Spot): void => {
    const site = siteOf(at)
    const wide = at.oneLane === undefined && hasLanes(to.name, at.sheet)
    const sum = at.block.variable(widen(codes.float(0), 'f32', site))
    openAxis(over, {}, at, (inner) => {
      const own = siteOf(inner)
      const values = [left, right].map(({ name }) => valueAt(name, inner))
      const [a, b] = values.map((value) => inner.block.keep(widen(value, 'f32', own))) as [Code, Code]
      const now = { ...sum, level: inner.block.level }
      const next = sumOf(now, a, b)
      const isAny = code('f32x4.ne', [a, widen(codes.float(0), 'f32', own)])
      inner.block.line(setLocal(sum, weighted ? code('v128.bitselect', [next, now, isAny]) : next))
    })
    const all = wide ? sum : at.block.keep(laneOf(sum, 0, 'f32'))
    if (fresh) return keep(to.name, all, at)
    const before = valueAt(to.name, at)
    keep(to.name, code(isWide(before) ? 'f32x4.add' : 'f32.add', [before, all]), at)
  }
  const nested = names(to).reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, {}, at, inside),
    innermost,
  )
  nested(start)
}
