/**
 * Every example in WebAssembly, on random and on hostile inputs at the smallest of the lengths that it names itself, and in the plain
 * code beside it. All are one module, since it is the writing of modules that takes time; types of storage and parts are spread over
 * the examples. `attnc verify examples --target ts` does more, in minutes.
 */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import wabt from 'wabt'
import type { Program } from '../compiler/kernel.ts'
import { type Attention, analyze, prepare } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import { callerOf, importJavaScript, type Kernel } from '../runtime/load-ts.ts'
import { done } from '../runtime/problem.ts'
import { runners } from '../runtime/runners.ts'
import { storageOf } from '../runtime/verify/judge.ts'
import { completeSizes, type Schedule, type Shape } from '../runtime/verify/shapes.ts'
import { showSizes, verifyAttention } from '../runtime/verify/verify.ts'
import { ts } from '../targets/ts/target.ts'
import { compileKernels } from '../targets/ts/wasm/kernel.ts'
import { engine } from './web-assembly.ts'

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
  const fixed = attention.axes.filter(({ time }) => time === 'compile').map(({ name }) => [name, sizes.value[name]!])
  const options = { target: 'ts', sizes: Object.fromEntries(fixed), dtype, ...schedule, tile, readImport }
  const prepared = await prepare(file, options)
  if (!prepared.ok) throw new Error(`${path} has errors`)
  const program = { ...prepared.value.programs[0]!, name: `example${n}` } // several may have one name
  return { attention, shape: { sizes: sizes.value, dtype, schedules: [schedule] }, program }
}

describe('examples', () => {
  let examples: ReadonlyMap<string, Example>
  let functions: Readonly<Record<string, Kernel>>
  beforeAll(async () => {
    examples = new Map(await Promise.all(paths.map(async (path, n) => [path, await prepareExample(path, n)] as const)))
    const programs = [...examples.values()].map(({ program }) => program)
    const files = await ts.emit({ name: 'all', programs, dtype: 'f32', version: '0.0.0', simd: 'auto' })
    functions = await importJavaScript(files.find(({ path }) => path.endsWith('.js'))!.text)
  }, 300_000)

  test.each(paths)('%s', { timeout: 60_000 }, async (path) => {
    const { attention, shape, program } = examples.get(path)!
    const integers = attention.params.filter(({ type }) => type === 'i32').map(({ name }) => [name, 5])
    const arithmetic = {
      ...runners.ts!.arithmeticOf!(shape.dtype, 'accurate', 'auto'),
      storage: storageOf(attention, shape.dtype),
    }
    for (const [simd, probes] of [
      [true, true],
      [false, false],
    ] as const) {
      const call = callerOf(functions, simd)
      const report = await verifyAttention(attention, {
        ...{ shapes: [shape], seed: 2, probes, params: Object.fromEntries(integers) },
        build: async () => done({ arithmetic, prices: [], call: (inputs, params) => call(program, inputs, params) }),
      })
      if (!report.ok) throw new Error(report.findings[0]?.message)
      const faults = report.value.failures
        .slice(0, 3)
        .map(({ at, deviation }) => `${at.probe} at ${showSizes(at.shape.sizes)}: ${JSON.stringify(deviation)}`)
      const rejected = (probes && tooClose[path]) || []
      expect({ faults, verdict: report.value.verdict, rejected: report.value.rejected }, `simd ${simd}`).toEqual({
        ...{ faults: [], verdict: 'right', rejected },
      })
    }
  })

  test('each is below 40 KB, and what wabt takes for a module', async () => {
    const tools = await wabt()
    for (const [path, n] of paths.map((one, k) => [one, k] as const)) {
      const { bytes } = compileKernels([examples.get(path)!.program])
      expect(engine.validate(bytes), path).toBe(true)
      expect(bytes.length, path).toBeLessThan(40_000)
      if (n % 8 > 0) continue
      const read = tools.readWasm(bytes, { simd: true })
      read.validate()
      read.destroy()
    }
  }, 120_000)
})
