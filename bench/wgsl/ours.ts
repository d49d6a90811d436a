/** What the target generates, launched by the module that comes with it, and the same in three kernels without fusion. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { compile, type OutFile } from '../../index.ts'
import { importReader } from '../../runtime/imports.ts'
import type { Desk, Prepare } from './contestant.ts'

interface Op {
  encode(pass: GPUComputePassEncoder, tensors: object, options: object): void
}

/** @throws Error  where the definition has errors */
export async function filesOf(path: string, sizes: Readonly<Record<string, number>> = {}): Promise<readonly OutFile[]> {
  const file = { path, text: readFileSync(path, 'utf8') }
  const made = await compile(file, { target: 'wgsl', sizes, readImport: importReader(file, join(path, '..')) })
  if (!made.ok) throw new Error(`${basename(path)}: ${made.diagnostics[0]?.message}`)
  return made.value.files
}

export const ours =
  (desk: Desk): Prepare =>
  async ({ source, length, width, params }, tensors) => {
    const files = await filesOf(source, { d: width, e: width })
    const text = files.find(({ path }) => path.endsWith('.js'))!.text
    const module: object = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`)
    const creator = Object.values(module).find((one) => typeof one === 'object' && 'create' in one)
    const op: Op = await creator.create(desk.device)
    const shape = [1, 1, length, width]
    const out = { buffer: desk.room(length * width), shape }
    const given = Object.entries(tensors).map(([name, data]) => [name, { buffer: desk.upload(data), shape }])
    const all = { ...Object.fromEntries(given), out }
    return { name: 'attnc', call: () => desk.read(out.buffer, (pass) => op.encode(pass, all, { params })) }
  }

export const unfused =
  (desk: Desk): Prepare =>
  async ({ length, width, isCausal }, { q, k, v }) => {
    const { device } = desk
    const code = readFileSync(join(import.meta.dirname, 'unfused.wgsl'), 'utf8')
    const module = device.createShaderModule({ code })
    const given = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
    device.queue.writeBuffer(given, 0, Int32Array.of(length, length, width, isCausal ? 1 : 0))
    const [scores, weights, out] = [length * length, length * length, length * width].map((size) => desk.room(size))
    const kernel = async (
      entryPoint: string,
      [left, right, product]: readonly GPUBuffer[],
      [x = 1, y = 1]: readonly number[],
    ) => {
      const types = ['uniform', 'read-only-storage', 'read-only-storage', 'storage'] as const
      const layout = device.createBindGroupLayout({
        entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
      })
      const pipeline = await device.createComputePipelineAsync({
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint },
      })
      const entries = [given, left!, right!, product!].map((buffer, binding) => ({ binding, resource: { buffer } }))
      return { pipeline, bound: device.createBindGroup({ layout, entries }), groups: [x, y] as const }
    }
    const blocks = (n: number): number => Math.ceil(n / 32)
    const keys = desk.upload(k)
    const kernels = [
      await kernel('scores', [desk.upload(q), keys, scores!], [blocks(length), blocks(length)]),
      await kernel('softmax', [scores!, keys, weights!], [length]),
      await kernel('mix', [weights!, desk.upload(v), out!], [blocks(width), blocks(length)]),
    ]
    const encode = (pass: GPUComputePassEncoder): void => {
      for (const { pipeline, bound, groups } of kernels) {
        pass.setPipeline(pipeline)
        pass.setBindGroup(0, bound)
        pass.dispatchWorkgroups(...groups)
      }
    }
    return { name: 'attnc unfused', call: () => desk.read(out!, encode) }
  }
