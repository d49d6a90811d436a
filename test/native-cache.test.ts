/** What is kept of the native target: compiled once whoever asks, never loaded once it was changed, and missed plainly. */
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findCompiler } from '../runtime/native/compiler.ts'
import { withCompiler } from './native-build.ts'

const missing = withCompiler()
const bin = resolve(import.meta.dirname, '../bin/attnc.js')
const source = `attention small {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}

check { b = 1, h = 1, i = 3, j = 4, d = 2, e = 2 }
`

describe.skipIf(missing !== undefined)('native code that is kept', { timeout: 240_000 }, () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'attnc-native-cache-'))
    writeFileSync(join(folder, 'small.attn'), source)
    // A compiler that writes down what it is asked for.
    const log = `echo "$@" >> '${join(folder, 'log')}'\nexec '${findCompiler()}' "$@"\n`
    writeFileSync(join(folder, 'compiler'), `#!/bin/sh\n${log}`)
    chmodSync(join(folder, 'compiler'), 0o755)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const run = (more: Readonly<Record<string, string>> = {}) => {
    const own = { ATTNC_CACHE_DIR: join(folder, 'cache'), XDG_CONFIG_HOME: join(folder, 'config') }
    const env = { ...own, CXX: join(folder, 'compiler'), ATTNC_CXXFLAGS: '-O1', ...more }
    const args = ['run', 'small.attn', '--target', 'native', '--shape', 'b=1,h=1,i=3,j=4,d=2,e=2']
    return execa(process.execPath, [bin, ...args], { cwd: folder, env, reject: false })
  }
  const compiled = (): readonly string[] =>
    readFileSync(join(folder, 'log'), 'utf8')
      .split('\n')
      .flatMap((line) => /(\S+\.cc) -o/.exec(line)?.[1] ?? [])
      .sort()

  test('is compiled once for several processes at once, and not again', async () => {
    const first = await Promise.all([run(), run(), run()])
    const later = await run()
    for (const { exitCode, stderr } of [...first, later]) expect([exitCode, stderr]).toEqual([0, ''])
    for (const { stdout } of first) expect(stdout).toBe(later.stdout)
    expect(compiled()).toEqual(['loader.cc', 'small.cc'])
  })

  test.each(['kernel.so', 'loader.node'])('is not loaded once it was changed: %s', async (name) => {
    const before = compiled().length
    const right = await run()
    const [path] = globSync(`cache/**/${name}`, { cwd: folder })
    const bytes = readFileSync(join(folder, path!))
    // Where it would run on: the last byte of what is loaded does not matter to the system.
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(join(folder, path!), bytes)
    const after = await run()
    expect(after).toMatchObject({ exitCode: 0, stdout: right.stdout, stderr: expect.stringContaining('ATTN0361') })
    expect(compiled()).toHaveLength(before + 1)
    expect(await run()).toMatchObject({ exitCode: 0, stdout: right.stdout, stderr: '' })
  })

  test('other flags of the compiler are other code', async () => {
    const before = compiled().length
    expect((await run({ ATTNC_CXXFLAGS: '-O1 -fno-math-errno' })).exitCode).toBe(0)
    expect(compiled().length).toBeGreaterThan(before)
  })

  test('without a compiler, it is said what is missing, and how it is had', async () => {
    const { exitCode, stderr } = await run({ CXX: 'no-such-compiler' })
    expect(exitCode).toBe(3)
    expect(stderr).toContain('error[ATTN0330]: target native cannot run here: CXX names no-such-compiler')
    expect(stderr).toContain('attnc doctor --target native')
  })

  test('doctor says the same', async () => {
    const doctor = (CXX: string) =>
      execa(process.execPath, [bin, 'doctor', '--target', 'native'], { cwd: folder, env: { CXX }, reject: false })
    expect(await doctor('no-such-compiler')).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/C\+\+ compiler\s+missing[\s\S]*install g\+\+ or clang\+\+/),
    })
    expect(await doctor(findCompiler()!)).toMatchObject({ stdout: expect.stringMatching(/C\+\+ compiler\s+ok/) })
  })
})
