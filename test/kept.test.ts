/** What is kept of a source that was checked: found by content, never where an import changed, and without the compiler. */
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { analyze, checkSource, type Finding, load, openSource } from '../node.ts'
import { Cache } from '../runtime/cache/cache.ts'
import { gatherSources } from '../runtime/cache/sources.ts'

const source = `attention small {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  param unused = 1.0
  score     = half(dot(q, k))
  normalize = softmax[j](score)
}
`
const library = 'fn half(x) = x / 2\n'

let folder: string
const saved = process.env.ATTNC_CACHE_DIR
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-kept-'))
  process.env.ATTNC_CACHE_DIR = join(folder, 'cache')
  writeFileSync(at('a.attn'), `import "lib.attn"\n${source}`)
  writeFileSync(at('lib.attn'), library)
})
afterEach(() => {
  process.env.ATTNC_CACHE_DIR = saved
  rmSync(folder, { recursive: true, force: true })
})
const at = (...names: readonly string[]): string => join(folder, ...names)
const keptFiles = (): readonly string[] =>
  readdirSync(at('cache/v1/entries'))
    .map((key) => at('cache/v1/entries', key, 'value.v8'))
    .filter((path) => existsSync(path))

const found: Finding[] = []
const keeping = () => ({
  cache: new Cache({ cache: at('cache'), config: at('config') }),
  warn: (warning: Finding) => void found.push(warning),
})
async function checked(name = 'a.attn') {
  found.length = 0
  const opened = openSource(at(name))
  if (!opened.ok) throw new Error(`${name} cannot be read`)
  return { result: await checkSource(opened.value, keeping()), opened: opened.value }
}

describe('a source that was checked', () => {
  test('is the same when it is found again, warnings included', async () => {
    const first = await checked()
    const { result, opened } = await checked()
    expect(first.result.ok && result).toEqual(first.result)
    const module = analyze(opened.file, opened.readImport)
    if (!module.ok || !result.ok) throw new Error('it has no errors')
    expect(result.value).toEqual({ attentions: module.value.attentions, warnings: module.warnings })
    expect(result.value.warnings[0]?.at.span.file.path).toBe(at('a.attn'))
    expect(result.value.warnings).toHaveLength(1)
    expect(keptFiles()).toHaveLength(1)
  })

  test('is checked anew where an import says something else', async () => {
    await checked()
    writeFileSync(at('lib.attn'), 'fn third(x) = x / 3\n')
    const { result } = await checked()
    expect(result.ok ? [] : result.findings.map(({ code }) => code)).toEqual(['ATTN0101'])
    writeFileSync(at('lib.attn'), library)
    expect((await checked()).result.ok).toBe(true)
    expect(keptFiles()).toHaveLength(1) // errors are not kept
  })

  test('is checked anew where what was kept is not as it was written', async () => {
    const first = await checked()
    appendFileSync(keptFiles()[0]!, 'x')
    const { result } = await checked()
    expect(result).toEqual(first.result)
    expect(found.map(({ code }) => code)).toEqual(['ATTN0361'])
  })
})

describe('what a source may import is found without parsing it', () => {
  const paths = (text: string): readonly string[] | undefined =>
    gatherSources({ path: 'a.attn', text }, () => ({ problem: 'none' }))?.imports.map(({ path }) => path)

  test.each([
    ['import "b.attn"\nimport "./c/d.attn"', ['b.attn', './c/d.attn']],
    ['import/* " */"b.attn"', ['b.attn']],
    ['// 5" wide\nimport "b.attn"', ['b.attn']],
    ['import\r\n"b.attn" // "c.attn"', ['b.attn', 'c.attn']],
    ['attention a { }', []],
  ])('%j', (text, want) => {
    expect(paths(text)).toEqual(want)
  })

  test('and followed, each file once', () => {
    const files = new Map(
      Object.entries({ 'b.attn': 'import "c.attn"', 'c.attn': 'import "b.attn"' }).map(([path, text]) => [
        path,
        { path, text },
      ]),
    )
    const gathered = gatherSources({ path: 'a.attn', text: 'import "b.attn"' }, (_from, path) => files.get(path)!)
    expect(gathered?.imports.map(({ from, path }) => `${from.path} ${path}`)).toEqual([
      'a.attn b.attn',
      'b.attn c.attn',
      'c.attn b.attn',
    ])
  })

  test('but no more than a source could import', () => {
    expect(paths(Array.from({ length: 2000 }, (_, n) => `"${n}.attn"`).join('\n'))).toBeUndefined()
  })
})

test('a process that finds all loads no compiler', { timeout: 120_000 }, async () => {
  const script = at('serve.mjs')
  const module = pathToFileURL(fileURLToPath(new URL('../dist/load.js', import.meta.url))).href
  writeFileSync(
    script,
    `import { registerHooks } from 'node:module'
const seen = []
registerHooks({ load: (url, context, next) => { seen.push(url); return next(url, context) } })
const { load } = await import(${JSON.stringify(module)})
const attention = await load('a.attn', { target: 'ts' })
const tensor = { shape: [1, 1, 2, 2], data: new Float32Array(4) }
const { out } = await attention({ q: tensor, k: tensor, v: tensor })
console.log(JSON.stringify({ out: [...out.data], seen }))
`,
  )
  const env = { ATTNC_CACHE_DIR: at('cache'), XDG_CONFIG_HOME: at('config') }
  const serve = async () => JSON.parse((await execa(process.execPath, [script], { cwd: folder, env })).stdout)
  const isCompiler = (url: string): boolean =>
    /chevrotain|handlebars|ts-morph|\/grammar\/parse|\/compiler\/(check|plan|lower)\//.test(url)
  const [first, later] = [await serve(), await serve()]
  expect(later.out).toEqual(first.out)
  expect(first.seen.some(isCompiler)).toBe(true)
  expect(later.seen.filter(isCompiler)).toEqual([])
})

test('load says again what it warned of', async () => {
  const codes: string[] = []
  for (let n = 0; n < 2; n++) await load(at('a.attn'), { target: 'ts', onWarning: ({ code }) => codes.push(code) })
  expect(codes).toHaveLength(2)
  expect(codes[0]).toBe(codes[1])
  expect(readFileSync(at('lib.attn'), 'utf8')).toBe(library)
})
