import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attnc } from './cli-io.ts'

// What a source of a stranger, or an end at the wrong time, may not do: take memory or stack without limit, reach outside of its
// project, leave half a file. What names and documentation may not do is in injection.test.ts, what a cache is held to in
// cache.test.ts and cache-process.test.ts.

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-trust-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (...names: readonly string[]): string => join(folder, ...names)
function put(path: string, text: string): string {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), text)
  return at(path)
}

const attention = (clauses: string): string =>
  `attention a {\n  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]\n  ${clauses}\n  normalize = softmax[j](score)\n}\n`
const scored = (score: string): string => attention(`score = dot(q, k) + ${score}`)
const nested = (levels: number): string => `${'('.repeat(levels)}1${')'.repeat(levels)}`
const padded = (size: number): string => {
  const text = attention('score = dot(q, k)')
  return text + ' '.repeat(size - text.length)
}
/** f0 to f_n, each the sum of two calls of the one before: 2^n nodes, if they were not shared. */
const doubling = (levels: number): string =>
  `fn f0(x) = x\n${Array.from({ length: levels }, (_, n) => `fn f${n + 1}(x) = f${n}(x * 2) + f${n}(x * 3)`).join('\n')}\n${scored(`f${levels}(i)`)}`

describe('a limit of sources: what is at it is taken, what is beyond it is refused, with a message of its own;', () => {
  const limits: readonly (readonly [string, string, string, string])[] = [
    ['a mebibyte of text', 'ATTN0006', padded(2 ** 20), padded(2 ** 20 + 1)],
    ['brackets in brackets', 'ATTN0007', scored(nested(63)), scored(nested(65))],
    ['brackets that would overflow the stack', 'ATTN0007', scored(nested(2)), scored(nested(100_000))],
    ['signs', 'ATTN0007', scored('-'.repeat(63).concat('1')), scored('-'.repeat(50_000).concat('1'))],
    ['powers', 'ATTN0007', scored('1 ^ '.repeat(62).concat('1')), scored('1 ^ '.repeat(50_000).concat('1'))],
    [
      'a chain of additions',
      'ATTN0009',
      scored('1 + '.repeat(990).concat('1')),
      scored('1 + '.repeat(3000).concat('1')),
    ],
    ['an expression', 'ATTN0008', scored('1 + '.repeat(900).concat('1')), scored('1 + '.repeat(20_000).concat('1'))],
    ['what functions expand to', 'ATTN0165', doubling(8), doubling(30)],
    ['a function in itself', 'ATTN0107', scored('1'), `fn f(x) = g(x)\nfn g(x) = f(x)\n${scored('f(1.0)')}`],
  ]

  test.each(limits)('%s (%s)', async (_what, code, fits, exceeds) => {
    expect((await attnc(['check', put('fits.attn', fits)])).exit).toBe(0)
    const { exit, err } = await attnc(['check', put('exceeds.attn', exceeds)])
    expect(exit).toBe(1)
    const errors = [...err.matchAll(/^error\[(ATTN\d{4})\]/gm)].map(([, found]) => found)
    expect(errors).toEqual([code])
    expect(err.length).toBeLessThan(4000)
  })

  test('256 files are imported, one more is not (ATTN0163)', async () => {
    put('package.json', '{}')
    const names = Array.from({ length: 257 }, (_, n) => `f${n}`)
    for (const name of names) put(`${name}.attn`, `fn ${name}(x) = x\n`)
    const importing = (count: number): string =>
      `${names
        .slice(0, count)
        .map((name) => `import "${name}.attn"`)
        .join('\n')}\n${scored(names.slice(0, count).at(-1)!.concat('(1.0)'))}`
    expect((await attnc(['check', put('fits.attn', importing(256))])).exit).toBe(0)
    const { exit, err } = await attnc(['check', put('exceeds.attn', importing(257))])
    expect([exit, err.match(/ATTN\d{4}/)?.[0]]).toEqual([1, 'ATTN0163'])
  })

  test('files that import each other, or themselves by a link, are named (ATTN0162)', async () => {
    put('package.json', '{}')
    put('b.attn', 'import "c.attn"\nfn g(x) = x\n')
    put('c.attn', 'import "a.attn"\nfn f(x) = x\n')
    symlinkSync('self.attn', at('link.attn'))
    const cycle = await attnc(['check', put('a.attn', `import "b.attn"\n${scored('g(1.0)')}`)])
    expect(cycle).toMatchObject({ exit: 1, err: expect.stringContaining('ATTN0162') })
    const self = await attnc(['check', put('self.attn', `import "link.attn"\n${scored('1')}`)])
    expect(self).toMatchObject({ exit: 1, err: expect.stringContaining('ATTN0162') })
  })
})

describe('lengths beyond any memory are refused before memory is taken:', () => {
  const source = attention('score = dot(q, k)')
  test.each([
    [['run', '--shape', 'i=2000000000,j=2000000000'], 1, 'ATTN0324'],
    [['run', '--shape', 'b=100000,h=100000,i=1000,j=1000'], 1, 'ATTN0324'],
    [['run', '--shape', 'i=9007199254740993,j=1'], 2, 'ATTN0302'],
    [['run', '--shape', 'i=1e30,j=1'], 2, 'ATTN0302'],
    [['build', '--size', 'd=100000', '-o', '-'], 2, 'ATTN0'],
    [['build', '--tile', 'i=100000', '-o', '-'], 2, 'ATTN0'],
  ] as const)('%j', async (args, code, says) => {
    const [command, ...rest] = args
    const { exit, err } = await attnc([command, put('a.attn', source), ...rest])
    expect({ exit, err }).toEqual({ exit: code, err: expect.stringContaining(says) })
  })
})

describe('attnc build that is killed', { timeout: 120_000 }, () => {
  const bin = resolve(import.meta.dirname, '../bin/attnc.js')
  const dying = resolve(import.meta.dirname, 'fixtures/die-at.mjs')
  const build = (point?: number) =>
    execa(process.execPath, ['--import', dying, bin, 'build', 'a.attn', '--target', 'ts', '-o', 'out'], {
      cwd: folder,
      reject: false,
      env: { XDG_CACHE_HOME: at('cache'), ...(point === undefined ? {} : { DIE_AT: `${point}` }) },
    })
  const written = (): readonly string[] => readdirSync(at('out')).filter((name) => !name.startsWith('.'))
  const read = (name: string): string => readFileSync(at('out', name), 'utf8')

  test('at any change of the file system leaves files that are old or new, and the next builds as ever', async () => {
    put('a.attn', attention('score = dot(q, k)'))
    await build()
    const old = Object.fromEntries(written().map((name) => [name, read(name)]))
    put('a.attn', attention('score = 2 * dot(q, k)'))
    await build()
    const fresh = Object.fromEntries(written().map((name) => [name, read(name)]))
    expect(Object.keys(fresh)).toEqual(['a.d.ts', 'a.js', 'a.ts'])
    let points = 0
    for (let over = false; !over; points++) {
      for (const [name, text] of Object.entries(old)) writeFileSync(at('out', name), text)
      over = (await build(points + 1)).signal !== 'SIGKILL'
      for (const name of written()) expect([old[name], fresh[name]]).toContain(read(name))
    }
    expect(points).toBeGreaterThan(6)
    expect(await build()).toMatchObject({ exitCode: 0, stderr: '' })
    for (const name of written()) expect(read(name)).toBe(fresh[name])
  })
})
