/** What became of one candidate. */
import type { Failure } from './rig.ts'
import type { Point } from './space.ts'

export type Trial = Timed | Out

export interface Timed {
  readonly point: Point
  readonly milliseconds: number // of a call: the usual choice's time times `cost`, so that drift between trials cancels
  readonly cost: number // time relative to the usual choice's
  readonly low: number // of the interval of `cost`
  readonly high: number
  readonly rounds: number
  readonly outliers: number
  readonly isNarrow: boolean
  readonly bits: string // a hash of the results
  readonly verified: boolean // against the definition; candidates that would not be best are not verified
}

export interface Out {
  readonly point: Point
  readonly failure: Failure
}

export const isTimed = (trial: Trial): trial is Timed => !('failure' in trial)

/** The best that was verified. */
export function bestOf(trials: readonly Trial[], accepts: (trial: Timed) => boolean = () => true): Timed | undefined {
  let best: Timed | undefined
  for (const trial of trials)
    if (isTimed(trial) && trial.verified && accepts(trial) && !(best && best.cost <= trial.cost)) best = trial
  return best
}
