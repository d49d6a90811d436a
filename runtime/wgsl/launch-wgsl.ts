/** Launches of generated WebGPU kernels, in Node and in a page: tensors to the device and back, and what it says is wrong. */
import type { StorageType } from '../../compiler/attention.ts'
import type { Buffer } from '../../compiler/kernel.ts'
import { propertyName } from '../../targets/javascript-lengths.ts'
import { entryOf } from '../../targets/wgsl/program.ts'
import { AttncError } from '../attnc-error.ts'
import { done, problem } from '../problem.ts'
import type { Inputs, Scalars } from '../runners.ts'
import type { Signature } from '../signature.ts'
import { fromStored, type StoredData, storedData } from '../stored.ts'
import { elementCount, recordOf, type Tensor } from '../tensor.ts'

/** What a generated module exports for each attention. */
interface Op {
  shapes(tensors: Tensors, options: Options): Readonly<Record<string, readonly number[]>>
  encode(pass: GPUComputePassEncoder, tensors: Tensors, options: Options): void
}
type Tensors = Readonly<Record<string, { readonly buffer: GPUBuffer; readonly shape: readonly number[] }>>
interface Options {
  readonly params: Scalars
}
interface Creator {
  create(device: GPUDevice): Promise<Op>
}
/** A generated module, imported. */
export interface WebGpuModule extends Readonly<Record<string, unknown>> {
  readonly requiredFeatures: readonly string[]
  readonly requiredLimits: Readonly<Record<string, number>>
}

export interface Launcher {
  readonly call: (program: Signature, inputs: Inputs, params: Scalars) => Promise<Inputs>
  /** Milliseconds that a launch takes, with its tensors on the device, and how many were taken together to tell. */
  readonly time: (program: Signature, inputs: Inputs, params: Scalars) => Promise<Timing>
}
export interface Timing {
  readonly milliseconds: number
  readonly launches: number
}

export function launcherOf(module: WebGpuModule, device: GPUDevice): Launcher {
  const ops = new Map<string, Promise<Op>>()
  const opOf = (program: Signature): Promise<Op> => {
    const entry = entryOf(program)
    const op = ops.get(entry) ?? (module[entry] as Creator).create(device)
    ops.set(entry, op)
    return op
  }
  const bound = async <T>(
    program: Signature,
    inputs: Inputs,
    params: Scalars,
    use: (tensors: Bound) => Promise<T>,
  ): Promise<T> =>
    guarded(device, async () => {
      const op = await opOf(program)
      const options = { params: recordOf(Object.entries(params).map(([name, x]) => [propertyName(name), x])) }
      const own: GPUBuffer[] = []
      try {
        return await use(bind(device, op, program, inputs, options, own))
      } finally {
        for (const buffer of own) buffer.destroy()
      }
    })
  return {
    call: (program, inputs, params) => bound(program, inputs, params, (tensors) => launch(device, tensors)),
    time: (program, inputs, params) => bound(program, inputs, params, (tensors) => measure(device, tensors)),
  }
}

const withRole = ({ buffers }: Signature, role: Buffer['role']): readonly Buffer[] =>
  buffers.filter((b) => b.role === role)

/** Tensors on the device. */
interface Bound {
  readonly room: (bytes: number, usage: number) => GPUBuffer
  readonly results: readonly Result[]
  readonly encode: (pass: GPUComputePassEncoder) => void
}
interface Result extends Pick<Buffer, 'name' | 'storage'> {
  readonly shape: readonly number[]
  readonly buffer: GPUBuffer
}

