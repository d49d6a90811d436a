/** Whole runs of the tuner, for real: what it costs beside compiling and measuring, and that it ends no slower than it began. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { table } from '../../cli/table.ts'
import type { Searched } from '../../tune/search.ts'
import type { Value } from '../../tune/space.ts'
import { tune } from '../../tune/tune.ts'
import type { Goal } from '../tuner.ts'
import { prepareShape } from './shapes.ts'

/** Few points of each shape: each is compiled. */
const pairs = { 'tile.i': [16, 32, 64], 'tile.j': [64, 96], splits: [1] }
const decoding = { 'tile.i': [32], 'tile.j': [32, 64, 128], rows: ['few'], splits: ['by length', 2] }
const most = 30_000 // ms of a shape

interface Live {
  readonly searched: Searched
  readonly gain: number
}

export async function liveGoals(): Promise<readonly Goal[]> {
  const goals: Goal[] = []
  const found: (readonly [string, Live])[] = []
  for (const name of ['A', 'C', 'D', 'E', 'F']) {
    const one = await tuneLive(name, name === 'E' ? decoding : pairs)
    if (typeof one === 'string') {
      console.log(`the live run of ${name} failed: ${one}\n`)
      goals.push({ what: `${name}: a live run`, isReached: false })
      continue
    }
    found.push([name, one])
    goals.push({ what: `${name}, live: what was tuned is no slower than the usual choice`, isReached: one.gain >= 1 })
  }
  const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(1)
  const rows = found.map(([name, { searched, gain }]) => {
    const { total, building, running } = searched.spent
    const rest = `${((100 * (total - building - running)) / total).toFixed(2)} %`
    return [
      name,
      `${searched.tried}`,
      seconds(total),
      seconds(building),
      seconds(running),
      rest,
      `${gain.toFixed(3)} times`,
    ]
  })
  const head = ['live', 'tried', 's', 'building', 'running', 'the rest', 'as quick as the usual choice']
  console.log(table([head, ...rows], [1, 2, 3, 4, 5, 6]))
  const sum = (of: 'total' | 'building' | 'running'): number =>
    found.reduce((all, [, { searched }]) => all + searched.spent[of], 0)
  const overhead = sum('total') - sum('building') - sum('running')
  return [
    ...goals,
    { what: 'the tuner itself takes less than 5 % of its time', isReached: overhead < 0.05 * sum('total') },
  ]
}

async function tuneLive(name: string, narrowing: Readonly<Record<string, readonly Value[]>>): Promise<Live | string> {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-tuner-'))
  try {
    const { subject } = await prepareShape({ name, narrowing })
    const found = await tune({
      ...{
        subject,
        params: {},
        narrowing: new Map(Object.entries(narrowing)),
        numerics: 'any',
        strategy: 'exhaustive',
      },
      ...{ effort: 'normal', evaluations: undefined, milliseconds: most, seed: 1, cache: true },
      paths: { log: join(folder, 'log.jsonl'), tuned: join(folder, 'tuned.json') },
      now: () => performance.now(),
      isStopped: () => false,
      onTrial: () => {},
    })
    if (!found.ok) return found.findings[0]?.message ?? 'nothing was said'
    return { searched: found.value.searched, gain: 1 / found.value.best.cost }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
