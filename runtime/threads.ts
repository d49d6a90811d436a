/** How many threads a call may have. */
import { availableParallelism } from 'node:os'
import { type Problem, problem } from './problem.ts'

export const mostThreads = 256

export const allThreads = (): number => Math.min(availableParallelism(), mostThreads)

export const checkThreads = (threads: number): readonly Problem[] =>
  Number.isInteger(threads) && threads >= 1 && threads <= mostThreads
    ? []
    : [problem('ATTN0302', `threads takes an integer from 1 to ${mostThreads}, not ${String(threads)}`)]
