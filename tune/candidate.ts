/** A process that builds candidates and runs them: one that crashes or hangs takes nothing else with it. It is sent one request at a time. */
import { createHash } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Attention } from '../compiler/attention.ts'
import { analyze, callAttention, loadAttention, type Ready } from '../node.ts'
import { Cache } from '../runtime/cache/cache.ts'
import { findPlaces } from '../runtime/cache/places.ts'
import { importReader } from '../runtime/imports.ts'
import { emptyLaunch, type Launch, prepareLaunch } from '../runtime/launch.ts'
import { done, type Finding, type Outcome } from '../runtime/problem.ts'
import type { Inputs, Manner } from '../runtime/runners.ts'
import { storageOf } from '../runtime/verify/judge.ts'
import { completeSizes } from '../runtime/verify/shapes.ts'
import { type Ready as Check, verifyAttention } from '../runtime/verify/verify.ts'
import { inTurn } from './in-turn.ts'
import { optionsOf, threadsOf, withChoice } from './options.ts'
import type { Job, Reply, Request } from './protocol.ts'
import { fails, succeeded, type Tried, type Turns } from './rig.ts'
import { keyOf, type Point } from './space.ts'

interface Opened {
  readonly job: Job
  readonly attention: Attention
  readonly launch: Launch
}

let opened: Opened | undefined
const built = new Map<string, Ready>()
const repeats = new Map<string, number>()

const say = (findings: readonly Finding[]): string => findings.map(({ message }) => message).join('; ')

function open(job: Job): Tried<undefined> {
  const module = analyze(job.file, importReader(job.file))
  if (!module.ok) return fails('error', say(module.diagnostics))
  const attention = module.value.attentions.find(({ name }) => name === job.attention)
  if (!attention) return fails('error', `no attention ${job.attention}`)
  const given = { ...emptyLaunch, params: job.params, dtype: job.options.dtype ?? 'f32' }
  const launch = prepareLaunch(attention, given, job.sizes, job.seed)
  if (!launch.ok) return fails('error', say(launch.findings))
  opened = { job, attention, launch: launch.value }
  return succeeded(undefined)
}

const state = (): Opened => {
  if (!opened) throw new Error('nothing was opened')
  return opened
}

async function load(point: Point, asked: Opened = state()): Promise<Outcome<Ready>> {
  const { job, attention } = asked
  const options = withChoice({ ...job.options, target: job.target, tile: job.tile }, optionsOf(point))
  const source = { file: job.file, readImport: importReader(job.file) }
  return loadAttention(source, attention, options, {
    cache: job.cache ? new Cache(findPlaces()) : undefined,
    warn: () => {},
  })
}

/** Points that differ in how a call runs only are built once. */
const codeKey = ({ threads: _, ...rest }: Point): string => keyOf(rest)

async function build(point: Point): Promise<Tried<undefined>> {
  if (built.has(codeKey(point))) return succeeded(undefined)
  const ready = await load(point)
  if (!ready.ok) return fails('compile', say(ready.findings))
  built.set(codeKey(point), ready.value)
  return succeeded(undefined)
}

function readyOf(point: Point): Ready {
  const ready = built.get(codeKey(point))
  if (!ready) throw new Error(`${keyOf(point)} was not built`)
  return ready
}

/** One thread is this one. */
function mannerOf(point: Point): Manner | undefined {
  const threads = threadsOf(point) ?? 1
  return threads > 1 ? { threads } : undefined
}

async function call(point: Point): Promise<Inputs> {
  const results = await callAttention(readyOf(point), state().launch, mannerOf(point))
  if (!results.ok) throw new Error(say(results.findings))
  return results.value
}

