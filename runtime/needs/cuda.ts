/** What CUDA needs: the toolkit to compile, the driver and a GPU to run. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Need } from './need.ts'
import { findTool } from './tool.ts'

export const needNvcc = (limit?: number): Promise<Need> =>
  findTool(
    {
      what: 'nvcc',
      programs: ['nvcc'],
      args: ['--version'],
      version: (printed) => /release (\d+\.\d+)/.exec(printed)?.[1],
      required: true,
      help: 'install the CUDA toolkit, and put its bin folder on PATH; sources are generated without it',
    },
    limit,
  )

export const needGpu = (limit?: number): Promise<Need> =>
  findTool(
    {
      what: 'GPU',
      programs: ['nvidia-smi'],
      args: ['--query-gpu=name,driver_version', '--format=csv,noheader'],
      version: (printed) => printed.trim().split('\n')[0]?.trim() || undefined,
      required: true,
      help: 'a machine with an NVIDIA GPU and its driver; without one kernels are generated, and can be compiled',
    },
    limit,
  )

const driverFolders = [
  ...['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib'],
  ...['/usr/lib/wsl/lib', '/usr/local/nvidia/lib64', '/usr/local/cuda/compat'],
]

/** The library by which programs speak to the driver. It comes with the driver, not with the toolkit. */
export function needDriver(env: NodeJS.ProcessEnv = process.env): Need {
  const name = process.platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1'
  const own = (env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '')
  const system = process.platform === 'win32' ? [join(env.SystemRoot ?? 'C:\\Windows', 'System32')] : driverFolders
  const path = [...own, ...system].map((folder) => join(folder, name)).find((one) => existsSync(one))
  const head = { what: 'GPU driver library', required: true }
  if (path !== undefined) return { ...head, state: 'ok', found: path }
  const help = 'install the NVIDIA driver; kernels are generated, and can be compiled, without it'
  return { ...head, state: 'missing', found: `no ${name} in the library folders`, help }
}
