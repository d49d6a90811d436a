/** The verdicts of several results, cases and shapes taken together. */
import { type Arithmetic, storageRounding } from '../../compiler/arithmetic.ts'
import type { Attention } from '../../compiler/attention.ts'
import type { Outcome } from '../../compiler/interpret.ts'
import { type Status, type Verdict, verdict, type Worst } from '../../compiler/verdict.ts'
import type { Tensor } from '../tensor.ts'

/**
 * How results are to be stored: those with a feature axis as the tensors are, others in f32. Said here once more, since a build that
 * stores less is at fault.
 */
export const storageOf = ({ results }: Attention, dtype: keyof typeof storageRounding): Arithmetic['storage'] =>
  Object.fromEntries(
    results
      .filter(({ expr }) => expr.type === 'f32')
      .map(({ name, axes }) => {
        const isVector = axes.includes('d') || axes.includes('e')
        return [name, storageRounding[isVector ? dtype : 'f32']]
      }),
  )

export interface Deviation extends Worst {
  readonly result: string
}

export interface Judgement {
  readonly status: Status
  readonly elements: number
  readonly notVerified: number // elements whose allowance says nothing
  readonly ambiguous: number // elements in which both outcomes of a comparison were allowed
  readonly medians: readonly number[] // of |error| / (6 expected), one per result and case
  readonly worst: Deviation | undefined
}

export const nothingJudged: Judgement = {
  status: 'not verified',
  elements: 0,
  notVerified: 0,
  ambiguous: 0,
  medians: [],
  worst: undefined,
}

export function judge(result: string, got: Tensor, want: Outcome): Judgement {
  const { status, elements, notVerified, ambiguous, median, worst }: Verdict = verdict(got.data, want)
  return {
    status,
    elements,
    notVerified,
    ambiguous,
    medians: median > 0 ? [median] : [],
    worst: worst && { ...worst, result },
  }
}

/** An error in units of what is allowed; infinite beyond the hard bound. */
export function badness({ got, want, error, hard, expected }: Deviation): number {
  if (Object.is(got, want) || error === 0) return 0
  return error <= hard ? error / (6 * expected) : Infinity // a NaN error is one, too
}

/** What decides: one wrong makes all wrong, one right more than none. */
const order: readonly Status[] = ['not verified', 'right', 'more than rounding', 'wrong']
const worse = (a: Status, b: Status): Status => (order.indexOf(a) >= order.indexOf(b) ? a : b)

export function combine(a: Judgement, b: Judgement): Judgement {
  return {
    status:
      a.elements === 0
        ? b.status
        : b.elements === 0
          ? worse(a.status, isFailure(b.status) ? b.status : a.status)
          : worse(a.status, b.status),
    elements: a.elements + b.elements,
    notVerified: a.notVerified + b.notVerified,
    ambiguous: a.ambiguous + b.ambiguous,
    medians: [...a.medians, ...b.medians],
    worst: worstOf(a.worst, b.worst),
  }
}

export const isFailure = (status: Status): boolean => status === 'wrong' || status === 'more than rounding'

const worstOf = (a: Deviation | undefined, b: Deviation | undefined): Deviation | undefined =>
  !a || (b && badness(b) > badness(a)) ? b : a
