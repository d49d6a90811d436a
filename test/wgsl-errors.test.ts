import { describe, expect, test } from 'vitest'
import { AttncError } from '../runtime/attnc-error.ts'
import { fromStored } from '../runtime/stored.ts'
import { findDevice } from '../runtime/wgsl/device.ts'
import { wgsl } from '../targets/wgsl/target.ts'
import { softmaxProgram } from './ts-programs.ts'
import { buildWgsl, withAdapter } from './wgsl-build.ts'

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

describe.skipIf(missing !== undefined)('a launch', { timeout: 60_000 }, () => {
  /** What the module says of these tensors. */
  async function errorOf(change: (device: GPUDevice) => object): Promise<unknown> {
    const device = await deviceHere()
    const files = await wgsl.emit({ name: 's', programs: [one], dtype: 'f32', version: '0.0.0' })
    const text = files.find(({ path }) => path.endsWith('.js'))!.text
    const module = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)
    const op = await module[one.name].create(device)
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
  test('on a device that is lost says so, and the next one has a new device', async () => {
    const data = Float32Array.from({ length: 32 }, (_, n) => n / 32)
    const tensor = fromStored({ data, shape }, 'f32')
    const inputs = { q: tensor, k: tensor, v: tensor }
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
