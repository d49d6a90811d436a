/** Tuning for a GPU that is not here: what the model says of kernels, and that what it says is called a model everywhere. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Draw } from '../index.ts'
import { analyze, openSource } from '../node.ts'
import { cyclesOf } from '../runtime/cuda/model/cycles.ts'
import { devices } from '../runtime/cuda/model/devices.ts'
import type { Instruction } from '../runtime/cuda/model/instructions.ts'
import type { CompiledKernel } from '../runtime/cuda/model/kernels.ts'
import { millisecondsOf } from '../runtime/cuda/model/time.ts'
import { findNvcc } from '../runtime/cuda/nvcc.ts'
import { architectures } from '../targets/cuda/resources.ts'
import { lower, type Subject } from '../tune/declare.ts'
import { startsOf } from '../tune/load-of.ts'
import { checkModelled } from '../tune/model-rig.ts'
import { page, plotsOf, type Run } from '../tune/report.ts'
import { kernelsOf } from '../tune/resources.ts'
import type { Timed } from '../tune/trial.ts'
import { workOf } from '../tune/work.ts'
import { attnc } from './cli-io.ts'
import { withCompiler } from './native-build.ts'

const root = resolve(import.meta.dirname, '..')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-model-'))
  process.chdir(folder)
  for (const name of ['softmax', 'sigmoid', 'p_laplacian'])
    copyFileSync(join(root, `examples/${name}.attn`), join(folder, `${name}.attn`))
})
afterAll(() => {
  process.chdir(root)
  rmSync(folder, { recursive: true, force: true })
})

const instructions = (operation: number, count: number): readonly Instruction[] =>
  Array.from({ length: count }, () => ({ address: 0, operation, target: undefined, conditional: false }))
const [product, fused, spill, copy] = [0x03c, 0x023, 0x183, 0x1ae]
const round = [...instructions(product, 100), ...instructions(fused, 200)]
const kernel: CompiledKernel = {
  ...{ kernel: 'k', name: 'k', registers: 128, stores: 0, loads: 0, shared: 0 },
  ...{ threads: 128, sharedBytes: 40_000, tile: { rows: 64, columns: 64 }, round },
}
const shape = { warps: 4, rows: 64, width: 64, resident: 8 }
const sm90 = devices.sm_90!
const busy = { blocks: 132, rounds: 132 * 16, width: 64, bytes: 0 }
const time = (load: Partial<typeof busy>, of = kernel): number => millisecondsOf(of, { ...busy, ...load }, 'sm_90')

describe('the model', () => {
  test('is of devices whose occupancy is known', () => {
    expect(Object.keys(architectures)).toEqual(expect.arrayContaining(Object.keys(devices)))
  })

  test('counts spills, tiles that are copied, and warps that are too few to issue in every cycle', () => {
    const plain = cyclesOf(round, shape, sm90)
    expect(cyclesOf([...round, ...instructions(spill, 50)], shape, sm90)).toBeCloseTo(plain + (50 * 128) / 32)
    expect(cyclesOf([...round, ...instructions(copy, 1000)], shape, sm90)).toBeCloseTo((1000 * 128 * 16) / (5120 / 132))
    const many = instructions(fused, 1000)
    expect(cyclesOf(many, { ...shape, resident: 4 }, sm90)).toBe(2 * cyclesOf(many, shape, sm90))
  })

  test('is proportional to rounds, and takes blocks to multiprocessors in waves', () => {
    const begin = time({ rounds: 0 })
    const beyond = (load: Partial<typeof busy>): number => time(load) - begin
    const once = beyond({})
    expect(beyond({ rounds: 2 * busy.rounds })).toBeCloseTo(2 * once)
    expect(beyond({ blocks: 66, rounds: 66 * 16 })).toBe(once) // half of the device is idle
    expect(beyond({ blocks: 133, rounds: 133 * 16 })).toBeCloseTo(2 * once) // one block more is one wave more
    expect(beyond({ blocks: 1320, rounds: 1320 * 16 })).toBeGreaterThan(10 * once)
  })

  test('counts what it takes to start a kernel, and what the blocks of a wave wait for memory', () => {
    const empty = time({ blocks: 0, rounds: 0 })
    expect(empty).toBe(0.0009)
    const wave = time({ rounds: 0 }) - empty
    expect(wave).toBeCloseTo(800 / 1830e3, 9) // cycles of 1830 MHz
    // 128 registers of 128 threads: four blocks find room
    expect(time({ blocks: 132 * 4, rounds: 0 }) - empty).toBeCloseTo(wave, 9)
    expect(time({ blocks: 132 * 9, rounds: 0 }) - empty).toBeCloseTo(3 * wave, 9)
  })

  test('is no less than memory takes', () => {
    expect(time({ bytes: 3350e6 })).toBeCloseTo(1)
    expect(time({ bytes: 3350e6 }, { ...kernel, round: undefined })).toBeCloseTo(1)
  })
})

describe('a call', () => {
  async function subjectOf(name: string): Promise<Subject> {
    const source = openSource(join(root, `examples/${name}.attn`))
    const module = source.ok ? analyze(source.value.file, source.value.readImport) : undefined
    if (!source.ok || !module?.ok) throw new Error(`${name} has errors`)
    const sizes = { b: 1, h: 1, i: 128, j: 128, d: 64, e: 64 }
    const options = { dtype: 'f16', sizes: { d: 64, e: 64 } } as const
    return {
      ...{ source: source.value, attention: module.value.attentions[0]!, target: 'cuda' },
      ...{ options, tile: {}, sizes, cores: 1 },
    }
  }

  test('starts kernels as often as it repeats them', async () => {
    const subject = await subjectOf('sinkformer')
    const program = await lower(subject, {})
    if (!program.ok) throw new Error('sinkformer has errors')
    const { steps } = program.value
    const [repeated] = steps.filter((step) => step.kind === 'rounds')
    const starts = startsOf(steps, subject.sizes, { rounds: 5 })!
    for (const kernel of kernelsOf(steps)) expect(starts.get(kernel)).toBe(steps.includes(kernel) ? 1 : 5)
    expect(kernelsOf(repeated!.steps).length).toBeGreaterThan(0)
    expect(startsOf(steps, subject.sizes, {})).toBeUndefined()
    const modelled = await checkModelled(subject, { rounds: 5 })
    expect(modelled.ok).toBe(true)
  })

  test('is counted with the tensors that its masks read', async () => {
    const subject = await subjectOf('documents')
    const text = subject.attention.inputs.filter(({ type }) => type === 'i32').map(({ name }) => name)
    const asked: string[] = []
    const draw: Draw = {
      params: () => ({}),
      input: ({ name }) => {
        asked.push(name)
        return { data: Int32Array.from({ length: 128 }, (_, n) => n >> 5), about: 'four documents' }
      },
    }
    const work = async (given?: Draw) =>
      (await workOf(subject.source, subject.attention, { sizes: { d: 64, e: 64 } }, subject.sizes, given))!.flops
    expect(await work(draw)).toBeLessThan(0.5 * (await work()))
    expect(new Set(asked)).toEqual(new Set(text)) // queries and keys are not drawn
  })
})

describe('a roofline', () => {
  const subject = { attention: 'a', plan: 'p', target: 'ts', device: 'd', dtype: 'f32', shape: 's' }
  const at = (tile: number, milliseconds: number): Timed => ({
    ...{ point: { 'tile.i': tile }, milliseconds, cost: 1, low: 1, high: 1, rounds: 9, outliers: 0 },
    ...{ isNarrow: true, bits: '0', verified: true },
  })
  const run: Run = {
    ...{ subject, parameters: [], usual: { 'tile.i': 8 }, trials: [at(8, 2), at(16, 1)] },
    roofline: { flops: 5e6, bytes: 1e6, gflops: 100, gbytes: 10, from: 'measured' },
  }
  const drawn = (one: Run): string | undefined => plotsOf(one).find((text) => text.includes('Roofline'))

  test('has every candidate, at what it computes in a second', () => {
    expect(drawn(run)).toContain('tile.i=8: 2.5 GFLOP/s')
    expect(drawn(run)).toContain('tile.i=16: 5 GFLOP/s')
    // 1 MB at 10 GB/s takes 0.1 ms of the best, and 5 million operations at 100 GFLOP/s half as long
    expect(page('a', [run])).toContain('>10.0 %<')
  })

  test('is not drawn where limits are not known', () => {
    expect(drawn({ ...run, roofline: undefined })).toBeUndefined()
  })
})

const refused = async (...args: readonly string[]): Promise<readonly unknown[]> => {
  const { exit, err } = await attnc(['tune', ...args])
  return [exit, err]
}

describe('what cannot be modelled is refused', () => {
  test.each([
    [['--target', 'cuda', '--arch', 'sm_75'], 'sm_80 (A100 SXM) or sm_90 (H100 SXM)'],
    [['--target', 'ts', '--arch', 'sm_80'], 'add --target cuda'],
  ])(
    '%j',
    async (args, hint) => {
      expect(await refused('softmax.attn', ...args)).toEqual([2, expect.stringContaining(hint)])
    },
    120_000,
  )

  test('without nvcc, with what to install', async () => {
    const { PATH } = process.env
    process.env.PATH = ''
    try {
      const found = await refused('softmax.attn', '--target', 'cuda', '--dtype', 'f16', '--arch', 'sm_90')
      expect(found).toEqual([3, expect.stringContaining('install the CUDA toolkit')])
    } finally {
      process.env.PATH = PATH
    }
  })
})

const why = findNvcc() === undefined ? 'there is no nvcc' : withCompiler('tuning by a model')
if (why !== undefined) console.log(`skipped: what nvcc compiles is not modelled, since ${why}`)

describe.skipIf(why !== undefined)('with nvcc', () => {
  const arch = ['--target', 'cuda', '--arch', 'sm_90']

  test('kernels that are not on tensor cores are refused, with what to ask for', async () => {
    const narrow = ['--shape', 'b=1,h=2,i=64,j=64,d=6,e=6']
    expect(await refused('softmax.attn', ...arch, ...narrow)).toEqual([
      1,
      expect.stringMatching(/not on tensor cores with f32[\s\S]*widths in multiples of 4/),
    ])
    expect(await refused('p_laplacian.attn', ...arch, '--dtype', 'f16')).toEqual([
      1,
      expect.stringContaining('ATTN0373'),
    ])
  }, 120_000)

  test('a run says that it is of a model, in all that it leaves and in what picks it up', async () => {
    const space = ['--space', 'tile.i=64:128,tile.j=64,splits=1,group=128', '--effort', 'quick', '--time', '1h']
    const args = ['tune', 'softmax.attn', ...arch, '--dtype', 'f16', '--shape', 'b=1,h=8,i=1024,j=1024', ...space]
    const { exit, out, err } = await attnc(args)
    expect([exit, out.split('\n')[0]]).toEqual([0, 'modelled for H100 SXM, sm_90: nothing was timed'])
    expect(out).toMatch(/^ +modelled ms +gain +choice$/m)
    expect(err).toContain('ms modelled for sm_90')
    const [entry] = JSON.parse(readFileSync('softmax.attn.tuned.json', 'utf8')).entries
    // 64 blocks of 128 rows leave half of 132 multiprocessors idle
    expect(entry).toMatchObject({ architecture: 'sm_90', modelled: true, choice: { 'tile.i': 64 } })
    const again = JSON.parse((await attnc([...args, '--json'])).out)
    expect(again).toMatchObject({ modelled: 'sm_90', tried: 2, resumed: 2, best: { milliseconds: expect.any(Number) } })
    const built = await attnc(['build', 'softmax.attn', '--target', 'cuda', '--dtype', 'f16', '-o', '-'])
    expect(built.err).toContain('modelled for sm_90')
    expect((await attnc(['tune', 'report', 'softmax.attn', '-o', 'page.html'])).exit).toBe(0)
    const page = readFileSync('page.html', 'utf8')
    for (const text of ['modelled ms of a call', 'of a model: nothing was run', 'Roofline', 'published of H100 SXM'])
      expect(page).toContain(text)
    expect(page).not.toMatch(/>ms of a call</)
    const { out: csv } = await attnc(['tune', 'report', 'softmax.attn', '--csv'])
    expect(csv.split('\n')[1]).toContain(',true,')
  }, 600_000)
})
