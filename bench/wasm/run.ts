// WebAssembly of `--target ts` against modules written by hand, onnxruntime-web and this machine, on one thread:
// `npm run bench:ts`, or node bench/wasm/run.ts [--rounds N] [--shapes A,D,masks,modules]
import os from 'node:os'
import { parseArgs } from 'node:util'
import { table } from '../../cli/table.ts'
import { median, spread } from '../median.ts'
import { settle } from '../native/settle.ts'
import { flopsOf, type Shape, shapes } from '../native/shapes.ts'
import { largestDifference } from '../peers/contest.ts'
import { type Goal, goalRow, isReached, lastLine } from '../peers/goals.ts'
import type { Contestant, Given, Peer } from '../peers/peer.ts'
import { measureExamples } from './examples.ts'
import { handWritten, peak, peakFlops } from './hand.ts'
import { onnxruntimeWeb } from './onnxruntime.ts'
import { liveTiles, ours, tensorsOf } from './ours.ts'

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, shapes: { type: 'string' } },
})
const rounds = Number(options.rounds)
const asked = options.shapes?.split(',')
const wants = (name: string): boolean => asked?.includes(name) ?? true

const peakRounds = 1_000_000 // some milliseconds
const wanted = { hand: 0.95, peer: 1.6, peak: 0.85, rate: 43, perTile: 1.15, kilobytes: 40, milliseconds: 5 }
const tolerance = 1e-4 // of results in f32 that are below 4
const slow = 5 // times ours: who takes longer takes no more turns

interface Timed {
  readonly name: string
  readonly call: () => unknown
  readonly times: number[] // processor time, ms
  readonly isSlow: boolean
}

const peers = onnxruntimeWeb()
if (typeof peers === 'string') console.log(`onnxruntime-web: ${peers}`)
console.log(`${os.cpus()[0]?.model.trim()}, Node ${process.version}; f32, one thread, ${rounds} rounds`)
console.log('Processor time, medians of turns.\n')
const goals: Goal[] = []
for (const name of ['A', 'B', 'C', 'D', 'G'].filter(wants)) goals.push(...(await measure(shapeOf(name))))
if (wants('masks')) goals.push(...(await measureMasks()))
if (wants('modules')) goals.push(...(await measureModules()))
console.log(table([['goal', 'wanted', 'got', '', ''], ...goals.map(goalRow)], [1, 2]))
console.log(lastLine(goals))
process.exitCode = goals.every(isReached) ? 0 : 1

function shapeOf(name: string): Shape {
  return shapes.find((shape) => shape.name === name)!
}

async function timeOf(call: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await call()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Everybody in turns; who is first changes from round to round. */
async function takeTurns(all: readonly Timed[]): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const { call, times, isSlow } of round % 2 === 0 ? all : all.toReversed()) {
      if (isSlow && round > 0) continue
      await settle()
      times.push(await timeOf(call))
    }
}

function entrant(name: string, call: () => unknown, isSlow = false): Timed {
  return { name, call, times: [], isSlow }
}

async function measure(shape: Shape): Promise<readonly Goal[]> {
  const given: Given = { shape, tensors: tensorsOf(shape), threads: 1 }
  const [own, hand] = [await ours(given), handWritten(given)]
  for (let n = 0; n < 3; n++) for (const { call } of [own, hand]) call() // the engine writes quick code by now
  const apart = largestDifference(shape, own.result(), hand)
  if (!(apart <= tolerance)) throw new Error(`${shape.name}: ours is ${apart} from the module written by hand`)
  const first = await timeOf(own.call)
  const [mine, theirs, limit] = [
    entrant('attnc', own.call),
    entrant('by hand', hand.call),
    entrant('peak', () => peak(peakRounds)),
  ]
  const rivals: Timed[] = []
  const notes: string[] = []
  for (const peer of typeof peers === 'string' ? [] : peers.filter(({ isPrintedOnly }) => !isPrintedOnly)) {
    const found = await enter(peer, given, own, first)
    if (typeof found === 'string') notes.push(`${peer.name}: ${found}`)
    else rivals.push(found)
  }
  await takeTurns([limit, mine, theirs, ...rivals])
  console.log(shapeTable(shape, limit, [mine, theirs, ...rivals]))
  for (const note of notes) console.log(`  ${note}`)
  console.log()
  return goalsOf(shape, { mine, theirs, limit, rivals })
}

/** A peer that has given our result once; a text says why it is none. */
async function enter(peer: Peer, given: Given, own: Contestant, ourTime: number): Promise<Timed | string> {
  try {
    const contestant = await peer.prepare(given)
    if (typeof contestant === 'string') return contestant
    const time = await timeOf(contestant.call)
    const apart = largestDifference(given.shape, own.result(), contestant)
    if (apart <= tolerance) return entrant(peer.name, contestant.call, time > slow * ourTime)
    return `its result is ${apart.toExponential(1)} from ours`
  } catch (error) {
    return `it fails: ${String((error as Error).message ?? error).split('\n')[0]}`
  }
}

