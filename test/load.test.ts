import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AttncError, type Finding, type LoadOptions, load, type StoredTensor } from '../node.ts'

const softmax = `/// Softmax attention.
attention softmax_causal {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  param scale = 1.0 in [0, 2]
  const base = 2.0
  param causal: bool = true
  score     = scale * log(base) * dot(q, k)
  mask      = not causal or j <= i
  normalize = softmax[j](score)
  output lse = logsumexp[j](score)
}
`
const kinds = `attention kinds {
  axis g divides h, m
  axis r = 3
  input q[b, h, i, d], k[b, g, j, d], v[b, g, j, e], hub[b, j]: bool, bias[h, m]: f32, bucket[i]: i32 in [0, 3]
  score     = dot(q, k) + bias[m = bucket]
  mask      = hub or i == j
  normalize = softmax[j](score)
}
`
const second = softmax.replace('softmax_causal', 'second')

let folder: string
const saved = { ...process.env }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-load-'))
  process.env.ATTNC_CACHE_DIR = join(folder, 'cache')
  writeFileSync(join(folder, 'a.attn'), softmax)
  writeFileSync(join(folder, 'kinds.attn'), kinds)
  writeFileSync(join(folder, 'two.attn'), softmax + second)
})
afterEach(() => {
  process.env.ATTNC_CACHE_DIR = saved.ATTNC_CACHE_DIR
  rmSync(folder, { recursive: true, force: true })
})
const at = (name: string): string => join(folder, name)
/** What was built; what is known of sources lies there as well. */
const entries = (): readonly string[] =>
  readdirSync(join(folder, 'cache', 'v1', 'entries')).filter((key) =>
    existsSync(join(folder, 'cache', 'v1', 'entries', key, 'module.js')),
  )

const numbers = (count: number, of: (n: number) => number = Math.sin): Float32Array =>
  Float32Array.from({ length: count }, (_, n) => of(n))
const tensor = (shape: readonly number[], of?: (n: number) => number): StoredTensor<Float32Array> => ({
  shape,
  data: numbers(
    shape.reduce((a, b) => a * b, 1),
    of,
  ),
})
const inputs = (d = 4, e = 2) => ({ q: tensor([1, 2, 3, d]), k: tensor([1, 2, 3, d]), v: tensor([1, 2, 3, e]) })

