/** Programs printed by the WGSL target and launched on the adapter that there is, as the runner does it. */
import type { Program } from '../compiler/kernel.ts'
import type { Loaded } from '../runtime/runners.ts'
import { findAdapter, findDevice } from '../runtime/wgsl/device.ts'
import { keepModule, loadModule } from '../runtime/wgsl/load-wgsl.ts'
import { missingAdapter } from '../runtime/wgsl/needs.ts'
import type { Device, OutFile } from '../targets/target.ts'
import { wgsl } from '../targets/wgsl/target.ts'

/** Other tests do without an adapter (test/setup.ts); what is launched here asks for the one that there is. */
export async function withAdapter(): Promise<string | undefined> {
  const { ATTNC_TESTS_VK_DRIVER_FILES } = process.env
  if (ATTNC_TESTS_VK_DRIVER_FILES) process.env.VK_DRIVER_FILES = ATTNC_TESTS_VK_DRIVER_FILES
  else delete process.env.VK_DRIVER_FILES
  const missing = await missingAdapter()
  if (missing !== undefined) console.log(`skipped: launches of WebGPU kernels, since ${missing}`)
  return missing
}

/** Why the adapter runs no kernels with a feature. */
export async function withoutFeature(feature: GPUFeatureName): Promise<string | undefined> {
  const found = await findAdapter()
  const adapter = found.ok ? await found.value.gpu.requestAdapter() : null
  if (adapter?.features.has(feature)) return undefined
  const reason = `the adapter${found.ok ? ` ${found.value.about}` : ''} has no ${feature}`
  console.log(`skipped: launches with ${feature}, since ${reason}; they are validated all the same`)
  return reason
}

export const buildWgsl = async (name: string, programs: readonly Program[], device?: Device): Promise<Loaded> =>
  launchFiles(await wgsl.emit({ name, programs, dtype: 'f32', version: '0.0.0', ...(device ? { device } : {}) }))

/** @param find  of the device, instead of the one that there is */
export async function launchFiles(files: readonly OutFile[], find = findDevice): Promise<Loaded> {
  const kept = new Map<string, Uint8Array>()
  const write = (path: string, content: string | Uint8Array): void => {
    kept.set(path, Buffer.from(content))
  }
  await keepModule(files, { folder: '', write })
  const loaded = await loadModule({ read: (path) => kept.get(path)!, path: (path) => path }, find)
  if (!loaded.ok) throw new Error(loaded.findings[0]?.message)
  return loaded.value
}
