// What nvcc makes of the kernels of `--target cuda`, without a GPU: node bench/cuda.ts [--arch sm_80,sm_90] [--only softmax,sigmoid]
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../cli/table.ts'
import { cyclesOf } from '../runtime/cuda/model/cycles.ts'
import { devices as modelled } from '../runtime/cuda/model/devices.ts'
import { kindOf } from '../runtime/cuda/model/operations.ts'
import { architectures, occupancy } from '../targets/cuda/resources.ts'
import { type Measured, measure, type Wanted } from './cuda/compile.ts'

const { values: options } = parseArgs({ options: { arch: { type: 'string' }, only: { type: 'string' } } })
const devices = options.arch?.split(',') ?? Object.keys(architectures)
const root = resolve(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'attnc-bench-'))

interface Goal {
  readonly what: string
  readonly reached: boolean
}
const goals: Goal[] = []
const judge = (what: string, value: number, most: number): void => {
  goals.push({ what: `${what}: ${value}, asked for ${most} at most`, reached: value <= most })
}

/** Spilled bytes and instructions of a round that the two kernels are asked for on sm_80, by width. */
const asked = { softmax: { 64: [0, 1120], 128: [20, 945] }, sigmoid: { 64: [0, 869], 128: [0, 687] } } as const
const widths = [64, 128] as const

const head = ['kernel', 'width', 'device', 'registers', 'spills', 'shared', 'blocks', 'round', 'score', 'nvcc']
const right = [1, 3, 4, 5, 6, 7, 8, 9]

function rowOf(name: string, width: string, device: string, one: Measured): readonly string[] {
  const { registers, stores, loads, sharedBytes, threads, round, seconds, kernels } = one
  const blocks = Object.hasOwn(architectures, device) ? String(blocksOf(one, device)) : '?'
  const elements = (one.tile.rows * one.tile.columns) / threads
  const score = round ? (scoreOf(round) / elements).toFixed(1) : ''
  return [
    name,
    width,
    device,
    String(registers),
    `${stores + loads} B`,
    `${sharedBytes} B`,
    blocks,
    String(round?.length ?? ''),
    score,
    `${(seconds / kernels).toFixed(1)} s`,
  ]
}
const blocksOf = ({ threads, registers, sharedBytes }: Measured, device: string): number =>
  occupancy({ threads, registers, sharedBytes }, architectures[device]!).blocks

/** Instructions of a round but for products and what brings tiles to them. */
const scoreOf = (round: NonNullable<Measured['round']>): number =>
  round.filter(({ operation }) => !['product', 'read', 'copy'].includes(kindOf(operation))).length

async function mainKernel(wanted: Wanted, device: string): Promise<Measured> {
  const [one] = await measure(wanted, device, folder)
  if (!one) throw new Error(`${wanted.path} has no kernel on tensor cores`)
  return one
}

try {
  const rows: (readonly string[])[] = []
  const cycles = new Map<string, number>()
  for (const width of widths)
    for (const [name, precision] of [
      ['softmax', undefined],
      ['sigmoid', 'fast'],
      ['sigmoid', undefined],
    ] as const)
      for (const device of devices) {
        if (options.only && !options.only.split(',').includes(name)) continue
        const wanted: Wanted = { path: join(root, `examples/${name}.attn`), width, ...(precision ? { precision } : {}) }
        const one = await mainKernel(wanted, device)
        const title = precision ? `${name}, fast` : name
        rows.push(rowOf(title, String(width), device, one))
        judge(`nvcc seconds a kernel, ${title} ${width} ${device}`, Number((one.seconds / one.kernels).toFixed(2)), 2)
        const isAsked = name === 'softmax' || precision === 'fast'
        if (isAsked && device === 'sm_80') {
          const [bytes, length] = asked[name][width]
          judge(`spilled bytes, ${title} ${width} ${device}`, Math.max(one.stores, one.loads), bytes)
          judge(`instructions of a round, ${title} ${width} ${device}`, one.round?.length ?? Infinity, length)
        } else judge(`spilled bytes, ${title} ${width} ${device}`, Math.max(one.stores, one.loads), 0)
        if (one.round && device === 'sm_90') {
          const warps = one.threads / 32
          const shape = { warps, rows: one.tile.rows, width, resident: warps * blocksOf(one, device) }
          cycles.set(`${title} ${width}`, cyclesOf(one.round, shape, modelled[device]!) / one.tile.columns)
        }
      }
  console.log(
    `f16, forward, without a mask; a round is the instructions of a warp for a whole tile of keys, the score what of them is\nneither a product nor brings tiles to it, for each score of a lane; blocks at a time on a multiprocessor\n`,
  )
  console.log(table([head, ...rows], right))
  for (const width of widths) {
    const [softmax, fast] = [cycles.get(`softmax ${width}`), cycles.get(`sigmoid, fast ${width}`)]
    if (!softmax || !fast) continue
    const saved = 100 * (1 - fast / softmax)
    console.log(
      `H100, modelled: fast sigmoid takes ${saved.toFixed(1)} % less time than softmax at width ${width} (published: 17 %)`,
    )
    goals.push({
      what: `time saved by fast sigmoid at width ${width}: ${saved.toFixed(1)} %, asked for 14 % at least`,
      reached: saved >= 14,
    })
  }
  const others: (readonly string[])[] = []
  const wanted: { readonly name: string; readonly path: string; readonly device: string }[] = []
  for (const path of globSync(join(root, 'examples/*.attn')).sort()) {
    const name = basename(path, '.attn')
    if (options.only ? !options.only.split(',').includes(name) : ['softmax', 'sigmoid'].includes(name)) continue
    if (['softmax', 'sigmoid'].includes(name)) continue
    for (const device of devices) wanted.push({ name, path, device })
  }
  const left = [...wanted.keys()]
  const done: (readonly Measured[])[] = []
  const work = async (): Promise<void> => {
    for (let n = left.shift(); n !== undefined; n = left.shift()) {
      const { name, path, device } = wanted[n]!
      done[n] = await measure({ path, alone: true }, device, folder)
      console.error(`${n + 1} of ${wanted.length}: ${name}, ${device}`)
    }
  }
  await Promise.all([work(), work()])
  wanted.forEach(({ device }, n) => {
    for (const one of done[n]!) {
      others.push(rowOf(one.kernel.replace(/_on_tensor_cores$/, ''), '', device, one).slice(0, -1)) // two share the processors
      if (one.streams) judge(`spilled bytes, ${one.kernel} ${device}`, Math.max(one.stores, one.loads), 0)
    }
  })
  console.log(`\n${table([head.slice(0, -1), ...others], right)}`)
  for (const { what } of goals.filter(({ reached }) => !reached)) console.log(`missed: ${what}`)
  console.log(`${goals.filter(({ reached }) => reached).length} of ${goals.length} goals reached`)
  if (goals.some(({ reached }) => !reached)) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