async function bits(point: Point): Promise<Tried<string>> {
  const hash = createHash('sha256')
  const results = await call(point)
  for (const name of Object.keys(results).sort()) {
    const { data, shape } = results[name]!
    hash.update(JSON.stringify([name, shape]))
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  return succeeded(hash.digest('hex').slice(0, 16))
}

/**
 * Random inputs at one tile of rows and one more, two of keys and a few more; hostile ones at fewer, since their number is large. What
 * is compiled for other lengths is the same code.
 */
async function verify(point: Point): Promise<Tried<undefined>> {
  const { tile } = optionsOf(point)
  const { check } = state().job
  const [rows, ...others] = Object.keys(tile)
  const edges = (of: (axis: string) => number): Record<string, number> => {
    const wanted = Object.fromEntries(Object.keys(tile).map((axis) => [axis, of(axis)]))
    return { ...check, ...wanted }
  }
  const whole = edges((axis) => (axis === rows ? tile[axis]! + 1 : 2 * tile[axis]! + 3))
  const few = edges((axis) => (axis === rows && others.length > 0 ? 5 : tile[axis]! + 3))
  const right = await verifyAt(point, whole, false)
  return right.ok ? verifyAt(point, few, true) : right
}

async function verifyAt(
  point: Point,
  wanted: Readonly<Record<string, number>>,
  probes: boolean,
): Promise<Tried<undefined>> {
  const { job, attention, launch } = state()
  const ready = readyOf(point)
  const { runner, program, loaded } = ready
  const { dtype } = launch
  const sizes = completeSizes(attention, wanted, job.seed, job.params)
  if (!sizes.ok) return fails('error', say(sizes.findings))
  const arithmetic = {
    ...(runner.arithmeticOf?.(dtype, attention.precision ?? 'accurate', 'auto') ?? runner.arithmetic),
    storage: storageOf(attention, dtype),
  }
  const { tile, splits = 1 } = optionsOf(point)
  const found = await verifyAttention(attention, {
    shapes: [{ sizes: sizes.value, dtype, schedules: [{ tile, splits }] }],
    seed: job.seed,
    probes,
    params: job.params,
    build: async () => {
      const call: Check['call'] = (inputs, params) => loaded.call(program, inputs, params, mannerOf(point))
      return done({ arithmetic, prices: [], call })
    },
  })
  if (!found.ok) return fails('error', say(found.findings))
  const { verdict, worst } = found.value
  if (verdict !== 'wrong' && verdict !== 'more than rounding') return succeeded(undefined)
  const at = worst ? `: ${worst.deviation.got} instead of ${worst.deviation.want}, on ${worst.at.probe} inputs` : ''
  return fails('wrong', `${verdict}${at}`)
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Lets go of earlier results, so that no round pays for another's. */
async function settle(): Promise<void> {
  collect()
  await new Promise((resolve) => setImmediate(resolve))
}

const shortest = 0.5 // ms: shorter calls are timed several at once

/**
 * ms. Of one thread the time that this process had a core, which other load changes least; where there may be several, the clock's.
 * (That of a thread alone, `threadCpuUsage`, counts in ticks of the system.)
 */
const processTime = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const clocks = { thread: processTime, wall: () => performance.now() } as const

async function time(point: Point): Promise<number> {
  const now = clocks[state().job.clock]
  const times = repeats.get(keyOf(point)) ?? 1
  const start = now()
  for (let n = 0; n < times; n++) await call(point)
  const each = Math.max((now() - start) / times, 1e-6)
  if (!repeats.has(keyOf(point))) repeats.set(keyOf(point), Math.min(1000, Math.max(1, Math.ceil(shortest / each))))
  return each
}

async function turns(point: Point, other: Point | undefined, rounds: number): Promise<Tried<Turns>> {
  const times = { own: [] as number[], other: [] as number[] }
  const ownTurn = async (): Promise<unknown> => times.own.push(await time(point))
  const otherTurn = async (): Promise<unknown> => other && times.other.push(await time(other))
  for (let round = 0; round < rounds; round++) {
    await settle()
    for (const turn of round % 2 === 0 ? [ownTurn, otherTurn] : [otherTurn, ownTurn]) await turn()
  }
  return succeeded(times)
}

async function answer(request: Request): Promise<Tried<unknown>> {
  switch (request.do) {
    case 'open':
      return open(request.job)
    case 'build':
      return succeeded(await inTurn(request.points, build))
    case 'bits':
      return bits(request.point)
    case 'verify':
      return verify(request.point)
    case 'turns':
      return turns(request.point, request.other, request.rounds)
  }
}

process.on('message', async (request: Request) => {
  const reply = (result: Tried<unknown>): unknown => process.send?.({ result } satisfies Reply)
  try {
    reply(await answer(request))
  } catch (error) {
    const reason = request.do === 'build' ? 'compile' : 'error'
    reply(fails(reason, error instanceof Error ? error.message.slice(0, 2000) : String(error)))
  }
})
process.on('SIGINT', () => {}) // the tuner decides when it is over
process.on('disconnect', () => process.exit())