describe('a loaded attention', () => {
  test('computes what the source says, results by name', async () => {
    const attention = await load<
      { q: Float32Array; k: Float32Array; v: Float32Array },
      { out: Float32Array; lse: Float32Array }
    >(at('a.attn'))
    const zero = { q: tensor([1, 1, 2, 1], () => 0), k: tensor([1, 1, 3, 1]), v: tensor([1, 1, 3, 1], (n) => 4 ** n) }
    const { out, lse } = await attention(zero, { params: { causal: false } })
    expect({ shape: out.shape, data: [...out.data] }).toEqual({ shape: [1, 1, 2, 1], data: [7, 7] })
    expect(lse.data[0]).toBeCloseTo(Math.log(3), 6)
    expect([...(await attention(zero)).out.data]).toEqual([1, 2.5])
    expect(attention.target).toBe('ts')
    expect(attention.attention.inputs.map(({ name }) => name)).toEqual(['q', 'k', 'v'])
  })

  test('writes results where it is told to, and nowhere else', async () => {
    const attention = await load(at('a.attn'))
    const want = await attention(inputs())
    const room = { out: new Float32Array(12), lse: new Float32Array(6) }
    const { out, lse } = await attention(inputs(), { into: room })
    expect([out?.data === room.out, lse?.data === room.lse]).toEqual([true, true])
    expect([room.out, room.lse]).toEqual([want.out?.data, want.lse?.data])
    const codeOf = (into: Readonly<Record<string, StoredTensor['data']>>) =>
      attention(inputs(), { into }).catch((error: unknown) => (error instanceof AttncError ? error.code : error))
    expect(await codeOf({ outs: room.out })).toBe('ATTN0305')
    expect(await codeOf({ out: new Float32Array(11) })).toBe('ATTN0324')
    expect(await codeOf({ out: new Float16Array(12) })).toBe('ATTN0322')
  })

  test('is compiled for each set of fixed lengths, once', async () => {
    const attention = await load(at('a.attn'))
    await Promise.all([attention(inputs(4)), attention(inputs(4)), attention(inputs(5))])
    expect(entries().length).toBe(2)
    const { out } = await attention(inputs(4, 3))
    expect(out?.shape).toEqual([1, 2, 3, 3])
    expect(entries().length).toBe(3)
    await (await load(at('a.attn')))(inputs(4))
    expect(entries().length).toBe(3)
  })

  test('is compiled at once where all fixed lengths are given', async () => {
    const attention = await load(at('a.attn'), { sizes: { d: 4, e: 2 } })
    expect(entries().length).toBe(1)
    await attention(inputs(4, 2))
    expect(entries().length).toBe(1)
  })

  test('takes arrays alone where lengths say what they are', async () => {
    const attention = await load(at('a.attn'))
    const [shaped, bare] = [inputs(4, 2), { q: numbers(24), k: numbers(24), v: numbers(12) }]
    const want = await attention(shaped)
    expect(await attention(bare, { sizes: { b: 1, h: 2, i: 3, j: 3, d: 4, e: 2 } })).toEqual(want)
    expect(await attention(bare, { sizes: { b: 1, h: 2, i: 3, j: 3 } })).toEqual(want)
    expect(await attention({ ...shaped, v: bare.v })).toEqual(want)
    expect(await attention({ ...bare, v: shaped.v }, { sizes: { i: 3 } })).toEqual(want)
    const fixed = await load(at('a.attn'), { sizes: { h: 2, d: 4 } })
    expect(await fixed(bare, { sizes: { b: 1, j: 3 } })).toEqual(want)
  })

  test('takes and gives every type of array', async () => {
    const attention = await load(at('kinds.attn'))
    const others = {
      hub: { data: Uint8Array.of(1, 0, 1), shape: [1, 3] },
      bias: tensor([2, 4]),
      bucket: { data: Int32Array.of(0, 3, 2), shape: [3] },
    }
    const shapes = { q: [1, 2, 3, 4], k: [1, 1, 3, 4], v: [1, 1, 3, 2] }
    const of = (make: (length: number) => StoredTensor['data']) =>
      Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [name, { shape, data: make(shape.reduce((a, b) => a * b)) }]),
      )
    const full = await attention({ ...of((n) => numbers(n, (x) => x % 4)), ...others })
    expect(full.out?.data).toBeInstanceOf(Float32Array)
    const half = await attention({ ...of((n) => new Float16Array(numbers(n, (x) => x % 4))), ...others })
    expect(half.out?.data).toBeInstanceOf(Float16Array)
    expect([...(half.out?.data ?? [])].map((x, n) => Math.abs(x - (full.out?.data[n] ?? 0)) < 2 ** -9)).toEqual(
      Array(12).fill(true),
    )
    const bits = (n: number): Uint16Array =>
      new Uint16Array(new Uint32Array(numbers(n, (x) => x % 4).buffer).map((word) => word >>> 16))
    const brief = await attention({ ...of(bits), ...others })
    expect(brief.out?.data).toBeInstanceOf(Uint16Array)
    const widened = new Float32Array(Uint32Array.from(brief.out?.data ?? [], (x) => x << 16).buffer)
    expect([...widened].map((x, n) => Math.abs(x - (full.out?.data[n] ?? 0)) < 2 ** -6)).toEqual(Array(12).fill(true))
    expect(entries().length).toBe(3)
  })

  test('is the one that is named', async () => {
    const attention = await load(at('two.attn'), { attention: 'second' })
    expect(attention.attention.name).toBe('second')
    expect(Object.keys(await attention(inputs()))).toEqual(['out', 'lse'])
  })

  test('keeps nothing if it is not to', async () => {
    const attention = await load(at('a.attn'), { cache: false })
    expect(Object.keys(await attention(inputs()))).toEqual(['out', 'lse'])
    expect(readdirSync(folder)).not.toContain('cache')
  })
})

