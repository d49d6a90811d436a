import { describe, expect, test } from 'vitest'
import { AttncError } from '../runtime/attnc-error.ts'
import { fromStored } from '../runtime/stored.ts'
import { findDevice } from '../runtime/wgsl/device.ts'
import type { Device } from '../targets/target.ts'
import { wgsl } from '../targets/wgsl/target.ts'
import { softmaxProgram } from './ts-programs.ts'
import { buildWgsl, launchFiles, withAdapter } from './wgsl-build.ts'

// What goes wrong at a launch: a typed error that says what, and with which numbers.

const missing = await withAdapter()
const one = softmaxProgram({ d: 4, e: 4, ti: 8, tj: 8, causal: false })
const shape = [1, 1, 8, 4]
const bytes = 4 * 32

async function deviceHere(): Promise<GPUDevice> {
  const device = await findDevice()
  if (!device.ok) throw new Error(device.findings[0]?.message)
  return device.value
}

/** A device that allows less than it does. */
const limited = (device: GPUDevice, limits: Readonly<Record<string, number>>): GPUDevice =>
  new Proxy(device, {
    get: (target, key) => {
      const value = Reflect.get(target, key)
      if (key !== 'limits') return typeof value === 'function' ? value.bind(target) : value
      return new Proxy(target.limits, { get: (own, name) => limits[String(name)] ?? Reflect.get(own, name) })
    },
  })

async function moduleFor(device?: Device) {
  const asked = device ? { device } : {}
  const files = await wgsl.emit({ name: 's', programs: [one], dtype: 'f32', version: '0.0.0', ...asked })
  const text = files.find(({ path }) => path.endsWith('.js'))!.text
  return import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)
}

const tensor = fromStored({ data: Float32Array.from({ length: 32 }, (_, n) => n / 32), shape }, 'f32')
const inputs = { q: tensor, k: tensor, v: tensor }

