// Records whole spaces, most of the native target. `node bench/tuner/record.ts build` compiles every point, which takes minutes. Then
// `node bench/tuner/record.ts time A --seconds 15`, where nothing else runs: in every round each point is called once, in any order, so
// that drift meets all alike; run again, it adds rounds. The log that comes of it has a point's lower quartile as its time, which other
// load disturbs less than the median. Times are processor times of this process, which waits for no other.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { callAttention, loadAttention, type Ready } from '../../node.ts'
import { Cache } from '../../runtime/cache/cache.ts'
import { findPlaces } from '../../runtime/cache/places.ts'
import { randomNumbers } from '../../runtime/draw.ts'
import { emptyLaunch, prepareLaunch } from '../../runtime/launch.ts'
import type { Inputs } from '../../runtime/runners.ts'
import type { Entry } from '../../tune/log.ts'
import { optionsOf, withChoice } from '../../tune/options.ts'
import { keyOf, type Point } from '../../tune/space.ts'
import { medianInterval } from '../../tune/statistics.ts'
import { shuffled } from '../../tune/strategies/strategy.ts'
import { inputsOf, nativeLoader } from '../native/kernels.ts'
import { shapes } from '../native/shapes.ts'
import { type Prepared, prepareShape, type Recorded, spaces } from './shapes.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '15' },
    to: { type: 'string', default: join(import.meta.dirname, 'spaces') },
  },
})
const [phase = 'build', ...names] = positionals
const wanted = spaces.filter(({ name }) => names.length === 0 || names.includes(name))
const keeping = { cache: new Cache(findPlaces()), warn: () => {} }

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (how: { readonly type: 'minor' }) => void

/** Lets go of the result of the call before, so that its memory serves the next. */
async function settle(): Promise<void> {
  collect({ type: 'minor' })
  await new Promise((resolve) => setImmediate(resolve))
}

async function load({ subject }: Prepared, point: Point): Promise<Ready> {
  const options = withChoice({ ...subject.options, target: subject.target }, optionsOf(point))
  const ready = await loadAttention(subject.source, subject.attention, options, keeping)
  if (!ready.ok) throw new Error(ready.findings[0]?.message)
  return ready.value
}

async function build(shape: Recorded): Promise<void> {
  const prepared = await prepareShape(shape)
  const waiting = [...prepared.space.points]
  const serve = async (): Promise<void> => {
    for (let point = waiting.shift(); point; point = waiting.shift()) {
      await load(prepared, point)
      console.log(shape.name, keyOf(point))
    }
  }
  await Promise.all([serve(), serve()])
}

/** For the native target on huge pages, as `allocate` gives them. */
async function tensorsOf({ name }: Recorded, { subject }: Prepared): Promise<Inputs> {
  if (subject.target !== 'native') {
    const launch = prepareLaunch(subject.attention, emptyLaunch, subject.sizes, 0)
    if (!launch.ok) throw new Error(launch.findings[0]?.message)
    return launch.value.inputs
  }
  const shape = shapes.find((one) => one.name === name)!
  const all = Object.entries(inputsOf(shape, await nativeLoader()))
  return Object.fromEntries(
    all.map(([input, { data, shape: lengths }]) => [
      input,
      { data, shape: lengths, storage: data instanceof Float32Array ? 'f32' : 'i32' },
    ]),
  )
}

async function time(shape: Recorded): Promise<void> {
  const prepared = await prepareShape(shape)
  const { space, job } = prepared
  const raw = join(values.to, `${shape.name}.times.json`)
  const times: Record<string, number[]> = existsSync(raw) ? JSON.parse(readFileSync(raw, 'utf8')) : {}
  const launch = { inputs: await tensorsOf(shape, prepared), params: job.params }
  const kernels = new Map<Point, Ready>()
  for (const point of space.points) kernels.set(point, await load(prepared, point))
  const random = randomNumbers(Date.now(), 'order')
  const end = performance.now() + 1000 * Number(values.seconds)
  for (let round = 0; performance.now() < end; round++) {
    for (const point of shuffled(space.points, random)) {
      if (performance.now() >= end) break
      await settle()
      const start = process.cpuUsage()
      const called = await callAttention(kernels.get(point)!, launch)
      const { user, system } = process.cpuUsage(start)
      const took = (user + system) / 1000
      if (!called.ok) throw new Error(called.findings[0]?.message)
      const own = times[keyOf(point)] ?? []
      times[keyOf(point)] = own
      if (round > 0) own.push(Number(took.toPrecision(5))) // the first warms up
    }
  }
  writeFileSync(raw, JSON.stringify(times))
  writeLog(prepared, times, shape.name)
}

const quartile = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 4)] ?? Number.NaN

function writeLog(
  { space, logSubject }: Prepared,
  times: Readonly<Record<string, readonly number[]>>,
  name: string,
): void {
  const usual = quartile(times[keyOf(space.usual)] ?? [])
  const head: Entry = { log: 1, subject: logSubject, parameters: space.parameters, usual: space.usual }
  const entries = space.points.map((point): Entry => {
    const all = times[keyOf(point)] ?? []
    const cost = quartile(all) / usual
    const { low, high } = medianInterval(all.map((one) => one / usual))
    const rounded = (x: number): number => Number(x.toPrecision(5))
    const trial = {
      ...{ point, milliseconds: rounded(cost * usual), cost: rounded(cost), low: rounded(low), high: rounded(high) },
      ...{ rounds: all.length, outliers: 0, isNarrow: high / low - 1 <= 0.02, bits: '', verified: false },
    }
    return { log: 1, subject: logSubject, trial }
  })
  writeFileSync(
    join(values.to, `${name}.jsonl`),
    [head, ...entries].map((entry) => `${JSON.stringify(entry)}\n`).join(''),
  )
  const fewest = Math.min(...space.points.map((point) => times[keyOf(point)]?.length ?? 0))
  console.log(`${name}: ${fewest} rounds`)
}

for (const shape of wanted) await (phase === 'time' ? time(shape) : build(shape))
