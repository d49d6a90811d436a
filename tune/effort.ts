/** How much is spent on a search. */
import { allThreads } from '../runtime/threads.ts'
import type { Precision } from './measure.ts'

interface Amount {
  readonly share: number // of the points of a space
  readonly least: number // points, however small the share
  readonly milliseconds: number
  readonly batch: number // points that are built side by side
  readonly precision: Precision
}

const cores = Math.max(1, Math.min(8, allThreads()))

export const efforts = {
  quick: {
    ...{ share: 0.1, least: 8, milliseconds: 60_000, batch: cores },
    precision: { width: 0.05, rounds: 20, milliseconds: 500, hopeless: 1.1 },
  },
  normal: {
    ...{ share: 0.2, least: 16, milliseconds: 600_000, batch: cores },
    precision: { width: 0.02, rounds: 40, milliseconds: 2000, hopeless: 1.1 },
  },
  full: {
    ...{ share: 1, least: 16, milliseconds: 4 * 3_600_000, batch: cores },
    precision: { width: 0.01, rounds: 80, milliseconds: 5000, hopeless: 1.2 },
  },
} as const satisfies Readonly<Record<string, Amount>>

export type Effort = keyof typeof efforts
export const effortNames = Object.keys(efforts) as Effort[]
