/**
 * How long a round takes on a device, by its instructions: products of tensor cores, then what a score costs, of which only what runs
 * on different units overlaps; but no less than instructions take to be issued, and tiles to be copied. Fitted to published times of
 * FlashAttention-2 on H100 (324 and 370 TF/s at widths 64 and 128, forward, 16,384 tokens), which it gives to 8 %; ratios of kernels of
 * one shape are nearer than that.
 */
import type { Units } from './devices.ts'
import type { Instruction } from './instructions.ts'
import { type Kind, kindOf, operations } from './operations.ts'

export interface Shape {
  readonly warps: number
  readonly rows: number // of a tile
  readonly width: number // of an accumulator
  readonly resident: number // warps on a multiprocessor, those of other blocks included
}

/** Clock cycles of a round of one block. */
export function cyclesOf(round: readonly Instruction[], { warps, rows, width, resident }: Shape, units: Units): number {
  const count = (kind: Kind): number => round.filter(({ operation }) => kindOf(operation) === kind).length
  const extremes = round.filter(({ operation }) => operations.extremes.includes(operation)).length
  const single = round.filter(({ operation }) => operations.multiplications.includes(operation)).length
  const threads = warps * 32
  const time = (instructions: number, rate: number): number => (instructions * threads) / rate
  const products = (count('product') * 16 * 8 * 16 * warps) / units.products
  // Nothing is exponentiated before the row's maximum is known, nor added before the accumulator is rescaled.
  const isOnline = extremes > 32
  const rescaled = isOnline ? Math.min(single, (rows * width) / threads) : 0
  const first = isOnline ? time(extremes, units.integers) + time(rescaled, units.fused) + shuffle : 0
  const rest = Math.max(
    time(count('function'), units.functions),
    time(count('fused') + count('product of integers') - rescaled, units.fused),
    time(count('select') + count('integer') + count('pack') - (isOnline ? extremes : 0), units.integers),
  )
  const spills = time(count('spill'), units.memory)
  return Math.max(
    products + first + rest + spills,
    issued(round.length * warps, resident),
    time(count('copy') * bytesOfCopy, units.copied),
  )
}
/** Cycles that exchanges between lanes wait. */
const shuffle = 70
const bytesOfCopy = 16 // of a lane
const schedulers = 4 // of a multiprocessor, each of which issues an instruction in a cycle

/**
 * An instruction waits four cycles for the one that it depends on (CUDA C++ Programming Guide, "Multiprocessor Level"). With two warps
 * and two independent instructions of each, a scheduler has always one to issue.
 */
const issued = (instructions: number, resident: number): number =>
  (instructions / schedulers) * Math.max(1, (2 * schedulers) / resident)
