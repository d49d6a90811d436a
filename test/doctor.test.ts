import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cache } from '../runtime/cache/cache.ts'
import { openStore } from '../runtime/cache/store.ts'
import { needCompiler } from '../runtime/needs/compiler.ts'
import { needDriver } from '../runtime/needs/cuda.ts'
import { needsOfAttnc } from '../runtime/needs/machine.ts'
import { knownTargets } from '../runtime/needs/targets.ts'
import { findTool, type Tool } from '../runtime/needs/tool.ts'
import { attnc } from './cli-io.ts'

const { PATH: path, CXX: compiler } = process.env
const windows = process.platform === 'win32'
let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attnc-doctor-')))
  for (const name of ['bin', 'empty']) mkdirSync(join(folder, name))
  process.env.PATH = join(folder, 'bin')
  delete process.env.CXX
})
afterEach(() => {
  process.env.PATH = path
  if (compiler !== undefined) process.env.CXX = compiler
  delete process.env.ATTNC_LIBCUDA
  rmSync(folder, { recursive: true })
})

/** A program that does what a shell does with the text. */
const put = (name: string, script: string): void =>
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })

const tool: Tool = {
  what: 'a tool',
  programs: ['first', 'second'],
  args: ['--version'],
  version: (printed) => /version (\S+)/.exec(printed)?.[1],
  required: true,
  help: 'install it',
}

describe.skipIf(windows)('a tool', () => {
  test('is found under the first name that answers', async () => {
    expect(await findTool(tool)).toMatchObject({ state: 'missing', found: 'none of first, second', help: 'install it' })
    put('second', 'echo version 2')
    expect(await findTool(tool)).toEqual({ what: 'a tool', required: true, state: 'ok', found: 'second 2' })
    put('first', 'echo version 1 >&2')
    expect(await findTool(tool)).toMatchObject({ state: 'ok', found: 'first 1' })
    put('first', 'exit 3')
    expect(await findTool(tool)).toMatchObject({ state: 'ok', found: 'second 2' })
  })

  test.each([
    ['exit 3', 'first fails with exit code 3'],
    ['echo nothing', 'first does not say its version'],
    ['kill -9 $$', 'first cannot be run'],
  ])('that does %s is unusable', async (script, found) => {
    put('first', script)
    expect(await findTool(tool)).toMatchObject({ state: 'unusable', found: expect.stringContaining(found) })
  })

  test('that is no program is unusable', async () => {
    put('first', '')
    chmodSync(join(folder, 'bin', 'first'), 0o644)
    expect((await findTool(tool)).state).not.toBe('ok')
  })

  test('that hangs is ended, with what it has started', { timeout: 20_000 }, async () => {
    process.env.PATH = `${process.env.PATH}:${path}`
    put('first', 'sleep 60 & sleep 60') // either keeps its output open
    expect(await findTool({ ...tool, programs: ['first'] }, 400)).toMatchObject({
      state: 'unusable',
      found: 'first does not answer within 0.4 s',
    })
  })

  test('is not given to a shell', async () => {
    const name = `x; touch ${join(folder, 'touched')}`
    expect(await findTool({ ...tool, programs: [name] })).toMatchObject({ state: 'missing' })
    expect(await needCompiler({ CXX: `$(touch ${join(folder, 'touched')})` })).toMatchObject({ state: 'missing' })
  })
})

describe.skipIf(windows)('the compiler', () => {
  test.each([
    ['g++ (Debian 12.2.0-14+deb12u1) 12.2.0', 'g++ 12.2.0'],
    ['g++ (GCC) 15.1.1 20250425', 'g++ 15.1.1'],
    ['Ubuntu clang version 18.1.3 (1ubuntu1)', 'g++ 18.1.3'],
    ['Apple clang version 16.0.0 (clang-1600.0.26.3)', 'g++ 16.0.0'],
  ])('has the version of its first line: %s', async (line, found) => {
    put('g++', `echo '${line}'; echo 1.2.3`)
    expect(await needCompiler({})).toMatchObject({ state: 'ok', found })
  })

  test('is CXX where that is set', async () => {
    put('g++', 'echo g++ 12.2.0')
    put('mine', 'echo mine 1.0')
    expect(await needCompiler({ CXX: 'mine' })).toMatchObject({ found: 'mine 1.0' })
  })
})

test.skipIf(windows)('the library of the driver is loaded as programs load it', () => {
  const path = join(folder, 'bin', 'libcuda.so.1')
  process.env.ATTNC_LIBCUDA = path
  expect(needDriver()).toMatchObject({ state: 'missing', found: expect.stringContaining('no NVIDIA driver') })
  writeFileSync(path, 'no library')
  expect(needDriver()).toMatchObject({ state: 'missing', found: expect.stringContaining(path) })
  process.env.ATTNC_LIBCUDA = 'libc.so.6'
  expect(needDriver()).toMatchObject({ state: 'ok', found: 'libc.so.6' })
})

