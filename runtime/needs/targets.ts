/** What each target needs: as its runner says, or as is known of targets that are planned. */
import { targets } from '../../targets/index.ts'
import { runners } from '../runners.ts'
import { needDriver, needGpu, needNvcc } from './cuda.ts'
import type { Need } from './need.ts'

type Needs = (limit?: number) => Promise<readonly Need[]>

/** Of targets whose runner does not say, or is still to come. */
const known: Readonly<Record<string, Needs>> = {
  cuda: async (limit) => [await needNvcc(limit), needDriver(), await needGpu(limit)],
}

/** Targets that exist, and those that are planned and whose needs can be looked at already. */
export const knownTargets = (): readonly string[] => [
  ...new Set([...Object.keys(targets), ...Object.keys(runners), ...Object.keys(known)]),
]

export const isPlanned = (target: string): boolean => !Object.hasOwn(targets, target) && !Object.hasOwn(runners, target)

export async function needsOf(target: string, limit?: number): Promise<readonly Need[]> {
  const runner = Object.hasOwn(runners, target) ? runners[target] : undefined
  if (runner?.needs) return runner.needs()
  return Object.hasOwn(known, target) ? (known[target]?.(limit) ?? []) : []
}
