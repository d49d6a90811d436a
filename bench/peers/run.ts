// The native target against other attentions that run on a CPU, and against this machine: `npm run bench:peers`, or
// node bench/peers/run.ts [--rounds N] [--shapes A,E,calls,examples]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../../cli/table.ts'
import { median } from '../median.ts'
import { measureExamples } from '../native/examples.ts'
import { inputsOf, kernelOf, nativeLoader } from '../native/kernels.ts'
import { thisMachine } from '../native/machine.ts'
import { bytesReadOf, flopsOf, type Shape, shapes } from '../native/shapes.ts'
import { type Entrant, largestDifference, spreadOf, type Timed, takeTurns, timeOf, timesOf } from './contest.ts'
import {
  type CallCosts,
  callGoals,
  exampleGoal,
  type Goal,
  goalRow,
  isReached,
  lastLine,
  shapeGoals,
  twoThreads,
} from './goals.ts'
import { onnxruntimePeers } from './onnxruntime.ts'
import type { Contestant, Given, Peer } from './peer.ts'
import { ruvectorPeers } from './ruvector.ts'

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, shapes: { type: 'string' } },
})
const rounds = Number(options.rounds)
const asked = options.shapes?.split(',')
const wants = (name: string): boolean => asked?.includes(name) ?? true
const tolerance = 1e-4 // of results in f32 that are below 4

const folder = mkdtempSync(join(os.tmpdir(), 'attnc-peers-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const loader = await nativeLoader()
const machine = await thisMachine(loader, folder)
const peers: Peer[] = []
for (const [name, found] of Object.entries({
  onnxruntime: onnxruntimePeers(),
  ruvector: ruvectorPeers(),
})) {
  if (typeof found === 'string') console.log(`${name}: ${found}`)
  else peers.push(...found)
}
console.log(`${os.cpus()[0]?.model.trim()}, Node ${process.version}; f32, forward, ${rounds} rounds`)
console.log('1 thread: processor time; 2 threads: time on the clock. Medians.\n')

const limitName = { arithmetic: 'fused multiplications', memory: 'reading memory' } as const
const goals: Goal[] = []
let unrest = 0 // the largest MAD of a limit, relative to its median
for (const shape of shapes.filter(({ name }) => wants(name))) goals.push(...(await measure(shape)))
if (wants('calls')) goals.push(...callGoals(measureCalls()))
if (wants('examples')) {
  const rates = await measureExamples(loader, machine, folder, Math.ceil(rounds / 2))
  goals.push(...rates.filter(({ name }) => name !== 'softmax').map(exampleGoal))
}
console.log(table([['goal', 'wanted', 'got', '', ''], ...goals.map(goalRow)], [1, 2]))
if (unrest > 0.05)
  console.log(
    `The limit itself varied by ${(100 * unrest).toFixed(0)} %: other work is going on here, and shares say little.\n`,
  )
console.log(lastLine(goals))
process.exitCode = goals.every(isReached) ? 0 : 1

/** In processes of their own. */
function measureCalls(): CallCosts {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../calls.ts'), 'json'], {
    encoding: 'utf8',
  }) // prettier-ignore
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as CallCosts
}

/** What the limit does in one call, and what the shape takes, in the same unit. */
function mostOf({ bound }: Shape, threads: number): number {
  return bound === 'memory' ? machine.readBytes : machine.fmaFlops * threads
}
function workOf(shape: Shape): number {
  return shape.bound === 'memory' ? bytesReadOf(shape) : flopsOf(shape)
}

async function measure(shape: Shape): Promise<readonly Goal[]> {
  const tensors = inputsOf(shape, loader)
  const kernel = await kernelOf(shape, tensors, loader, folder)
  const floats = (name: string): Float32Array => tensors[name]!.data as Float32Array
  const given = { shape, tensors: { q: floats('q'), k: floats('k'), v: floats('v') } }
  const entrants: Entrant[] = []
  const notes: string[] = []
  const limit = shape.bound === 'memory' ? machine.read : machine.fma
  for (const threads of [1, 2]) {
    limit(threads) // its memory is touched now
    entrants.push(entrant('limit', threads, { call: () => limit(threads), result: () => new Float32Array() }))
    let ours: Float32Array = new Float32Array()
    const call = (): void => {
      ours = kernel.call(threads)
    }
    entrants.push(entrant('attnc', threads, { call, result: () => ours }))
    call()
    for (const peer of peers) {
      const found = await enter(peer, { ...given, threads }, ours)
      if (typeof found !== 'string') entrants.push(found)
      else if (threads === 1 && !peer.isPrintedOnly) notes.push(`${peer.name}: ${found}`)
    }
  }
  const timed = await takeTurns(entrants, rounds, machine)
  for (const { contestant } of entrants) await contestant.release?.()
  const limits = timed.filter(({ name }) => name === 'limit')
  unrest = Math.max(unrest, ...limits.map((one) => spreadOf(one) / timeOf(one)))
  console.log(shapeTable(shape, timed))
  for (const note of notes) console.log(`  ${note}`)
  if (notes.length > 0) console.log()
  return goalsOf(shape, timed)
}

