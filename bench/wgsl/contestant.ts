/** Attention on a device: what takes turns. */
import type { Shape, Tensors } from './shape.ts'

export interface Contestant {
  readonly name: string
  /** Computes the shape once; what comes back is the result, [query, width]. */
  readonly call: () => Promise<Float32Array>
}
export type Prepare = (shape: Shape, tensors: Tensors) => Promise<Contestant>

/** Buffers of one device, and launches whose result is read. */
export class Desk {
  readonly device: GPUDevice

  constructor(device: GPUDevice) {
    this.device = device
  }

  room(floats: number): GPUBuffer {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    return this.device.createBuffer({ size: floats * 4, usage: STORAGE | COPY_SRC | COPY_DST })
  }

  upload(data: Float32Array): GPUBuffer {
    const buffer = this.room(data.length)
    this.device.queue.writeBuffer(buffer, 0, data)
    return buffer
  }

  async read(out: GPUBuffer, encode: (pass: GPUComputePassEncoder) => void): Promise<Float32Array> {
    const { device } = this
    const mapped = device.createBuffer({ size: out.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    encode(pass)
    pass.end()
    encoder.copyBufferToBuffer(out, 0, mapped, 0, out.size)
    device.queue.submit([encoder.finish()])
    await mapped.mapAsync(GPUMapMode.READ)
    const result = new Float32Array(mapped.getMappedRange().slice(0))
    mapped.destroy()
    return result
  }
}
