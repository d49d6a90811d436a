/**
 * Every example on the native target, on random and on hostile inputs at the smallest of the lengths that it names itself. All are
 * compiled as one library, since a compiler takes longer to start and to read headers than for a kernel; types of storage and parts
 * are spread over the examples. `attnc verify examples --target native` does more, in minutes.
 */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Program } from '../compiler/kernel.ts'
import { type Attention, analyze, prepare } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import { done } from '../runtime/problem.ts'
import { type Loaded, runners } from '../runtime/runners.ts'
import { storageOf } from '../runtime/verify/judge.ts'
import { completeSizes, type Schedule, type Shape } from '../runtime/verify/shapes.ts'
import { showSizes, verifyAttention } from '../runtime/verify/verify.ts'
import { native } from '../targets/native/target.ts'
import { buildNative, withCompiler } from './native-build.ts'

const missing = withCompiler()
const root = resolve(import.meta.dirname, '..')
const paths = globSync('examples/*.attn', { cwd: root }).sort()
const dtypes = ['f32', 'f16', 'f32', 'bf16'] as const
const tile = { i: 8, j: 8 }

/** Probes whose winners the roundoff of f32 decides, in examples whose weights jump from one key to another. */
const tooClose: Readonly<Record<string, readonly string[]>> = {
  'examples/hard_max.attn': ['scores with peaks far above'],
  'examples/integer_reference.attn': ['huge scores'],
}

interface Example {
  readonly attention: Attention
  readonly shape: Shape
  readonly program: Program
}

async function prepareExample(path: string, n: number): Promise<Example> {
  const file = { path, text: readFileSync(resolve(root, path), 'utf8') }
  const readImport = importReader(file, root)
  const module = analyze(file, readImport)
  if (!module.ok) throw new Error(`${path} has errors`)
  const attention = module.value.attentions[0]!
  const pairs = (sizes: Readonly<Record<string, number>>): number => (sizes.i ?? 1) * (sizes.j ?? 1)
  const [smallest] = attention.checks.toSorted((a, b) => pairs(a.sizes) - pairs(b.sizes))
  const sizes = completeSizes(attention, smallest!.sizes, 0)
  if (!sizes.ok) throw new Error(`${path}: ${sizes.findings[0]?.message}`)
  const dtype = dtypes[n % dtypes.length]!
  const schedule: Schedule = { tile, splits: n % 3 === 0 ? 3 : 1 }
  const prepared = await prepare(file, {
    target: 'native',
    sizes: fixedSizes(attention, sizes.value),
    dtype,
    ...schedule,
    tile,
    readImport,
  }) // prettier-ignore
  if (!prepared.ok) throw new Error(`${path} has errors`)
  const program = { ...prepared.value.programs[0]!, name: `example${n}` } // several may have one name
  return { attention, shape: { sizes: sizes.value, dtype, schedules: [schedule] }, program }
}

const fixedSizes = ({ axes }: Attention, sizes: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(axes.filter(({ time }) => time === 'compile').map(({ name }) => [name, sizes[name]!]))

describe.skipIf(missing !== undefined)('examples', () => {
  let examples: ReadonlyMap<string, Example>
  let loaded: Loaded
  beforeAll(async () => {
    examples = new Map(await Promise.all(paths.map(async (path, n) => [path, await prepareExample(path, n)] as const)))
    loaded = await buildNative(
      'examples',
      [...examples.values()].map(({ program }) => program),
      '-O1',
    ) // prettier-ignore
  }, 600_000)

  test.each(paths)('%s', { timeout: 60_000 }, async (path) => {
    const { attention, shape, program } = examples.get(path)!
    const integers = attention.params.filter(({ type }) => type === 'i32').map(({ name }) => [name, 5])
    const arithmetic = { ...runners.native!.arithmetic, storage: storageOf(attention, shape.dtype) }
    const report = await verifyAttention(attention, {
      shapes: [shape],
      seed: 2,
      probes: true,
      params: Object.fromEntries(integers),
      build: async () =>
        done({ arithmetic, prices: [], call: (inputs, params) => loaded.call(program, inputs, params) }),
    })
    if (!report.ok) throw new Error(report.findings[0]?.message)
    const faults = report.value.failures
      .slice(0, 3)
      .map(({ at, deviation }) => `${at.probe} at ${showSizes(at.shape.sizes)}: ${JSON.stringify(deviation)}`) // prettier-ignore
    expect({ faults, verdict: report.value.verdict, rejected: report.value.rejected }).toEqual({
      faults: [],
      verdict: 'right',
      rejected: tooClose[path] ?? [],
    })
  })
})

/** Of another make than the one that the tests use: what it says of the code is said at any version. */
const clang = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'clang++'))
  .find((path) => existsSync(path)) // prettier-ignore
if (clang === undefined)
  console.log('skipped: whether Clang compiles the examples, since there is no clang++ in the PATH')

test.skipIf(clang === undefined)(
  'Clang compiles what is generated for all examples',
  { timeout: 120_000 },
  async () => {
    const programs = await Promise.all(paths.map(async (path, n) => (await prepareExample(path, n)).program))
    const folder = mkdtempSync(join(tmpdir(), 'attnc-clang-'))
    try {
      const files = await native.emit({ name: 'all', programs, dtype: 'f32', version: '0.0.0' })
      for (const { path, text } of files) writeFileSync(join(folder, path), text)
      const machine = process.arch === 'x64' ? ['-march=x86-64-v3'] : []
      await execa(clang!, ['-std=c++17', '-fsyntax-only', '-ffp-contract=off', ...machine, 'all.cc'], { cwd: folder })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