describe('what is wrong is thrown', () => {
  const thrown = async (work: () => Promise<unknown>): Promise<AttncError> => {
    const error: unknown = await work().then(
      () => undefined,
      (reason) => reason,
    )
    if (!(error instanceof AttncError)) throw new Error(`not an AttncError: ${error}`)
    return error
  }

  test('with code, title, place and hint', async () => {
    writeFileSync(at('wrong.attn'), softmax.replace('softmax[j]', 'softmx[j]').replace('logsumexp', 'logsumxp'))
    const error = await thrown(() => load(at('wrong.attn')))
    expect(error).toMatchObject({
      name: 'AttncError',
      code: 'ATTN0101',
      title: 'unknown-function',
      place: { file: at('wrong.attn'), line: 9, column: 15, endLine: 9, endColumn: 21 },
      hint: "did you mean 'softmax'?",
    })
    expect(error.findings.map(({ code }) => code)).toEqual(['ATTN0101', 'ATTN0101'])
    expect(error.message).toContain('wrong.attn:9:15')
    expect(error.message).toContain('softmx[j]')
    expect(error.message).toContain('logsumxp')
  })

  test.each<[string, string, LoadOptions, string]>([
    ['no.attn', 'ATTN0310', {}, 'no such file'],
    ['two.attn', 'ATTN0309', {}, 'softmax_causal, second'],
    ['two.attn', 'ATTN0309', { attention: 'third' }, "no attention 'third'"],
    ['a.attn', 'ATTN0330', { target: 'tss', sizes: { d: 4, e: 4 } }, 'target tss cannot run here'],
    ['a.attn', 'ATTN0302', { dtype: 'f64' as 'f32', sizes: { d: 4, e: 4 } }, 'dtype is one of'],
    ['a.attn', 'ATTN0324', { sizes: { d: 1024, e: 4 } }, 'size(d)'],
    ['a.attn', 'ATTN0303', { sizes: { d: 4, e: 4, f: 4 } }, "no axis 'f'"],
  ])('%s: %s of %j', async (file, code, options, text) => {
    const error = await thrown(() => load(at(file), options))
    expect(error).toMatchObject({ code, place: undefined })
    expect(error.message).toContain(text)
  })

  const good = inputs(4, 2)
  test.each<[string, string, object, object]>([
    ['ATTN0308', 'v[b, h, j, e] is missing', { q: good.q, k: good.k }, {}],
    ['ATTN0304', "no input of softmax_causal 'w'", { ...good, w: good.v }, {}],
    [
      'ATTN0322',
      'v[b, h, j, e] is f32: its elements are given in a Float32Array, not in a Float64Array',
      { ...good, v: { ...good.v, data: new Float64Array(12) } },
      {},
    ],
    ['ATTN0322', 'not in an Array', { ...good, v: { ...good.v, data: [1, 2] } }, {}],
    ['ATTN0322', 'not in', { ...good, v: { shape: [1, 2, 3, 2] } }, {}],
    ['ATTN0308', 'v[b, h, j, e] is missing', { ...good, v: null }, {}],
    ['ATTN0322', 'not in', { ...good, v: 3 }, {}],
    ['ATTN0322', 'Float16Array', { ...good, v: { ...good.v, data: new Float16Array(12) } }, {}],
    [
      'ATTN0324',
      'v has 12 elements, not the 6 of its shape [1, 1, 3, 2]',
      { ...good, v: { ...good.v, shape: [1, 1, 3, 2] } },
      {},
    ],
    [
      'ATTN0324',
      'v[b, h, j, e] has 4 axes, but the tensor given has 3',
      { ...good, v: { ...good.v, shape: [2, 3, 2] } },
      {},
    ],
    ['ATTN0324', 'the length of h in v cannot be -2', { ...good, v: { ...good.v, shape: [1, -2, 3, 2] } }, {}],
    ['ATTN0324', 'shape of v[b, h, j, e] is a list', { ...good, v: { ...good.v, shape: 'x' } }, {}],
    ['ATTN0324', 'size(j) is 3 by k, but 1 by v', { ...good, v: tensor([1, 2, 1, 2]) }, {}],
    [
      'ATTN0324',
      'has 12 elements, and no lengths',
      { ...good, v: good.v.data.subarray(0, 12), k: good.k.data, q: good.q.data },
      {},
    ],
    ['ATTN0324', 'size(i) is 4 by the given sizes, but 3 by q', good, { sizes: { i: 4 } }],
    ['ATTN0303', "no axis 'ii'", good, { sizes: { ii: 4 } }],
    ['ATTN0324', 'size(i) cannot be 1.5', good, { sizes: { i: 1.5 } }],
    ['ATTN0306', "no param of softmax_causal 'scal'", good, { params: { scal: 1 } }],
    ['ATTN0307', 'param scale is f32, and 1 is none', good, { params: { scale: '1' } }],
    ['ATTN0307', 'param scale is f32, and NaN is none', good, { params: { scale: Number.NaN } }],
    ['ATTN0307', 'declared in [0, 2], and 3 is not', good, { params: { scale: 3 } }],
    ['ATTN0307', "'base' is a const", good, { params: { base: 3 } }],
    ['ATTN0307', 'param causal is bool, and 1 is none', good, { params: { causal: 1 } }],
  ])('%s: %s', async (code, text, given, options) => {
    const attention = await load(at('a.attn'))
    const error = await thrown(() => attention(given as never, options))
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
    expect(error.message).not.toContain('--')
  })

  test('as a rejection that a later call with better arguments survives', async () => {
    const attention = await load(at('a.attn'), { dtype: 'f64' as 'f32' })
    await thrown(() => attention(inputs()))
    const fine = await load(at('a.attn'))
    await thrown(() => fine({ ...inputs(), q: tensor([1, 2, 3, 9]) }))
    expect(Object.keys(await fine(inputs()))).toEqual(['out', 'lse'])
  })
})

