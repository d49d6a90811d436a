/** One shape: the limit of the machine, our kernel and its peers, in turns. */
import { setTimeout as pause } from 'node:timers/promises'
import { median, spread } from '../median.ts'
import type { Machine } from '../native/machine.ts'
import { settle } from '../native/settle.ts'
import type { Shape } from '../native/shapes.ts'
import type { Contestant } from './peer.ts'

export interface Entrant {
  readonly name: string
  readonly threads: number
  readonly contestant: Contestant
  readonly isPrintedOnly: boolean
}
export interface Timed extends Entrant {
  readonly cpu: readonly number[] // processor time of the process, ms, one of each round
  readonly clock: readonly number[] // ms
}

/** Threads of some peers wait for more work by turning in circles; what comes next waits until they have stopped. */
const rest = 15 // ms

export async function takeTurns(
  entrants: readonly Entrant[],
  rounds: number,
  machine: Machine,
): Promise<readonly Timed[]> {
  const times = entrants.map((entrant) => ({ ...entrant, cpu: [] as number[], clock: [] as number[] }))
  for (let round = 0; round < rounds; round++) {
    // Who is first changes from round to round.
    const order = round % 2 === 0 ? times : times.toReversed()
    for (const one of order) {
      await settle()
      await pause(rest)
      const [before, start] = [machine.processTime(), performance.now()]
      await one.contestant.call()
      const [clock, cpu] = [performance.now() - start, machine.processTime() - before]
      const { every } = one.contestant.rows ?? { every: 1 }
      one.cpu.push(cpu * every)
      one.clock.push(clock * every)
    }
  }
  return times
}

/** On one thread the processor time, which other load changes least; on several the clock. */
export const timesOf = ({ threads, cpu, clock }: Timed): readonly number[] => (threads === 1 ? cpu : clock)
export const timeOf = (timed: Timed): number => median(timesOf(timed))
export const spreadOf = (timed: Timed): number => spread(timesOf(timed))

/** The largest difference of results, over the rows that were computed. */
export function largestDifference(shape: Shape, ours: Float32Array, { result, rows }: Contestant): number {
  const theirs = result()
  const { first, every } = rows ?? { first: 0, every: 1 }
  if (theirs.length !== ours.length) return Number.NaN
  let worst = 0
  for (let row = first; row * shape.width < ours.length; row += every)
    for (let n = row * shape.width; n < (row + 1) * shape.width; n++) {
      const apart = Math.abs(theirs[n]! - ours[n]!)
      if (Number.isNaN(apart)) return apart
      if (apart > worst) worst = apart
    }
  return worst
}
