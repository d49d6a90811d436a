import { readFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { unzipSync } from 'fflate'
import { beforeAll, describe, expect, test } from 'vitest'
import { commandNames } from '../cli/program.ts'
import { findServer } from '../editors/vscode/find-server.ts'
import { packExtension } from '../scripts/vscode.ts'

const root = resolve(import.meta.dirname, '..')

describe('the packed extension', () => {
  let archive: Uint8Array
  let files: Record<string, Uint8Array>
  const text = (path: string): string => new TextDecoder().decode(files[path])

  beforeAll(async () => {
    archive = await packExtension()
    files = unzipSync(archive)
  }, 60_000)

  test('is small, and holds no more than it needs', () => {
    expect(archive.length).toBeLessThan(1e6)
    expect(Object.keys(files).toSorted()).toEqual([
      '[Content_Types].xml',
      'extension.vsixmanifest',
      'extension/LICENSE.txt',
      'extension/README.md',
      'extension/extension.cjs',
      'extension/language-configuration.json',
      'extension/package.json',
      'extension/syntaxes/attn.tmLanguage.json',
    ])
  })

  test('names the type of every file, and every file that it names is there', () => {
    const known = [...text('[Content_Types].xml').matchAll(/Extension="(\.\w+)"/g)].map(([, one]) => one)
    const ends = Object.keys(files)
      .filter((path) => path !== '[Content_Types].xml')
      .map((path) => path.replace(/.*(?=\.\w+$)/, ''))
    expect(ends.filter((end) => !known.includes(end))).toEqual([])
    const assets = [...text('extension.vsixmanifest').matchAll(/Path="([^"]+)"/g)].map(([, one = '']) => one)
    expect(assets.filter((path) => !files[path])).toEqual([])
    const { main, contributes } = JSON.parse(text('extension/package.json'))
    const named = [main, contributes.grammars[0].path, contributes.languages[0].configuration]
    expect(named.filter((path: string) => !files[path.replace('./', 'extension/')])).toEqual([])
    for (const path of Object.keys(files)) if (path.endsWith('.json')) JSON.parse(text(path))
  })

  test('has the version of attnc', () => {
    const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'))
    expect(JSON.parse(text('extension/package.json')).version).toBe(version)
    expect(text('extension.vsixmanifest')).toContain(`Version="${version}"`)
  })

  test('loads in an editor that gives it nothing but its own module, and can be activated', () => {
    // Whatever is asked of the editor's module is a class whose members are such classes too.
    const anything: () => unknown = () =>
      new Proxy(class {}, {
        get: (target, name) => Reflect.get(target, name) ?? (typeof name === 'string' ? anything() : undefined),
      })
    const required = createRequire(import.meta.url)
    const extension = new Module('extension.cjs') as Module & { _compile: (code: string, name: string) => void }
    extension.require = Object.assign((id: string) => (id === 'vscode' ? anything() : required(id)), required)
    extension._compile(text('extension/extension.cjs'), resolve(root, 'extension.cjs'))
    expect(extension.exports).toMatchObject({ activate: expect.any(Function), deactivate: expect.any(Function) })
  })
})

describe('the server that is started', () => {
  const none = (): boolean => false
  const all = (): boolean => true
  test.each([
    ['', ['/project'], all, 'node /project/node_modules/attnc/bin/attnc.js lsp'],
    ['', ['/project'], none, 'attnc lsp'],
    ['', [], all, 'attnc lsp'],
    ['/opt/attnc', ['/project'], all, '/opt/attnc lsp'],
    ['/opt/attnc.js', [], none, 'node /opt/attnc.js lsp'],
    ['tools/attnc', ['/project'], all, '/project/tools/attnc lsp'],
    ['my-attnc', ['/project'], all, 'my-attnc lsp'],
  ])('%j in %j', (setting, folders, isThere, line) => {
    const { command, args, shell } = findServer(setting, folders, isThere, 'linux')
    expect([command, ...args].join(' ')).toBe(line)
    expect(shell).toBe(false)
  })

  test('needs a shell on Windows where it is a script of one, and is a command that there is', () => {
    expect(findServer('', [], none, 'win32')).toMatchObject({ command: 'attnc', shell: true })
    expect(findServer('C:/x/attnc.js', [], none, 'win32')).toMatchObject({ command: 'node', shell: false })
    expect(commandNames).toContain(findServer('', [], none).args[0])
  })
})
