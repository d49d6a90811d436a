/** Generated WebGPU kernels, launched in this process by the module that comes with them. */
import type { OutFile } from '../../targets/target.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'
import type { Loaded } from '../runners.ts'
import { findDevice } from './device.ts'
import { launcherOf, type WebGpuModule } from './launch-wgsl.ts'

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
  const module: WebGpuModule = await import(`data:text/javascript;base64,${text}`)
  const device = await find({ features: module.requiredFeatures, limits: module.requiredLimits })
  return device.ok ? done({ call: launcherOf(module, device.value).call }) : device
}
