import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { longFlags } from '../cli/gcc-flags.ts'
import { targets } from '../index.ts'
import { quoteForMake, renderDepfile } from '../runtime/depfile.ts'
import { attnc } from './cli-io.ts'

const home = process.cwd()
let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc builds # $é ')))
  process.chdir(folder)
})
afterEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})
afterAll(() => process.chdir(home))

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
const read = (path: string): string => readFileSync(path, 'utf8')

const source = (imported = ''): string => `${imported === '' ? '' : `import "${imported}"\n`}attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = ${imported === '' ? 'dot(q, k)' : 'twice(dot(q, k))'}
  normalize = softmax[j](score)
}
`

describe('flags of gcc', () => {
  test.each([
    [['-MD'], ['--depfile']],
    [
      ['-MD', '-MP'],
      ['--depfile', '--depfile-phony'],
    ],
    [
      ['-MF', 'x.d'],
      ['--depfile-path', 'x.d'],
    ],
    [['-MFx.d'], ['--depfile-path=x.d']],
    [
      ['-MT', 'x', '-MTy z'],
      ['--depfile-target', 'x', '--depfile-target=y z'],
    ],
    [
      ['-M', '-MM', '-MDx', '-MPx', '-MQ', 'x'],
      ['-M', '-MM', '-MDx', '-MPx', '-MQ', 'x'],
    ],
    [
      ['-o', 'out', '--', '-MD'],
      ['-o', 'out', '--', '-MD'],
    ],
  ])('%j', (short, long) => {
    expect(longFlags(['build', 'a.attn', ...short])).toEqual(['build', 'a.attn', ...long])
  })

  test('are those of build alone', () => {
    expect(longFlags(['check', '-MD'])).toEqual(['check', '-MD'])
  })

  test('that are none are refused', async () => {
    put('a.attn', source())
    for (const wrong of [['-M'], ['-MDx'], ['-MF'], ['-MQ', 'x']]) {
      const { exit, err } = await attnc(['build', 'a.attn', '--target', 'ts', '-o', 'out', ...wrong])
      expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining('ATTN0300') })
    }
    expect(existsSync('out')).toBe(false)
  })

  test.each([
    [['-MF', 'x.d', '-o', 'out'], '-MF without -MD'],
    [['-MT', 'x', '-MP', '-o', 'out'], '-MT and -MP without -MD'],
    [['-MD', '-o', '-'], 'nothing is written'],
    [['-MD', '--emit', 'ir'], 'nothing is written'],
    [['-MD', '--check', '-o', 'out'], '--check writes nothing'],
    [['--check', '-o', '-'], 'none would be written'],
  ])('%j: %s', async (given, message) => {
    put('a.attn', source())
    const { exit, err } = await attnc(['build', 'a.attn', '--target', 'ts', ...given])
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining(message) })
  })
})

