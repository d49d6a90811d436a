/**
 * How long a round takes on a device, by its instructions: products of tensor cores, then what a score costs, of which only what runs
 * on different units overlaps. Fitted to published times of FlashAttention-2 on H100 (324 and 370 TF/s at widths 64 and 128, forward,
 * 16,384 tokens), which it gives to 8 %; ratios of kernels of one shape are nearer than that.
 */
import type { Instruction } from './cubin.ts'
import { type Kind, kindOf, operations } from './operations.ts'

/** What a multiprocessor does in a clock cycle: multiply-adds of tensor cores, and threads' instructions of each unit. */
export interface Device {
  readonly products: number
  readonly functions: number
  readonly fused: number
  readonly integers: number
}

export const h100: Device = { products: 1270, functions: 16, fused: 128, integers: 64 }

export interface Shape {
  readonly warps: number
  readonly rows: number // of a tile
  readonly width: number // of an accumulator
}

/** Clock cycles of a round of one block. */
export function cyclesOf(round: readonly Instruction[], { warps, rows, width }: Shape, device: Device): number {
  const count = (kind: Kind): number => round.filter(({ operation }) => kindOf(operation) === kind).length
  const extremes = round.filter(({ operation }) => operations.extremes.includes(operation)).length
  const single = round.filter(({ operation }) => operations.multiplications.includes(operation)).length
  const threads = warps * 32
  const time = (instructions: number, rate: number): number => (instructions * threads) / rate
  const products = (count('product') * 16 * 8 * 16 * warps) / device.products
  // Nothing is exponentiated before the row's maximum is known, nor added before the accumulator is rescaled.
  const isOnline = extremes > 32
  const rescaled = isOnline ? Math.min(single, (rows * width) / threads) : 0
  const first = isOnline ? time(extremes, device.integers) + time(rescaled, device.fused) + shuffle : 0
  const rest = Math.max(
    time(count('function'), device.functions),
    time(count('fused') + count('product of integers') - rescaled, device.fused),
    time(count('select') + count('integer') + count('pack') - (isOnline ? extremes : 0), device.integers),
  )
  return Math.max(products + first + rest, (round.length * warps) / 4)
}
/** Cycles that exchanges between lanes wait. */
const shuffle = 70
