import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import typescript from 'typescript'
import { describe, expect, test } from 'vitest'
import type { Tensor } from '../compiler/interpret.ts'
import { classesFor, evaluateClasses, fillTables } from '../compiler/masks/evaluate.ts'
import { type ScalarLaunch, tilesOf } from '../compiler/masks/scalar-run.ts'
import { importJavaScript } from '../runtime/load-ts.ts'
import { length, type Pattern, patterns, sizesOf, sourceOf } from './masks-patterns.ts'
import { attentionOf, compiled, createNormal, define, run, type Tensors, tensor } from './run-source.ts'

const tile = 32
const tiles = tilesOf(length, tile)

/** How many tiles the classes leave to a kernel; false claims are errors. */
function countTiles(pattern: Pattern): Pattern['tiles'] {
  const attention = attentionOf(sourceOf(pattern))
  const place = { row: 'i', column: 'j', tile: () => tile }
  const { classes, tables } = classesFor(attention.mask!, { attention, sizes: { d: 4, e: 4 } }, place)
  const launch: ScalarLaunch = {
    sizes: sizesOf(pattern),
    params: {},
    inputs: pattern.data ?? {},
    single: { b: 0, h: 0 },
  }
  const filled = fillTables(tables, launch)
  let [live, entered, visited] = [0, 0, 0]
  for (const i of tiles) {
    for (const [n, found] of evaluateClasses(classes, { i }, 'j', tiles, filled).entries()) {
      const j = tiles[n]!
      const { full, empty, from = 0, to = length } = found
      const some = admitted(pattern, i, j)
      const isVisited = j[1] >= from && j[0] < to
      if (some > 0 && (empty || !isVisited)) throw new Error(`${pattern.name}: tile ${i} ${j} is not empty`)
      const visible = tile * Math.max(0, Math.min(j[1] + 1, to) - Math.max(j[0], from))
      if (some < visible && full) throw new Error(`${pattern.name}: tile ${i} ${j} is not full`)
      if (some > 0) live++
      if (isVisited && !empty) entered++
      if (isVisited) visited++
    }
  }
  return [live, entered, visited]
}

function admitted({ seen }: Pattern, i: readonly [number, number], j: readonly [number, number]): number {
  let count = 0
  for (let row = i[0]; row <= i[1]; row++)
    for (let column = j[0]; column <= j[1]; column++) if (seen(row, column)) count++
  return count
}

test.each(patterns.map((pattern) => [pattern.name, pattern] as const))('tiles of %s', (_, pattern) => {
  expect(countTiles(pattern)).toEqual(pattern.tiles)
})

