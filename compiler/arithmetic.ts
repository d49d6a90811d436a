/** What a target promises of its arithmetic: what allowances are computed from. */
import type { Op } from './ops.ts'

/** What a target promises of its arithmetic. Errors of functions are in units of `roundoff`. */
export interface Arithmetic {
  readonly roundoff: number // of one operation; f32: 2^-24
  readonly sumRoundoff: number // of one addition within a sum; truncating tensor cores: 2 * roundoff
  readonly tiny: number // smallest normal number: what is below may be flushed
  readonly largest: number
  readonly operand: OperandRounding // of the factors of a product of matrices
  readonly functions: Readonly<Partial<Record<Op, FunctionError>>> // others: `accurate`
  readonly storage: Readonly<Record<string, StorageRounding>> // by result; those not named are stored as computed
}

export interface OperandRounding {
  readonly roundoff: number // 0: taken as they are
  readonly smallest: number // spacing of the operand type's subnormal numbers; f16: 2^-24
  readonly exact?: number // the roundoff of numbers that lose nothing; absent: `roundoff`
}

export interface StorageRounding {
  readonly roundoff: number
  readonly smallest: number // spacing of its subnormal numbers
  readonly largest: number
}

/** |error| <= relative * roundoff * |f| + absolute * roundoff, with f's operands; `absolute` for WGSL's log near 1, tanh near 0. */
export interface FunctionError {
  readonly relative: number | ((x: number, y: number) => number)
  readonly absolute?: number
}

/** IEEE float32 with elementary functions within 4 ulp (the class `accurate`). */
export const float32: Arithmetic = {
  roundoff: 2 ** -24,
  sumRoundoff: 2 ** -24,
  tiny: 2 ** -126,
  largest: (2 - 2 ** -23) * 2 ** 127,
  operand: { roundoff: 0, smallest: 0 },
  functions: {},
  storage: {},
}

/** How results are stored. */
export const storageRounding = {
  f32: { roundoff: 2 ** -24, smallest: 2 ** -149, largest: float32.largest },
  f16: { roundoff: 2 ** -11, smallest: 2 ** -24, largest: 65504 },
  bf16: { roundoff: 2 ** -8, smallest: 2 ** -133, largest: (2 - 2 ** -7) * 2 ** 127 },
} as const satisfies Readonly<Record<string, StorageRounding>>
