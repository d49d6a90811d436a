import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Program } from '../compiler/kernel.ts'
import { compile } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import { findAdapter } from '../runtime/wgsl/device.ts'
import { propertyName } from '../targets/javascript-lengths.ts'
import { draw } from './ts-draw.ts'
import { withAdapter, withoutFeature } from './wgsl-build.ts'
import { type Watched, watchFiles } from './wgsl-races.ts'

// Barriers: no two invocations come to a word without one in between, and without any single one of them some would.

const missing = await withAdapter()
const root = resolve(import.meta.dirname, '..')

/**
 * One of each kind of plan: streamed, several passes, column statistics, across heads, by parts, with a spill, of running extremes; and
 * values that take the same words in turns.
 */
const cases = [
  ['softmax', {}],
  ['causal', {}],
  ['causal', { splits: 2 }],
  ['entropy', {}],
  ['dual_softmax', {}],
  ['composable_heads', {}],
  ['alpha_entmax', {}],
  ['landmark', {}],
  ['documents', {}],
  ['z_score', {}],
  ['clipped_softmax', {}],
  ...((missing ?? (await withoutFeature('subgroups'))) ? [] : ([['entropy', { features: ['subgroups'] }]] as const)),
] as const
/** Several tiles; and no keys at all: what follows a loop meets what came before it. */
const launches: readonly Readonly<Record<string, number>>[] = [19, 0].map((j) => ({ b: 1, h: 2, i: 11, j }))
const sizes = { d: 16, e: 16 }

interface Op {
  shapes(tensors: object): Readonly<Record<string, readonly number[]>>
  encode(pass: GPUComputePassEncoder, tensors: object): void
}
interface Creator {
  create(device: GPUDevice): Promise<Op>
}

/** A module that is launched again and again, with one barrier left out or with none. */
class Watch {
  readonly #device: GPUDevice
  readonly #logSize: number
  readonly #logs: GPUBuffer[] = []

  constructor(device: GPUDevice, { logSize }: Watched) {
    this.#device = device
    this.#logSize = logSize
  }

  /** The device, as the module sees it: logs are kept, to be read. */
  get device(): GPUDevice {
    return new Proxy(this.#device, {
      get: (target, key) => {
        if (key === 'createBuffer') return (wanted: GPUBufferDescriptor) => this.#create(wanted)
        const value = Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #create(wanted: GPUBufferDescriptor): GPUBuffer {
    if (wanted.size % (4 * this.#logSize) !== 0) return this.#device.createBuffer(wanted)
    const { COPY_SRC, COPY_DST } = GPUBufferUsage
    const log = this.#device.createBuffer({ ...wanted, usage: wanted.usage | COPY_SRC | COPY_DST })
    this.#logs.push(log)
    return log
  }

  /** Whether there was a race, and whether anything was written down. */
  async launch(op: Op, tensors: object, leftOut: number): Promise<{ isRacing: boolean; isWatched: boolean }> {
    Object.assign(globalThis, { leftOut })
    const encoder = this.#device.createCommandEncoder()
    for (const log of this.#logs) encoder.clearBuffer(log)
    const pass = encoder.beginComputePass()
    op.encode(pass, tensors)
    pass.end()
    const read = this.#logs.map((log) => {
      const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
      const mapped = this.#device.createBuffer({ size: log.size, usage })
      encoder.copyBufferToBuffer(log, 0, mapped, 0, log.size)
      return mapped
    })
    this.#device.queue.submit([encoder.finish()])
    await Promise.all(read.map((buffer) => buffer.mapAsync(GPUMapMode.READ)))
    const words = read.flatMap((buffer) => [...new Uint32Array(buffer.getMappedRange())])
    for (const buffer of read) buffer.destroy()
    return {
      isRacing: words.some((word, n) => n % this.#logSize === 0 && word !== 0),
      isWatched: words.some((word) => word !== 0),
    }
  }
}

/** Random inputs on a device, and room for results. */
function tensorsOn(device: GPUDevice, program: Program, op: Op, lengths: Readonly<Record<string, number>>): object {
  const room = (shape: readonly number[]): GPUBuffer => {
    const elements = shape.reduce((product, length) => product * length, 1)
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
    return device.createBuffer({ size: 4 * Math.max(1, elements), usage })
  }
  const given = program.buffers.flatMap(({ name, axes, role, storage }) => {
    if (role !== 'input') return []
    const shape = axes.map((axis) => program.sizes[axis] ?? lengths[axis] ?? Number.NaN)
    const buffer = room(shape)
    const data = draw(name, buffer.size / 4, storage)
    device.queue.writeBuffer(buffer, 0, storage === 'i32' ? Int32Array.from(data) : Float32Array.from(data))
    return [[propertyName(name), { buffer, shape }] as const]
  })
  const inputs = Object.fromEntries(given)
  const results = Object.entries(op.shapes(inputs)).map(([name, shape]) => [name, { buffer: room(shape), shape }])
  return { ...inputs, ...Object.fromEntries(results) }
}

describe.skipIf(missing !== undefined)('the barriers of', { timeout: 120_000 }, () => {
  test.each(cases)('%s %j', async (name, options) => {
    const adapter = await findAdapter()
    if (!adapter.ok) throw new Error(adapter.findings[0]?.message)
    const from = await adapter.value.gpu.requestAdapter()
    const { features = [] } = options as { readonly features?: readonly GPUFeatureName[] }
    const device = await from!.requestDevice({
      requiredFeatures: features,
      requiredLimits: { maxStorageBuffersPerShaderStage: from!.limits.maxStorageBuffersPerShaderStage },
    })
    const file = { path: `examples/${name}.attn`, text: readFileSync(resolve(root, `examples/${name}.attn`), 'utf8') }
    const tile = { i: 8, j: 8 }
    const made = await compile(file, { target: 'wgsl', sizes, tile, readImport: importReader(file, root), ...options })
    if (!made.ok) throw new Error(`${name} has errors`)
    const watched = watchFiles(made.value.files)
    const program = made.value.programs[0]!
    const module = await import(`data:text/javascript;base64,${Buffer.from(watched.module).toString('base64')}`)
    const creator: Creator = Object.values(module as object).find((one) => typeof one === 'object' && 'create' in one)
    const watch = new Watch(device, watched)
    const op = await creator.create(watch.device)
    const needless = new Set(watched.barriers)
    for (const lengths of launches) {
      const tensors = tensorsOn(device, program, op, lengths)
      const whole = await watch.launch(op, tensors, -1)
      expect(whole.isRacing).toBe(false)
      if (lengths.j !== 0) expect(whole.isWatched).toBe(true)
      for (const [n, barrier] of watched.barriers.entries())
        if (needless.has(barrier) && (await watch.launch(op, tensors, n)).isRacing) needless.delete(barrier)
    }
    console.log(`${name}: ${watched.barriers.length} barriers`)
    expect([...needless]).toEqual([])
    device.destroy()
  })
})