test('the table of docs/planner.md has these counts', () => {
  const text = readFileSync(new URL('../docs/planner.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| .* \| (\d+) \| (\d+) \| (\d+) \|$/gm)].map((row) => row.slice(1).map(Number))
  const inTable = ({ name }: Pattern): boolean => documented.includes(name)
  expect(rows).toEqual(patterns.filter(inTable).map((pattern) => pattern.tiles))
})
const documented: readonly string[] = [
  ...['causal', 'causal window', 'Longformer', 'BigBird, blocks in a tensor', 'BigBird, blocks in a list'],
  ...['Sparse Transformer, strided', 'Sparse Transformer, fixed', 'LookHere, up', 'LongNet'],
  ...['documents', 'documents with padding', 'documents in any order'],
]

const width = 4
function inputsOf(pattern: Pattern): Tensors {
  const normal = createNormal(3)
  const sizes = sizesOf(pattern)
  const own = Object.entries(pattern.data ?? {}).map(([name, { axes, data }]): [string, Tensor] => [
    name,
    { shape: axes.map((axis) => sizes[axis]!), data: data as Tensor['data'] },
  ])
  const shape = [1, 1, length, width]
  return { q: tensor(shape, normal), k: tensor(shape, normal), v: tensor(shape, normal), ...Object.fromEntries(own) }
}

/** Softmax over the pairs that a pattern sees. */
function direct({ seen }: Pattern, { q, k, v }: Tensors): Tensor {
  const out = new Float32Array(length * width)
  for (let i = 0; i < length; i++) {
    const columns = Array.from({ length }, (_, j) => j).filter((j) => seen(i, j))
    const scores = columns.map((j) => dot(q!.data, i, k!.data, j))
    const most = scores.reduce((a, b) => Math.max(a, b), -Infinity)
    const weights = scores.map((score) => Math.exp(score - most))
    const total = weights.reduce((a, b) => a + b, 0)
    for (let e = 0; e < width; e++) {
      const sum = columns.reduce((all, j, n) => all + weights[n]! * v!.data[j * width + e]!, 0)
      out[i * width + e] = columns.length === 0 ? 0 : sum / total
    }
  }
  return { shape: [1, 1, length, width], data: out }
}

function dot(a: Tensor['data'], i: number, b: Tensor['data'], j: number): number {
  let sum = 0
  for (let d = 0; d < width; d++) sum += a[i * width + d]! * b[j * width + d]!
  return sum
}

/** Both sum in f64 and round once: two halves of an ulp of f32, of numbers up to 4. */
const near = 2 ** -23 * 4
function apart(a: Tensor, b: Tensor): number {
  return Array.from(a.data).reduce((most, x, n) => Math.max(most, Math.abs(x - b.data[n]!)), 0)
}

describe('generated code', () => {
  const options = { sizes: { d: width, e: width }, tile: { i: tile, j: tile } }

  test.each(patterns.map((pattern) => [pattern.name, pattern] as const))('sees the pairs of %s', async (_, pattern) => {
    const inputs = inputsOf(pattern)
    const want = direct(pattern, inputs)
    const { out } = await run(sourceOf(pattern), inputs, options)
    expect(apart(out!, want)).toBeLessThanOrEqual(near)
  })

  const edges = [0, 1, 7, 8, 9, 19]
  const edgeMasks = [
    'doc == doc[j = i]',
    'doc[j = j - 1] <= i and hub',
    'hub[j = i else 0] or hub and pair',
    'time <= time[j = i] and doc < w',
    'any[m](list[r = i div 4] == j div 4) or pages[m = j div 8]',
    'all[m](list[r = i div 16] != j) and i % 3 != 1',
  ]
  test.each(edgeMasks)('sees the pairs of %s at every edge of a tile', async (mask) => {
    const source = `attention edge {
      axis m = 3  axis r
      input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], doc[b, j]: i32, hub[b, j]: bool, time[b, j]: f32
      input pair[i, j]: bool, list[h, r, m]: i32, pages[b, m]: bool
      param w = 4
      score = dot(q, k)  mask = ${mask}  normalize = softmax[j](score)
    }`
    for (const j of edges) {
      for (const i of edges) {
        const normal = createNormal(i + 100 * j)
        const whole = (shape: readonly number[], most: number): Tensor => ({
          shape,
          data: Int32Array.from(tensor(shape, () => Math.abs(normal()) * most).data),
        })
        const bools = (shape: readonly number[]): Tensor => ({
          shape,
          data: Uint8Array.from(whole(shape, 2).data, (x) => x % 2),
        })
        const [h, b, r, m] = [2, 2, 3, 3]
        const inputs: Tensors = {
          ...{ q: tensor([b, h, i, 3], normal), k: tensor([b, h, j, 3], normal), v: tensor([b, h, j, 2], normal) },
          ...{ doc: whole([b, j], 5), hub: bools([b, j]), time: tensor([b, j], normal), pair: bools([i, j]) },
          ...{ list: whole([h, r, m], 3), pages: bools([b, m]) },
        }
        const want = define(source, inputs).out!
        for (const tile of [
          { i: 8, j: 8 },
          { i: 4, j: 16 },
        ]) {
          const { out } = await run(source, inputs, { sizes: { d: 3, e: 2 }, tile })
          expect(apart(out!, want), `${i} by ${j}`).toBeLessThanOrEqual(near)
        }
      }
    }
  })

  test('is strict TypeScript', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'attnc-masks-'))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const roots = patterns.map((_, n) => join(folder, `pattern${n}.ts`))
    for (const [n, pattern] of patterns.entries()) {
      const { files } = await compiled(sourceOf(pattern), options)
      writeFileSync(roots[n]!, files[0]!.text)
    }
    const config = typescript.readConfigFile('tsconfig.json', typescript.sys.readFile)
    const parsed = typescript.parseJsonConfigFileContent(config.config, typescript.sys, process.cwd())
    const made = typescript.createProgram(roots, { ...parsed.options, types: [], noUnusedLocals: true })
    const found = typescript.getPreEmitDiagnostics(made)
    rmSync(folder, { recursive: true })
    expect(found.map(({ messageText, file }) => `${file?.fileName} ${JSON.stringify(messageText)}`)).toEqual([])
  }, 60_000)

  const documents = patterns.find(({ name }) => name === 'documents')!
  test('sees them in parts as well, and in odd tiles', async () => {
    const inputs = inputsOf(documents)
    const want = direct(documents, inputs)
    for (const more of [{ splits: 3 }, { tile: { i: 20, j: 17 } }, { tile: { i: 7, j: 100 }, splits: 2 }]) {
      const { out } = await run(sourceOf(documents), inputs, { ...options, ...more })
      expect(apart(out!, want)).toBeLessThanOrEqual(near)
    }
  })

  test('gives the same bits on two threads', async () => {
    const inputs = inputsOf(documents)
    const threaded = { ...options, threads: true }
    const { files } = await compiled(sourceOf(documents), threaded)
    const functions = await importJavaScript(files.find(({ path }) => path.endsWith('.js'))!.text)
    const parallel = functions.patternParallel as unknown as (
      inputs: Tensors,
      options: { readonly threads: number },
    ) => Promise<Tensors>
    expect(await parallel(inputs, { threads: 2 })).toEqual(await run(sourceOf(documents), inputs, threaded))
  })
})
