import { describe, expect, test } from 'vitest'
import {
  type CompileOptions,
  compile,
  emitStage,
  OptionError,
  prepare,
  renderShort,
  type SourceFile,
} from '../index.ts'
import { attnc } from './cli-io.ts'

const text = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`
const file = { path: 'folder/a.attn', text }

describe('compile', () => {
  test('names its files after the source, the main one first', async () => {
    const compiled = await compile(file, { target: 'ts' })
    expect(compiled.ok && compiled.value.files.map(({ path }) => path)).toEqual(['a.ts', 'a.js', 'a.d.ts'])
  })

  test('gives what is wrong with a source as data', async () => {
    const compiled = await compile({ path: 'a.attn', text: text.replace('softmax', 'softmx') }, { target: 'ts' })
    expect(!compiled.ok && compiled.diagnostics.map(renderShort)).toEqual([
      expect.stringMatching(/^a\.attn:4:15: error\[ATTN0101\]: .*softmx/),
    ])
  })

  test('reads imports only by way of its caller', async () => {
    const importing = { path: 'a.attn', text: `import "b.attn"\n${text}` }
    const alone = await compile(importing, { target: 'ts' })
    expect(!alone.ok && alone.diagnostics[0]?.message).toContain('imports cannot be read here')
    const asked: string[] = []
    const readImport = (from: SourceFile, path: string): SourceFile => {
      asked.push(`${from.path} ${path}`)
      return { path, text: 'fn f(x) = x' }
    }
    expect(await compile(importing, { target: 'ts', readImport })).toMatchObject({ ok: true })
    expect(asked).toEqual(['a.attn b.attn'])
  })

  test('generates when asked to, and the same', async () => {
    const [prepared, compiled] = [await prepare(file, { target: 'ts' }), await compile(file, { target: 'ts' })]
    const texts = prepared.ok && (await prepared.value.emit()).map((one) => one.text)
    expect(texts).toEqual(compiled.ok && compiled.value.files.map((one) => one.text))
  })

  const anything = (options: object): CompileOptions => ({ target: 'ts', ...options })
  test.each([
    [{ target: 'tss' }, 'no target tss; there are ts'],
    [{ target: '__proto__' }, 'no target __proto__'],
    [{ dtype: 'f64' }, 'dtype is one of f32, f16, bf16, not f64'],
    [{ precision: 'best' }, 'precision is one of accurate, fast'],
    [{ plan: null }, 'plan is one of auto, materialised, not null'],
    [{ sizes: { d: 0 } }, 'size(d) is fixed when code is generated, to 1 at least and 512 at most; it cannot be 0'],
    [{ sizes: { d: 513 } }, 'cannot be 513'],
    [{ sizes: { d: 1.5 } }, 'cannot be 1.5'],
    [{ sizes: { d: '64' } }, 'cannot be 64'],
    [{ sizes: { dd: 64 } }, 'sizes names the axis dd, and no attention of the source has it'],
    [{ sizes: null }, 'sizes gives axes their lengths'],
    [{ tile: { i: 0 } }, 'tile(i) is fixed'],
    [{ tile: { i: 2000 } }, '1024 at most'],
    [{ tile: { x: 8 } }, 'tile names the axis x'],
    [{ splits: 0 }, 'splits is fixed'],
    [{ results: [] }, 'one result at least'],
    [{ results: ['lse'] }, 'there is no result lse; there are out'],
  ])('refuses %j', async (options, message) => {
    await expect(compile(file, anything(options))).rejects.toThrow(OptionError)
    await expect(compile(file, anything(options))).rejects.toThrow(message)
    if (!('target' in options)) expect(() => emitStage('plan', file, anything(options))).toThrow(message)
  })

  test.each([[text], [undefined], [{ path: 'a.attn' }]])('refuses %j as a source', async (source) => {
    await expect(compile(source as unknown as SourceFile, { target: 'ts' })).rejects.toThrow(TypeError)
  })
})

test.each([
  [['build', '-', '--emit', 'plan', '--size', 'f=3']],
  [['build', '-', '-o', '-', '--tile', 'f=3']],
  [['explain', '-', '--tile', 'f=3']],
])('%j names an axis that is none', async (args) => {
  expect(await attnc(args, text)).toMatchObject({
    exit: 2,
    err: expect.stringContaining("ATTN0303]: there is no axis 'f'"),
  })
})
