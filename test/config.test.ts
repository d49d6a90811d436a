import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compileModule } from '../integrations/module.ts'
import { attnc } from './cli-io.ts'

const home = process.cwd()
let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-config-')))
  process.chdir(folder)
  put('a.attn', source)
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
const source = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`
const wide = 'target = "wgsl"\nout = "gen"\ndtype = "f16"\nsizes = { d = 32, e = 16 }\n'
const build = (...args: readonly string[]) => attnc(['build', 'a.attn', ...args])

describe('a configuration', () => {
  test('is what flags are, in toml and in TypeScript', async () => {
    const flags = ['--target', 'wgsl', '-o', 'flags', '--dtype', 'f16', '--size', 'd=32,e=16']
    expect(await build(...flags)).toMatchObject({ exit: 0 })
    put('attnc.config.toml', wide)
    expect(await build()).toMatchObject({ exit: 0, out: 'gen/a.wgsl\ngen/a.js\ngen/a.d.ts\n', err: '' })
    rmSync('attnc.config.toml')
    const typed = `const out: string = 'typed'
      export default { target: 'wgsl', out, dtype: 'f16', sizes: { d: 32, e: 16 } }`
    put('attnc.config.ts', typed)
    await execa(process.execPath, [join(home, 'bin/attnc.js'), 'build', 'a.attn']) // a Node without the loader of the tests
    for (const name of ['a.wgsl', 'a.js', 'a.d.ts'])
      expect([read(`gen/${name}`), read(`typed/${name}`)]).toEqual([read(`flags/${name}`), read(`flags/${name}`)])
  })

  test('says what devices have, and gives way to flags there too', async () => {
    const limits = 'limits = { maxComputeWorkgroupStorageSize = 32768, maxBufferSize = 1073741824 }\n'
    put('attnc.config.toml', `${wide}features = ["shader-f16"]\n${limits}`)
    expect(await build()).toMatchObject({ exit: 0, err: '' })
    expect(read('gen/a.js')).toContain("requiredFeatures = ['shader-f16']")
    expect(read('gen/a.js')).toMatch(
      /requiredLimits = \{ maxComputeWorkgroupStorageSize: \d+, maxBufferSize: 1073741824 \}/,
    )
    await build('--features', 'subgroups', '--limits', 'maxBufferSize=2147483648')
    expect(read('gen/a.js')).toContain("requiredFeatures = ['subgroups']")
    expect(read('gen/a.js')).toContain('maxBufferSize: 2147483648 }')
  })

  test('gives way to flags, axis by axis', async () => {
    put('attnc.config.toml', wide)
    await build('--dtype', 'f32', '--size', 'd=8', '-o', 'mine')
    await build('--no-config', '--target', 'wgsl', '--size', 'd=8,e=16', '-o', 'flags')
    expect(read('mine/a.js')).toBe(read('flags/a.js'))
    expect(existsSync('gen')).toBe(false)
  })

  test('is the nearest upwards, its paths are from where it lies, and --config names another', async () => {
    put('attnc.config.toml', wide)
    put('x/y/a.attn', source)
    put('other.toml', 'target = "wgsl"\nout = "other"\n')
    process.chdir('x/y')
    expect((await build()).out).toMatch(/^\.\.\/\.\.\/gen\/a\.wgsl\n/)
    expect((await build('--config', '../../other.toml')).out).toMatch(/^\.\.\/\.\.\/other\/a\.wgsl\n/)
  })

  test('goes on from another, and all that were read are in the dependency file', async () => {
    put('base/attnc.config.toml', 'target = "wgsl"\nsizes = { d = 32, e = 32 }\nout = "gen"\n')
    put('attnc.config.toml', 'extends = "base/attnc.config.toml"\nsizes = { e = 16 }\n')
    expect(await build('-MD')).toMatchObject({ exit: 0 })
    const rule = read('base/gen/a.d')
    for (const path of ['a.attn', 'attnc.config.toml', 'base/attnc.config.toml'])
      expect(rule).toContain(join(folder, path))
    await build('--no-config', '--target', 'wgsl', '--size', 'd=32,e=16', '-o', 'flags')
    expect(read('base/gen/a.js')).toBe(read('flags/a.js'))
  })

  test('holds for plugins, whose options go before it', async () => {
    put('attnc.config.toml', wide)
    const asked = { path: join(folder, 'a.attn'), query: '' } as const
    const [configured, given] = [await compileModule(asked), await compileModule(asked, { target: 'ts' })]
    expect(configured.code).toContain('@compute')
    expect(given.code).not.toContain('@compute')
    expect(configured.inputs).toContain(join(folder, 'attnc.config.toml'))
  })
})

describe('what is wrong with a configuration is said:', () => {
  test.each([
    ['attnc.config.toml', 'dtyp = "f16"\n', 'ATTN0381', "there is no setting of attnc.config.toml 'dtyp'"],
    ['attnc.config.toml', 'dtype = "f64"\n', 'ATTN0381', 'attnc.config.toml: dtype: '],
    ['attnc.config.toml', '[sizes]\nd = 1.5\n', 'ATTN0381', 'attnc.config.toml: sizes.d: '],
    ['attnc.config.toml', 'target = "wgls"\nout = "x"\n', 'ATTN0301', "no 'wgls'"],
    ['attnc.config.toml', 'dtype = \n', 'ATTN0383', 'attnc.config.toml: Invalid TOML'],
    ['attnc.config.toml', 'extends = "none.toml"\n', 'ATTN0310', 'no such file: none.toml'],
    ['attnc.config.js', 'export const x = 1\n', 'ATTN0381', 'attnc.config.js has no default export'],
    ['attnc.config.js', 'export default 7\n', 'ATTN0381', 'attnc.config.js: '],
    ['attnc.config.js', 'throw new Error("not today")\n', 'ATTN0383', 'attnc.config.js: not today'],
  ])('%s with %j', async (path, text, code, message) => {
    put(path, text)
    const { exit, err } = await build('-o', 'out')
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining(`error[${code}]`) })
    expect(err).toContain(message)
    expect(existsSync('out')).toBe(false)
  })

  test('a circle', async () => {
    put('attnc.config.toml', 'extends = "b.toml"\n')
    put('b.toml', 'extends = "attnc.config.toml"\n')
    const { exit, err } = await build('-o', 'out')
    expect(exit).toBe(2)
    expect(err).toContain('error[ATTN0382]')
    expect(err).toContain('attnc.config.toml extends b.toml extends attnc.config.toml')
  })

  test('two in one folder', async () => {
    put('attnc.config.toml', '')
    put('attnc.config.ts', 'export default {}\n')
    expect((await build('-o', 'out')).err).toContain('there is attnc.config.ts and attnc.config.toml')
    expect(await build('-o', 'out', '--no-config', '--target', 'wgsl')).toMatchObject({ exit: 0 })
  })
})
