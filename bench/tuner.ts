// What the tuner reaches: strategies on recorded spaces, against the best of each, and the resource model's default. `npm run bench:tuner`.
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { table } from '../cli/table.ts'
import { missingCompiler } from '../runtime/native/compiler.ts'
import { type Entry, readLog, type Subject, trialsOf } from '../tune/log.ts'
import { evaluationsTo, fifth, type Recorded, recordedSpaces, score } from '../tune/simulate.ts'
import { keyOf } from '../tune/space.ts'
import { strategyNames, usualStrategy } from '../tune/strategies/index.ts'
import { liveGoals } from './tuner/live.ts'

/** What has to hold, and whether it did. */
export interface Goal {
  readonly what: string
  readonly isReached: boolean | undefined // undefined: it could not be measured here
}

const seeds = [1, 2, 3, 4, 5]
const many = Array.from({ length: 25 }, (_, n) => n + 1)
const names = strategyNames // `exhaustive` begins with what the model expects to be quick
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function onRecordedSpaces(): readonly Goal[] {
  const paths = globSync(join(import.meta.dirname, 'tuner/spaces/*.jsonl')).sort()
  const spaces = paths.map((path) => {
    const log = readLog(path)
    const [recorded] = log.ok ? recordedSpaces(log.value.entries) : []
    if (!recorded) throw new Error(`${path} holds no recorded space`)
    return { name: basename(path, '.jsonl'), recorded }
  })
  const rows = spaces.map(({ name, recorded }) => {
    const tried = fifth(recorded)
    const scores = names.map((strategy) => score(recorded, strategy, seeds, tried).share)
    return { name, recorded, tried, scores, usual: usualShare(recorded) }
  })
  console.log(
    `Strategies: the best after a fifth of all evaluations, as a share of the best of the space; the median of ${seeds.length} seeds\n`,
  )
  const head = ['shape', 'points', 'tried', 'usual choice', ...names]
  console.log(
    table(
      [
        head,
        ...rows.map(({ name, recorded, tried, scores, usual }) => [
          name,
          `${recorded.space.points.length}`,
          `${tried}`,
          percent(usual),
          ...scores.map(percent),
        ]),
      ],
      head.map((_, n) => n + 1),
    ),
  )
  console.log('Strategies: evaluations until 97 % of the best of the space is found, and until the best is;')
  console.log(`the medians of ${many.length} seeds\n`)
  const counts = spaces.map(({ name, recorded }) => [
    ...[name, `${recorded.space.points.length}`],
    ...names.map((strategy) => evaluationsTo([0.97, 1], recorded, strategy, many).join(', ')),
  ])
  const columns = ['shape', 'points', ...names]
  console.log(table([columns, ...counts], [...columns.keys()].slice(1)))
  const at = names.indexOf(usualStrategy)
  return rows.flatMap(({ name, scores, usual }) => [
    { what: `${name}: ${usualStrategy} reaches 97 % of the best`, isReached: (scores[at] ?? 0) >= 0.97 },
    { what: `${name}: ${usualStrategy} is never below the usual choice`, isReached: (scores[at] ?? 0) >= usual },
    { what: `${name}: the usual choice reaches 90 % of the best`, isReached: usual >= 0.9 },
  ])
}

const usualShare = ({ space, costs, best }: Recorded): number => best / (costs.get(keyOf(space.usual)) ?? Infinity)

/** Ten thousand results, as one line each. */
function loading(): Goal {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-tuner-'))
  try {
    const subject: Subject = { attention: 'a', plan: 'p', target: 't', device: 'd', dtype: 'f32', shape: 's' }
    const entry = (n: number): Entry => ({
      ...{ log: 1, subject },
      trial: {
        ...{
          point: { 'tile.i': n, 'tile.j': 64, threads: 2 },
          milliseconds: n / 7,
          cost: 1,
          low: 1,
          high: 1,
          rounds: 9,
        },
        ...{ outliers: 0, isNarrow: true, bits: '0123456789abcdef', verified: true },
      },
    })
    const path = join(folder, 'log.jsonl')
    writeFileSync(path, Array.from({ length: 10_000 }, (_, n) => `${JSON.stringify(entry(n))}\n`).join(''))
    const load = () => {
      const start = performance.now()
      const log = readLog(path)
      const trials = log.ok ? trialsOf(log.value.entries, subject) : []
      return { count: trials.length, took: performance.now() - start }
    }
    const all = Array.from({ length: 5 }, load)
    const took = Math.min(...all.map((one) => one.took))
    console.log(`${all[0]!.count} results load in ${took.toFixed(0)} ms, the least of ${all.length} times\n`)
    const isWhole = all.every(({ count }) => count === 10_000)
    return { what: '10,000 results load in less than 100 ms', isReached: took < 100 && isWhole }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The whole command ends in 8 minutes, also where compilers have to wait for others. */
const most = 400_000 // ms

/** Live runs, or that they were not done in time. What they have started ends with this process. */
async function live(): Promise<readonly Goal[]> {
  const late = `live runs within ${most / 1000} s`
  const timeout = setTimeout(most, [{ what: late, isReached: false }], { ref: false })
  return Promise.race([liveGoals(), timeout])
}

const missing = missingCompiler()
if (missing !== undefined) console.log(`live runs are left out: ${missing}`)
const goals = [...onRecordedSpaces(), loading(), ...(missing === undefined ? await live() : [])]
for (const { what, isReached } of goals) if (!isReached) console.log(`missed: ${what}`)
const reached = goals.filter(({ isReached }) => isReached).length
console.log(`${reached} of ${goals.length} goals reached`)
process.exit(reached === goals.length ? 0 : 1)
