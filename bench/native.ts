// The kernels of `--target native` against what this machine can do, in turns with it:
// node bench/native.ts [--shape A,E] [--rounds N] [--threads N] [--tile i=32,j=64] [--keep FOLDER]
// node bench/native.ts --examples alibi,t5 [--rounds N] [--keep FOLDER]: their rates beside that of softmax
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../cli/table.ts'
import type { Loader } from '../runtime/native/loader.ts'
import { median, spread } from './median.ts'
import { measureExamples } from './native/examples.ts'
import { inputsOf, kernelOf, nativeLoader } from './native/kernels.ts'
import { type Machine, thisMachine } from './native/machine.ts'
import { settle } from './native/settle.ts'
import { bytesReadOf, flopsOf, type Shape, shapes } from './native/shapes.ts'
import { exampleGoal, goalRow } from './peers/goals.ts'

const { values: options } = parseArgs({
  options: {
    shape: { type: 'string' },
    examples: { type: 'string' },
    rounds: { type: 'string', default: '20' },
    threads: { type: 'string', default: '1' },
    tile: { type: 'string' },
    keep: { type: 'string' }, // sources and libraries, for a profiler
  },
})
const [rounds, threads] = [Number(options.rounds), Number(options.threads)]
const tile = Object.fromEntries(
  (options.tile?.split(',') ?? []).map((part) => part.split('=')).map(([axis, n]) => [axis, Number(n)]),
)
const asked = options.shape?.toUpperCase().split(',')
const chosen = shapes.filter(({ name }) => asked?.includes(name) ?? true)
const folder = options.keep ? resolve(options.keep) : mkdtempSync(join(os.tmpdir(), 'attnc-bench-'))
mkdirSync(folder, { recursive: true })

try {
  const loader = await nativeLoader()
  const machine = await thisMachine(loader, folder)
  if (options.examples === undefined) await printShapes(loader, machine)
  else await printExamples(options.examples.split(','), loader, machine)
} finally {
  if (!options.keep) rmSync(folder, { recursive: true, force: true })
}

async function printShapes(loader: Loader, machine: Machine): Promise<void> {
  const clock = threads === 1 ? 'processor time' : 'time on the clock'
  console.log(`${os.cpus()[0]?.model.trim()}; f32, ${threads} thread(s), ${rounds} rounds, ${clock}\n`)
  const rows: (readonly string[])[] = []
  for (const shape of chosen) {
    const kernel = await kernelOf(shape, inputsOf(shape, loader), loader, folder, { tile })
    rows.push(await measureShape(shape, () => kernel.call(threads), machine))
  }
  const head = ['shape', '', 'ms', 'MAD', 'rate', 'limit', '', 'share']
  console.log(table([head, ...rows], [2, 3, 4, 5, 7]))
}

async function printExamples(names: readonly string[], loader: Loader, machine: Machine): Promise<void> {
  const rates = await measureExamples(loader, machine, folder, rounds, names)
  const rows = rates.map((rate) => [rate.name, rate.milliseconds.toFixed(2), ...goalRow(exampleGoal(rate)).slice(2)])
  console.log(table([['example', 'ms', 'share', '', ''], ...rows], [1, 2]))
}

/** In every round the limit first, then the kernel: the share is of the limit of its own round. */
async function measureShape(shape: Shape, call: () => unknown, machine: Machine): Promise<readonly string[]> {
  const isMemory = shape.bound === 'memory'
  const work = isMemory ? bytesReadOf(shape) : flopsOf(shape)
  const limit = isMemory ? machine.read : machine.fma
  const most = isMemory ? machine.readBytes : machine.fmaFlops * threads
  const [times, limits]: [number[], number[]] = [[], []]
  call()
  limit(threads)
  for (let round = 0; round < rounds; round++) {
    await settle()
    limits.push(most / timeOf(() => limit(threads), machine) / 1e6)
    times.push(timeOf(call, machine))
  }
  const rates = times.map((time) => work / time / 1e6)
  const share = median(rates.map((rate, n) => rate / limits[n]!))
  const unit = isMemory ? 'GB/s read' : 'GFLOP/s of FMA'
  const numbers = [median(times).toFixed(2), spread(times).toFixed(2), median(rates).toFixed(1)]
  return [shape.name, shape.about, ...numbers, median(limits).toFixed(1), unit, `${(100 * share).toFixed(1)} %`]
}

/** ms: on one thread the time that it had a core, which other load changes least. */
function timeOf(call: () => void, machine: Machine): number {
  const clock = threads === 1 ? machine.threadTime : () => performance.now()
  const start = clock()
  call()
  return clock() - start
}
