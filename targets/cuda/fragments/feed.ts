/** The copies of one tile, by the thread's own way through its tensor. */

import type { KernelExpr } from '../../../compiler/kernel.ts'
import { addressOf, argument, bufferOf, indicesOf } from '../../c-elements.ts'
import { atom } from '../../expression.ts'
import { type AxisSpot, print, type Spot } from '../spot.ts'
import type { TileOf } from './layout.ts'
import { threadsOf, type Warp } from './warp.ts'

/** Template arguments and arguments of a thread's way through the rows from `axis.first` on. */
function partsOf(tile: TileOf, at: Warp, axis: AxisSpot): { readonly kinds: string; readonly from: string } {
  const { sheet, spot } = at
  const { buffer, text } = bufferOf(tile.load.buffer, spot.sheet)
  const axes = new Map(spot.axes)
  axes.set(tile.major, { ...axis, inner: atom('0') })
  axes.set(tile.minor, { single: false, first: atom('0'), count: atom('0'), inner: atom('0') })
  const inner: Spot = { ...spot, axes }
  const given = indicesOf(tile.load.index, buffer)
  const codes = given.map((e) => print(e, inner))
  const strides = spot.sheet.given.strides.get(buffer.name)
  const stride = argument(strides?.[given.findIndex((e) => isOf(e, tile.major))], spot.sheet)
  return {
    kinds: `tiles::Feed<${sheet.names.get(tile.value.name)}, ${threadsOf(sheet.layout)}, ${spot.sheet.program.sizes[tile.minor]}>`,
    from: `${text} + ${addressOf(buffer, codes, spot.sheet).text}, ${stride.text}`,
  }
}
const isOf = (e: KernelExpr, axis: string): boolean => e.kind === 'index' && e.axis === axis && e.of === 'element'

/** Begins the copy of a tile; `axis`: its rows. */
export function copyOf(tile: TileOf, at: Warp, axis: AxisSpot): string {
  const { kinds, from } = partsOf(tile, at, axis)
  return `${kinds}(${from}).copy(base + ${at.sheet.addressOf(tile)}, ${axis.count.text});`
}

/** Declares the way that copies tile after tile of the rows from `axis.first` on; says how the next one is begun. */
export function feedOf(tile: TileOf, at: Warp, axis: AxisSpot): (count: string) => string {
  const { kinds, from } = partsOf(tile, at, axis)
  const name = at.spot.sheet.names.fresh(`${tile.value.name}Feed`)
  at.spot.block.line(`${kinds} ${name}(${from});`)
  return (count) => `${name}.copy(base + ${at.sheet.addressOf(tile)}, ${count});`
}

/** Declares the way to any of the rows of a tensor; says how the copy of some of them is begun. */
export function wayOf(tile: TileOf, at: Warp): (first: string, count: string) => string {
  const { kinds, from } = partsOf(tile, at, { single: false, first: atom('0'), count: atom('0'), inner: undefined })
  const name = at.spot.sheet.names.fresh(`${tile.value.name}Feed`)
  at.spot.block.line(`const ${kinds} ${name}(${from});`)
  return (first, count) => `${name}.copyFrom(base + ${at.sheet.addressOf(tile)}, ${first}, ${count});`
}

/** Whether a tile's rows lie at one place of a tensor throughout a loop that makes these values, but for the axis of the rows. */
export function isSteady({ load, value, major }: TileOf, made: ReadonlySet<string>): boolean {
  const moves = (e: KernelExpr): boolean =>
    e.kind === 'call'
      ? e.args.some(moves)
      : e.kind === 'value'
        ? made.has(e.name)
        : e.kind === 'index' && e.axis === major
  const isOwn = (e: KernelExpr): boolean =>
    e.kind === 'index' && e.of === 'element' && value.axes.some(({ axis }) => axis === e.axis)
  return Object.values(load.index).every((e) => isOwn(e) || !moves(e))
}
