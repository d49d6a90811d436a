import { globSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ExplainedPart, ExplainedWalk, Reason } from '../compiler/explain/parts.ts'
import type { Picture } from '../compiler/explain/picture.ts'
import { displayWidth } from '../grammar/display.ts'
import { type Draw, type ExplainOptions, type Explanation, explain, OptionError } from '../index.ts'
import { attnc } from './cli-io.ts'
import { randomProgram } from './fuzz/random-programs.ts'
import { valueAt } from './masks-programs.ts'
import { attentionOf, fileOf } from './run-source.ts'

const head = 'input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]  score = dot(q, k) / sqrt(size(d))'
const source = (body: string): string => `attention a { ${head}  ${body} }`

function pageOf(text: string, options: ExplainOptions = {}): Explanation & { readonly text: string } {
  const found = explain(fileOf(text), options)
  if (!found.ok) throw new Error(found.diagnostics.map((d) => d.message).join('\n'))
  return { ...found.value.explanations[0]!, text: found.value.text }
}
const walksIn = (parts: readonly ExplainedPart[]): readonly ExplainedWalk[] =>
  parts.flatMap((part) => (part.kind === 'stream' ? [part] : part.kind === 'rounds' ? walksIn(part.parts) : []))
const reasonsIn = (parts: readonly ExplainedPart[]): readonly Reason[] =>
  parts.flatMap((part): readonly Reason[] => {
    if (part.kind === 'rounds') return reasonsIn(part.parts)
    const own = part.kind === 'stream' ? part.passes.flatMap((pass) => pass.waits) : []
    return [...part.needs, ...own, ...(part.kind === 'materialised' ? [part.reason] : [])]
  })

