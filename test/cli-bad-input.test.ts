import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attnc } from './cli-io.ts'

const good = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  param scale = 1.0 in [0, 8]
  score     = scale * dot(q, k)
  normalize = softmax[j](score)
}
`
const deep = (before: string, middle: string, after: string): string =>
  `fn f(x) = ${before.repeat(10_000)}${middle}${after.repeat(10_000)}\n`

/** Sources that nobody writes by hand. */
const sources: Readonly<Record<string, string | Uint8Array>> = {
  'good.attn': good,
  'empty.attn': '',
  'nothing.attn': '// nothing\n',
  'latin.attn': Buffer.from('// na\xefve\n', 'latin1'),
  'utf16.attn': Buffer.from('\ufefffn f(x) = x\n', 'utf16le'),
  'nul.attn': 'fn f(x) = x\0\n',
  'noise.attn': Uint8Array.from({ length: 4096 }, (_, n) => (n * 167 + (n >> 3) * 31) & 0xff),
  'ten-megabytes.attn': ' '.repeat(10 * 2 ** 20),
  'a-line.attn': `fn f(x) = x${' + x'.repeat(100_000)}\n`,
  'parentheses.attn': deep('(', 'x', ')'),
  'open.attn': deep('(', 'x', ''),
  'brackets.attn': deep('x[j = ', 'x', ']'),
  'ifs.attn': deep('if x > 0 then ', 'x', ' else 0'),
  'signs.attn': deep('-', 'x', ''),
  'powers.attn': deep('x ^ ', 'x', ''),
  'blocks.attn': deep('{', 'x', '}'),
}

const home = process.cwd()
let folder: string
let before: readonly string[]
const list = (): readonly string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-bad-')))
  process.chdir(folder)
  for (const [path, text] of Object.entries(sources)) writeFileSync(path, text)
  for (const path of ['package.json', 'file', 'q.npy']) writeFileSync(path, '{}')
  for (const path of ['none', 'folder.attn']) mkdirSync(path)
  symlinkSync('loop.attn', 'loop.attn')
  symlinkSync('gone', 'dangling.attn')
  before = list()
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

const build = ['build', 'good.attn', '--target', 'ts', '-o', 'out']
const size = (value: string): readonly string[] => [...build, '--size', value]
const shape = (value: string): readonly string[] => ['run', 'good.attn', '--shape', value]

// Each: what is given, the exit code, the error's code, and a piece of what is said.
describe('what is wrong is said, with the place and the way out', { timeout: 60_000 }, () => {
  test.each<readonly [readonly string[], 1 | 2, string, string]>([
    // sources
    [['check', 'empty.attn'], 1, 'ATTN0160', '--> empty.attn:1:1'],
    [['check', 'nothing.attn'], 1, 'ATTN0160', "neither an 'attention' nor a 'fn'"],
    [['check', 'latin.attn'], 1, 'ATTN0313', '--> latin.attn:1:6'],
    [['build', 'latin.attn', '-o', 'out'], 1, 'ATTN0313', 'save the file as UTF-8'],
    [['check', 'utf16.attn'], 1, 'ATTN0313', '--> utf16.attn:1:1'],
    [['check', 'nul.attn'], 1, 'ATTN0001', 'U+0000'],
    [['check', 'noise.attn'], 1, 'ATTN0313', '--> noise.attn:'],
    [['check', 'ten-megabytes.attn'], 1, 'ATTN0006', '10485760 bytes, 1048576 are allowed'],
    [['fmt', 'ten-megabytes.attn'], 1, 'ATTN0006', '--> ten-megabytes.attn:1:1'],
    [['check', '--fix', 'ten-megabytes.attn'], 1, 'ATTN0006', 'allowed'],
    [['check', 'a-line.attn'], 1, 'ATTN0008', "name parts of it with 'let'"],
    [['check', 'parentheses.attn'], 1, 'ATTN0007', '--> parentheses.attn:1:75'],
    [['check', 'open.attn'], 1, 'ATTN0007', '--> open.attn:1:75'],
    [['check', 'brackets.attn'], 1, 'ATTN0007', '--> brackets.attn:1:'],
    [['build', 'ifs.attn', '-o', 'out'], 1, 'ATTN0007', '--> ifs.attn:1:'],
    [['verify', 'signs.attn'], 1, 'ATTN0007', '--> signs.attn:1:75'],
    [['explain', 'powers.attn'], 1, 'ATTN0007', '--> powers.attn:1:'],
    [['fmt', 'blocks.attn'], 1, 'ATTN0007', '--> blocks.attn:1:75'],
    [['check', '--fix', 'open.attn'], 1, 'ATTN0007', '--> open.attn:1:75'],
    // paths
    [['check', 'missing.attn'], 2, 'ATTN0310', 'no such file: missing.attn'],
    [['check', ''], 2, 'ATTN0310', 'no such file'],
    [['check', 'none'], 2, 'ATTN0316', 'no .attn file below none'],
    [['check', 'folder.attn'], 2, 'ATTN0316', 'below folder.attn'],
    [['check', 'file/a.attn'], 2, 'ATTN0311', 'a part of the path is a file'],
    [['check', 'loop.attn'], 2, 'ATTN0311', 'too many symbolic links'],
    [['check', 'dangling.attn'], 2, 'ATTN0310', 'dangling.attn'],
    [['check', `${'x'.repeat(300)}.attn`], 2, 'ATTN0311', 'the name is too long'],
    [['check', 'file'], 2, 'ATTN0315', 'attnc check - < file'],
    [['run', 'none', '--seed', '1'], 2, 'ATTN0316', 'none'],
    [['build', 'good.attn', '--target', 'ts', '-o', 'file'], 2, 'ATTN0312', 'a part of the path is a file'],
    [['build', 'good.attn', '--target', 'ts', '-o', 'file/out'], 2, 'ATTN0312', 'file/out/good.ts'],
    [['build', 'good.attn', '--target', 'ts', '-o', ''], 2, 'ATTN0318', '-o FOLDER'],
    [['run', 'good.attn', '--target', 'ts', '--seed', '1', '--output', 'out=none'], 2, 'ATTN0312', 'it is a folder'],
    [['run', 'good.attn', '--target', 'ts', '--seed', '1', '--output', 'out=file/x.npy'], 2, 'ATTN0312', 'file/x.npy'],
    // absurd numbers
    [size('d=1e9'), 2, 'ATTN0302', '1 to 65536'],
    [size('d=-1'), 2, 'ATTN0302', "not 'd=-1'"],
    [size('d=NaN'), 2, 'ATTN0302', "not 'd=NaN'"],
    [size('d=Infinity'), 2, 'ATTN0302', '--size d=64,e=64'],
    [size('d=99999999999999999999'), 2, 'ATTN0302', '1 to 65536'],
    [size('d=1.5'), 2, 'ATTN0302', "not 'd=1.5'"],
    [size('d=65536'), 2, 'ATTN0302', '1 to 512'],
    [size('d=8,d=9'), 2, 'ATTN0302', "gives 'd' twice"],
    [shape('i=2147483648'), 2, 'ATTN0302', '0 to 2147483647'],
    [shape('i=-3'), 2, 'ATTN0302', '--shape i=64,j=64'],
    [shape('i=2147483647,j=2147483647'), 1, 'ATTN0324', 'at most 268435456 elements'],
    [['verify', 'good.attn', '--shape', 'i=100000000,j=100000000'], 1, 'ATTN0324', 'too large to verify'],
    [['verify', 'good.attn', '--shape', 'b=1,h=1,i=4000000,j=4000000,d=1,e=1'], 1, 'ATTN0324', 'i=4000000, j=4000000'],
    [['verify', 'good.attn', '--tile', 'i=0'], 2, 'ATTN0302', '--tile i=64,j=64'],
    [['verify', 'good.attn', '--seed', '4294967296'], 2, 'ATTN0302', '0 to 4294967295'],
    [['run', 'good.attn', '--seed', '1', '--param', 'scale=NaN'], 2, 'ATTN0307', 'decimal'],
    [['run', 'good.attn', '--seed', '1', '--param', 'scale=1e999'], 2, 'ATTN0307', 'decimal'],
    [['run', 'good.attn', '--seed', '1', '--param', 'scale=9'], 2, 'ATTN0307', '[0, 8]'],
    [['cache', 'prune', '--max-size=-1'], 2, 'ATTN0302', '--max-size 100M'],
    [['cache', 'prune', '--max-size', '9999999999999T'], 2, 'ATTN0302', '--max-size 100M'],
    // names of all kinds
    [['bild', 'good.attn'], 2, 'ATTN0300', 'did you mean build?'],
    [['check', '--formt', 'json', 'good.attn'], 2, 'ATTN0300', 'did you mean --format?'],
    [['check', '--format', 'sariff', 'good.attn'], 2, 'ATTN0302', "did you mean 'sarif'?"],
    [[...build, '--target', 'tss'], 2, 'ATTN0301', "did you mean 'ts'?"],
    [[...build, '--dtype', 'fp16'], 2, 'ATTN0302', "did you mean 'f16'?"],
    [[...build, '--precision', 'acurate'], 2, 'ATTN0302', "did you mean 'accurate'?"],
    [[...build, '--plan', 'materialized'], 2, 'ATTN0302', "did you mean 'materialised'?"],
    [['build', 'good.attn', '--emit', 'kernal'], 2, 'ATTN0302', "did you mean 'kernel'?"],
    [size('dd=64'), 2, 'ATTN0303', "did you mean 'd'?"],
    [['run', 'good.attn', '--input', 'kk=q.npy'], 2, 'ATTN0304', "did you mean 'k'?"],
    [['run', 'good.attn', '--seed', '1', '--output', 'oot=x.npy'], 2, 'ATTN0305', "did you mean 'out'?"],
    [['run', 'good.attn', '--seed', '1', '--param', 'scal=1'], 2, 'ATTN0306', "did you mean 'scale'?"],
    [['run', 'good.attn', '--seed', '1', '--attention', 'b'], 2, 'ATTN0309', 'there is a'],
    [['explain', 'ATTN0999'], 2, 'ATTN0340', 'did you mean ATTN'],
    [['cache', 'prnue'], 2, 'ATTN0300', "did you mean 'prune'?"],
    [['complete', 'basj'], 2, 'ATTN0302', "did you mean 'bash'?"],
    [['doctor', '--target', 'natve'], 2, 'ATTN0301', "did you mean 'native'?"],
  ])('%j', async (args, exit, code, text) => {
    const ran = await attnc(args)
    expect(ran.err).toContain(`error[${code}]`)
    expect(ran.err).toContain(text)
    expect(ran.err.length).toBeLessThan(20_000)
    expect({ exit: ran.exit, out: ran.out }).toEqual({ exit, out: '' })
    expect(list()).toEqual(before)
    expect(statSync('ten-megabytes.attn').size).toBe(10 * 2 ** 20)
    expect(readFileSync('open.attn', 'utf8')).toBe(sources['open.attn'])
  })

  test.each(['check', 'build', 'verify', 'fmt', 'explain', 'run'])(
    '%s reads what is wrong from standard input too',
    async (command) => {
      const options: Readonly<Record<string, readonly string[]>> = { build: ['-o', '-'], run: ['--seed', '1'] }
      for (const name of ['latin.attn', 'parentheses.attn', 'ten-megabytes.attn', 'empty.attn']) {
        if (command === 'fmt' && name === 'empty.attn') continue
        const { exit, out, err } = await attnc([command, '-', ...(options[command] ?? [])], sources[name])
        expect({ exit, out }).toEqual({ exit: 1, out: '' })
        expect(err).toContain('--> stdin.attn:1:')
      }
    },
  )
})

describe('standard input and output', { timeout: 60_000 }, () => {
  test.each([
    ['check', [], /^checked 1 file/],
    ['build', ['--target', 'ts', '-o', '-'], /^\/\/ Generated by attnc/],
    ['build', ['--emit', 'plan'], /^plan a/],
    ['fmt', [], /^attention a \{/],
    ['explain', [], /\ba\b/],
    ['run', ['--target', 'ts', '--seed', '1'], /^result/],
    ['verify', ['--target', 'ts', '--shape', 'i=2,j=3'], /^attention /],
  ])('%s takes them by - with %j', async (command, options, start) => {
    const { exit, out, err } = await attnc([command, '-', ...options], good)
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toMatch(start)
  })
})

// As a shell connects processes.
describe.skipIf(process.platform === 'win32')('a process', { timeout: 60_000 }, () => {
  const bin = fileURLToPath(new URL('../bin/attnc.js', import.meta.url))
  const shell = (script: string) =>
    execa('bash', ['-c', `attnc() { "$node" "$bin" "$@"; }; set -o pipefail; ${script}`], {
      cwd: folder,
      reject: false,
      env: { node: process.execPath, bin },
      timeout: 50_000,
    })

  test.each([
    'build good.attn --target ts -o -',
    'explain ATTN0001',
    'complete bash',
    '--help',
    'check . --format sarif',
  ])('ends quietly where the reader of its pipe has left: %s', async (line) => {
    expect(await shell(`attnc ${line} 2> err | true; cat err >&2; rm err`)).toMatchObject({ stderr: '' })
    expect(await shell(`attnc ${line} 2> err | head -c 10 > /dev/null; cat err >&2; rm err`)).toMatchObject({
      stderr: '',
    })
  })

  test('bears that nobody reads its errors', async () => {
    expect((await shell('attnc check latin.attn 2>&1 > /dev/null | true')).stderr).toBe('')
  })

  test.skipIf(!existsSync('/dev/full'))('says that its output has no room', async () => {
    for (const line of ['explain ATTN0001', 'build good.attn --target ts -o -', '--help'])
      expect(await shell(`attnc ${line} > /dev/full`)).toMatchObject({
        exitCode: 2,
        stderr: 'error[ATTN0312]: cannot write to standard output: no space left on the device',
      })
  })
})
