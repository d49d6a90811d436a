/** What a target's numbers are worth, given the definition's and both allowances. */

import { stridesOf } from './interpret/array.ts'
import type { Outcome } from './interpret.ts'

export type Status = 'right' | 'wrong' | 'more than rounding' | 'not verified'

export interface Verdict {
  readonly status: Status
  readonly worst: Worst | undefined // the element that decides: the largest error against its allowance; undefined: nothing was judged
  readonly median: number // of |error| / (6 expected), over elements with an expected error
  readonly largest: number
  readonly elements: number
  readonly ambiguous: number // elements in which both outcomes of some comparison were allowed
  readonly notVerified: number // elements whose allowance says nothing
}

export interface Worst {
  readonly place: Readonly<Record<string, number>> // index of each axis
  readonly got: number
  readonly want: number
  readonly error: number
  readonly hard: number
  readonly expected: number
}

/**
 * Right: every element within its hard allowance and within six expected errors; NaN and infinities as they are. An element whose
 * allowance is infinite, or larger than the largest number of the result, is not verified: neither right nor wrong.
 */
export function verdict(got: ArrayLike<number>, outcome: Outcome): Verdict {
  const { value } = outcome
  const scale = value.reduce((size, x) => (Number.isFinite(x) ? Math.max(size, Math.abs(x)) : size), 1e-20)
  const ratios: number[] = []
  let notVerified = 0
  let worst = { k: -1, excess: -1, status: 'right' as Status }
  for (let k = 0; k < value.length; k += 1) {
    const judged = judge(got[k] ?? Number.NaN, outcome, k, scale)
    if (judged.status === 'not verified') notVerified += 1
    else if (judged.excess > worst.excess) worst = { k, ...judged }
    if (judged.ratio !== undefined) ratios.push(judged.ratio)
  }
  if (got.length !== value.length) worst = { ...worst, status: 'wrong' }
  const sorted = Float64Array.from(ratios).sort()
  const nothing = value.length > 0 && notVerified === value.length
  return {
    status: worst.status !== 'right' ? worst.status : nothing ? 'not verified' : 'right',
    worst: worst.k < 0 ? undefined : describe(got[worst.k] ?? Number.NaN, outcome, worst.k),
    median: sorted[sorted.length >> 1] ?? 0,
    largest: sorted.at(-1) ?? 0,
    elements: value.length,
    ambiguous: outcome.ambiguous?.reduce((sum, x) => sum + x, 0) ?? 0,
    notVerified,
  }
}

interface Judged {
  readonly status: Status
  readonly excess: number // error in units of what is allowed; above 1: a failure; above 2: also more than hard
  readonly ratio?: number
}

function judge(got: number, { value, hard, expected }: Outcome, k: number, scale: number): Judged {
  const want = value[k]!
  const bound = hard?.[k] ?? 0
  const deviation = expected?.[k] ?? 0
  if (bound === Infinity || (Number.isFinite(want) && bound > scale && bound > 0))
    return { status: 'not verified', excess: 0 }
  if (!Number.isFinite(want) || !Number.isFinite(got)) {
    return Object.is(got, want) ? { status: 'right', excess: 0 } : { status: 'wrong', excess: Infinity }
  }
  const error = Math.abs(got - want)
  if (error > bound) return { status: 'wrong', excess: 2 + error / Math.max(bound, Number.MIN_VALUE) }
  const ratio = error === 0 ? 0 : error / (6 * deviation)
  const more = ratio > 1
  return {
    status: more ? 'more than rounding' : 'right',
    excess: Math.min(ratio, 2),
    ...(deviation > 0 ? { ratio } : {}),
  }
}

function describe(got: number, { axes, shape, value, hard, expected }: Outcome, k: number): Worst {
  const strides = stridesOf(shape)
  const place = Object.fromEntries(axes.map((axis, n) => [axis, Math.floor(k / strides[n]!) % shape[n]!]))
  const want = value[k]!
  return { place, got, want, error: Math.abs(got - want), hard: hard?.[k] ?? 0, expected: expected?.[k] ?? 0 }
}