function ratio(one: Timed, other: Timed): number {
  return median(one.times) / median(other.times)
}
function rateOf(shape: Shape, { times }: Timed): number {
  return flopsOf(shape) / median(times) / 1e6
}
function peakRate({ times }: Timed): number {
  return peakFlops(peakRounds) / median(times) / 1e6
}

function shapeTable(shape: Shape, limit: Timed, all: readonly Timed[]): string {
  const rows = all.map((one) => [
    one.name,
    ...[median(one.times), spread(one.times), rateOf(shape, one)].map((x) => x.toFixed(1)),
    `${(100 * (rateOf(shape, one) / peakRate(limit))).toFixed(0)} %`,
    ratio(one, all[0]!).toFixed(2),
  ])
  const head = [`${shape.name}: ${shape.about}`, 'ms', 'MAD', 'GFLOP/s', 'of peak', 'attnc ×']
  return table([head, ...rows, ['peak', '', '', peakRate(limit).toFixed(1), '', '']], [1, 2, 3, 4, 5])
}

interface Results {
  readonly mine: Timed
  readonly theirs: Timed
  readonly limit: Timed
  readonly rivals: readonly Timed[]
}

function goalsOf(shape: Shape, { mine, theirs, limit, rivals }: Results): readonly Goal[] {
  const best = rivals.toSorted((a, b) => median(a.times) - median(b.times))[0]
  const most = peakRate(limit) * wanted.peak
  const ofHand: Goal = {
    ...{ about: `${shape.name} of the module written by hand`, unit: '%' },
    ...{ wanted: wanted.hand, got: ratio(theirs, mine) },
  }
  const ofPeer: Goal = {
    ...{ about: `${shape.name} against onnxruntime-web`, unit: '×', wanted: wanted.peer },
    ...{ got: best && ratio(best, mine), note: best?.name ?? 'it is not installed' },
  }
  const ofPeak: Goal = {
    ...{ about: `${shape.name}, multiplications and additions`, unit: 'GFLOP/s' },
    ...{ wanted: Math.min(wanted.rate, most), got: rateOf(shape, mine) },
    note: `85 % of peak are ${most.toFixed(1)}`,
  }
  const cannot = !best && typeof peers !== 'string' // no operator can run this shape
  return [ofHand, ...(cannot ? [] : [ofPeer]), ...(shape.name === 'A' ? [ofPeak] : [])]
}

/** Time for each tile that has a pair, against a dense one of the same lengths. One head does. */
async function measureMasks(): Promise<readonly Goal[]> {
  const oneHead = (shape: Shape): Shape => ({ ...shape, heads: 1, keyHeads: 1 })
  const masked = ['C', 'F', 'I'].map((name) => oneHead(shapeOf(name)))
  const { queries, keys } = masked[0]!
  const dense: Shape = { ...oneHead(shapeOf('A')), queries, keys, seen: () => [0, keys] }
  const all = await Promise.all(
    [dense, ...masked].map(async (shape) => {
      const own = await ours({ shape, tensors: tensorsOf(shape), threads: 1 })
      for (let n = 0; n < 3; n++) own.call()
      return { shape, tiles: liveTiles(shape, own.tile), timed: entrant(shape.about, own.call) }
    }),
  )
  await takeTurns(all.map(({ timed }) => timed))
  const perTile = ({ timed, tiles }: (typeof all)[number]): number => median(timed.times) / tiles
  const rows = all.map((one) => [
    one.shape.about,
    ...[one.tiles, one.shape.mask === 'none' ? 1 : perTile(one) / perTile(all[0]!)].map((x, n) => x.toFixed(2 * n)),
    ...[median(one.timed.times), spread(one.timed.times), rateOf(one.shape, one.timed)].map((x) => x.toFixed(1)),
  ])
  const head = [`${queries} tokens, one head`, 'live tiles', 'time of one', 'ms', 'MAD', 'GFLOP/s']
  console.log(`${table([head, ...rows], [1, 2, 3, 4, 5])}\n`)
  return all.slice(1).map((one) => ({
    ...{ about: `${one.shape.about}: time of a live tile, dense 1`, unit: '×', isMost: true },
    ...{ wanted: wanted.perTile, got: perTile(one) / perTile(all[0]!) },
  }))
}

async function measureModules(): Promise<readonly Goal[]> {
  const all = await measureExamples()
  const largest = all.toSorted((a, b) => b.bytes - a.bytes)[0]!
  const slowest = all.toSorted((a, b) => b.milliseconds - a.milliseconds)[0]!
  const most = { isMost: true } as const
  return [
    {
      ...{ ...most, about: `the largest module of ${all.length} examples`, unit: 'KB', note: largest.example },
      ...{ wanted: wanted.kilobytes, got: largest.bytes / 1000 },
    },
    {
      ...{ ...most, about: 'the slowest to be instantiated', unit: 'ms', note: slowest.example },
      ...{ wanted: wanted.milliseconds, got: slowest.milliseconds },
    },
  ]
}