describe('a dependency file', () => {
  test.each([
    ['/a/b.attn', '/a/b.attn'],
    ['/a b/#1/$x.attn', '/a\\ b/\\#1/$$x.attn'],
    ['/a\\ b', '/a\\\\\\ b'],
    ['/a\\b', '/a\\b'],
    ['/é:x', '/é\\:x'],
  ])('has %s as %s', (path, quoted) => {
    expect(quoteForMake(path, 'linux')).toBe(quoted)
  })

  test('has paths of Windows with slashes, and their drives', () => {
    expect(quoteForMake('C:\\a b\\c.attn', 'win32')).toBe('C:/a\\ b/c.attn')
  })

  test('is one rule', () => {
    const rule = { targets: ['a.ts', 'a.js'], inputs: ['/a.attn', '/b c.attn'] }
    expect(renderDepfile({ ...rule, phony: false })).toBe('a.ts a.js: \\\n  /a.attn \\\n  /b\\ c.attn\n')
    expect(renderDepfile({ ...rule, phony: true })).toBe(
      'a.ts a.js: \\\n  /a.attn \\\n  /b\\ c.attn\n\n/a.attn:\n\n/b\\ c.attn:\n',
    )
  })

  test('names all outputs as they were asked for, and every import by its absolute path', async () => {
    put('src/a.attn', source('lib/one.attn'))
    put('src/lib/one.attn', 'import "two.attn"\nfn twice(x) = 2 * once(x)\n')
    put('src/lib/two.attn', 'fn once(x) = x\n')
    expect(await attnc(['build', 'src/a.attn', '--target', 'ts', '-o', 'out', '-MD', '-q'])).toEqual({
      exit: 0,
      out: '',
      err: expect.any(String),
    })
    const rule = read('out/a.d').replaceAll(' \\\n ', '')
    const inputs = ['src/a.attn', 'src/lib/one.attn', 'src/lib/two.attn'].map((path) =>
      quoteForMake(join(folder, path)),
    )
    expect(rule).toBe(`out/a.ts out/a.js out/a.d.ts: ${inputs.join(' ')}\n`)
  })

  test('names what was tuned for a source, also where none of it is taken', async () => {
    put('a.attn', source())
    put('a.attn.tuned.json', '{"attncTuned": 1, "entries": []}')
    const build = ['build', 'a.attn', '--target', 'wgsl', '-o', 'out', '-MD']
    expect(await attnc(build)).toMatchObject({ exit: 0 })
    expect(read('out/a.d')).toContain(quoteForMake(join(folder, 'a.attn.tuned.json')))
    await attnc([...build, '--no-tuned'])
    expect(read('out/a.d')).not.toContain('tuned')
  })

  test('goes where -MF says, and has the targets of -MT as they are', async () => {
    put('a.attn', source())
    await attnc(['build', 'a.attn', '--target', 'wgsl', '-o', 'out', '-MD', '-MFdeps/a.d', '-MT', '$(ALL)', '-MTx'])
    expect(read('deps/a.d').split(':')[0]).toBe('$(ALL) x')
    expect(existsSync('out/a.d')).toBe(false)
  })

  test('of several sources has a name', async () => {
    put('in/a.attn', source())
    put('in/b/a.attn', source())
    const build = ['build', 'in', '--target', 'wgsl', '-o', 'out', '-MD']
    expect(await attnc(build)).toMatchObject({ exit: 2, err: expect.stringContaining('-MF FILE') })
    expect(existsSync('out')).toBe(false)
    expect(await attnc([...build, '-MF', 'all.d'])).toMatchObject({ exit: 0 })
    expect(read('all.d')).toContain('out/b/a.wgsl')
  })

  test('has no path that would end its line', async () => {
    put('in/a\nx: ;id.attn', source())
    const { exit, err } = await attnc(['build', 'in', '--target', 'wgsl', '-o', 'out', '-MD'])
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining('line end') })
    expect(existsSync('out')).toBe(false)
  })

  test('and what was written stay as they are where a build fails', async () => {
    put('a.attn', source('lib.attn'))
    put('lib.attn', 'fn twice(x) = 2 * x\n')
    const build = ['build', 'a.attn', '--target', 'ts', '-o', 'out', '-MD']
    await attnc(build)
    const before = ['out/a.ts', 'out/a.d'].map(read)
    put('lib.attn', 'fn twice(x) = 2 *\n')
    const { exit, err } = await attnc(build)
    expect({ exit, err }).toEqual({ exit: 1, err: expect.stringContaining('--> lib.attn:') })
    expect(['out/a.ts', 'out/a.d'].map(read)).toEqual(before)
  })

  test.skipIf(process.getuid?.() === 0)('that cannot be written is said to be so', async () => {
    put('a.attn', source())
    mkdirSync('out')
    chmodSync('out', 0o500)
    const { exit, err } = await attnc(['build', 'a.attn', '--target', 'ts', '-o', 'out', '-MD'])
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining('cannot write out/a.ts: permission denied') })
  })
})

describe('--write-if-changed', () => {
  const old = new Date(2001, 1, 1)
  const isOld = (path: string): boolean => statSync(path).mtimeMs === old.getTime()

  test('leaves alone what is as it should be, without it all is written', async () => {
    put('a.attn', source())
    const build = ['build', 'a.attn', '--target', 'ts', '-o', 'out']
    await attnc(build)
    const files = ['out/a.ts', 'out/a.js', 'out/a.d.ts']
    for (const file of files) utimesSync(file, old, old)
    writeFileSync('out/a.js', '')
    expect(await attnc([...build, '--write-if-changed'])).toMatchObject({ exit: 0 })
    expect(files.map(isOld)).toEqual([true, false, true])
    await attnc(build)
    expect(files.map(isOld)).toEqual([false, false, false])
  })
})

