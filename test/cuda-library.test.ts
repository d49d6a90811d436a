/** Libraries of CUDA kernels: called by a program in C, by emulation; compiled by nvcc for several architectures; `--emit lib`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attention, analyze } from '../index.ts'
import { missingDriver } from '../runtime/cuda/launcher.ts'
import { missingNvcc } from '../runtime/cuda/load-ptx.ts'
import { findCompiler } from '../runtime/native/compiler.ts'
import { done } from '../runtime/problem.ts'
import { type Inputs, runners } from '../runtime/runners.ts'
import { fromStored, storedData } from '../runtime/stored.ts'
import { recordOf } from '../runtime/tensor.ts'
import { storageOf } from '../runtime/verify/judge.ts'
import { verifyAttention } from '../runtime/verify/verify.ts'
import { emulationFiles } from '../targets/cuda/emulation.ts'
import { attnc } from './cli-io.ts'
import { withCompiler } from './native-build.ts'

const missing = withCompiler('libraries of CUDA kernels')
const withoutNvcc = missingNvcc()
if (withoutNvcc !== undefined) console.log(`skipped: libraries compiled by nvcc, since ${withoutNvcc}`)

const path = resolve(import.meta.dirname, '../examples/causal.attn')
const source = resolve(import.meta.dirname, 'cuda-library/main.c')
const build = ['build', path, '--target', 'cuda', '--dtype', 'f16', '--size', 'd=16,e=16', '--tile', 'i=64,j=32']
const language = ['-std=c11', '-pedantic', '-Wall', '-Wextra', '-Werror']
const checked = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-library-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The words that the program reads: lengths, then tensors as they are stored. */
function wordsOf(lengths: readonly number[], inputs: Inputs): Buffer {
  const head = Buffer.from(BigInt64Array.from(lengths, BigInt).buffer)
  const tensors = ['q', 'k', 'v'].map((name) => {
    const { buffer, byteOffset, byteLength } = storedData(inputs[name]!)
    return Buffer.from(buffer, byteOffset, byteLength)
  })
  return Buffer.concat([head, ...tensors])
}

async function call(program: string, how: string, input: Buffer, env: Readonly<Record<string, string>> = {}) {
  const options = { input, env, encoding: 'buffer', reject: false, timeout: 60_000 } as const
  const { exitCode, stdout, stderr } = await execa(program, [how], options)
  return { code: exitCode, out: Buffer.from(stdout), text: Buffer.from(stderr).toString() }
}

const zeros = (b: number, h: number, i: number, j: number): Buffer =>
  Buffer.concat([Buffer.from(BigInt64Array.from([b, h, i, j], BigInt).buffer), Buffer.alloc(b * h * (i + 2 * j) * 32)])

