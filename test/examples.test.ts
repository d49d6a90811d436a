import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { builder } from '../cli/verify-build.ts'
import { type Attention, analyze } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import type { StoredTensor } from '../runtime/stored.ts'
import { readTensor } from '../runtime/tensors/tensor-io.ts'
import { completeSizes, coveringShapes, inOnePart, type Shape } from '../runtime/verify/shapes.ts'
import { showSizes, type Verification, verifyAttention } from '../runtime/verify/verify.ts'
import { attnc } from './cli-io.ts'

// Every example is checked, in its standard layout, and verified: random inputs at a covering array of shapes with small tiles,
// so that every edge of a tile is met, and hostile inputs at the smallest of the lengths that the source itself names.

const root = resolve(import.meta.dirname, '..')
const examples = globSync('examples/*.attn', { cwd: root }).sort()

const smallTile = { i: 8, j: 8 }

async function verify(
  path: string,
  shapesOf: (attention: Attention) => readonly Shape[],
  probes: boolean,
): Promise<Verification> {
  const file = { path, text: readFileSync(resolve(root, path), 'utf8') }
  const source = { file, folder: '', readImport: importReader(file, root) }
  const module = analyze(file, source.readImport)
  if (!module.ok) throw new Error(`${path} has errors`)
  const [attention] = module.value.attentions
  if (!attention) throw new Error(`${path} has no attention`)
  const build = builder(source, attention, 'ts', { simd: 'none' }) // in f64; wasm-examples holds the form in f32
  const integers = attention.params.filter(({ type }) => type === 'i32').map(({ name }) => [name, 5])
  const params = Object.fromEntries(integers) // windows end within these lengths, and within tiles
  const report = await verifyAttention(attention, { shapes: shapesOf(attention), seed: 1, probes, params, build })
  if (!report.ok) throw new Error(report.findings.map(({ message }) => message).join('\n'))
  return report.value
}

/** What a failure is worth reading for. */
const faultsOf = ({ failures }: Verification): readonly string[] =>
  failures
    .slice(0, 3)
    .map(({ at, deviation }) => `${at.probe} at ${showSizes(at.shape.sizes)}: ${JSON.stringify(deviation)}`)

/** The check line with the fewest pairs: probes are many, and show at small lengths what they show at large ones. */
function smallestCheck(attention: Attention): readonly Shape[] {
  const pairs = (sizes: Readonly<Record<string, number>>): number => (sizes.i ?? 1) * (sizes.j ?? 1)
  const [first] = attention.checks.toSorted((a, b) => pairs(a.sizes) - pairs(b.sizes))
  const sizes = completeSizes(attention, first?.sizes ?? {}, 0)
  return first && sizes.ok
    ? [{ sizes: sizes.value, dtype: 'f32', schedules: [inOnePart(smallTile), { tile: smallTile, splits: 3 }] }]
    : []
}

describe.each(examples)('%s', (path) => {
  test('has neither errors nor warnings', async () => {
    expect(await attnc(['check', resolve(root, path)])).toMatchObject({ exit: 0, err: '' })
  })

  test('stands in the standard layout', async () => {
    expect(await attnc(['fmt', '--check', resolve(root, path)])).toMatchObject({ exit: 0, out: '' })
  })

  test('heads with its paper and names lengths to check', () => {
    const text = readFileSync(resolve(root, path), 'utf8')
    expect(text).toMatch(/^\/\/\/ /)
    expect(text.replaceAll('\n/// ', ' ')).toMatch(/"[^"]+", (19|20)\d\d/)
    expect(text.match(/^check /gm)?.length).toBeGreaterThanOrEqual(2)
  })

  test('is right at every edge of a tile', { timeout: 60_000 }, async () => {
    const report = await verify(path, (attention) => coveringShapes(attention, 8), false)
    expect({ faults: faultsOf(report), verdict: report.verdict }).toEqual({ faults: [], verdict: 'right' })
  })

  test('is right on hostile inputs', { timeout: 60_000 }, async () => {
    const report = await verify(path, smallestCheck, true)
    expect({ faults: faultsOf(report), verdict: report.verdict, rejected: report.rejected }).toEqual({
      faults: [],
      verdict: 'right',
      rejected: [],
    })
  })
})

test('the widths that matter are spread over the examples', () => {
  const texts = examples.map((path) => readFileSync(resolve(root, path), 'utf8')).join('\n')
  const widths = new Set([...texts.matchAll(/\bd = (\d+)/g)].map(([, width]) => Number(width)))
  expect([...widths]).toEqual(expect.arrayContaining([1, 3, 16, 64, 72, 96, 128]))
})

test.each(['0', '1'])('ocr.attn reproduces the stored attention of block %s', { timeout: 60_000 }, async (block) => {
  const file = (name: string): string => resolve(root, `examples/data/ocr/${name}${block}.npy`)
  const folder = mkdtempSync(join(tmpdir(), 'attnc-ocr-'))
  try {
    const out = join(folder, 'out.npy')
    const inputs = ['q', 'k', 'v'].flatMap((name) => ['--input', `${name}=${file(name)}`])
    const args = ['run', resolve(root, 'examples/ocr.attn'), '--simd', 'none', ...inputs, '--output', `out=${out}`]
    expect(await attnc(args)).toMatchObject({ exit: 0, err: '' })
    const read = (path: string): Promise<StoredTensor<Float32Array>> => readTensor(path, { storage: 'f32' })
    const [got, stored] = [await read(out), await read(file('o'))]
    expect(got.shape).toEqual([1, 8, 125, 15])
    const differences = got.data.map((x, n) => Math.abs(x - (stored.data[n] ?? Number.NaN)))
    expect(Math.max(...differences)).toBeLessThan(2e-6) // the float32 rounding of the runtime that stored it: data/ocr/README.md
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
