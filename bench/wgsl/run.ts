// The WebGPU target against onnxruntime-web, on one adapter in one process: `npm run bench:wgsl`, or
// node bench/wgsl/run.ts [--rounds N] [--shapes A,F]
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../../cli/table.ts'
import { findAdapter, findDevice } from '../../runtime/wgsl/device.ts'
import { median, spread } from '../median.ts'
import { type Goal, goalRow, isReached, lastLine } from '../peers/goals.ts'
import { type Contestant, Desk, type Prepare } from './contestant.ts'
import { measureCreation } from './creation.ts'
import { onnxruntime } from './onnxruntime.ts'
import { ours, unfused } from './ours.ts'
import { dense, type Shape, shapes, tensorsOf, windowed } from './shape.ts'

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, shapes: { type: 'string' } },
})
const rounds = Number(options.rounds)
const chosen = options.shapes?.split(',') // of these alone times are taken, and nothing else
const tolerance = 1e-4 // of results in f32 that are below 1

const adapter = await findAdapter()
const device = await findDevice()
if (!adapter.ok || !device.ok) {
  const failure = adapter.ok ? device : adapter
  if (!failure.ok) console.error(failure.findings[0]?.message)
  process.exit(3)
}
const desk = new Desk(device.value)
const peers = await onnxruntime(adapter.value.gpu)
if (typeof peers === 'string') console.log(peers)
console.log(`${adapter.value.about}; Node ${process.version}; f32, one head, ${rounds} rounds after one more`)
console.log('Times are of the threads of the adapter, medians: the thread that waits for them turns in circles.\n')

const goals: Goal[] = []
for (const shape of shapes) if (chosen?.includes(shape.name) ?? true) goals.push(...(await against(shape)))
if (chosen?.includes(windowed.name) ?? true) goals.push(await windowGoal())
if (!chosen) {
  goals.push(await creationGoal())
  const size = Number(execFileSync(process.execPath, [join(import.meta.dirname, 'bundle.ts')], { encoding: 'utf8' }))
  goals.push({ about: 'bundle for a page, gzipped', wanted: 350, got: size, unit: 'KB', isMost: true })
}
console.log(table([['goal', 'wanted', 'got', '', ''], ...goals.map(goalRow)], [1, 2]))
console.log(lastLine(goals))
process.exit(goals.every(isReached) ? 0 : 1) // Dawn's devices may keep a process alive

interface Timed {
  readonly name: string
  readonly times: readonly number[] // ms
}

/** Everybody once, then in turns. */
async function takeTurns(contestants: readonly Contestant[], count: number): Promise<readonly Timed[]> {
  const timed = contestants.map(({ name, call }) => ({ name, call, times: [] as number[] }))
  for (let round = 0; round < count; round++)
    for (const { call, times } of round % 2 === 0 ? timed : timed.toReversed()) {
      const [before, waiting] = [process.cpuUsage(), process.threadCpuUsage()]
      await call()
      const [all, own] = [process.cpuUsage(before), process.threadCpuUsage(waiting)]
      times.push((all.user + all.system - own.user - own.system) / 1000)
    }
  return timed
}

async function against(shape: Shape): Promise<readonly Goal[]> {
  const tensors = tensorsOf(shape)
  const contestants: Contestant[] = []
  const wrong = new Map<string, string>()
  let result: Float32Array | undefined
  for (const prepare of [ours(desk), unfused(desk), ...(typeof peers === 'string' ? [] : peers)]) {
    const found = await enter(prepare, shape, tensors, result)
    if (typeof found === 'string') {
      console.log(`  ${shape.name}: ${found}`)
      continue
    }
    contestants.push(found.contestant)
    if (found.apart > tolerance) wrong.set(found.contestant.name, `wrong here by ${found.apart.toExponential(1)}`)
    result ??= found.result
  }
  const timed = await takeTurns(contestants, rounds)
  const own = median(timed[0]!.times)
  const rows = timed.map(({ name, times }) => [
    name,
    median(times).toFixed(1),
    spread(times).toFixed(1),
    (median(times) / own).toFixed(2),
    wrong.get(name) ?? '',
  ])
  console.log(table([[`${shape.name}: ${shape.about}`, 'ms', 'MAD', 'attnc ×', ''], ...rows], [1, 2, 3]))
  const rivals = timed
    .filter(({ name }) => name.startsWith('ort'))
    .toSorted((a, b) => median(a.times) - median(b.times))
  const [best] = rivals
  const plain = timed.find(({ name }) => name === 'attnc unfused')
  const ratio = (one: Timed | undefined): number | undefined => one && median(one.times) / own
  return [
    {
      about: `${shape.name} against the best of onnxruntime-web`,
      wanted: 1.5,
      got: ratio(best),
      unit: '×',
      note: best?.name ?? 'there is no peer here',
    },
    { about: `${shape.name} against three kernels`, wanted: 1, got: ratio(plain), unit: '×' },
  ]
}

interface Entered {
  readonly contestant: Contestant
  readonly result: Float32Array
  readonly apart: number // the largest difference from our result
}

/** Ready, with its first result; a text says why it cannot take part. Who is wrong may, and must be beaten all the same. */
async function enter(
  prepare: Prepare,
  shape: Shape,
  tensors: ReturnType<typeof tensorsOf>,
  want: Float32Array | undefined,
): Promise<Entered | string> {
  try {
    const contestant = await prepare(shape, tensors)
    const result = await contestant.call()
    const apart = want ? result.reduce((most, x, n) => Math.max(most, Math.abs(x - want[n]!)), 0) : 0
    return { contestant, result, apart }
  } catch (error) {
    return `fails: ${(error as Error).message.split('\n')[0]}`
  }
}

async function windowGoal(): Promise<Goal> {
  const both: Contestant[] = []
  for (const shape of [windowed, dense]) {
    const contestant = await ours(desk)(shape, tensorsOf(shape))
    await contestant.call()
    both.push({ ...contestant, name: shape.name })
  }
  const timed = await takeTurns(both, Math.ceil(rounds / 3))
  const [window, all] = timed.map(({ times }) => median(times))
  console.log(table([['4096 tokens', 'ms'], ...timed.map(({ name, times }) => [name, median(times).toFixed(1)])], [1]))
  return { about: `${windowed.about} against every pair`, wanted: 8, got: all! / window!, unit: '×' }
}

/** Devices set words that a group shares to 0, unless they are told that nothing reads them before it writes them. */
async function creationGoal(): Promise<Goal> {
  const all = await measureCreation(desk.device)
  const slow = all.slice(0, 3)
  const { create } = await import('webgpu')
  const other = await (await create([]).requestAdapter())?.requestDevice()
  const without = other
    ? await measureCreation(
        other,
        slow.map(({ example }) => `${example}.attn`),
      )
    : []
  const beside = ({ example }: { readonly example: string }): string =>
    without.find((one) => one.example === example)?.seconds.toFixed(2) ?? '-'
  const rows = slow.map((one) => [one.example, one.seconds.toFixed(2), beside(one)])
  console.log(table([['pipelines of', 's', 'with disable_workgroup_init off'], ...rows], [1, 2]))
  const [slowest] = all
  return {
    about: 'pipelines of any example',
    wanted: 1,
    got: slowest?.seconds,
    unit: 's',
    isMost: true,
    note: `${slowest?.example}, of ${all.length}`,
  }
}
