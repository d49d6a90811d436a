/** What builds candidates, runs them and times them. Tuning knows nothing else of a machine, so tests give their own. */
import type { Point } from './space.ts'

/**
 * Why a candidate is out. `compile`: it was not built; `crash`: the process ended; `hang`: it was not done in time; `wrong`: verification
 * found an error; `bits`: within one numerics class its results differ; `error`: anything else it said.
 */
export const reasons = ['compile', 'crash', 'hang', 'wrong', 'bits', 'error'] as const
export type Reason = (typeof reasons)[number]
export interface Failure {
  readonly reason: Reason
  readonly text: string
}

export type Tried<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure }
export const succeeded = <T>(value: T): Tried<T> => ({ ok: true, value })
export const fails = (reason: Reason, text: string): { readonly ok: false; readonly failure: Failure } => ({
  ok: false,
  failure: { reason, text },
})

/** Times of one call in ms, of the candidate and of what it took turns with. */
export interface Turns {
  readonly own: readonly number[]
  readonly other: readonly number[] // empty where it was alone
}

export interface Rig {
  /** Builds several at once; what was built before costs nothing. */
  build(points: readonly Point[]): Promise<readonly Tried<undefined>[]>
  /** Runs a candidate once on the tensors that it is tuned for; gives a hash of the bits of its results. */
  bits(point: Point): Promise<Tried<string>>
  /** Compares with the definition, within its allowances. */
  verify(point: Point): Promise<Tried<undefined>>
  /** Rounds in which both are timed, one directly after the other; who is first alternates. */
  turns(point: Point, other: Point | undefined, rounds: number): Promise<Tried<Turns>>
  /** Begins anew: what is left of a device that failed, or of a process, goes. */
  restart(): Promise<void>
  close(): Promise<void>
}
