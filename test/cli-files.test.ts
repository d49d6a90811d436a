import {
  chmodSync,
  existsSync,
  lstatSync,
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
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decodeSource, findSources, readSource } from '../runtime/files.ts'
import { importReader } from '../runtime/imports.ts'
import { hasPlace, type Outcome } from '../runtime/problem.ts'
import { writeFiles } from '../runtime/write.ts'

const codeOf = (outcome: Outcome<unknown>): string =>
  outcome.ok ? 'ok' : outcome.findings.map(({ code }) => code).join()
const isRoot = process.getuid?.() === 0

let folder: string
const at = (...path: readonly string[]): string => join(folder, ...path)
function put(path: string, content: string | Uint8Array = ''): string {
  mkdirSync(join(at(path), '..'), { recursive: true })
  writeFileSync(at(path), content)
  return at(path)
}
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-files-')))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a source', () => {
  test('is read as it is, a byte order mark included', () => {
    expect(readSource(put('a.attn', '\ufeffx // é'), 'shown')).toEqual({
      ok: true,
      value: { path: 'shown', text: '\ufeffx // é' },
    })
  })

  test.each([
    ['in the middle', [0x61, 0x0a, 0xff, 0x62], 2, 2],
    ['in a sequence', [0x61, 0xe2, 0x82, 0x61], 1, 1],
    ['at the end', [0x61, 0x0a, 0x62, 0xe2, 0x82], 3, 2],
    ['as an overlong form', [0xc0, 0x80], 0, 1],
    ['as a surrogate', [0x61, 0xed, 0xa0, 0x80], 1, 1],
  ])('that is not UTF-8 %s is refused with the byte', (_where, bytes, offset, line) => {
    const read = decodeSource(Uint8Array.from(bytes), 'a.attn')
    const finding = read.ok ? undefined : read.findings[0]
    expect(finding).toMatchObject({ code: 'ATTN0313', message: expect.stringContaining(`byte ${offset} `) })
    const span = finding && hasPlace(finding) ? finding.at.span : undefined
    expect(span?.file.text.slice(0, span.start).split('\n').length).toBe(line)
  })

  test('of more than 1 MiB is refused without being read whole', () => {
    const path = put('large.attn')
    writeFileSync(path, ' '.repeat(2 ** 20))
    expect(codeOf(readSource(path))).toBe('ok')
    writeFileSync(path, ' '.repeat(2 ** 20 + 1))
    expect(codeOf(readSource(path))).toBe('ATTN0006')
    expect(codeOf(readSource('/dev/zero'))).toBe('ATTN0006')
  })

  test('that is missing, a folder, or below a file is said to be so', () => {
    expect(codeOf(readSource(at('no.attn')))).toBe('ATTN0310')
    expect(codeOf(readSource(folder))).toBe('ATTN0311')
    expect(codeOf(readSource(join(put('file'), 'x.attn')))).toBe('ATTN0311')
  })

  test.skipIf(isRoot)('that may not be read is said to be so', () => {
    const path = put('secret.attn')
    chmodSync(path, 0)
    expect(codeOf(readSource(path))).toBe('ATTN0311')
  })
})

describe('the arguments of a command', () => {
  test('name files, and folders with all sources below them', () => {
    for (const path of [
      'd/b.attn',
      'd/sub/a.attn',
      'd/.hidden/x.attn',
      'd/node_modules/x.attn',
      'd/readme.md',
      'c.attn',
    ])
      put(path)
    mkdirSync(at('d/folder.attn'))
    const found = findSources([at('c.attn'), at('d'), at('c.attn')])
    expect(found).toEqual({
      ok: true,
      value: [
        { path: at('c.attn'), folder: '' },
        { path: at('d/b.attn'), folder: '.' },
        { path: at('d/sub/a.attn'), folder: 'sub' },
      ],
    })
  })

  test('that name nothing of use are all reported', () => {
    put('x.txt')
    mkdirSync(at('empty'))
    expect(codeOf(findSources([at('x.txt'), at('empty'), at('no.attn')]))).toBe('ATTN0315,ATTN0316,ATTN0310')
  })

  test('may hold links, and circles of links', () => {
    put('d/a.attn')
    symlinkSync(at('d'), at('d/again'))
    symlinkSync(at('nowhere.attn'), at('d/broken.attn'))
    symlinkSync(at('d/a.attn'), at('d/b.attn'))
    const found = findSources([at('d')])
    expect(found.ok && found.value.map(({ path }) => path)).toEqual([at('d/a.attn'), at('d/b.attn')])
  })
})

