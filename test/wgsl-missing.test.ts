import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fromStored } from '../runtime/stored.ts'
import { wgsl } from '../targets/wgsl/target.ts'
import { softmaxProgram } from './ts-programs.ts'

// Machines without WebGPU, or with too little of it: the package is replaced by one that says so.

interface Fake {
  readonly requestAdapter: () => Promise<object | null>
}
const limits = { maxComputeWorkgroupStorageSize: 16384, maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 }
const adapter = { features: new Set(['subgroups']), limits, info: { vendor: 'a', description: 'test', device: '' } }

async function findDevice(fake: Fake | undefined, required?: object) {
  vi.doMock('webgpu', () => {
    if (!fake) throw new Error('Cannot find package')
    return { create: () => fake, globals: {} }
  })
  vi.doMock('../runtime/wgsl/driver.ts', () => ({ hasVulkan: () => true, findDriver: () => undefined }))
  const { findDevice: find } = await import('../runtime/wgsl/device.ts')
  const found = await find(required as never)
  return found.ok ? undefined : found.findings
}

describe('a device is not found', () => {
  beforeEach(() => vi.resetModules())
  afterEach(() => {
    vi.doUnmock('webgpu')
    vi.doUnmock('../runtime/wgsl/driver.ts')
  })

  test('without the package', async () => {
    const hint = 'npm install webgpu'
    expect(await findDevice(undefined)).toMatchObject([
      { code: 'ATTN0330', message: expect.stringContaining('package webgpu is not'), hint },
    ])
  })
  test('without an adapter', async () => {
    const hint = expect.stringContaining('npm install @sparticuz/chromium')
    expect(await findDevice({ requestAdapter: async () => null })).toMatchObject([
      { code: 'ATTN0330', message: 'WebGPU finds no adapter', hint },
    ])
  })
  test('where the adapter lacks a feature', async () => {
    const found = await findDevice(
      { requestAdapter: async () => adapter },
      { features: ['subgroups', 'shader-f16'], limits: {} },
    )
    expect(found).toMatchObject([
      {
        code: 'ATTN0330',
        message: 'a test lacks the feature shader-f16 that the kernels were made for',
        hint: expect.stringContaining('leave shader-f16 out of --features'),
      },
    ])
  })
  test('where the adapter allows less', async () => {
    const required = { features: [], limits: { maxComputeWorkgroupStorageSize: 33536 } }
    expect(await findDevice({ requestAdapter: async () => adapter }, required)).toMatchObject([
      {
        code: 'ATTN0330',
        message: 'a test has a maxComputeWorkgroupStorageSize of 16384, and the kernels were made for 33536',
        hint: '--limits maxComputeWorkgroupStorageSize=16384',
      },
    ])
  })
  test('where the adapter gives none', async () => {
    const requestDevice = async () => Promise.reject(new Error('busy'))
    expect(await findDevice({ requestAdapter: async () => ({ ...adapter, requestDevice }) })).toMatchObject([
      { code: 'ATTN0331', message: 'the adapter gives no device: busy' },
    ])
  })
})

const dawn = await import('webgpu').then(
  (webgpu) => webgpu,
  () => undefined,
)
if (!dawn) console.log('skipped: devices without memory, since the package webgpu is not installed')

test.skipIf(!dawn)('a device whose memory is used up says so', async () => {
  Object.assign(globalThis, dawn!.globals)
  const gpu = dawn!.create(['backend=null']) // which has 512 MiB
  const from = (await gpu.requestAdapter())!
  const { maxBufferSize } = from.limits
  const device = await from.requestDevice({ requiredLimits: { maxBufferSize } })
  const taken: GPUBuffer[] = []
  device.pushErrorScope('out-of-memory')
  for (let left = 2 ** 29; left > 0; left -= maxBufferSize)
    taken.push(device.createBuffer({ size: Math.min(left, maxBufferSize), usage: GPUBufferUsage.STORAGE }))
  await device.popErrorScope()
  const { launchFiles } = await import('./wgsl-build.ts')
  const one = softmaxProgram({ d: 4, e: 4, ti: 8, tj: 8, causal: false })
  const files = await wgsl.emit({ name: 's', programs: [one], dtype: 'f32', version: '0.0.0' })
  const loaded = await launchFiles(files, async () => ({ ok: true, value: device }))
  const tensor = fromStored({ data: new Float32Array(32), shape: [1, 1, 8, 4] }, 'f32')
  const error = await Promise.resolve(loaded.call(one, { q: tensor, k: tensor, v: tensor }, {})).catch(
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({
    findings: [{ code: 'ATTN0331', message: expect.stringContaining('has no memory left') }],
  })
  for (const buffer of taken) buffer.destroy()
  device.destroy()
})