function entrant(name: string, threads: number, contestant: Contestant, isPrintedOnly = false): Entrant {
  return { name, threads, contestant, isPrintedOnly }
}

/** A peer that has given our result once; a text says why it is none. */
async function enter(peer: Peer, given: Given, ours: Float32Array): Promise<Entrant | string> {
  try {
    const contestant = await peer.prepare(given)
    if (typeof contestant === 'string') return contestant
    await contestant.call()
    const apart = largestDifference(given.shape, ours, contestant)
    if (apart <= tolerance) return entrant(peer.name, given.threads, contestant, peer.isPrintedOnly)
    await contestant.release?.()
    return `its result is ${apart.toExponential(1)} from ours`
  } catch (error) {
    return `it fails: ${(error as Error).message.split('\n')[0]}`
  }
}

function shapeTable(shape: Shape, timed: readonly Timed[]): string {
  const isMemory = shape.bound === 'memory'
  const work = isMemory ? bytesReadOf(shape) : flopsOf(shape)
  const head = [
    `${shape.name}: ${shape.about}`,
    'threads',
    'ms',
    'MAD',
    isMemory ? 'GB/s' : 'GFLOP/s',
    'of limit',
    'attnc ×',
  ]
  const rows = timed.map((one) => {
    if (one.name === 'limit') return limitRow(shape, one)
    const share = shareOf(shape, one, timed)
    const ratio = timeOf(one) / timeOf(ourOwn(timed, one.threads))
    const rate = work / timeOf(one) / 1e6
    const name = one.isPrintedOnly ? `(${one.name})` : one.name
    return [
      name,
      String(one.threads),
      timeOf(one).toFixed(2),
      spreadOf(one).toFixed(2),
      rate.toFixed(1),
      `${(100 * share).toFixed(1)} %`,
      ratio.toFixed(2),
    ] // prettier-ignore
  })
  return table([head, ...rows], [1, 2, 3, 4, 5, 6])
}

/** Its rate alone: it does no shape's work. */
function limitRow(shape: Shape, limit: Timed): readonly string[] {
  const rate = mostOf(shape, limit.threads) / Math.min(...timesOf(limit)) / 1e6
  return [limitName[shape.bound], String(limit.threads), '', '', rate.toFixed(1), '', '']
}

function find(timed: readonly Timed[], name: string, threads: number): Timed {
  return timed.find((one) => one.name === name && one.threads === threads)!
}
function ourOwn(timed: readonly Timed[], threads: number): Timed {
  return find(timed, 'attnc', threads)
}

/** Of the most that the machine did in this run: a limit is not slower for other work that goes on. */
function shareOf(shape: Shape, one: Timed, timed: readonly Timed[]): number {
  const limit = find(timed, 'limit', one.threads)
  const most = mostOf(shape, one.threads) / Math.min(...timesOf(limit))
  return workOf(shape) / timeOf(one) / most
}

function goalsOf(shape: Shape, timed: readonly Timed[]): readonly Goal[] {
  const { share, peer } = shapeGoals[shape.name]!
  const ours = ourOwn(timed, 1)
  const rivals = timed.filter(
    ({ name, threads, isPrintedOnly }) => threads === 1 && !isPrintedOnly && !['attnc', 'limit'].includes(name),
  ) // prettier-ignore
  const best = rivals.toSorted((a, b) => timeOf(a) - timeOf(b))[0]
  const limit = limitName[shape.bound]
  return [
    { about: `${shape.name} of ${limit}`, wanted: share, got: shareOf(shape, ours, timed), unit: '%' },
    {
      about: `${shape.name} against the best peer`,
      wanted: peer,
      got: best && timeOf(best) / timeOf(ours),
      unit: '×',
      note: best ? best.name : 'there is no peer here',
    },
    {
      about: `${shape.name} on two threads against one`,
      wanted: twoThreads,
      got: median(ours.clock) / median(ourOwn(timed, 2).clock),
      unit: '×',
    },
  ]
}
