/** Generated WebGPU kernels, launched in this process by the module that comes with them. */
import type { StorageType } from '../../compiler/attention.ts'
import type { Buffer } from '../../compiler/kernel.ts'
import { propertyName } from '../../targets/javascript-lengths.ts'
import type { OutFile } from '../../targets/target.ts'
import { entryOf } from '../../targets/wgsl/program.ts'
import { AttncError } from '../attnc-error.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'
import type { Inputs, Loaded, Scalars, Signature } from '../runners.ts'
import { fromStored, type StoredData, storedData } from '../stored.ts'
import { elementCount, recordOf, type Tensor } from '../tensor.ts'
import { findDevice } from './device.ts'

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
interface Module extends Readonly<Record<string, unknown>> {
  readonly requiredFeatures: readonly string[]
  readonly requiredLimits: Readonly<Record<string, number>>
}

const moduleName = 'module.js'

export async function keepModule(files: readonly OutFile[], staging: Staging): Promise<Outcome<undefined>> {
  const main = files.find(({ path }) => path.endsWith('.js'))
  if (!main) return failed(problem('ATTN0330', 'there is no JavaScript in what was generated'))
  staging.write(moduleName, main.text)
  return done(undefined)
}

/** @param find  of the device; by default, the one that there is */
export async function loadModule(made: Made, find = findDevice): Promise<Outcome<Loaded>> {
  const text = Buffer.from(made.read(moduleName)).toString('base64')
  const module: Module = await import(`data:text/javascript;base64,${text}`)
  const device = await find({ features: module.requiredFeatures, limits: module.requiredLimits })
  if (!device.ok) return device
  const ops = new Map<string, Promise<Op>>()
  const opOf = (program: Signature): Promise<Op> => {
    const entry = entryOf(program)
    const op = ops.get(entry) ?? (module[entry] as Creator).create(device.value)
    ops.set(entry, op)
    return op
  }
  return done({ call: (program, inputs, params) => call(device.value, opOf, program, inputs, params) })
}

async function call(
  device: GPUDevice,
  opOf: (program: Signature) => Promise<Op>,
  program: Signature,
  inputs: Inputs,
  params: Scalars,
): Promise<Inputs> {
  return guarded(device, async () => {
    const op = await opOf(program)
    const options = { params: recordOf(Object.entries(params).map(([name, x]) => [propertyName(name), x])) }
    const own: GPUBuffer[] = []
    try {
      return await launch(device, op, program, inputs, options, own)
    } finally {
      for (const buffer of own) buffer.destroy()
    }
  })
}

const withRole = ({ buffers }: Signature, role: Buffer['role']): readonly Buffer[] =>
  buffers.filter((b) => b.role === role)

/** @param own  what was made for this launch is added to it */
async function launch(
  device: GPUDevice,
  op: Op,
  program: Signature,
  inputs: Inputs,
  options: Options,
  own: GPUBuffer[],
): Promise<Inputs> {
  const room = (bytes: number, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({ size: Math.max(4, Math.ceil(bytes / 4) * 4), usage })
    own.push(buffer)
    return buffer
  }
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage
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
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  op.encode(
    pass,
    recordOf([...given, ...results.map((result) => [propertyName(result.name), result] as const)]),
    options,
  )
  pass.end()
  const read = results.map(({ buffer }) => {
    const mapped = room(buffer.size, MAP_READ | COPY_DST)
    encoder.copyBufferToBuffer(buffer, 0, mapped, 0, buffer.size)
    return mapped
  })
  device.queue.submit([encoder.finish()])
  await Promise.all(read.map((buffer) => buffer.mapAsync(GPUMapMode.READ)))
  return recordOf(results.map(({ name, storage, shape }, n) => [name, takeTensor(read[n]!, storage, shape)]))
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
