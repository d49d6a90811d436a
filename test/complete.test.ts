import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shapes } from '../cli/complete.ts'
import { commandNames } from '../cli/program.ts'
import { stages } from '../index.ts'
import { attnc } from './cli-io.ts'

let folder: string
const script: Record<string, string> = {}
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-complete-')))
  for (const path of ['kernels', 'out']) mkdirSync(join(folder, path))
  for (const path of ['a.attn', 'b c.attn', 'q.npy', 'notes.txt', 'kernels/d.attn'])
    writeFileSync(join(folder, path), '')
  for (const shell of ['bash', 'zsh', 'fish']) script[shell] = (await attnc(['complete', shell])).out
})
afterAll(() => rmSync(folder, { recursive: true }))

const isThere = (program: string): boolean => {
  try {
    execFileSync(program, ['-c', 'true'])
    return true
  } catch {
    console.log(`skipped: completion in ${program}, which is not installed`)
    return false
  }
}

describe('what is completed', () => {
  test('is what the commands declare', () => {
    expect(
      shapes()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...commandNames, 'help'].sort())
    for (const { name, options } of shapes())
      if (name !== 'help')
        expect(options.flatMap(({ flags }) => flags)).toEqual(expect.arrayContaining(['--json', '--help']))
    const build = shapes().find(({ name }) => name === 'build')
    const emit = build?.options.find(({ flags }) => flags.includes('--emit'))
    expect(emit?.value).toEqual({ kind: 'words', words: [...stages, 'lib', 'torch', 'dts'] })
  })

  test('is accepted', async () => {
    writeFileSync(
      join(folder, 'kernels/d.attn'),
      'attention d {\n  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]\n  score = dot(q, k)\n  normalize = softmax[j](score)\n}\n',
    )
    const options = shapes().find(({ name }) => name === 'build')?.options ?? []
    for (const { flags, value } of options) {
      if (value.kind !== 'words') continue
      for (const word of value.words) {
        const out = ['-o', join(folder, 'out')]
        const targets: Readonly<Record<string, string>> = { lib: 'native', torch: 'cuda', dts: 'ts' } // of what is written
        const target = targets[word]
        const where = target !== undefined ? ['--target', target, ...out] : flags.includes('--emit') ? [] : out
        expect(
          await attnc(['build', join(folder, 'kernels/d.attn'), flags.at(-1)!, word, ...where]),
          word,
        ).toMatchObject({ exit: 0 })
      }
    }
  }, 60_000)

  test('is asked for by a shell that is known', async () => {
    expect(await attnc(['complete', 'bsah'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining("did you mean 'bash'?"),
    })
    expect(await attnc(['complete'])).toMatchObject({ exit: 2 })
  })
})

// The words as bash splits them: at `=` too.
describe.skipIf(!isThere('bash'))('bash', () => {
  const completions = (...words: readonly string[]): readonly string[] => {
    const line = `${script.bash}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _attnc; printf '%s\\n' "\${COMPREPLY[@]}"`
    const printed = execFileSync('bash', ['--norc', '-c', line, 'bash', 'attnc', ...words], {
      cwd: folder,
      encoding: 'utf8',
    })
    return [...new Set(printed.split('\n').filter((word) => word !== ''))].sort()
  }

  test('reads the script without complaint, and registers it', () => {
    expect(
      execFileSync('bash', ['--norc', '-c', `set -eu\n${script.bash}\ncomplete -p attnc`], { encoding: 'utf8' }),
    ).toBe('complete -F _attnc attnc\n')
  })

  test.each([
    [[''], [...commandNames, 'help'].sort()],
    [['c'], ['cache', 'check', 'cmake-dir', 'complete']],
    [['help', 've'], ['verify']],
    [['--v'], ['--version']],
    [
      ['check', ''],
      ['a.attn', 'b c.attn', 'kernels', 'out'],
    ],
    [['check', 'kernels/'], ['kernels/d.attn']],
    [['fmt', '--check', 'b'], ['b c.attn']],
    [
      ['check', '--f'],
      ['--fix', '--format'],
    ],
    [
      ['check', '--format', ''],
      ['github', 'human', 'json', 'sarif', 'short'],
    ],
    [
      ['check', '--format', '=', 's'],
      ['sarif', 'short'],
    ],
    [
      ['check', '--format', '='],
      ['github', 'human', 'json', 'sarif', 'short'],
    ],
    [
      ['build', 'a.attn', '-o', ''],
      ['kernels', 'out'],
    ],
    [['build', '--emit', 'p'], ['plan']],
    [['build', '-t', 't'], ['ts']],
    [['build', '--size', ''], []],
    [
      ['run', 'a.attn', '--input', 'q', '=', ''],
      ['a.attn', 'b c.attn', 'kernels', 'notes.txt', 'out', 'q.npy'],
    ],
    [
      ['run', 'a.attn', '--input', 'q', '='],
      ['a.attn', 'b c.attn', 'kernels', 'notes.txt', 'out', 'q.npy'],
    ],
    [['run', 'a.attn', '--input', 'q', '=', 'q'], ['q.npy']],
    [
      ['cache', ''],
      ['clear', 'dir', 'ls', 'prune'],
    ],
    [
      ['complete', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [
      ['init', ''],
      ['kernels', 'out'],
    ],
    [['targets', ''], []],
  ])('%j', (words, found) => {
    expect(completions(...words)).toEqual(found)
  })
})

test.skipIf(!isThere('zsh'))('zsh reads its script', () => {
  execFileSync('zsh', ['-f', '-n', '-c', script.zsh!])
})

test.skipIf(!isThere('fish'))('fish completes by its script', () => {
  const line = `${script.fish}\ncomplete -C 'attnc check --format s'`
  expect(execFileSync('fish', ['--no-config', '-c', line], { cwd: folder, encoding: 'utf8' })).toContain('sarif')
})