describe('--check', () => {
  const check = ['build', 'in', '--target', 'ts', '-o', 'out', '--check']
  beforeEach(async () => {
    put('in/a.attn', source('lib/two.attn'))
    put('in/lib/two.attn', 'fn twice(x) = 2 * x\n')
    await attnc(check.slice(0, -1))
  })

  test('is content with what was built', async () => {
    expect(await attnc(check)).toEqual({ exit: 0, out: '6 files as the sources have them\n', err: '' })
  })

  test('finds what an import has changed, and writes nothing', async () => {
    put('in/lib/two.attn', 'fn twice(x) = 3 * x\n')
    const before = read('out/a.ts')
    const { exit, err } = await attnc(check)
    expect(exit).toBe(1)
    expect(err).toMatch(/error\[ATTN0380\]: out\/a\.ts is not what in\/a\.attn gives now: it differs from line \d+ on/)
    expect(read('out/a.ts')).toBe(before)
  })

  test('finds what is missing, was edited, or has other line ends', async () => {
    unlinkSync('out/a.d.ts')
    writeFileSync('out/a.ts', read('out/a.ts').replaceAll('\n', '\r\n'))
    writeFileSync('out/a.js', `${read('out/a.js')}// mine\n`)
    const { exit, err } = await attnc(check)
    expect(exit).toBe(1)
    expect(err).toContain('out/a.d.ts is missing, which in/a.attn gives')
    expect(err).toContain('it differs in its line ends')
    expect(err).toMatch(/out\/a\.js is not .* from line \d+ on/)
  })

  test('finds other options', async () => {
    expect(await attnc([...check, '--dtype', 'f16'])).toMatchObject({ exit: 1 })
  })
})

// Another folder, another working folder, another time, another language: the same bytes.
describe('equal inputs give equal bytes', { timeout: 120_000 }, () => {
  test.each(Object.keys(targets))('for %s', async (target) => {
    for (const place of ['one/kernels', 'two/much deeper/é'])
      for (const [path, text] of [
        ['a.attn', source('lib/two.attn')],
        ['lib/two.attn', 'fn twice(x) = 2 * x\n'],
      ] as const)
        put(join(place, path), text)
    process.chdir('one')
    expect(await attnc(['build', 'kernels', '--target', target, '-o', '../first'])).toMatchObject({ exit: 0 })
    process.chdir('..')
    const away = ['build', join(folder, 'two/much deeper/é'), '--target', target, '-o', 'second']
    const env = { TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }
    await execa(process.execPath, [join(home, 'bin/attnc.js'), ...away], { env })
    const { stdout } = await execa('diff', ['-r', 'first', 'second'], { reject: false })
    expect(stdout).toBe('')
    expect(existsSync('first/a.ts') || existsSync('first/a.wgsl') || existsSync('first/a.h')).toBe(true)
  })
})

describe('--emit dts', () => {
  test('writes types where TypeScript looks for those of a source', async () => {
    put('in/a.attn', source())
    put('in/b/c.attn', source())
    const build = ['build', 'in', '--emit', 'dts', '-o', 'in', '--target']
    expect(await attnc([...build, 'ts'])).toEqual({ exit: 0, out: 'in/a.d.attn.ts\nin/b/c.d.attn.ts\n', err: '' })
    expect(read('in/a.d.attn.ts')).toContain('export declare function a(')
    expect(existsSync('in/a.ts')).toBe(false)
    expect(await attnc([...build, 'native'])).toMatchObject({ exit: 2, err: expect.stringContaining('--target ts') })
  })
})

test('builds at once leave whole files', { timeout: 120_000 }, async () => {
  put('a.attn', source())
  const bin = join(home, 'bin/attnc.js')
  const build = ['build', 'a.attn', '--target', 'wgsl', '-o', 'out', '-MD']
  await Promise.all([1, 2, 3].map(() => execa(process.execPath, [bin, ...build])))
  const files = ['out/a.wgsl', 'out/a.js', 'out/a.d']
  const together = files.map(read)
  await attnc(build)
  expect(files.map(read)).toEqual(together)
  expect(readdirSync('out').sort()).toEqual(['a.d', 'a.d.ts', 'a.js', 'a.wgsl'])
})
