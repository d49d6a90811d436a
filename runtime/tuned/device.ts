/** What times depend on: the device, and the architecture that similar devices share. */
import os from 'node:os'

export interface Device {
  readonly device: string
  readonly architecture: string | undefined // undefined: none is here, and any may be meant
}

/** Of a target that runs here. For wgsl it is the adapter, for cuda the GPU. */
export async function deviceOf(target: string): Promise<Device> {
  if (target === 'cuda') return gpu()
  if (target !== 'wgsl') return { device: (os.cpus()[0]?.model ?? 'unknown').trim(), architecture: os.arch() }
  const { adapterName } = await import('../wgsl/needs.ts')
  return { device: (await adapterName()) ?? 'unknown', architecture: 'webgpu' }
}

async function gpu(): Promise<Device> {
  const { missingDriver } = await import('../cuda/launcher.ts')
  const found = missingDriver() === undefined ? await (await import('../cuda/load-cuda.ts')).findGpu() : undefined
  return found?.ok
    ? { device: found.value.name, architecture: `sm_${found.value.architecture}` }
    : { device: 'unknown', architecture: undefined }
}