describe.skipIf(windows)('what attnc needs itself', () => {
  const places = (): { cache: string; config: string } => ({
    cache: join(folder, 'cache'),
    config: join(folder, 'config'),
  })
  const states = (): readonly string[] => needsOfAttnc(places()).map(({ what, state }) => `${what} ${state}`)

  test('is there before and after the cache is', () => {
    expect(states()).toEqual(['Node ok', 'cache ok', 'signing key ok'])
    expect(openStore(places()).ok).toBe(true)
    expect(new Cache(places())).toBeDefined()
    expect(states()).toEqual(['Node ok', 'cache ok', 'signing key ok'])
  })

  test('makes nothing', () => {
    needsOfAttnc(places())
    expect(needsOfAttnc(places())[1]?.found).toContain('made when it is needed')
  })

  test('is told where others could reach it', () => {
    openStore(places())
    chmodSync(join(folder, 'cache', 'v1'), 0o755)
    chmodSync(join(folder, 'config', 'cache-key'), 0o644)
    expect(needsOfAttnc(places()).slice(1)).toMatchObject([
      { state: 'unusable', found: expect.stringContaining('has mode 755, not 700'), required: false },
      { state: 'unusable', found: expect.stringContaining('has mode 644, not 600'), required: false },
    ])
    chmodSync(join(folder, 'cache'), 0o777)
    expect(needsOfAttnc(places())[1]?.found).toContain('may be written to by all')
  })

  test.each([
    ['a file', (at: string) => writeFileSync(at, '')],
    ['a link that leads nowhere', (at: string) => symlinkSync('nowhere', at)],
  ])('is told where the cache is %s', (_what, spoil) => {
    spoil(join(folder, 'cache'))
    expect(needsOfAttnc(places())[1]).toMatchObject({ state: 'unusable' })
  })

  test('may be nowhere', () => {
    expect(needsOfAttnc({ cache: '', config: '' }).every(({ what }) => what !== '')).toBe(true)
  })
})

describe.skipIf(windows)('doctor', () => {
  const rows = async (...args: readonly string[]): Promise<readonly { of: string; what: string; state: string }[]> =>
    JSON.parse((await attnc(['doctor', ...args, '--json'])).out).needs

  test('is content with Node', async () => {
    const { exit, out, err } = await attnc(['doctor'])
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    expect(out).toMatch(/^for +needs +state +found\nattnc +Node +ok +24\./)
    expect(out).toMatch(/^ts +nothing more +ok +runs in Node$/m)
    expect(out).toMatch(/^native.* C\+\+ compiler +missing +none of g\+\+, clang\+\+$/m)
    expect(out).toMatch(/^native, C\+\+ compiler: install g\+\+/m)
    expect(new Set((await rows()).map(({ of }) => of))).toEqual(new Set(['attnc', ...knownTargets()]))
  })

  test('is not where a target that is asked for lacks something', async () => {
    const missing = await attnc(['doctor', '--target', 'native'])
    expect(missing).toMatchObject({ exit: 3, err: expect.stringMatching(/ATTN0330.*C\+\+ compiler is missing/) })
    expect(missing.out).not.toMatch(/^cuda/m)
    put('g++', 'echo g++ 12.2.0')
    expect(await attnc(['doctor', '--target', 'native'])).toMatchObject({ exit: 0, err: '' })
    expect(await rows('--target', 'native')).toContainEqual(
      expect.objectContaining({ of: 'native', what: 'C++ compiler', state: 'ok', found: 'g++ 12.2.0', help: null }),
    )
    expect(await attnc(['doctor', '--target', 'native', '--target', 'cuda'])).toMatchObject({ exit: 3 })
    expect(await attnc(['doctor', '--target', 'ts'])).toMatchObject({ exit: 0 })
  })

  test('knows its targets', async () => {
    expect(await attnc(['doctor', '--target', 'natvie'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining("did you mean 'native'?"),
    })
  })
})

test('without an adapter the target wgsl says how to get one', async () => {
  const { exit, out, err } = await attnc(['doctor', '--target', 'wgsl'])
  expect(exit).toBe(3)
  expect(out).toMatch(/^wgsl +package webgpu +ok +\d/m)
  expect(out).toMatch(/^wgsl +WebGPU adapter +missing +WebGPU finds no adapter/m)
  expect(out).toMatch(/^wgsl, WebGPU adapter: .*@sparticuz\/chromium/m)
  expect(err).toContain('ATTN0330')
  const run = await attnc(['run', 'examples/softmax.attn', '--target', 'wgsl', '--shape', 'i=4,j=4'])
  expect(run).toMatchObject({ exit: 3, err: expect.stringContaining('WebGPU finds no adapter') })
})
