import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Picture } from '../compiler/explain/picture.ts'
import { type AttentionMap, drawHeat } from '../figures/heat.ts'
import { drawPlan } from '../figures/plan.ts'
import { printSvg } from '../figures/print-svg.ts'
import { type Figure, rootOf, type Shape } from '../figures/shape.ts'
import { drawThumbnail, drawTiles } from '../figures/tiles.ts'
import { compile, type Explanation, explain } from '../index.ts'
import { mapResult, mostTokens, prepareMap } from '../runtime/attention-map.ts'
import { drawn } from '../runtime/drawn.ts'
import { callerOf, importJavaScript } from '../runtime/load-ts.ts'
import { manners } from '../runtime/map-manner.ts'
import { signatureOf } from '../runtime/signature.ts'
import { sliceOf } from '../runtime/slice.ts'
import { attnc } from './cli-io.ts'
import { attentionOf, fileOf } from './run-source.ts'

const root = resolve(import.meta.dirname, '..')
const examples = globSync('examples/*.attn', { cwd: root }).sort()

function explained(path: string, text: string): readonly Explanation[] {
  const found = explain({ path, text }, { draw: drawn })
  if (!found.ok) throw new Error(found.diagnostics.map((d) => d.message).join('\n'))
  return found.value.explanations
}

