import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseBytes, showBytes } from '../cli/bytes.ts'
import { displayWidth } from '../grammar/display.ts'
import { hashCode } from '../runtime/cache/hash-code.ts'
import { attnc } from './cli-io.ts'

const source = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`

const home = process.cwd()
const saved = process.env.ATTNC_CACHE_DIR
let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-cli-cache-')))
})
beforeEach(() => {
  mkdirSync(folder, { recursive: true })
  process.chdir(folder)
  process.env.ATTNC_CACHE_DIR = join(folder, 'cache')
  writeFileSync('a.attn', source)
})
afterEach(() => {
  process.chdir(home)
  process.env.ATTNC_CACHE_DIR = saved
  rmSync(folder, { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const at = (...names: readonly string[]): string => join(folder, 'cache', 'v1', ...names)
/** What was built; what is known of sources lies there as well. */
const builds = (): readonly string[] =>
  readdirSync(at('entries')).filter((key) => existsSync(at('entries', key, 'module.js')))
/** On one thread, as verify: for several, code is made that differs. */
const run = (...args: readonly string[]) =>
  attnc(['run', 'a.attn', '--target', 'ts', '--threads', '1', '--shape', 'i=3,j=5,d=4,e=4', ...args])
const json = async (...args: readonly string[]) => JSON.parse((await attnc(['cache', ...args, '--json'])).out)

describe('run and verify', () => {
  test('keep what they build, and are right with it', async () => {
    const first = await run()
    expect(first).toMatchObject({ exit: 0, err: '' })
    expect(builds().length).toBe(1)
    expect(await run()).toEqual(first)
    expect(builds().length).toBe(1)
    const verify = ['verify', 'a.attn', '--target', 'ts', '--shape', 'i=3,j=5,d=4,e=4', '--no-probes']
    const verified = await attnc(verify)
    expect(verified).toMatchObject({ exit: 0, err: '' })
    expect(builds().length).toBe(4) // small tiles are tried as well, of one key among them, and parts
    expect(await attnc(verify)).toEqual(verified)
    expect(builds().length).toBe(4)
  })

  test('keep nothing with --no-cache', async () => {
    const without = await run('--no-cache')
    expect(without).toMatchObject({ exit: 0, err: '' })
    await attnc(['verify', 'a.attn', '--target', 'ts', '--shape', 'i=3,j=5', '--no-probes', '--no-cache'])
    expect(existsSync(at())).toBe(false)
    expect(await run()).toEqual(without)
  })

  test('build anew what was changed, and say so', async () => {
    const first = await run()
    const [key = ''] = builds()
    appendFileSync(at('entries', key, 'module.js'), '\nthrow new Error("planted")\n')
    const again = await run()
    expect(again).toMatchObject({ exit: 0, out: first.out })
    expect(again.err).toMatch(
      /^warning\[ATTN0361\]: what was kept of a\.attn for ts is not as it was written: "module\.js" .*\nhint: /,
    )
    chmodSync(at('entries', key), 0o755)
    const { diagnostics, ok } = JSON.parse((await run('--json')).out)
    expect({ ok, diagnostics }).toMatchObject({
      ok: true,
      diagnostics: [{ code: 'ATTN0361', severity: 'warning', place: null }],
    })
    expect(await run()).toEqual(first)
  })

  test('do without a folder that cannot be used', async () => {
    const without = await run('--no-cache')
    mkdirSync(at(), { recursive: true })
    chmodSync(at(), 0o777)
    const { exit, out, err } = await run()
    expect({ exit, out }).toEqual({ exit: 0, out: without.out })
    expect(err.match(/warning\[ATTN0360\]/g)).toEqual(['warning[ATTN0360]'])
    expect(err).toContain('mode 777')
    const verified = await attnc(['verify', 'a.attn', '--target', 'ts', '--shape', 'i=3,j=5', '--no-probes'])
    expect(verified.exit).toBe(0)
    expect(verified.err.match(/warning\[ATTN0360\]/g)).toEqual(['warning[ATTN0360]'])
  })
})

describe('cache', () => {
  test('dir prints the folder, and makes nothing', async () => {
    expect(await attnc(['cache', 'dir'])).toEqual({ exit: 0, out: `${join(folder, 'cache')}\n`, err: '' })
    expect(existsSync(join(folder, 'cache'))).toBe(false)
  })

  test.each(['ls', 'prune', 'clear'])(
    '%s has nothing to do where nothing was kept, and makes nothing',
    async (action) => {
      expect(await attnc(['cache', action])).toMatchObject({ exit: 0 })
      expect(await json(action)).toMatchObject({ ok: true, folder: join(folder, 'cache'), bytes: 0 })
      expect(existsSync(join(folder, 'cache'))).toBe(false)
    },
  )

  test('ls lines up, whatever sources are called', async () => {
    const names = ['a.attn', '注意.attn', 'é\u0301.attn', 'a b\n"\x1b[2J.attn', `${'long'.repeat(20)}.attn`]
    for (const name of names) {
      writeFileSync(name, source)
      expect(await attnc(['run', name, '--target', 'ts', '--shape', 'i=3,j=5,d=4,e=4'])).toMatchObject({
        exit: 0,
        err: '',
      })
    }
    const { exit, out, err } = await attnc(['cache', 'ls'])
    const lines = out.trimEnd().split('\n')
    expect({ exit, lines: lines.length }).toEqual({ exit: 0, lines: 2 * names.length + 1 })
    expect(lines[0]).toMatch(/^key +source +target +options +files +size +used$/)
    const column = (line: string, what: RegExp): number => displayWidth(line.slice(0, line.search(what)))
    for (const line of lines.slice(1)) {
      expect(line).toMatch(/^[0-9a-f]{12} /)
      expect(column(line, / (ts|any) /)).toBe(column(lines[0] ?? '', / target /))
      expect(displayWidth(line)).toBe(displayWidth(lines[1] ?? ''))
    }
    expect(out).not.toContain('\x1b')
    expect(out).toContain('a b\\u{a}"\\u{1b}[2J.attn')
    expect(err).toMatch(/^10 builds, \d+ KiB of 512 MiB at most, in /)
    const { entries, bytes, limit } = await json('ls')
    expect(entries.map(({ source }: { source: string }) => source).sort()).toEqual([...names, ...names].sort())
    expect(entries[0]).toMatchObject({
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      target: 'ts',
      options: 'f32 d=4 e=4',
      files: ['module.js', 'signatures.json'],
      used: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
    expect(bytes).toBe(entries.reduce((sum: number, one: { bytes: number }) => sum + one.bytes, 0))
    expect(limit).toBe(2 ** 29)
  })

  test('ls says what is not as it was written, and prune removes it', async () => {
    await run()
    const [key = ''] = builds()
    appendFileSync(at('entries', key, 'manifest.json'), ' ')
    expect((await attnc(['cache', 'ls'])).out).toContain('(not as it was written)')
    const { entries } = await json('ls')
    const changed = { key, source: null, target: null, options: null }
    const checked = { source: 'a.attn', target: 'any', options: 'checked' }
    expect(entries).toHaveLength(2)
    expect(entries).toEqual(expect.arrayContaining([changed, checked].map((one) => expect.objectContaining(one))))
    expect(await json('prune')).toMatchObject({ removed: 1, left: 1 })
    expect(builds()).toEqual([])
  })

  test('prune leaves as much as it is told to', async () => {
    await run()
    await run('--tile', 'i=8')
    const { bytes } = await json('ls')
    expect(await json('prune')).toMatchObject({ removed: 0, left: 3, bytes })
    expect(await json('prune', '--max-size', `${bytes - 1}`)).toMatchObject({ removed: 1, left: 2 })
    const left = await json('ls')
    const out = `removed 2 builds (${showBytes(left.bytes)}), 0 builds left (0 B)\n`
    expect(await attnc(['cache', 'prune', '--max-size', '1K'])).toEqual({ exit: 0, out, err: '' })
  })

  test('clear removes all', async () => {
    await run()
    await run('--tile', 'i=8')
    expect(await json('clear')).toMatchObject({ ok: true, removed: 3, left: 0, bytes: 0 })
    expect(readdirSync(at('entries'))).toEqual([])
    expect(await run()).toMatchObject({ exit: 0, err: '' })
  })

  test.each([
    [['lss'], 'ATTN0300', "did you mean 'ls'?"],
    [['remove-all'], 'ATTN0300', 'one of dir, ls, prune, clear'],
    [[], 'ATTN0300', 'see attnc cache --help'],
    [['ls', 'x'], 'ATTN0300', 'see attnc cache --help'],
    [['ls', '--max-size', '1M'], 'ATTN0300', '--max-size belongs to prune'],
    [['prune', '--max-size', 'much'], 'ATTN0302', '--max-size 100M'],
  ])('%j is refused with %s', async (args, code, text) => {
    const { exit, out, err } = await attnc(['cache', ...args])
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(err).toContain(`error[${code}]`)
    expect(err).toContain(text)
  })

  test.each(['ls', 'prune', 'clear'])('%s refuses a folder that is open to others', async (action) => {
    await run()
    chmodSync(at(), 0o755)
    const { exit, out, err } = await attnc(['cache', action])
    expect({ exit, out }).toEqual({ exit: 2, out: '' })
    expect(err).toMatch(/^error\[ATTN0360\]: .*mode 755, not 700/)
    expect(await json(action)).toMatchObject({ ok: false, exitCode: 2, folder: join(folder, 'cache') })
  })
})

test('sizes are read and shown in units of 1024', () => {
  const read = ['0', '12', '1K', '2kB', '3M', '1GiB', '1T', '', '1.5M', '-1', 'M', '9999999999999'].map((text) => {
    const bytes = parseBytes('--max-size', text)
    return bytes.ok ? bytes.value : undefined
  })
  expect(read).toEqual([0, 12, 1024, 2048, 3 * 2 ** 20, 2 ** 30, 2 ** 40, ...Array(5).fill(undefined)])
  expect([0, 1023, 1024, 1536, 20_000, 2 ** 20, 2 ** 29, 2 ** 60].map(showBytes)).toEqual([
    ...['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '20 KiB', '1.0 MiB', '512 MiB', '1048576 TiB'],
  ])
})

test('the compiler is known by all of its code', () => {
  for (const room of ['grammar', 'compiler/plan', 'targets', 'generated', 'runtime'])
    mkdirSync(join('code', room), { recursive: true })
  writeFileSync('code/index.js', 'index')
  writeFileSync('code/compiler/plan/a.js', 'a')
  const before = hashCode('code')
  expect(before).toMatch(/^[0-9a-f]{64}$/)
  writeFileSync('code/compiler/plan/a.d.ts', 'types')
  writeFileSync('code/compiler/notes.txt', 'notes')
  expect(hashCode('code')).toBe(before)
  const others = ['code/compiler/plan/a.js', 'code/index.js', 'code/runtime/new.js', 'code/targets/x.ts'].map(
    (path) => {
      appendFileSync(path, ' ')
      return hashCode('code')
    },
  )
  expect(new Set([before, ...others]).size).toBe(5)
  rmSync('code/targets', { recursive: true })
  expect(hashCode('code')).toBeUndefined()
})