describe('the page on', () => {
  const root = resolve(import.meta.dirname, '..')
  const examples = globSync('examples/*.attn', { cwd: root }).sort()

  test.each(examples.map((path) => [basename(path, '.attn'), path] as const))('%s', (_, path) => {
    const text = readFileSync(resolve(root, path), 'utf8')
    const found = explain({ path, text })
    if (!found.ok) throw new Error(found.diagnostics.map((d) => d.message).join('\n'))
    const lines = found.value.text.split('\n')
    expect(lines.filter((line) => displayWidth(line) > 100)).toEqual([])
    expect(lines.filter((line) => line !== line.trimEnd() || /undefined|NaN|\b(?:y|at|c)\d'?\b/.test(line))).toEqual([])
    for (const title of ['What it computes', 'How it is computed', 'Tiles of the mask', 'Work'])
      expect(lines).toContain(title)
    for (const page of found.value.explanations) {
      expect(JSON.parse(JSON.stringify(page))).toEqual(page)
      expect(page.work.flops).toBeGreaterThan(0)
      expect(page.work.flops).toBeLessThanOrEqual(page.work.denseFlops)
      for (const reason of reasonsIn(page.parts)) {
        expect(reason.places.length, reason.why).toBeGreaterThan(0)
        expect(reason.places[0]!.file).toBe(path)
        for (const { file, line, column, text: shown } of reason.places.filter((place) => place.file === path)) {
          const rest = text
            .split('\n')
            .slice(line - 1)
            .join('\n')
            .slice(column - 1)
            .replace(/\s+/g, ' ')
          expect(rest.startsWith(shown.replace(/\.\.\.$/, '')), `${file}:${line}:${column}`).toBe(true)
        }
      }
    }
  })
})

test('random programs have pages', () => {
  fc.assert(
    fc.property(randomProgram, ({ source: text }) => {
      const page = pageOf(text)
      expect(page.text.split('\n').filter((line) => displayWidth(line) > 100 || /undefined|NaN/.test(line))).toEqual([])
      for (const reason of reasonsIn(page.parts)) expect(reason.places.length, reason.why).toBeGreaterThan(0)
    }),
    { seed: 1, numRuns: 60 },
  )
})

describe('the mathematics', () => {
  const formulas = (text: string): Readonly<Record<string, string>> =>
    Object.fromEntries(pageOf(text).mathematics.definitions.map(({ name, formula }) => [name, formula]))

  test('names what the source names, and expands its functions', () => {
    const all = formulas(source('mask = j <= i  let  scaled = score / 2  normalize = softmax[j](scaled)'))
    expect(all).toEqual({
      mask: 'j ≤ i',
      score: '(Σ_d q · k) / √size(d)',
      scaled: 'score / 2',
      t1: 'exp(scaled - max_{j: mask} scaled)',
      weight: 'if mask then t1 / (Σ_{j: mask} t1) else 0',
      out: 'Σ_{j: mask} weight · v',
    })
  })

  test('keeps the order of operations', () => {
    const all = formulas(
      source('normalize = (score - (score - 1)) * (2 / (score / 3)) ^ 2 + -(score + 1) - -score * abs(score - 2)'),
    )
    expect(all.weight).toBe('(score - (score - 1)) · (2 / (score / 3))^2 - (score + 1) + score · |score - 2|')
  })

  test('shows rounds as rounds, and a solution as what it solves', () => {
    expect(pageOf(source('normalize = sinkhorn[j, i](score, 3)')).text).toContain(
      '  u, w: repeated 3 times, from u = 0, w = 0:\n    t1[b,h,i] = -(logsumexp_j(score + w))\n',
    )
    expect(formulas(source('normalize = sparsemax[j](score)')).t1).toBe(
      'the largest t in [max_j score - 1, max_j score] with Σ_j max(score - t, 0) - 1 ≥ 0',
    )
  })

  test('says where lengths come from', () => {
    const { mathematics } = pageOf(
      'attention a { axis g divides h  split j into (c, t) by 4  axis r = 2 * size(c)  input q[b, h, i, d], k[b, g, j, d], v[b, g, j, e], bias[r]: f32 in [0, size(r)], place[b, j]: i32  param p  score = dot(q, k) + bias[r = place]  normalize = softmax[j](p * score) }',
    )
    expect(mathematics.axes.map(({ name, text }) => `${name} ${text}`)).toEqual([
      'd = 64',
      'e = 64',
      'g divides size(h)',
      'c counts blocks of 4 along j',
      't counts places in a block of 4 along j',
      'r = 2 · size(c)',
    ])
    expect(mathematics.inputs.slice(3).map(({ name, text }) => `${name} ${text}`)).toEqual([
      'bias[r] f32 in [0, size(r)]',
      'place[b,j] i32, an index of r',
    ])
    expect(mathematics.params).toEqual([{ name: 'p', text: 'f32, to be given' }])
  })
})

describe('the state', () => {
  const stateOf = (body: string): readonly (readonly string[])[] =>
    walksIn(pageOf(source(body)).parts).map((walk) =>
      walk.passes.flatMap((pass) => pass.state.map(({ name, is, empty }) => `${name}: ${is}, ${empty}`)),
    )

  test.each([
    [
      'normalize = softmax[j](score)',
      ['row_max: max_j score, -∞', 'acc: Σ_j exp(score - row_max) · v, 0', 'total: Σ_j exp(score - row_max), 0'],
    ],
    [
      'normalize = score ^ 16 / sum[j](score ^ 16)',
      [
        'row_largest: max_j |score|, 0',
        'acc: Σ_j (score / row_largest)^16 · v, 0',
        'total: Σ_j (score / row_largest)^16, 0',
      ],
    ],
    [
      'normalize = relu(score - mean[j](score))',
      ['total: Σ_j score, 0', 'acc: Σ_j max(score - total / size(j), 0) · v, 0'],
    ],
    [
      'mask = j <= i  normalize = 1 / count[j]()',
      ['any: whether any j counts, false', 'count: how many j count, 0', 'acc: Σ_j v, 0'],
    ],
  ])('of %s', (body, state) => {
    const [first] = stateOf(body)
    expect(new Set(first)).toEqual(new Set(state))
  })

  test('of columns, with what is kept for rows', () => {
    const [columns, rows] = walksIn(pageOf(source('normalize = softmax[j](score) * softmax[i](score)')).parts)
    expect(columns).toMatchObject({ row: 'j', streams: ['i'], kept: ['column_max', 'column_sum'] })
    expect(rows).toMatchObject({ row: 'i', streams: ['j'], kept: [] })
    expect(columns!.needs).toMatchObject([
      { of: ['column_max', 'column_sum'], why: 'the fold is over i, and what reads it walks along j' },
    ])
  })

  test('says which rows cannot be split, and which have to be merged in order', () => {
    const splitOf = (body: string) => walksIn(pageOf(source(body)).parts)[0]!.passes[0]!
    expect(splitOf('normalize = softmax[j](score)').split).toContain('in any order')
    expect(splitOf('normalize = sigmoid(score) * exp(-cumsum[j](softplus(score)))').split).toContain('in their order')
    expect(splitOf('normalize = if cumsum[j](sigmoid(score)) < 1 then 1 else 0')).toMatchObject({
      splits: false,
      merge: [],
    })
  })
})

describe('reasons', () => {
  const reasonOf = (body: string): Reason | undefined => reasonsIn(pageOf(source(body)).parts)[0]

  test.each([
    ['normalize = clamp(1.1 * softmax[j](score), 0, 1)', 'clamp(1.1 * softmax[j](score), 0, 1)', ['total']],
    ['normalize = softmax[j](softmax[j](score))', 'softmax[j](softmax[j](score))', ['total']],
    ['normalize = relu(score - mean[j](score))', 'relu(score - mean[j](score))', ['total']],
    ['normalize = if score > mean[j](score) then 1 else 0', 'score > mean[j](score)', ['total']],
  ])('of %s point at what holds the statistic', (body, text, on) => {
    const [reason] = reasonsIn(pageOf(source(body)).parts)
    expect(reason).toMatchObject({ on, why: 'that stands inside an expression which no rule opens' })
    expect(reason!.places[0]!.text).toBe(text)
  })

  test('there are none for one pass', () => {
    expect(reasonOf('normalize = softmax[j](score)')).toBeUndefined()
    expect(pageOf(source('normalize = softmax[j](score)')).text).not.toContain('Why this way')
  })

  test('a plan that was refused is told with what it costs', () => {
    const page = pageOf(source('normalize = z_score[j](score, 1e-3)'))
    expect(page.text.replaceAll(/\s+/g, ' ')).toContain(
      'Also possible: 3 passes with one sum of values. That would cost 256 multiply-adds for each pair, and this costs 192 for one pass with 2 sums of values.',
    )
    expect(walksIn(page.parts)[0]!.refused).toEqual({
      own: { passes: 1, sums: 2, total: 192 },
      other: { passes: 3, sums: 1, total: 256 },
    })
  })

  test.each([
    ['a negative power of an unbounded expression', 'normalize = 1 / score ^ 16', 'normalize = 1 / (1 + score ^ 2)'],
    [
      'a running sum over other places than the sum that reads it',
      'mask = j <= i  normalize = exp(-cumsum[j where true](softplus(score)))',
      'mask = j <= i  normalize = exp(-cumsum[j](softplus(score)))',
    ],
    [
      'running sums from both ends in one sum',
      'normalize = exp(-cumsum[j](softplus(score)) - cumsum_back[j](softplus(-score)))',
      'normalize = exp(-cumsum[j](softplus(score)) - cumsum[j](softplus(-score)))',
    ],
    [
      'a round that carries a value per query and key',
      'let s = twice(score)  normalize = softmax[j](s)  fn twice(x) = { let y = x  repeat 2 { y = y * x }  y }',
      'let m = twice(max[j](score))  normalize = softmax[j](score + m)  fn twice(x) = { let y = x  repeat 2 { y = y * x }  y }',
    ],
  ])('what is materialised for %s streams once it is changed as the page says', (why, before, after) => {
    const page = pageOf(source(before))
    const part = page.parts.find((one) => one.kind === 'materialised')
    expect(part?.reason).toMatchObject({ why, change: expect.any(String) })
    expect(part?.expression).toEqual(expect.any(String))
    expect(page.text.replaceAll(/\s+/g, ' ')).toContain(`materialised (${why}). To stream it: ${part?.reason.change}.`)
    expect(pageOf(source(after)).parts.filter(({ kind }) => kind === 'materialised')).toEqual([])
  })
})

/** Data that differs from place to place. */
const draw: Draw = {
  params: () => ({}),
  input: ({ type, axes }, sizes) => {
    const length = axes.reduce((n, axis) => n * sizes[axis]!, 1)
    const data = Array.from({ length }, (_, n) => (type === 'bool' ? Number(n % 7 < 2) : Math.floor(n / 9)))
    return { data, about: 'made for the test' }
  },
}

describe('the picture of a mask', () => {
  const masks = [
    'j <= i',
    'j <= i and i - j < 12',
    'abs(i - j) <= 3 or j < 2',
    'i div 8 == j div 8',
    'j > i + 100',
    'j >= 0',
    'doc == doc[j = i] and j <= i',
    'hub or j == i',
    '(i - j) % 5 == 0',
  ]
  const shapes = [
    { i: 32, j: 32 },
    { i: 1, j: 37 },
    { i: 29, j: 70 },
    { i: 300, j: 41 },
  ]
  const declared = (mask: string): string =>
    source(`mask = ${mask}  normalize = softmax[j](score)`).replace(
      'v[b, h, j, e]',
      'v[b, h, j, e], doc[b, j]: i32, hub[b, j]: bool',
    )

  test.each(masks)('%s agrees with its pairs', (mask) => {
    const text = declared(mask)
    const attention = attentionOf(text)
    for (const shape of shapes) {
      const page = pageOf(text, { shape: { ...shape, b: 1, h: 1 }, tile: { i: 4, j: 8 }, draw })
      const picture = page.mask as Picture
      const { sizes } = page.work
      const inputs = Object.fromEntries(
        attention.inputs.map((input) => [input.name, { axes: input.axes, ...draw.input(input, sizes, {}) }]),
      )
      const launch = { sizes, params: {}, inputs, single: { b: 0, h: 0 } }
      const exact = { literal: (x: number) => x, operation: (x: number) => x }
      const admitted = (i: number, j: number): boolean =>
        valueAt(attention.mask!, { b: 0, h: 0, i, j }, launch, exact) === 1
      const [rows, columns] = picture.cell
      expect(picture.cells.length).toBe(Math.ceil(shape.i / rows))
      for (const [r, line] of picture.cells.entries()) {
        expect(line.length).toBe(Math.ceil(shape.j / columns))
        for (const [c, kind] of line.entries()) {
          let [some, all] = [false, true]
          for (let i = r * rows; i < Math.min(shape.i, (r + 1) * rows); i++)
            for (let j = c * columns; j < Math.min(shape.j, (c + 1) * columns); j++) {
              const is = admitted(i, j)
              some ||= is
              all &&= is
            }
          if (kind === 'empty') expect(some, `${mask}: cell ${r} ${c}`).toBe(false)
          if (kind === 'full') expect(all, `${mask}: cell ${r} ${c}`).toBe(true)
          // Nothing but a remainder leaves a tile undecided without need.
          if (kind === 'partial' && !mask.includes('%')) expect(some && !all, `${mask}: cell ${r} ${c}`).toBe(true)
        }
      }
    }
  })

  // Every second head sees all pairs, the others those of the diagonal's tiles: (32 + 8) / 2 of 32 columns.
  test.each([2, 4, 16, 32, 64])('counts the pairs of a mask that differs between %i heads as their mean', (h) => {
    const options = { sizes: { d: 2, e: 2 }, tile: { i: 8, j: 8 }, shape: { b: 1, h, i: 32, j: 32 } }
    const { work } = pageOf(source('mask = h % 2 == 0 or i div 8 == j div 8  normalize = softmax[j](score)'), options)
    expect(work.passes[0]).toMatchObject({ pairs: (32 * (32 + 8)) / 2 })
  })
  test('counts the tiles that the kernel has, and the pairs in them', () => {
    const { mask, work } = pageOf(declared('j <= i'), { shape: { i: 20, j: 20, b: 1, h: 1 }, tile: { i: 8, j: 8 } })
    // Rows 0-7, 8-15, 16-19; so the last tile has 4 by 4 pairs.
    expect((mask as Picture).counts).toMatchObject({
      full: 3,
      partial: 3,
      empty: 3,
      live: 8 * 8 * 3 + 4 * 8 * 2 + 4 * 4,
    })
    expect(work.passes[0]).toMatchObject({ pairs: 8 * 8 * 3 + 4 * 8 * 2 + 4 * 4, densePairs: 400 })
  })

  test('has lines of one width, with a label each', () => {
    const { text } = pageOf(declared('j <= i'), { shape: { i: 1000, j: 1000, b: 1, h: 1 } })
    const rows = text.split('\n').filter((line) => /^ +\d+ {2}[█▒·]/.test(line))
    expect(rows.length).toBe(32)
    expect(rows.map((line) => /^ +(\d+)/.exec(line)![1]).map(Number)).toEqual(rows.map((_, n) => 32 * n))
    expect(new Set(rows.map((line) => displayWidth(`${line}|`))).size).toBeLessThanOrEqual(2) // blanks at the end are cut
    expect(rows.at(-1)).toMatch(/█{62}▒▒$/)
  })

  test('says what it depends on where there is no data', () => {
    expect(pageOf(declared('hub or j == i')).mask).toEqual({ unknown: ['hub'] })
    expect(pageOf(declared('hub or j == i')).text).toContain('Which tiles are skipped depends on hub.')
    expect(pageOf(source('normalize = softmax[j](score)')).mask).toBeNull()
  })
})

describe('work', () => {
  const options = { shape: { b: 2, h: 3, i: 50, j: 70, d: 16, e: 24 } }

  test('of a softmax is a score, an exponential and a product of values for each pair', () => {
    const { work } = pageOf(source('normalize = softmax[j](score)'), options)
    // Beside: divided by √d, the maximum, the difference, the sum.
    expect(work.passes).toEqual([
      {
        of: ['out'],
        row: 'i',
        stream: 'j',
        pass: 1,
        times: 1,
        pairs: 3500,
        densePairs: 3500,
        perPair: { multiplyAdds: 16 + 24, operations: 4, functions: 1 },
      },
    ])
    expect(work.flops).toBe(2 * 3 * 3500 * (2 * 40 + 5))
    expect(work.bytesRead).toBe(4 * 6 * (50 * 16 + 70 * 16 + 70 * 24))
    expect(work.bytesWritten).toBe(4 * 6 * 50 * 24)
    expect(work.workspace).toEqual([])
    expect(work.intensity).toBeCloseTo(work.flops / (work.bytesRead + work.bytesWritten), 9)
  })

  test('of mixed heads is that of one block that holds them all', () => {
    const mixed = `attention a { axis a like h  ${head}, mix[a, h]: f32  let p = softmax[j](score)  normalize = sum[a](mix * p[h = a]) }`
    const { work } = pageOf(
      mixed.replace(`${head}, mix[a, h]: f32`, head.replace('v[b, h, j, e]', 'v[b, h, j, e], mix[a, h]: f32')),
      options,
    )
    // Each head has a score and an exponential for a pair; the second pass has them again, and 3 products for each mixed weight.
    expect(work.passes.map(({ perPair }) => [perPair.multiplyAdds, perPair.functions])).toEqual([
      [16, 1],
      [16 + 3 + 24, 1],
    ])
  })

  test('halves with half of the bytes, and counts rounds and buffers', () => {
    const body = 'normalize = softmax[i](score) * softmax[j](score)'
    const [wide, half] = [pageOf(source(body), options), pageOf(source(body), { ...options, dtype: 'f16' })]
    expect(half.work.bytesRead * 2).toBe(wide.work.bytesRead)
    expect(wide.work.workspace.map(({ name, bytes }) => `${name} ${bytes}`)).toEqual([
      `column_max ${4 * 6 * 70}`,
      `column_sum ${4 * 6 * 70}`,
    ])
    const rounds = pageOf(source('normalize = sinkhorn[j, i](score, 5)'), options).work
    expect(rounds.passes.map((pass) => pass.times)).toEqual([5, 5, 1])
  })

  test('leaves out tiles that are skipped', () => {
    const { work } = pageOf(source('mask = j < 32  normalize = softmax[j](score)'), {
      shape: { b: 1, h: 1, i: 64, j: 640 },
    })
    expect(work.denseFlops / work.flops).toBe(20)
  })
})

describe('what a source may hold:', () => {
  test('controls in documentation are shown, not sent to the terminal', () => {
    const { text } = pageOf(`/// A \u001b[31m red line.\n${source('normalize = softmax[j](score)')}`)
    expect(text).not.toContain('\u001b')
    expect(text).toContain('[31m red line.')
  })

  test('axes with names that objects have', () => {
    const text = `attention a { axis constructor like h  axis __proto__  ${head}  input c[constructor], m[__proto__, j]: bool  mask = any[__proto__](m)  normalize = sum[constructor](c) * softmax[j](score) }`
    const { mask, work } = pageOf(text, { shape: { i: 8, j: 16 }, tile: { i: 4, j: 4 }, draw })
    expect((mask as Picture).cells.map((line) => line.length)).toEqual([8, 8, 8, 8])
    expect(work.sizes).toMatchObject({ constructor: 1 })
    expect(JSON.stringify(work)).not.toContain('null,')
  })

  test('rounds of a parameter without a value are counted once', () => {
    const page = pageOf(source('param n: i32  normalize = sinkhorn[j, i](score, n)'))
    expect(page.work.passes.map(({ times }) => times)).toEqual([null, null, 1])
    expect(page.text).toContain('counted for one round')
    const drawn = pageOf(source('param n: i32  normalize = sinkhorn[j, i](score, n)'), {
      draw: { ...draw, params: () => ({ n: 4 }) },
    })
    expect(drawn.work.passes.map(({ times }) => times)).toEqual([4, 4, 1])
  })
})

describe('lengths', () => {
  const text = `${source('mask = j <= i  normalize = softmax[j](score)')}\ncheck { b = 1, h = 2, i = 9, j = 17, d = 8, e = 8 }`

  test('are those of the check line, longer, with widths as code has them', () => {
    const { work } = pageOf(text)
    expect(work.sizes).toEqual({ b: 1, h: 2, i: 288, j: 512, d: 64, e: 64 })
    expect(work.scaled).toEqual(['i', 'j'])
  })

  test('are those asked for', () => {
    expect(pageOf(text, { shape: { i: 3, j: 5, d: 8 } }).work.sizes).toEqual({ b: 1, h: 2, i: 3, j: 5, d: 8, e: 64 })
    expect(pageOf(text, { shape: { i: 0, j: 0 } }).work.flops).toBe(0)
  })

  test('follow from each other', () => {
    const paged =
      'attention a { axis m, t  axis j = size(m) * size(t)  input q[b, h, i, d], x[m, t, d]  view k = x[m = j div size(t), t = j % size(t)]  score = dot(q, k)  normalize = softmax[j](score)  output sum[j](weight) }\ncheck { m = 4, t = 8, i = 1 }'
    expect(pageOf(paged).work).toMatchObject({ sizes: { m: 64, t: 8, j: 512, i: 1 }, scaled: ['m'] })
    expect(() => pageOf(paged, { shape: { j: 7 } })).toThrow(OptionError)
  })

  test.each([
    [['--shape', 'x=3'], 2, 'ATTN0303'],
    [['--shape', 'i'], 2, 'ATTN0302'],
    [['--shape', 'd=600'], 1, 'ATTN0324'],
  ])('%j is refused', async (args, exit, code) => {
    expect(await attnc(['explain', '-', ...args], text)).toMatchObject({
      exit,
      out: '',
      err: expect.stringContaining(code),
    })
  })

  test('of the command line are drawn and counted for', async () => {
    const { exit, out } = await attnc(['explain', '-', '--shape', 'i=8,j=8', '--tile', 'i=2,j=2', '--json'], text)
    expect(exit).toBe(0)
    const { explanations } = JSON.parse(out)
    expect(explanations[0].mask.cells).toHaveLength(8)
    expect(explanations[0].mask.counts).toMatchObject({ tile: { i: 2, j: 2 }, full: 6, partial: 4, empty: 6 })
  })
})