describe.skipIf(missing !== undefined)('a library, from C, by emulation,', { timeout: 240_000 }, () => {
  let program: string
  beforeAll(async () => {
    expect(await attnc([...build, '--emit', 'lib', '-o', folder])).toMatchObject({ exit: 0, err: '' })
    for (const [name, text] of Object.entries(emulationFiles)) writeFileSync(join(folder, name), text)
    program = join(folder, 'program')
    const flags = ['-O1', '-I.', ...checked]
    await execa(findCompiler()!, [...flags, '-std=c++17', '-x', 'c++', '-c', 'causal.cu', '-o', 'kernels.o'], {
      cwd: folder,
    })
    await execa(findCompiler()!, [...flags, '-x', 'c', ...language, '-c', source, '-o', 'main.o'], { cwd: folder })
    await execa(findCompiler()!, [...checked, 'main.o', 'kernels.o', '-o', program], { cwd: folder })
  }, 240_000)

  test('has a header for C99, and for C++', async () => {
    const input = '#include "causal.h"\n'
    for (const flags of [
      ['-x', 'c', '-std=c99'],
      ['-x', 'c++', '-std=c++11'],
    ])
      await execa(findCompiler()!, [`-I${folder}`, ...flags, '-pedantic', '-Wall', '-Werror', '-fsyntax-only', '-'], {
        input,
      })
  })

  test.each(['dense', 'tokens', 'backwards'])(
    'computes what the definition says, of tensors that lie %s',
    async (how) => {
      const module = analyze({ path, text: readFileSync(path, 'utf8') })
      if (!module.ok) throw new Error('examples/causal.attn has errors')
      const [attention] = module.value.attentions as [Attention]
      const { arithmetic, arithmeticOf } = runners['cuda-emulated']!
      const schedule = { tile: undefined, splits: 1 }
      const shape = (b: number, h: number, i: number, j: number) => ({
        sizes: { b, h, i, j, d: 16, e: 16 },
        dtype: 'f16' as const,
        schedules: [schedule],
      })
      const report = await verifyAttention(attention, {
        shapes: [shape(1, 2, 19, 45), shape(2, 3, 65, 70), shape(1, 1, 1, 1), shape(1, 2, 3, 0)],
        seed: 3,
        probes: true,
        params: {},
        build: async ({ sizes }) =>
          done({
            arithmetic: {
              ...(arithmeticOf?.('f16', 'accurate', 'auto') ?? arithmetic),
              storage: storageOf(attention, 'f16'),
            },
            prices: [],
            call: async (inputs) => {
              const { b, h, i, j } = sizes as Record<'b' | 'h' | 'i' | 'j', number>
              const { code, out, text } = await call(program, how, wordsOf([b, h, i, j], inputs))
              if (code !== 0) throw new Error(`${code}: ${text}`)
              const data = new Float16Array(Uint8Array.from(out).buffer)
              return recordOf([['out', fromStored({ data, shape: [b, h, i, 16] }, 'f16')]])
            },
          }),
      })
      if (!report.ok) throw new Error(report.findings[0]?.message)
      expect(report.value).toMatchObject({ failures: [], verdict: 'right' })
      expect(report.value.cases).toBeGreaterThan(10)
    },
  )

  test.each([
    ['width', 1, /^this kernel was generated for d = 16; k has d = 17: build with --size d=17$/],
    ['keys', 1, /^axis j is 5 in k but 6 in v$/],
    ['negative', 1, /^axis b of q cannot be -1 long$/],
    ['shapeless', 1, /^q has no shape$/],
    ['missing', 1, /^k has no data$/],
    ['nowhere', 1, /^out has no data$/],
    ['workspace', 1, /^there is no workspace, and a call needs \d+ bytes$/],
    ['silent', 1, /^$/],
    ['overlap', 2, /^out has a stride of 0: its elements would overlap$/],
    ['far', 2, /^the strides of k reach beyond all memory$/],
    ['distant', 2, /^the strides of out reach beyond all memory$/],
    ['odd', 3, /^v does not lie on a multiple of the 2 bytes of an element$/],
    ['crooked', 3, /^the workspace does not lie on a multiple of 64 bytes$/],
  ])('refuses a call (%s) with a code of its kind, and says why', async (how, code, text) => {
    expect(await call(program, how, zeros(2, 2, 4, 5))).toEqual({
      code,
      text: expect.stringMatching(text),
      out: Buffer.of(),
    })
  })

  test.each([
    [2, 6, /^the GPU has no memory left \(CUDA error 2: /],
    [35, 4, /^the driver is older than the CUDA that these kernels were compiled with \(CUDA error 35: /],
    [100, 4, /^there is no GPU \(/],
    [209, 4, /^the kernels were not compiled for this GPU: name its architecture, sm_80 or later \(CUDA error 209: /],
    [222, 4, /^the driver is older than/],
    [400, 5, /^the stream is not one of the current device: call cudaSetDevice first \(CUDA error 400: /],
    [
      700,
      7,
      /^a kernel that was started before has failed, and nothing works on this device until the process ends \(CUDA error 700: /,
    ],
    [719, 7, /^a kernel that was started before has failed/],
    [701, 7, /^CUDA refused a kernel \(CUDA error 701: /],
  ])('tells what CUDA refuses (%i)', async (error, code, text) => {
    const answer = await call(program, 'dense', zeros(1, 1, 4, 5), { ATTNC_EMULATION_FAIL: String(error) })
    expect(answer).toEqual({ code, text: expect.stringMatching(text), out: Buffer.of() })
  })
  test('tells which device a stream is of, where CUDA can', async () => {
    const env = { ATTNC_EMULATION_FAIL: '400', ATTNC_EMULATION_STREAM: '3' }
    const { code, text } = await call(program, 'dense', zeros(1, 1, 4, 5), env)
    const message = 'the stream is one of device 3, and device 0 is the current one: call cudaSetDevice(3) first'
    expect({ code, text }).toEqual({ code: 5, text: expect.stringContaining(`${message} (CUDA error 400: `) })
  })
})

describe.skipIf(missing !== undefined || withoutNvcc !== undefined)(
  'a library that nvcc compiles',
  { timeout: 240_000 },
  () => {
    test('has code for each architecture, shows its own functions alone, and says where there is no driver', async () => {
      const own = mkdtempSync(join(folder, 'nvcc-'))
      const { exit, out, err } = await attnc([...build, '--emit', 'lib,so,a', '--arch', 'sm_80,sm_90', '-o', own])
      expect({ exit, err }).toEqual({ exit: 0, err: '' })
      const names = ['causal.a', 'causal.cu', 'causal.h', 'causal.so']
      expect(out.trim().split('\n').sort()).toEqual(names.map((name) => join(own, name)))
      expect(readdirSync(own).sort()).toEqual(names)
      const { stdout } = await execa('nm', ['-D', '--defined-only', join(own, 'causal.so')])
      expect(
        stdout
          .split('\n')
          .map((line) => line.split(' ').at(-1))
          .sort(),
      ).toEqual(['run', 'shapes', 'workspace'].map((suffix) => `causal_${suffix}`))
      const shared = readFileSync(join(own, 'causal.so'))
      for (const name of ['sm_80', 'sm_90']) expect(shared.includes(name)).toBe(true)
      expect(shared.includes('sm_100')).toBe(false)

      const program = join(own, 'program')
      await execa(findCompiler()!, [
        '-x',
        'c',
        ...language,
        `-I${own}`,
        source,
        '-x',
        'none',
        join(own, 'causal.so'),
        '-o',
        program,
      ])
      const wrong = await call(program, 'width', zeros(1, 1, 2, 2))
      expect(wrong).toMatchObject({ code: 1, text: expect.stringContaining('k has d = 17') })
      const linked = join(own, 'linked') // with the archive, and CUDA's runtime
      await execa('nvcc', [`-I${own}`, source, join(own, 'causal.a'), '-o', linked])
      if (missingDriver() === undefined) return console.log('skipped: a library without a driver, since there is one')
      for (const one of [program, linked]) {
        const answer = await call(one, 'dense', zeros(1, 1, 2, 2))
        expect(answer.code).toBe(4)
        expect(answer.text).toMatch(/^(there is no GPU|the driver is older than the CUDA) .*\(CUDA error \d+: /)
      }
    })
  },
)

describe('--emit lib for cuda', () => {
  test.each([
    [['--arch', 'sm_80'], /--arch is for --resource-usage and --emit lib,so or lib,a/],
    [['--emit', 'lib', '--arch', 'sm_80'], /--arch is for --resource-usage and --emit lib,so or lib,a/],
    [['--emit', 'lib,so', '--arch', 'sm_70'], /ATTN0302.*--arch names "sm_70", for which nvcc cannot compile|no nvcc/],
    [['--emit', 'lib,dll'], /ATTN0302/],
  ])('%j is refused', async (args, message) => {
    const { exit, err } = await attnc([...build, '-o', join(folder, 'out'), ...args])
    expect(err).toMatch(message)
    expect([2, 3]).toContain(exit)
  })
  test('without nvcc, a source is written and a library is not', async () => {
    const own = mkdtempSync(join(folder, 'none-'))
    const { PATH } = process.env
    try {
      process.env.PATH = ''
      const without = await attnc([...build, '--emit', 'lib,so', '-o', own])
      expect(without).toMatchObject({ exit: 3, err: expect.stringMatching(/ATTN0330.*there is no nvcc in the PATH/) })
      expect(readdirSync(own)).toEqual([])
      expect(await attnc([...build, '--emit', 'lib', '-o', own])).toMatchObject({ exit: 0, err: '' })
      expect(readdirSync(own).sort()).toEqual(['causal.cu', 'causal.h'])
    } finally {
      process.env.PATH = PATH
    }
  })
})
