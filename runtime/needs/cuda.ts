/** What CUDA needs: the toolkit to compile, the driver and a GPU to run. */
import { driverName, missingDriver } from '../cuda/launcher.ts'
import { findGpu } from '../cuda/load-cuda.ts'
import { needCompiler } from './compiler.ts'
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

const noGpu = 'a machine with an NVIDIA GPU and its driver; without one kernels are generated, and can be compiled'

const needGpu = (limit?: number): Promise<Need> =>
  findTool(
    {
      what: 'GPU',
      programs: ['nvidia-smi'],
      args: ['--query-gpu=name,driver_version', '--format=csv,noheader'],
      version: (printed) => printed.trim().split('\n')[0]?.trim() || undefined,
      required: true,
      help: noGpu,
    },
    limit,
  )

/** The library by which programs speak to the driver. It comes with the driver, not with the toolkit. */
export function needDriver(): Need {
  const head = { what: 'GPU driver library', required: true }
  const missing = missingDriver()
  if (missing === undefined) return { ...head, state: 'ok', found: driverName() }
  const help = 'install the NVIDIA driver, or name its library in ATTNC_LIBCUDA; kernels are generated without it'
  return { ...head, state: 'missing', found: missing, help }
}

export async function needsOfCuda(): Promise<readonly Need[]> {
  const [nvcc, compiler, driver] = [await needNvcc(), await needCompiler(), needDriver()]
  const canAsk = driver.state === 'ok' && compiler.state === 'ok'
  return [nvcc, compiler, driver, canAsk ? await askDriver() : await needGpu()]
}

/** The GPU as the driver has it, by the addon that would launch kernels. */
async function askDriver(): Promise<Need> {
  const head = { what: 'GPU', required: true }
  const gpu = await findGpu()
  if (!gpu.ok) return { ...head, state: 'unusable', found: gpu.findings[0]?.message ?? '', help: noGpu }
  const { name, architecture, driver } = gpu.value
  return { ...head, state: 'ok', found: `${name}, sm_${architecture}, driver for CUDA ${driver}` }
}
