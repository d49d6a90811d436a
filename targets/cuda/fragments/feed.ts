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
