/** Stores to buffers. */
import type { Buffer, Store } from '../../../compiler/kernel.ts'
import * as codes from './code.ts'
import { type Code, code } from './code.ts'
import { toBrain, toHalf } from './functions.ts'
import { addressOf, bufferOf, indicesOf, print, type Spot, siteOf } from './spot.ts'
import { callVector, laneOf, widen } from './words.ts'

/**
 * Lanes past the end of a tile are those of its last row again, and are stored there before that row's own lane is: lanes are stored
 * from the last to the first.
 */
export function put({ index, buffer: to, value, axes }: Store, spot: Spot): void {
  const { sheet, block } = spot
  const { buffer, base } = bufferOf(to, sheet)
  const given = indicesOf(index, buffer)
  const placeIn = (at: Spot): Code =>
    addressOf(
      buffer,
      base,
      given.map((e) => print(e, at)),
      at,
    )
  const own = print(value, spot)
  if (spot.oneLane !== undefined || !axes.some(({ axis }) => axis === sheet.lane)) {
    return block.line(code(stores[buffer.storage], [placeIn(spot), narrowed(buffer, own, spot)], [0]))
  }
  const all = block.keep(narrowedLanes(buffer, widen(own, value.type, siteOf(spot)), spot))
  for (const n of [3, 2, 1, 0]) {
    const at = placeIn({ ...spot, oneLane: n })
    block.line(code(laneStores[buffer.storage], [at, all], [0, (n * 4) / laneBytes[buffer.storage]]))
  }
}

const stores = {
  f32: 'f32.store',
  i32: 'i32.store',
  bool: 'i32.store8',
  f16: 'i32.store16',
  bf16: 'i32.store16',
} as const
const laneStores = {
  f32: 'v128.store32_lane',
  i32: 'v128.store32_lane',
  bool: 'v128.store8_lane',
  f16: 'v128.store16_lane',
  bf16: 'v128.store16_lane',
} as const
const laneBytes = { f32: 4, i32: 4, bool: 1, f16: 2, bf16: 2 } as const

function narrowed(buffer: Buffer, value: Code, spot: Spot): Code {
  if (buffer.storage !== 'f16' && buffer.storage !== 'bf16') return value
  return laneOf(narrowedLanes(buffer, widen(value, 'f32', siteOf(spot)), spot), 0, 'i32')
}

function narrowedLanes({ storage }: Buffer, value: Code, spot: Spot): Code {
  if (storage === 'f16') return callVector('toHalf', toHalf, [value], siteOf(spot))
  if (storage === 'bf16') return callVector('toBrain', toBrain, [value], siteOf(spot))
  return storage === 'bool' ? code('v128.and', [value, spot.block.constant(codes.words(1))]) : value
}
