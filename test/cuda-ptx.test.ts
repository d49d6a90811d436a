/** What nvcc makes of generated CUDA, interpreted: by the command, for each architecture, and with faults planted in kernels. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifySource } from '../cli/verify-source.ts'
import type { Program } from '../compiler/kernel.ts'
import { compile, prepare } from '../index.ts'
import { sharedCache } from '../runtime/cache/cache.ts'
import { keepPtx, loadPtx, missingNvcc } from '../runtime/cuda/load-ptx.ts'
import { importReader } from '../runtime/imports.ts'
import type { Inputs, Loaded } from '../runtime/runners.ts'
import { architectures } from '../targets/cuda/resources.ts'

const missing = missingNvcc()
if (missing !== undefined) console.log(`skipped: what nvcc makes of CUDA, since ${missing}`)
const root = resolve(import.meta.dirname, '..')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-ptx-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.skipIf(missing !== undefined)('an example by the command', { timeout: 240_000 }, async () => {
  const path = 'examples/causal.attn'
  const file = { path, text: readFileSync(join(root, path), 'utf8') }
  const { rows, findings } = await verifySource(
    { file, folder: '', readImport: importReader(file) },
    {
      targets: ['cuda-ptx'],
      dtype: 'bf16',
      shape: { b: 1, h: 2, i: 9, j: 20, d: 8, e: 8 },
      tile: {},
      seed: 1,
      params: new Map(),
      probes: false,
      cache: false,
      threads: 1,
    },
  )
  expect(findings).toEqual([])
  expect(rows.map(({ verdict }) => verdict)).toEqual(['right'])
})

/** Softmax on tensor cores, small: an architecture or a planted fault each is a run of nvcc. */
const options = { target: 'cuda', dtype: 'f16', sizes: { d: 16, e: 16 }, tile: { i: 64, j: 16 } } as const
const path = 'softmax.attn'
const text = readFileSync(join(root, 'examples', path), 'utf8')

interface Built {
  readonly program: Program
  readonly loaded: Loaded
}

/** @param change  what is made of the generated text */
async function build(change: (text: string) => string = (own) => own): Promise<Built> {
  const compiled = await compile({ path, text }, options)
  const prepared = await prepare({ path, text }, options)
  if (!compiled.ok || !prepared.ok) throw new Error('softmax has errors')
  const own = mkdtempSync(join(folder, 'build-'))
  const files = compiled.value.files.map((file, n) => (n === 0 ? { ...file, text: change(file.text) } : file))
  const kept = await keepPtx(files, { folder: own, write: (name, content) => writeFileSync(join(own, name), content) })
  if (!kept.ok) throw new Error(kept.findings[0]?.message)
  const made = { read: (name: string) => readFileSync(join(own, name)), path: (name: string) => join(own, name) }
  const loaded = await loadPtx(made, { cache: sharedCache(), warn: ({ message }) => console.log(message) })
  if (!loaded.ok) throw new Error(loaded.findings[0]?.message)
  return { loaded: loaded.value, program: prepared.value.programs[0]! }
}

const shape = (rows: number): number[] => [1, 2, rows, 16]
const numbers = (rows: number, step: number): Float32Array =>
  Float32Array.from({ length: 32 * rows }, (_, n) => ((n * step) % 17) / 8 - 1)
const tensor = (rows: number, step: number) => ({
  storage: 'f16' as const,
  shape: shape(rows),
  data: numbers(rows, step),
})
const inputs: Inputs = { q: tensor(70, 5), k: tensor(37, 7), v: tensor(37, 11) }
const call = async ({ loaded, program }: Built): Promise<readonly number[]> => [
  ...(await loaded.call(program, inputs, {})).out!.data,
]

/** Softmax by its definition, in f64. */
function defined(): number[] {
  const out: number[] = []
  const at = ({ data, shape: [, , rows = 0] }: Inputs[string], h: number, row: number, d: number): number =>
    data[(h * rows + row) * 16 + d]!
  const { q, k, v } = inputs
  for (let h = 0; h < 2; h++)
    for (let i = 0; i < 70; i++) {
      const scores = Array.from({ length: 37 }, (_, j) => {
        let sum = 0
        for (let d = 0; d < 16; d++) sum += at(q!, h, i, d) * at(k!, h, j, d)
        return Math.exp(sum / 4)
      })
      const total = scores.reduce((sum, x) => sum + x)
      for (let e = 0; e < 16; e++) out.push(scores.reduce((sum, x, j) => sum + x * at(v!, h, j, e), 0) / total)
    }
  return out
}
const furthest = (got: readonly number[]): number => {
  const want = defined()
  return Math.max(...got.map((x, n) => Math.abs(x - want[n]!)))
}

describe.skipIf(missing !== undefined)('softmax on tensor cores', { timeout: 240_000 }, () => {
  test.each(Object.keys(architectures))('is right as nvcc makes it for %s', async (architecture) => {
    process.env.ATTNC_PTX_ARCH = architecture
    try {
      expect(furthest(await call(await build()))).toBeLessThan(2e-3)
    } finally {
      delete process.env.ATTNC_PTX_ARCH
    }
  })

  /** Replaces what has to be there. */
  const planted =
    (from: string | RegExp, to: string) =>
    (own: string): string => {
      const changed = own.replaceAll(from, to)
      if (changed === own) throw new Error(`nothing is planted: the text has no ${from}`)
      return changed
    }
  const wait = /ptx::waitForCopies<0>\(\);\n(\s*)__syncthreads\(\);/g

  test('without barriers after the waits', async () => {
    const built = await build(planted(wait, 'ptx::waitForCopies<0>();'))
    await expect(call(built)).rejects.toThrow(
      /no barrier is between them \(block \d+, thread \d+, softmax\.cu:\d+, in ldmatrix[\s\S]*--> softmax\.cu:\d+[\s\S]*called from softmax\.cu:\d+\n {2}which is for dot\[i, j\] = /,
    )
  })
  test('without waits before the barriers', async () => {
    const built = await build(planted(wait, '__syncthreads();'))
    await expect(call(built)).rejects.toThrow(
      /softmax_attention_out_on_tensor_cores reads .* what a cp\.async of thread \d+ still copies there: a wait is missing/,
    )
  })
  test('with a row more than a tensor has', async () => {
    const built = await build(planted(/\(whole \|\| (row(?: \+ n)?) < count\)/g, '(whole || $1 <= count)'))
    await expect(call(built)).rejects.toThrow(
      /reads 16 bytes at byte \d+ of [qkv], which has \d+ [\s\S]*in cp\.async\.cg/,
    )
  })
  test('with more of shared memory than it was given', async () => {
    const built = await build(planted(/[kv]Feed\.copy\(base \+ \d+/g, 'kFeed.copy(base + 300000'))
    await expect(call(built)).rejects.toThrow(/writes 16 bytes at \d+ of shared memory, which has \d+/)
  })
  test("with halves of a fragment in each other's place", async () => {
    const built = await build(planted('a[m], b[0], b[1]', 'a[m], b[1], b[0]'))
    expect(furthest(await call(built))).toBeGreaterThan(0.05)
  })
})

test('missing tools are said, and nothing is run', () => {
  const { PATH } = process.env
  process.env.PATH = folder
  try {
    expect(missingNvcc()).toBe('there is no nvcc in the PATH')
  } finally {
    process.env.PATH = PATH
  }
})
