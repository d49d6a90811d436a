/** The CUDA target, run by emulation: operations, examples by the command, and what nvcc says of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifySource } from '../cli/verify-source.ts'
import { elementary } from '../compiler/elementary.ts'
import type { Program } from '../compiler/kernel.ts'
import { compile } from '../index.ts'
import { sharedCache } from '../runtime/cache/cache.ts'
import { keepEmulated, loadEmulated } from '../runtime/cuda/load-emulated.ts'
import { compileKernels } from '../runtime/cuda/model/kernels.ts'
import { importReader } from '../runtime/imports.ts'
import type { Loaded } from '../runtime/runners.ts'
import { fromStored } from '../runtime/stored.ts'
import { recordOf } from '../runtime/tensor.ts'
import { cuda } from '../targets/cuda/target.ts'
import { withCompiler } from './native-build.ts'
import { operandRows, operationPrograms, operations } from './op-programs.ts'

const missing = withCompiler('CUDA by emulation')
const root = resolve(import.meta.dirname, '..')
const nvcc = (process.env.PATH ?? '').split(delimiter).some((path) => hasFile(join(path, 'nvcc')))
if (!nvcc) console.log('skipped: what nvcc compiles, since there is no nvcc in the PATH')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-cuda-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function hasFile(path: string): boolean {
  try {
    return readFileSync(path).length > 0
  } catch {
    return false
  }
}

async function buildEmulated(programs: readonly Program[]): Promise<Loaded> {
  const files = await cuda.emit({ name: 'all', programs, dtype: 'f32', version: '0.0.0' })
  const built = await keepEmulated(files, {
    folder,
    write: (path, content) => writeFileSync(join(folder, path), content),
  })
  if (!built.ok) throw new Error(built.findings[0]?.message)
  const made = { read: (path: string) => readFileSync(join(folder, path)), path: (path: string) => join(folder, path) }
  const loaded = await loadEmulated(made, { cache: sharedCache(), warn: (finding) => console.log(finding.message) })
  if (!loaded.ok) throw new Error(loaded.findings[0]?.message)
  return loaded.value
}

describe.skipIf(missing !== undefined)('operations', () => {
  let loaded: Loaded
  beforeAll(async () => {
    loaded = await buildEmulated(operationPrograms)
  }, 240_000)
  const byName = new Map(operationPrograms.map((one) => [one.name, one]))
  test.each(operations)('$name', async ({ op, operands, name }) => {
    const rows = operandRows(operands)
    const inputs = recordOf(
      operands.map((type, n) => {
        const data = rows.map((row) => row[n]!)
        return [`x${n}`, fromStored({ data, shape: [rows.length] }, type)]
      }),
    )
    const out = (await loaded.call(byName.get(name)!, inputs, {})).out!
    const reference = elementary(op, operands)
    rows.forEach((row, n) => {
      const [a, b, c, d, e] = operands.map((_, k) => inputs[`x${k}`]!.data[n]!)
      const exact = reference(a!, b!, c!, d, e)
      const want = out.storage === 'f32' ? Math.fround(exact) : exact
      const got = out.data[n]!
      const ulp = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(want))), -126) - 23)
      const near = Math.abs(got - exact) <= 4 * ulp || (Math.abs(want) < 2 ** -126 && got === 0)
      if (!Object.is(got, want) && got !== want && !near) expect(`${op}(${row}) = ${got}`).toBe(String(want))
    })
  })
})

/** As the command builds and checks them, at all of its lengths. Every example: cuda-emulated-even.test.ts and its like. */
const sample = [
  ['causal', 'f16'],
  ['grouped_query', 'f16'],
  ['stick_breaking', 'f32'],
] as const

describe.skipIf(missing !== undefined)('examples by the command', () => {
  test.each(sample)('%s, %s', { timeout: 240_000 }, async (name, dtype) => {
    const path = `examples/${name}.attn`
    const file = { path, text: readFileSync(join(root, path), 'utf8') }
    const { rows, findings } = await verifySource(
      { file, folder: '', readImport: importReader(file) },
      {
        targets: ['cuda-emulated'],
        dtype,
        shape: {},
        tile: {},
        seed: 1,
        params: new Map(),
        probes: true,
        cache: false,
        threads: 1,
      },
    )
    expect(findings).toEqual([])
    expect(rows.map(({ verdict }) => verdict)).toEqual(['right'])
  })
})

describe.skipIf(!nvcc)('nvcc spills no register', () => {
  test.each([
    ['softmax', 64, 'sm_80'],
    ['softmax', 64, 'sm_100'],
    ['softmax', 128, 'sm_120'],
    ['causal', 64, 'sm_100'],
  ])('of %s of width %i, %s', { timeout: 240_000 }, async (name, width, architecture) => {
    const text = readFileSync(join(root, `examples/${name}.attn`), 'utf8')
    const sizes = { d: width, e: width }
    const compiled = await compile({ path: `${name}.attn`, text }, { target: 'cuda', dtype: 'f16', sizes })
    if (!compiled.ok) throw new Error(`${name} has errors`)
    const own = mkdtempSync(join(folder, 'spills-'))
    for (const file of compiled.value.files) writeFileSync(join(own, file.path), file.text)
    const kernels = await compileKernels(own, `${name}.cu`, architecture, compiled.value.programs)
    if (!kernels.ok) throw new Error(kernels.findings[0]?.message)
    const onTensorCores = kernels.value.filter((kernel) => kernel.name.endsWith('_on_tensor_cores'))
    expect(onTensorCores).toMatchObject([{ stores: 0, loads: 0 }])
  })
})

describe.skipIf(!nvcc)('nvcc compiles', () => {
  test.each(['softmax', 'documents', 'sinkformer'])('%s', { timeout: 240_000 }, async (name) => {
    const text = readFileSync(join(root, `examples/${name}.attn`), 'utf8')
    const compiled = await compile({ path: `${name}.attn`, text }, { target: 'cuda', dtype: 'f16' })
    if (!compiled.ok) throw new Error(`${name} has errors`)
    const own = mkdtempSync(join(folder, 'nvcc-'))
    for (const file of compiled.value.files) writeFileSync(join(own, file.path), file.text)
    const flags = [
      '-std=c++17',
      '-O3',
      '-fmad=false',
      '-arch=sm_80',
      '-cubin',
      '-Werror',
      'all-warnings',
      '-diag-suppress',
      '177',
    ]
    const { stderr } = await execa('nvcc', [...flags, `${name}.cu`, '-o', `${name}.cubin`], { cwd: own })
    expect(stderr).toBe('')
  })
})