/** What is not as XML wants it: tags that do not close, text that is not escaped. */
function faultsOf(xml: string): readonly string[] {
  const open: string[] = []
  const faults: string[] = []
  let at = 0
  const tag = /<(\/?)([a-z]+)((?: [a-z:-]+="[^"<]*")*)(\/?)>/gi
  for (const { index, 0: whole, 1: close, 2: name = '', 4: empty } of xml.matchAll(tag)) {
    const between = xml.slice(at, index)
    if (/[<>]|&(?!(amp|lt|gt|quot);)/.test(between)) faults.push(between)
    at = index + whole.length
    if (close && open.pop() !== name) faults.push(whole)
    if (!close && !empty) open.push(name)
  }
  return [...faults, ...open, ...(xml.slice(at).trim() === '' ? [] : [xml.slice(at)])]
}

const shapesIn = (shape: Shape | string): readonly Shape[] =>
  typeof shape === 'string' ? [] : [shape, ...shape.children.flatMap(shapesIn)]
const pathOf = (figure: Figure, name: string): string =>
  String(shapesIn(rootOf(figure)).find(({ attributes }) => attributes.class === name)?.attributes.d ?? '')
const cellsIn = (path: string): number => path.split('M').length - 1

describe('the figures of', () => {
  test.each(examples.map((path) => [basename(path, '.attn'), path] as const))('%s', (_, path) => {
    for (const one of explained(path, readFileSync(resolve(root, path), 'utf8'))) {
      for (const width of [300, 720]) {
        for (const figure of [drawTiles(one.attention, one.mask, width), drawPlan(one, width)]) {
          const file = printSvg(figure)
          expect(faultsOf(file)).toEqual([])
          expect(file).not.toMatch(/NaN|undefined|Infinity|https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
          for (const { tag, attributes } of figure.shapes.flatMap(shapesIn)) {
            if (tag !== 'text' && tag !== 'rect') continue
            expect(Number(attributes.x)).toBeLessThan(width)
            expect(Number(attributes.y)).toBeLessThan(figure.height)
          }
        }
      }
      if (one.mask === null || 'unknown' in one.mask) continue
      const { cells } = one.mask
      const figure = drawThumbnail(one.attention, cells, 96)
      for (const kind of ['full', 'partial', 'empty'] as const)
        expect(cellsIn(pathOf(figure, kind))).toBe(cells.flat().filter((cell) => cell === kind).length)
    }
  })
})

describe('tiles', () => {
  const picture: Picture = {
    row: 'i',
    column: 'j',
    lengths: [64, 96],
    cell: [32, 32],
    cells: [
      ['partial', 'empty', 'empty'],
      ['full', 'partial', 'empty'],
    ],
    counts: { tile: { i: 32, j: 32 }, isCoarse: false, empty: 3, partial: 2, full: 1, live: 3000 },
    drawn: [{ name: 'doc', about: 'random, in order' }],
    fixed: ['b'],
  }

  test('are counted in words, with what was made up', () => {
    expect(drawTiles('a', picture).about).toBe(
      'i = 64, j = 96: 6 tiles of 32 by 32; 1 are full, 2 partial, 3 empty. For b = 0. Made up: doc (random, in order).',
    )
  })

  test('lie in a grid that says where they are', () => {
    const { grid, width } = drawTiles('a', picture, 300)
    expect(grid).toMatchObject({ rows: 2, columns: 3 })
    expect(grid!.x + 3 * grid!.cell).toBeLessThanOrEqual(width)
  })

  test('are words where there is no picture', () => {
    expect(drawTiles('a', null).about).toContain('every tile is full')
    expect(drawTiles('a', { unknown: ['n', 'table'] }).about).toBe('Which tiles are skipped depends on n and table.')
  })

  test('of one long row fit', () => {
    const cells = [Array.from({ length: 32 }, () => 'full' as const)]
    const { grid } = drawTiles('a', { ...picture, lengths: [1, 4096], cell: [1, 128], cells }, 300)
    expect(grid!.x + 32 * grid!.cell).toBeLessThanOrEqual(300)
  })
})

describe('a map', () => {
  const map = (values: readonly number[], lengths: readonly [number, number]): AttentionMap => ({
    ...{ row: 'i', column: 'j', lengths, values, fixed: ['h = 0'], made: 'Made up: q.' },
  })

  test('shades weights by their square root, and leaves 0 blank', () => {
    const figure = drawHeat('a', map([1, 0.25, 0, 0.01], [2, 2]))
    expect(cellsIn(pathOf(figure, 'up20'))).toBe(1)
    expect(cellsIn(pathOf(figure, 'up10'))).toBe(1)
    expect(cellsIn(pathOf(figure, 'up2'))).toBe(1)
    expect(figure.about).toContain('weights from 0 to 1')
  })

  test('tells signs apart, and what is not a number', () => {
    const figure = drawHeat('a', map([-1, 1, Number.NaN, Infinity], [2, 2]))
    expect([pathOf(figure, 'down20'), pathOf(figure, 'up20'), pathOf(figure, 'bad')].map(cellsIn)).toEqual([1, 1, 2])
    expect(figure.about).toContain('Some are infinite or NaN.')
  })

  test('of nothing is drawn', () => {
    for (const lengths of [
      [0, 4],
      [4, 0],
      [1, 1],
    ] as const)
      expect(faultsOf(printSvg(drawHeat('a', map([], lengths))))).toEqual([])
  })

  const source = (mask: string): string => `attention a {
    input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
    score = dot(q, k) / sqrt(size(d))  mask = ${mask}  normalize = softmax[j](score)
  }
  check { b = 2, h = 3, i = 8, j = 8, d = 4, e = 4 }`

  test('is of the weights that compiled code gives', async () => {
    const text = source('j <= i')
    const launch = prepareMap(attentionOf(text), { d: 4, e: 4 }, 'smooth')
    expect(launch.sizes).toMatchObject({ b: 2, h: 3, i: 64, j: 64 })
    const made = await compile(fileOf(text), { target: 'ts', simd: 'none', sizes: launch.fixed, results: [mapResult] })
    if (!made.ok) throw new Error('errors')
    const [program] = made.value.programs
    const code = made.value.files.find(({ path }) => path.endsWith('.js'))!.text
    const results = await callerOf(await importJavaScript(code))(signatureOf(program!), launch.inputs, launch.params)
    expect(Object.keys(results)).toEqual([mapResult])
    const { axes } = program!.buffers.find(({ role }) => role === 'result')!
    expect(axes).toEqual(['b', 'h', 'i', 'j'])
    for (const h of [0, 2]) {
      const weights = sliceOf(results[mapResult]!, axes, { b: 1, h })
      for (let i = 0; i < 64; i++) {
        const row = weights.slice(i * 64, (i + 1) * 64)
        expect(row.reduce((x, y) => x + y, 0)).toBeCloseTo(1, 5)
        expect(row.slice(i + 1).every((x) => x === 0)).toBe(true)
      }
    }
    expect(sliceOf(results[mapResult]!, axes, {})).not.toEqual(sliceOf(results[mapResult]!, axes, { h: 1 }))
  })

  test('is of tensors as they are asked for', () => {
    const [smooth, random, equal] = manners.map((manner) => prepareMap(attentionOf(source('j <= i')), {}, manner))
    const jump = ({ data }: { readonly data: ArrayLike<number> }, width: number): number =>
      Array.from(data).reduce((sum, x, n) => sum + Math.abs(x - (data[n - width] ?? x)), 0)
    expect(jump(smooth!.inputs.q!, 64)).toBeLessThan(0.7 * jump(random!.inputs.q!, 64))
    expect(equal!.inputs.q!.data.every((x) => x === 0)).toBe(true)
  })

  test('is of no more tokens than a page shows', () => {
    const launch = prepareMap(attentionOf(source('j <= i')), { i: 1, j: 65_536 }, 'smooth')
    expect(launch).toMatchObject({ isShortened: true, sizes: { i: 1, j: mostTokens } })
    expect(() => prepareMap(attentionOf(source('j <= i')), { h: 2 ** 20 }, 'smooth')).toThrow(RangeError)
  })
})

describe('attnc explain --svg', () => {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-figures-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string): string => resolve(root, `examples/${name}.attn`)

  test('writes three files for an attention', async () => {
    const { exit, out } = await attnc(['explain', path('causal'), '--svg', '-o', join(folder, 'new')])
    expect(exit).toBe(0)
    const files = ['mask', 'plan', 'map'].map((kind) => `causal.${kind}.svg`)
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => basename(line)),
    ).toEqual(files)
    expect(readdirSync(join(folder, 'new')).sort()).toEqual(files.toSorted())
    for (const name of files) {
      const file = readFileSync(join(folder, 'new', name), 'utf8')
      expect(faultsOf(file)).toEqual([])
      expect(file).toContain('prefers-color-scheme:dark')
    }
  })

  test('the same bytes again', async () => {
    await attnc(['explain', path('causal'), '--svg', '-o', join(folder, 'again')])
    for (const name of readdirSync(join(folder, 'new')))
      expect(readFileSync(join(folder, 'again', name))).toEqual(readFileSync(join(folder, 'new', name)))
  })

  test('says which map there is not', async () => {
    const { exit, err } = await attnc(['explain', path('causal'), '--svg', '-o', folder, '--shape', 'h=1048576'])
    expect(exit).toBe(0)
    expect(err).toContain('no attention map of causal: ')
  })

  test.each([
    [['--svg'], 'needs to know where to write'],
    [['--svg', '-o', '-'], 'needs to know where to write'],
    [['-o', 'x'], 'explain prints, unless it draws'],
  ])('refuses %s', async (options, message) => {
    const { exit, err } = await attnc(['explain', path('causal'), ...options])
    expect({ exit, says: err.includes(message) }).toEqual({ exit: 2, says: true })
  })
})
