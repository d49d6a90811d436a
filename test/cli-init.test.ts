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
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { templateNames, toolNames } from '../cli/program-helpers.ts'
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

  test.each(templateNames)(
    '%s is formatted, checks without warnings, and verifies',
    async (template) => {
      for (const args of [
        ['one', '--template', template],
        ['project', '--for', 'node', '--template', template],
      ])
        expect(await attnc(['init', ...args])).toMatchObject({ exit: 0 })
      const paths = ['one.attn', `project/${template}.attn`]
      expect(readFileSync('one.attn', 'utf8')).toContain('attention one {')
      expect(await attnc(['check', ...paths])).toEqual({
        exit: 0,
        out: 'checked 2 files: 0 errors, 0 warnings\n',
        err: '',
      })
      expect(await attnc(['fmt', '--check', ...paths])).toMatchObject({ exit: 0 })
      expect(
        await attnc(['verify', 'one.attn', '--target', 'ts', '--no-probes', '--shape', 'h=2,i=3,j=5,d=8,e=8']),
      ).toMatchObject({ exit: 0 })
    },
    60_000,
  )

  test.each(toolNames)('a project for %s is new as a whole, or nothing is written', async (tool) => {
    const { exit, out, err } = await attnc(['init', 'a b', '--for', tool, '--json'])
    const { path, attention, files, next } = JSON.parse(out)
    expect({ exit, err, path, attention }).toEqual({
      exit: 0,
      err: '',
      path: join('a b', 'causal.attn'),
      attention: 'causal',
    })
    expect(next.slice(0, 2)).toEqual(["cd 'a b'", 'npm install'])
    expect(
      readdirSync('a b')
        .map((name) => join('a b', name))
        .sort(),
    ).toEqual([...files].sort())
    expect(await attnc(['check', 'a b'])).toMatchObject({ exit: 0 })
    const written = files.map((file: string) => readFileSync(file, 'utf8'))
    const last = files.at(-1)
    for (const file of files) if (file !== last) rmSync(file)
    writeFileSync(last, 'mine')
    const again = await attnc(['init', 'a b', '--for', tool])
    expect(again).toMatchObject({ exit: 2, out: '', err: expect.stringContaining(`there is something at ${last}`) })
    expect(readdirSync('a b')).toEqual([last.replace(/^.*[\\/]/, '')])
    expect(readFileSync(last, 'utf8')).toBe('mine')
    rmSync(last)
    process.chdir('a b')
    const here = await attnc(['init', '--for', tool, '--json'])
    expect(JSON.parse(here.out).next[0]).toBe('npm install')
    expect(JSON.parse(here.out).files.map((file: string) => readFileSync(file, 'utf8'))).toEqual(written)
  })

  test('says what else is in the way, where a folder cannot be, and what is misspelt', async () => {
    mkdirSync('app')
    for (const name of ['package.json', '.gitignore']) writeFileSync(join('app', name), '')
    const { err } = await attnc(['init', 'app', '--for', 'node'])
    expect(err.match(/there is something at \S+/g)).toEqual([
      'there is something at app/package.json,',
      'there is something at app/.gitignore,',
    ])
    expect(readdirSync('app').sort()).toEqual(['.gitignore', 'package.json'])
    writeFileSync('file', '')
    expect(await attnc(['init', 'file', '--for', 'c'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('ATTN0312'),
    })
    expect((await attnc(['init', '--for', 'webpck'])).err).toContain("--for knows no 'webpck'")
    expect((await attnc(['init', '--template', 'sofmax'])).err).toContain("did you mean 'softmax'?")
    expect(readdirSync('.').sort()).toEqual(['app', 'file'])
  })

  test('of two at once, one writes all of it', async () => {
    const bin = join(home, 'bin/attnc.js')
    const both = [1, 2].map(() => execa(process.execPath, [bin, 'init', 'app', '--for', 'vite'], { reject: false }))
    const exits = (await Promise.all(both)).map(({ exitCode }) => exitCode)
    expect(exits.sort()).toEqual([0, 2])
    expect(readdirSync('app').length).toBe(8)
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