describe('an import', () => {
  const main = (): { path: string; text: string } => ({ path: put('project/src/main.attn'), text: '' })
  beforeEach(() => {
    put('project/package.json', '{}')
    put('project/lib/x.attn', 'lib')
    put('outside.attn', 'out')
  })

  test('is relative to the file it stands in', () => {
    const file = main()
    const read = importReader(file, folder)
    const x = read(file, '../lib/x.attn')
    expect(x).toEqual({ path: 'project/lib/x.attn', text: 'lib' })
    put('project/lib/y.attn', 'y')
    expect('path' in x && read(x, './y.attn')).toEqual({ path: 'project/lib/y.attn', text: 'y' })
  })

  test('of one file is one object, by whatever way, the main file included', () => {
    const file = main()
    symlinkSync(at('project/lib'), at('project/src/link'))
    const read = importReader(file, folder)
    expect(read(file, 'link/x.attn')).toBe(read(file, '../lib/x.attn'))
    expect(read(file, '../src/main.attn')).toBe(file)
  })

  test.each([
    ['../../outside.attn', 'outside'],
    ['link.attn', 'outside'],
    ['linked/../../outside.attn', 'outside'],
    ['/etc/x.attn', 'relative'],
    ['~/x.attn', 'relative'],
    ['https://example.com/x.attn', 'not addresses'],
    ['file:///etc/x.attn', 'not addresses'],
    ['..\\lib\\x.attn', "'/'"],
    ['../lib/x.txt', '.attn'],
    ['../package.json', '.attn'],
    ['../lib/no.attn', 'no such file'],
    ['../lib/\0x.attn', 'NUL'],
  ])('of %j is refused', (path, why) => {
    const file = main()
    symlinkSync(at('outside.attn'), at('project/src/link.attn'))
    expect(importReader(file, folder)(file, path)).toEqual({ problem: expect.stringContaining(why) })
  })

  test('stays in the folder of a source that is in no project', () => {
    rmSync(at('project/package.json'))
    const file = main()
    expect(importReader(file, folder)(file, '../lib/x.attn')).toEqual({ problem: expect.stringContaining('outside') })
  })
})

describe('files are written', () => {
  const names = (): readonly string[] => readdirSync(folder, { recursive: true }).map(String).sort()

  test('with their folders, over older ones, keeping their modes', () => {
    put('old', 'old')
    chmodSync(at('old'), 0o640)
    expect(
      codeOf(
        writeFiles([
          { path: at('new/deep/x'), content: 'x' },
          { path: at('old'), content: 'y' },
        ]),
      ),
    ).toBe('ok')
    expect(readFileSync(at('new/deep/x'), 'utf8')).toBe('x')
    expect(readFileSync(at('old'), 'utf8')).toBe('y')
    expect(statSync(at('old')).mode & 0o777).toBe(0o640)
    expect(names()).toEqual(['new', 'new/deep', 'new/deep/x', 'old'])
  })

  test('all or none: a folder in the way of the last leaves nothing behind', () => {
    put('old', 'old')
    mkdirSync(at('way'))
    const files = [
      { path: at('new/deep/x'), content: 'x' },
      { path: at('old'), content: 'y' },
      { path: at('way'), content: 'z' },
    ]
    expect(codeOf(writeFiles(files))).toBe('ATTN0312')
    expect(readFileSync(at('old'), 'utf8')).toBe('old')
    expect(names()).toEqual(['old', 'way'])
  })

  test('not below a file, and not where nothing can be made', () => {
    put('file')
    expect(codeOf(writeFiles([{ path: at('file/x'), content: '' }]))).toBe('ATTN0312')
    expect(codeOf(writeFiles([{ path: '/proc/x', content: '' }]))).toBe('ATTN0312')
    expect(codeOf(writeFiles([{ path: '/proc/x/y/z', content: '' }]))).toBe('ATTN0312') // a recursive mkdir hangs there
    expect(names()).toEqual(['file'])
  })

  test('through a link, which stays one', () => {
    put('real', 'old')
    symlinkSync(at('real'), at('link'))
    writeFiles([{ path: at('link'), content: 'new' }])
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true)
    expect(readFileSync(at('real'), 'utf8')).toBe('new')
  })

  test('to a device, which stays one', () => {
    expect(codeOf(writeFiles([{ path: '/dev/null', content: 'x' }]))).toBe('ok')
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
    expect(existsSync('/dev/null')).toBe(true)
  })
})
