/** Timing alone: tuners on one machine take turns. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beat, claim, release } from '../runtime/cache/claim.ts'
import type { Rig } from './rig.ts'

/** Of this user and this kind of device. */
export const lockOf = (target: string): string =>
  join(tmpdir(), `attnc-${process.getuid?.() ?? ''}-${isOnGpu(target) ? 'gpu' : 'cpu'}.lock`)

/** What computes elsewhere than on this processor. */
export const isOnGpu = (target: string): boolean => target === 'wgsl' || target === 'cuda'

/** A rig that holds the lock while it times. */
export function timingAlone(rig: Rig, path: string): Rig {
  return {
    ...rig,
    turns: async (...given) => {
      while (!claim(path)) await wait(5)
      const quiet = beat(path)
      try {
        return await rig.turns(...given)
      } finally {
        quiet()
        release(path)
      }
    },
  }
}
