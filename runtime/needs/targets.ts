/** What each target needs, as its runner says. */
import { targets } from '../../targets/index.ts'
import { runners } from '../runners.ts'
import type { Need } from './need.ts'

export const knownTargets = (): readonly string[] => [...new Set([...Object.keys(targets), ...Object.keys(runners)])]

export async function needsOf(target: string): Promise<readonly Need[]> {
  const runner = Object.hasOwn(runners, target) ? runners[target] : undefined
  return runner?.needs?.() ?? []
}
