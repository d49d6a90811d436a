/** Kernels launched as on a GPU, against a stand-in of CUDA's driver that checks every call and runs kernels by emulation. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { builder } from '../cli/verify-build.ts'
import { analyze, compile } from '../index.ts'
import { callAttention, loadAttention } from '../load.ts'
import { sharedCache } from '../runtime/cache/cache.ts'
import { missingNvcc } from '../runtime/cuda/load-ptx.ts'
import { importReader } from '../runtime/imports.ts'
import { fromStored } from '../runtime/stored.ts'
import { verifyAttention } from '../runtime/verify/verify.ts'
import { attnc } from './cli-io.ts'
import { StubDriver } from './cuda-driver.ts'
import { withCompiler } from './native-build.ts'

const missing = withCompiler('the launcher of CUDA kernels') ?? missingNvcc()
if (missing !== undefined) console.log(`skipped: the launcher of CUDA kernels, since ${missing}`)

const root = resolve(import.meta.dirname, '..')
const bin = resolve(root, 'bin/attnc.js')
const path = resolve(root, 'examples/softmax.attn')
const file = { path, text: readFileSync(path, 'utf8') }
const sizes = { d: 16, e: 16 }
const args = [path, '--target', 'cuda', '--dtype', 'f16', '--shape', 'b=1,h=2,i=20,j=33,d=16,e=16']
const keeping = () => ({ cache: sharedCache(), warn: ({ message }: { message: string }) => console.log(message) })

describe.skipIf(missing !== undefined)('a launched kernel', { timeout: 240_000 }, () => {
  let driver: StubDriver
  beforeAll(async () => {
    driver = new StubDriver()
    const compiled = await compile(file, { target: 'cuda', dtype: 'f16', sizes })
    if (!compiled.ok) throw new Error('softmax has errors')
    await driver.start(compiled.value.files)
  }, 240_000)
  afterAll(() => driver.remove())
  afterEach(() => {
    for (const name of ['ATTNC_STUB_FAIL', 'ATTNC_STUB_MEMORY', 'ATTNC_CUDA_ARCH']) delete process.env[name]
  })

  const module = analyze(file)
  const source = { file, folder: '', readImport: importReader(file) }

  /** What the driver was asked for, with nothing wrong in it, and no memory taken at its end. */
  const rightCalls = (): readonly string[] => {
    const calls = driver.calls()
    expect(calls.filter((line) => line.startsWith('WRONG'))).toEqual([])
    expect(calls.findLast((line) => line.startsWith('taken')) ?? 'taken 0').toBe('taken 0')
    return calls
  }

  test('computes what the definition says', async () => {
    if (!module.ok) throw new Error('softmax has errors')
    const [attention] = module.value.attentions
    const schedule = { tile: undefined, splits: 1 }
    const lengths = { b: 1, h: 2, i: 20, j: 33, ...sizes }
    const report = await verifyAttention(attention!, {
      shapes: [{ sizes: lengths, dtype: 'f16', schedules: [schedule] }],
      seed: 1,
      probes: true,
      params: {},
      build: builder(source, attention!, 'cuda', { keeping: keeping() }),
    })
    if (!report.ok) throw new Error(report.findings[0]?.message)
    expect(report.value).toMatchObject({ failures: [], verdict: 'right' })
    const calls = rightCalls()
    expect(calls.filter((line) => /^run .*on_tensor_cores/.test(line)).length).toBe(report.value.cases)
  })

  test('copies tensors that are larger than what is pinned, in threads of its own', async () => {
    if (!module.ok) throw new Error('softmax has errors')
    const [attention] = module.value.attentions
    const ready = await loadAttention(source, attention!, { target: 'cuda', dtype: 'f16', sizes }, keeping())
    if (!ready.ok) throw new Error(ready.findings[0]?.message)
    const [rows, width] = [40_000, 16]
    const tensor = (data: Float16Array, length: number) => fromStored({ data, shape: [1, 1, length, width] }, 'f16')
    const q = tensor(new Float16Array(rows * width), rows)
    const [k, v] = [0, 1].map((from) =>
      tensor(
        Float16Array.from({ length: 2 * width }, (_, n) => from * n),
        2,
      ),
    )
    const results = await callAttention(ready.value, { inputs: { q, k: k!, v: v! }, params: {} }, { threads: 1 })
    if (!results.ok) throw new Error(results.findings[0]?.message)
    const { data } = results.value.out!
    expect(data.length).toBe(rows * width)
    for (let n = 0; n < data.length; n++)
      if (data[n] !== (n % width) + width / 2) expect(`${n}: ${data[n]}`).toBe('a mean')
    const calls = rightCalls()
    expect(calls.filter((line) => line === 'cuMemcpyHtoDAsync_v2 1048576').length).toBe(1)
    expect(calls.filter((line) => line === 'cuMemcpyDtoHAsync_v2 1048576').length).toBe(1)
  })

  test.each([
    [
      'cuMemAlloc_v2:2',
      /ATTN0331.*the GPU has no memory for the \d+ bytes of a call: 256\.0 MiB of its 256\.0 MiB are free/,
    ],
    ['cuMemcpyHtoDAsync_v2:1:2', /ATTN0331.*the GPU refused a call/],
    ['cuLaunchKernel:1:2', /ATTN0331.*the GPU refused a call/],
    ['kernel:700', /ATTN0331.*the GPU ended a call: an illegal memory access was encountered/],
    ['cuModuleLoadData:209', /ATTN0331.*not compiled for this GPU, Stub GPU, which is sm_80[\s\S]*ATTNC_CUDA_ARCH/], // the fault before had it unloaded
    ['cuModuleLoadData:222', /ATTN0331.*the driver is too old: it is for CUDA 99\.0, and nvcc is of CUDA \d/],
    ['cuMemHostAlloc:2', /ATTN0331.*there is no memory left: out of memory/],
    ['cuMemcpyDtoHAsync_v2:719', /ATTN0331.*the GPU ended a call/],
    ['kernel:700:2', /ATTN0331.*an illegal memory access/],
  ])('that fails (%s) leaves no memory behind, and is launched again', async (plan, message) => {
    process.env.ATTNC_STUB_FAIL = plan
    const failed = await attnc(['run', ...args])
    expect(failed).toMatchObject({ exit: 3, err: expect.stringMatching(message), out: '' })
    rightCalls()
    delete process.env.ATTNC_STUB_FAIL
    if (plan.startsWith('cuModule') || plan === 'kernel:700') return // the next one needs it unloaded
    expect(await attnc(['run', ...args])).toMatchObject({ exit: 0, err: '', out: expect.stringMatching(/^out /m) })
    rightCalls()
  })

  test('that fails in verify is a fault of the machine, not a wrong result', async () => {
    process.env.ATTNC_STUB_MEMORY = '100000'
    const { exit, err } = await attnc(['verify', ...args, '--tile', 'i=128,j=128', '--no-probes'])
    expect({ exit, err }).toEqual({ exit: 3, err: expect.stringMatching(/ATTN0331.*100000 bytes of its 100000 bytes/) })
    rightCalls()
  })

  test('is for architectures that are named as they are', async () => {
    process.env.ATTNC_CUDA_ARCH = 'sm_90,sm_70'
    const { exit, err } = await attnc(['run', ...args])
    expect({ exit, err }).toEqual({ exit: 3, err: expect.stringContaining('ATTNC_CUDA_ARCH names sm_70') })
  })

  /** A process of its own, since a process finds its driver once. */
  const alone = async (command: readonly string[], env: Readonly<Record<string, string>>) => {
    const { exitCode, stdout, stderr } = await execa(process.execPath, [bin, ...command], { env, reject: false })
    return { exit: exitCode, text: `${stdout}\n${stderr}` }
  }

  test.each([
    ['without a GPU', { ATTNC_STUB_DEVICES: '0' }, 'ATTN0330', 'the driver finds no NVIDIA GPU'],
    [
      'with a GPU that is too old',
      { ATTNC_STUB_ARCH: '75' },
      'ATTN0330',
      'Stub GPU is sm_75, and kernels are for sm_80',
    ],
    ['with a driver that lacks a function', { ATTNC_LIBCUDA: 'libm.so.6' }, 'ATTN0330', 'too old: it has no cuInit'],
    ['with a driver that does not start', { ATTNC_STUB_FAIL: 'cuInit:803' }, 'ATTN0330', 'does not start'],
    [
      'with a driver older than nvcc',
      { ATTNC_STUB_DRIVER: '9000' },
      'ATTN0331',
      'too old: it is for CUDA 9.0, and nvcc is',
    ],
  ])('%s has a message and exit code 3', async (_, env, code, message) => {
    const { exit, text } = await alone(['run', ...args], env)
    expect(exit).toBe(3)
    expect(text).toMatch(new RegExp(`${code}.*${message}`))
  })

  test('is skipped by verify where there is no driver, with the reason', async () => {
    const { exit, text } = await alone(['verify', ...args], { ATTNC_LIBCUDA: '/nowhere/libcuda.so' })
    expect(exit).toBe(0)
    expect(text).toMatch(/skipped \(there is no NVIDIA driver: \/nowhere\/libcuda\.so/)
  })

  test('needs what doctor says it found', async () => {
    const { exit, text } = await alone(['doctor', '--target', 'cuda'], {})
    expect(exit).toBe(0)
    expect(text).toMatch(/^cuda +nvcc +ok/m)
    expect(text).toMatch(/^cuda +GPU +ok +Stub GPU, sm_80, driver for CUDA 99\.0$/m)
  })
})
