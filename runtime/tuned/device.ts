/** What times depend on: the device, and the architecture that similar devices share. */
import os from 'node:os'

export interface Device {
  readonly device: string
  readonly architecture: string
}

/** Of a target that runs here. For wgsl it is the adapter. */
export async function deviceOf(target: string): Promise<Device> {
  const processor = { device: (os.cpus()[0]?.model ?? 'unknown').trim(), architecture: os.arch() }
  if (target === 'cuda') return { device: 'unknown', architecture: 'cuda' }
  if (target !== 'wgsl') return processor
  const { adapterName } = await import('../wgsl/needs.ts')
  return { device: (await adapterName()) ?? 'unknown', architecture: 'webgpu' }
}