describe('warnings', () => {
  test('go to who asks for them, or to the process', async () => {
    writeFileSync(at('warns.attn'), softmax.replace('score     =', 'let unused = 1\n  score     ='))
    const found: Finding[] = []
    await load(at('warns.attn'), { onWarning: (warning) => found.push(warning) })
    expect(found.map(({ severity }) => severity)).toEqual(['warning'])
    const emitted = new Promise<Error & { code?: string }>((resolve) => process.once('warning', resolve))
    await load(at('warns.attn'))
    expect(await emitted).toMatchObject({
      name: 'AttncWarning',
      code: found[0]?.code,
      message: expect.stringContaining('unused'),
    })
  })

  test('say that a build was changed, which is not run', async () => {
    await load(at('a.attn'), { sizes: { d: 4, e: 2 } })
    const [key = ''] = entries()
    const path = join(folder, 'cache', 'v1', 'entries', key, 'module.js')
    const text = readFileSync(path, 'utf8')
    appendFileSync(path, '\nglobalThis.planted = true\n')
    const found: string[] = []
    const attention = await load(at('a.attn'), { sizes: { d: 4, e: 2 }, onWarning: ({ code }) => found.push(code) })
    await attention(inputs(4, 2))
    expect(found).toEqual(['ATTN0361'])
    expect('planted' in globalThis).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })
})

describe('a build is found again', () => {
  const build = async (file: string, options: LoadOptions = {}): Promise<number> => {
    await load(at(file), { sizes: { d: 4, e: 2 }, ...options })
    return entries().length
  }

  test('in whatever order options are given, defaults or not', async () => {
    expect(await build('a.attn', { dtype: 'f32', tile: { i: 8, j: 16 } })).toBe(1)
    expect(await build('a.attn', { tile: { j: 16, i: 8 }, sizes: { e: 2, d: 4 }, plan: 'auto', splits: 1 })).toBe(1)
    expect(await build('a.attn', { tile: { i: 8, j: 8 } })).toBe(2)
  })

  test('but for other options, sources, names and imports', async () => {
    const variants: readonly LoadOptions[] = [
      {},
      { dtype: 'f16' },
      { precision: 'fast' },
      { plan: 'materialised' },
      { splits: 2 },
      { results: ['lse'] },
      { tile: { i: 8 } },
      { sizes: { d: 4, e: 3 } },
    ]
    for (const [n, options] of variants.entries()) expect(await build('a.attn', options)).toBe(n + 1)
    writeFileSync(at('b.attn'), softmax)
    expect(await build('b.attn')).toBe(variants.length + 1)
    appendFileSync(at('b.attn'), '// a comment\n')
    expect(await build('b.attn')).toBe(variants.length + 2)
  })

  test('with imports as they are, wherever they lie', async () => {
    writeFileSync(at('lib.attn'), 'fn half(x) = x / 2\n')
    writeFileSync(at('main.attn'), `import "lib.attn"\n${softmax.replace('scale *', 'half(scale) *')}`)
    expect(await build('main.attn')).toBe(1)
    const time = new Date(0)
    utimesSync(at('lib.attn'), time, time)
    expect(await build('main.attn')).toBe(1)
    writeFileSync(at('lib.attn'), 'fn half(x) = x / 2.0\n')
    expect(await build('main.attn')).toBe(2)
    writeFileSync(at('lib.attn'), 'fn half(x) = x / 2\n')
    expect(await build('main.attn')).toBe(2)
  })
})
