import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { reserved } from '../grammar/tokens.ts'
import { attnc } from './cli-io.ts'

const home = process.cwd()
let folder: string
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-init-')))
})
beforeEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  process.chdir(folder)
})
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

describe('init', () => {
  test.each([
    [[], 'example.attn', 'example'],
    [['.'], 'example.attn', 'example'],
    [['kernels/'], 'kernels/example.attn', 'example'],
    [['there'], 'there/example.attn', 'example'],
    [['mine'], 'mine.attn', 'mine'],
    [['mine.attn'], 'mine.attn', 'mine'],
    [['some/folders/mine'], 'some/folders/mine.attn', 'mine'],
    [['softmax'], 'softmax.attn', 'softmax'],
    [['class'], 'class.attn', 'class'],
  ])('%j writes %s', async (args, path, name) => {
    mkdirSync('there')
    expect(await attnc(['init', ...args])).toEqual({
      exit: 0,
      out: `${path}\n`,
      err: `\nnext:\n  attnc verify ${path}\n  attnc build ${path} --target ts -o out\n`,
    })
    expect(readFileSync(path, 'utf8')).toContain(`attention ${name} {`)
  })

  test('what it writes checks, is formatted and verifies, and the commands it prints run', async () => {
    const { out } = await attnc(['init', 'a b/mine', '--json'])
    const { path, next }: { path: string; next: readonly string[] } = JSON.parse(out)
    expect(await attnc(['check', path])).toEqual({ exit: 0, out: 'checked 1 file: 0 errors, 0 warnings\n', err: '' })
    expect(await attnc(['fmt', '--check', path])).toMatchObject({ exit: 0 })
    for (const line of next) {
      const words = [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word)
      expect(await attnc(words.slice(1))).toMatchObject({ exit: 0, err: '' })
    }
    expect(readdirSync('out').sort()).toEqual(['mine.d.ts', 'mine.js', 'mine.ts'])
  }, 60_000)

  test('writes over nothing', async () => {
    writeFileSync('mine.attn', 'mine')
    mkdirSync('folder.attn')
    symlinkSync('nowhere', 'link.attn')
    for (const name of ['mine', 'folder.attn/', 'link']) await attnc(['init', name])
    for (const name of ['mine', 'mine.attn', 'folder.attn', 'link']) {
      const { exit, err } = await attnc(['init', name])
      expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining('error[ATTN0319]') })
    }
    expect(readFileSync('mine.attn', 'utf8')).toBe('mine')
    expect(readdirSync('.').sort()).toEqual(['folder.attn', 'link.attn', 'mine.attn'])
  })

  test.each([...reserved, '1st', 'a-b', 'a b', 'é', '..attn', 'a'.repeat(65)])('refuses the name %s', async (name) => {
    expect(await attnc(['init', name])).toMatchObject({ exit: 2, err: expect.stringContaining('error[ATTN0302]') })
    expect(readdirSync('.')).toEqual([])
  })

  test('says what it cannot write, and leaves no folder behind', async () => {
    writeFileSync('file', '')
    expect(await attnc(['init', 'file/mine'])).toMatchObject({ exit: 2, err: expect.stringContaining('ATTN0312') })
    expect(await attnc(['init', `new/${'a/'.repeat(3000)}x`])).toMatchObject({ exit: 2 })
    expect(readdirSync('.')).toEqual(['file'])
    if (process.getuid?.() === 0) return console.log('skipped: the superuser may write anywhere')
    mkdirSync('closed')
    chmodSync('closed', 0o500)
    expect(await attnc(['init', 'closed/'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('permission denied'),
    })
  })
})
