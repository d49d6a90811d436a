/** Libraries to be shipped: code for each level of instructions in one file, each right where it is forced; `--emit lib`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { compile } from '../index.ts'
import { findCompiler } from '../runtime/native/compiler.ts'
import { emptyTensor, recordOf, type Tensor } from '../runtime/tensor.ts'
import { attnc } from './cli-io.ts'
import { buildNative, withCompiler } from './native-build.ts'
import { runProgram } from './run-program.ts'
import { draw } from './ts-draw.ts'

const missing = withCompiler()
const path = resolve(import.meta.dirname, '../examples/causal.attn')
const options = { target: 'native', sizes: { d: 16, e: 24 }, tile: { i: 16, j: 32 }, library: true } as const
/** Best first; what the processor says that it has. */
const flags =
  process.platform === 'linux' ? (/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '') : ''
const has = (...names: readonly string[]): boolean => names.every((name) => flags.split(' ').includes(name))
const levels = [
  ...(has('avx512f', 'avx512bw', 'avx512dq', 'avx512vl') ? ['avx512'] : []),
  ...(has('avx2', 'fma', 'f16c', 'bmi2') ? ['avx2'] : []),
  'basic',
]

describe.skipIf(missing !== undefined)('a library', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'attnc-library-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  afterEach(() => {
    delete process.env.ATTNC_ISA
  })

  test('has code for each level, and takes what is asked for', { timeout: 240_000 }, async () => {
    const compiled = await compile({ path, text: readFileSync(path, 'utf8') }, options)
    if (!compiled.ok) throw new Error('examples/causal.attn has errors')
    const [program] = compiled.value.programs
    const loaded = await buildNative(
      'causal',
      [program!],
      process.arch === 'x64' ? '-O1 -march=x86-64' : '-O1',
      compiled.value.files,
    )
    const sizes = { b: 1, h: 2, i: 19, j: 45, d: 16, e: 24 }
    const inputs = recordOf(
      program!.buffers
        .filter(({ role }) => role === 'input')
        .map(({ name, axes, storage }): [string, Tensor] => {
          const tensor = emptyTensor(
            storage,
            axes.map((axis) => sizes[axis as keyof typeof sizes]),
          )
          tensor.data.set(draw(name, tensor.data.length, storage))
          return [name, tensor]
        }),
    )
    const numbers = recordOf(Object.entries(inputs).map(([name, { data }]) => [name, Array.from(data)]))
    const want = runProgram(program!, { sizes, params: {}, inputs: numbers }).get('out')!
    for (const level of levels) {
      process.env.ATTNC_ISA = level
      const { out } = await loaded.call(program!, inputs, {})
      out!.data.forEach((x, n) => {
        if (!(Math.abs(x - want[n]!) <= 2e-6 * Math.max(1, Math.abs(want[n]!))))
          expect(x, `${level}, ${n}`).toBe(want[n])
      })
    }
  })

  test('says which level it takes', { timeout: 240_000 }, async () => {
    const compiler = findCompiler()!
    const small = ['--size', 'd=4,e=4', '--emit', 'lib,a,so', '-o', folder]
    const { exit, out, err } = await attnc(['build', path, '--target', 'native', ...small])
    expect([exit, err]).toEqual([0, ''])
    const made = ['causal.cc', 'causal.h', 'causal.so', 'causal.a'].map((name) => join(folder, name))
    expect(out.trim().split('\n').sort()).toEqual(made.sort())
    expect(readdirSync(folder)).toHaveLength(4)
    const text = '#include <stdio.h>\n#include "causal.h"\nint main(void) { return puts(causal_isa()) < 0; }\n'
    const language = ['-x', 'c', '-std=c99', '-pedantic', '-Werror', '-']
    const linked = ['-x', 'none', join(folder, 'causal.a'), '-lm']
    const program = join(folder, 'says')
    await execa(compiler, [`-I${folder}`, ...language, ...linked, '-o', program], { input: text })
    const said = async (ATTNC_ISA?: string) => (await execa(program, { env: ATTNC_ISA ? { ATTNC_ISA } : {} })).stdout
    expect(await said()).toBe(process.arch === 'x64' ? levels[0] : 'basic')
    for (const level of levels) expect(await said(level)).toBe(level)
    const { stdout } = await execa('nm', ['-D', '--defined-only', join(folder, 'causal.so')])
    const names = stdout.split('\n').map((line) => line.split(' ').at(-1))
    expect(names.filter((name) => name?.startsWith('causal')).sort()).toEqual(
      ['isa', 'run', 'shapes', 'workspace'].map((suffix) => `causal_${suffix}`),
    )
  })
})

describe('--emit', () => {
  test.each([
    [['--target', 'ts', '--emit', 'lib', '-o', 'out'], 'ATTN0302'],
    [['--target', 'native', '--emit', 'lib,dll', '-o', 'out'], 'ATTN0302'],
    [['--target', 'native', '--emit', 'lib'], 'ATTN0318'],
  ])('%j', async (args, code) => {
    const { exit, err } = await attnc(['build', path, ...args])
    expect([exit, /ATTN\d+/.exec(err)?.[0]]).toEqual([2, code])
  })
  test('without a compiler, a source is written and a library is not', async () => {
    const before = process.env.CXX
    const folder = mkdtempSync(join(tmpdir(), 'attnc-library-'))
    try {
      process.env.CXX = 'no-such-compiler'
      const build = (emit: string) => attnc(['build', path, '--target', 'native', '--emit', emit, '-o', folder])
      expect(await build('lib,so')).toMatchObject({ exit: 3, err: expect.stringContaining('ATTN0330') })
      expect(readdirSync(folder)).toEqual([])
      expect(await build('lib')).toMatchObject({ exit: 0, err: '' })
      expect(readdirSync(folder).sort()).toEqual(['causal.cc', 'causal.h'])
    } finally {
      if (before === undefined) delete process.env.CXX
      else process.env.CXX = before
      rmSync(folder, { recursive: true })
    }
  })
})