describe.skipIf(missing !== undefined)('a launch', { timeout: 60_000 }, () => {
  /** What the module says of these tensors. */
  async function errorOf(
    change: (device: GPUDevice) => object,
    limits: Readonly<Record<string, number>> = {},
  ): Promise<unknown> {
    const device = limited(await deviceHere(), limits)
    const op = await (await moduleFor())[one.name].create(device)
    const buffer = device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE })
    const tensor = { buffer, shape }
    const pass = device.createCommandEncoder().beginComputePass()
    try {
      op.encode(pass, { q: tensor, k: tensor, v: tensor, out: { buffer }, ...change(device) })
    } catch (error) {
      return error
    }
    return undefined
  }

  test('into a buffer that is too small', async () => {
    const small = (device: GPUDevice): object => {
      const buffer = device.createBuffer({ size: 64, usage: GPUBufferUsage.STORAGE })
      return { out: { buffer } }
    }
    const error = await errorOf(small)
    expect(error).toBeInstanceOf(RangeError)
    expect(String(error)).toContain(`the buffer of out has 64 bytes, but ${bytes} are needed`)
  })
  test('from a buffer of the wrong usage', async () => {
    const other = (device: GPUDevice): object => {
      const buffer = device.createBuffer({ size: bytes, usage: GPUBufferUsage.COPY_DST })
      return { k: { buffer, shape } }
    }
    const error = await errorOf(other)
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toContain('the buffer of k lacks the usage STORAGE')
  })
  test('without a result', async () => {
    const error = await errorOf(() => ({ out: undefined }))
    expect(error).toBeInstanceOf(TypeError)
    expect(String(error)).toContain('out must be { buffer }')
  })
  test('of more than a device binds', async () => {
    const error = await errorOf(() => ({}), { maxStorageBufferBindingSize: 64 })
    expect(error).toBeInstanceOf(RangeError)
    expect(String(error)).toContain(`q has ${bytes} bytes, more than the 64 of maxStorageBufferBindingSize`)
    expect(String(await errorOf(() => ({}), { maxBufferSize: 32 }))).toContain('more than the 32 of maxBufferSize')
  })
  test('of more workgroups than a device starts', async () => {
    const many = (device: GPUDevice): object => {
      const buffer = device.createBuffer({ size: 9 * bytes, usage: GPUBufferUsage.STORAGE })
      const nine = { buffer, shape: [3, 3, 8, 4] }
      return { q: nine, k: nine, v: nine, out: nine, lse: nine }
    }
    const error = await errorOf(many, { maxComputeWorkgroupsPerDimension: 2 })
    expect(error).toBeInstanceOf(RangeError)
    expect(String(error)).toContain('takes 9 workgroups, more than the 4 of a launch')
    expect(await errorOf(many, { maxComputeWorkgroupsPerDimension: 3 })).toBe(undefined)
  })
  test('in several rows of workgroups computes what it does in one', async () => {
    const files = await wgsl.emit({ name: 's', programs: [one], dtype: 'f32', version: '0.0.0' })
    const shape = [2, 3, 19, 4] // 18 workgroups
    const data = Float32Array.from({ length: 2 * 3 * 19 * 4 }, (_, n) => Math.sin(n))
    const large = fromStored({ data, shape }, 'f32')
    const given = { q: large, k: large, v: large }
    const narrow = async () => ({
      ok: true as const,
      value: limited(await deviceHere(), { maxComputeWorkgroupsPerDimension: 5 }),
    })
    const [want, got] = [await launchFiles(files), await launchFiles(files, narrow)]
    expect((await got.call(one, given, {})).out).toEqual((await want.call(one, given, {})).out)
  })
  test('from a place where no binding may begin', async () => {
    const error = await errorOf((device) => {
      const buffer = device.createBuffer({ size: 1024, usage: GPUBufferUsage.STORAGE })
      return { k: { buffer, shape, offset: 100 } }
    })
    expect(error).toBeInstanceOf(RangeError)
    expect(String(error)).toContain('the offset of k is 100, no multiple of 256')
  })
  test('on a device without what the kernels were made for', async () => {
    const device = await deviceHere()
    const quads = await moduleFor({ features: ['subgroups'], limits: {} })
    expect(quads.requiredFeatures).toEqual(['subgroups'])
    const lacks = quads[one.name].create(device)
    await expect(lacks).rejects.toThrow(TypeError)
    await expect(lacks).rejects.toThrow(
      'lacks the feature subgroups: adapter.requestDevice({ requiredFeatures, requiredL',
    )
    const large = await moduleFor({ features: [], limits: { maxBufferSize: 2 ** 50 } })
    expect(large.requiredLimits).toEqual({ maxBufferSize: 2 ** 50 })
    const small = large[one.name].create(device)
    await expect(small).rejects.toThrow(RangeError)
    await expect(small).rejects.toThrow(
      `maxBufferSize is ${device.limits.maxBufferSize} on this device, and ${2 ** 50} is`,
    )
    await expect(quads[one.name].create(undefined)).rejects.toThrow('create takes a GPUDevice')
  })
  test('on a device that is lost in the middle says so', async () => {
    const loaded = await buildWgsl('s', [one])
    await loaded.call(one, inputs, {})
    const device = await deviceHere()
    const pending = loaded.call(one, inputs, {})
    device.destroy()
    const error = await Promise.resolve(pending).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AttncError)
    expect((error as AttncError).message).toContain('the device was lost')
    expect((error as AttncError).findings).toMatchObject([{ code: 'ATTN0331', hint: expect.stringContaining('again') }])
  })
  test('on a device that is lost says so, and the next one has a new device', async () => {
    const loaded = await buildWgsl('s', [one])
    const { out } = await loaded.call(one, inputs, {})
    const device = await deviceHere()
    device.destroy()
    await device.lost
    let error: unknown
    try {
      await loaded.call(one, inputs, {})
    } catch (reason) {
      error = reason
    }
    expect(error).toBeInstanceOf(AttncError)
    expect((error as AttncError).message).toContain('the device was lost')
    const again = await buildWgsl('s', [one])
    expect((await again.call(one, inputs, {})).out!.data).toEqual(out!.data)
  })
})