/** @param own  what is made for the launch is added to it */
function bind(
  device: GPUDevice,
  op: Op,
  program: Signature,
  inputs: Inputs,
  options: Options,
  own: GPUBuffer[],
): Bound {
  const room = (bytes: number, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: Math.max(4, Math.ceil(bytes / 4) * 4), usage })
    own.push(buffer)
    return buffer
  }
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage
  const given = withRole(program, 'input').map(({ name, storage }) => {
    const tensor = inputs[name]
    if (!tensor) throw new RangeError(`${name} is missing`)
    const { shape } = tensor
    const data = storedData(tensor, storage)
    const bytes = new Uint8Array(Math.ceil(data.byteLength / 4) * 4)
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    const buffer = room(bytes.length, STORAGE | COPY_DST)
    device.queue.writeBuffer(buffer, 0, bytes)
    return [propertyName(name), { buffer, shape }] as const
  })
  const shapes = op.shapes(recordOf(given), options)
  const results = withRole(program, 'result').map(({ name, storage }) => {
    const shape = shapes[propertyName(name)] ?? []
    return { name, storage, shape, buffer: room(bytesOf[storage] * elementCount(shape), STORAGE | COPY_SRC) }
  })
  const tensors = recordOf([...given, ...results.map((result) => [propertyName(result.name), result] as const)])
  return { room, results, encode: (pass) => op.encode(pass, tensors, options) }
}

async function launch(device: GPUDevice, { room, results, encode }: Bound): Promise<Inputs> {
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  encode(pass)
  pass.end()
  const read = results.map(({ buffer }) => {
    const mapped = room(buffer.size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST)
    encoder.copyBufferToBuffer(buffer, 0, mapped, 0, buffer.size)
    return mapped
  })
  device.queue.submit([encoder.finish()])
  await Promise.all(read.map((buffer) => buffer.mapAsync(GPUMapMode.READ)))
  return recordOf(results.map(({ name, storage, shape }, n) => [name, takeTensor(read[n]!, storage, shape)]))
}

/** Long enough for clocks that a browser makes coarse, and for what a submission takes by itself. */
const longEnough = 50 // milliseconds
const mostLaunches = 1024

/** After one launch that nobody times, twice as many each time until they take long enough. */
async function measure(device: GPUDevice, { encode }: Bound): Promise<Timing> {
  const run = async (launches: number): Promise<number> => {
    const start = performance.now()
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    for (let n = 0; n < launches; n++) encode(pass)
    pass.end()
    device.queue.submit([encoder.finish()])
    await device.queue.onSubmittedWorkDone()
    return performance.now() - start
  }
  await run(1)
  for (let launches = 1; ; launches *= 2) {
    const taken = await run(launches)
    if (taken >= longEnough || launches >= mostLaunches) return { milliseconds: taken / launches, launches }
  }
}

const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }
const arrays: Readonly<Record<StorageType, new (buffer: ArrayBuffer, at: number, length: number) => StoredData>> = {
  f32: Float32Array,
  f16: Float16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  bool: Uint8Array,
}

/** A copy: what is mapped goes with the buffer. */
function takeTensor(buffer: GPUBuffer, storage: StorageType, shape: readonly number[]): Tensor {
  const data = new arrays[storage](buffer.getMappedRange().slice(0), 0, elementCount(shape))
  return fromStored({ data, shape }, storage)
}

/** What the device says is wrong is an error; a device that is lost stays so. */
async function guarded<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  device.pushErrorScope('out-of-memory')
  device.pushErrorScope('validation')
  const attempt = await work().then(done, (error: unknown) => ({ ok: false as const, error }))
  const [invalid, full] = [await device.popErrorScope(), await device.popErrorScope()]
  if (full)
    throw new AttncError([
      problem('ATTN0331', `the device has no memory left: ${full.message}`, 'ask for less at a time'),
    ])
  if (!attempt.ok && attempt.error instanceof RangeError) throw attempt.error
  const lost = await Promise.race([device.lost, undefined])
  if (lost)
    throw new AttncError([
      problem('ATTN0331', `the device was lost: ${lost.message}`, 'run it again; attnc doctor shows the adapter'),
    ])
  if (invalid) throw new Error(`WebGPU refuses what was generated: ${invalid.message}`)
  if (!attempt.ok) throw attempt.error
  return attempt.value
}
