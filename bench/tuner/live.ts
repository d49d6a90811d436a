/** A whole run of the tuner, for real: what it costs beside compiling and measuring, and that it ends no slower than it began. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tune } from '../../tune/tune.ts'
import type { Goal } from '../tuner.ts'
import { prepareShape } from './shapes.ts'

export async function liveGoals(): Promise<readonly Goal[]> {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-tuner-'))
  try {
    const narrowing = { 'tile.i': [16, 32, 64], 'tile.j': [64, 96], splits: [1] }
    const { subject } = await prepareShape({ name: 'D', narrowing })
    const found = await tune({
      ...{ subject, params: {}, narrowing: new Map(Object.entries(narrowing)), numerics: 'any', strategy: undefined },
      ...{ effort: 'full', evaluations: undefined, milliseconds: 180_000, seed: 1, cache: true },
      paths: { log: join(folder, 'log.jsonl'), tuned: join(folder, 'tuned.json') },
      now: () => performance.now(),
      isStopped: () => false,
      onTrial: () => {},
    })
    if (!found.ok) {
      console.log(`the live run failed: ${found.findings[0]?.message}\n`)
      return [{ what: 'a live run', isReached: false }]
    }
    const { best, searched } = found.value
    const { total, building, running } = searched.spent
    const overhead = total - building - running
    console.log(
      `a live run on D: ${searched.tried} choices in ${(total / 1000).toFixed(1)} s, of which building took ${(building / 1000).toFixed(1)} s and running ${(running / 1000).toFixed(1)} s; the rest is ${((100 * overhead) / total).toFixed(2)} %; ${(1 / best.cost).toFixed(3)} times as quick as the usual choice\n`,
    )
    return [
      { what: 'the tuner itself takes less than 5 % of its time', isReached: overhead < 0.05 * total },
      { what: 'what was tuned is no slower than the usual choice', isReached: best.cost <= 1 },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}
