/** A WebGPU device in Node: of Dawn, which the package `webgpu` brings, with the machine's own adapter or one in software. */
import { done, failed, type Outcome, problem } from '../problem.ts'
import { findDriver, hasVulkan, useDriver } from './driver.ts'

export interface Adapter {
  readonly gpu: GPU // kept, since what it made does not outlive it
  readonly about: string
}

/** Options of Dawn: no kernel counts on workgroup memory to begin as zeros, which costs software adapters seconds. */
const options = ['enable-dawn-features=disable_workgroup_init']

const installPackage = 'npm install webgpu'
export const installDriver =
  'a graphics driver with Vulkan, Metal or Direct3D 12; in software, npm install @sparticuz/chromium, or the package chromium with libvulkan1 of Debian'

let known: Promise<Outcome<Adapter>> | undefined

/** Looked for once: a driver that is installed later is not found by a process that has asked. */
export function findAdapter(): Promise<Outcome<Adapter>> {
  known ??= lookForAdapter()
  return known
}

async function lookForAdapter(): Promise<Outcome<Adapter>> {
  const create = await importDawn()
  if (!create) return failed(problem('ATTN0330', 'the package webgpu is not installed', installPackage))
  const own = hasVulkan() ? await ask(create) : undefined
  if (own) return done(own)
  const driver = process.env.VK_DRIVER_FILES === undefined ? findDriver() : undefined
  if (driver) useDriver(driver)
  const soft = driver && (await ask(create))
  if (soft) return done({ ...soft, about: `${soft.about}, ${driver.about}` })
  return failed(problem('ATTN0330', 'WebGPU finds no adapter', installDriver))
}

async function ask(create: Create): Promise<Adapter | undefined> {
  const gpu = create(options)
  const adapter = await gpu.requestAdapter()
  return adapter ? { gpu, about: describe(adapter.info) } : undefined
}

type Create = (options: string[]) => GPU

async function importDawn(): Promise<Create | undefined> {
  try {
    const { create, globals } = await import('webgpu')
    Object.assign(globalThis, globals)
    return create
  } catch {
    return undefined // not there, or not for this system
  }
}

const describe = ({ vendor, description, device }: GPUAdapterInfo): string =>
  [vendor, description || device].filter((part) => part !== '').join(' ') || 'an adapter without a name'

let open: Promise<Outcome<GPUDevice>> | undefined

/** One device for all that this process runs; a new one where it is lost. */
export function findDevice(): Promise<Outcome<GPUDevice>> {
  open ??= openDevice()
  return open
}

/** Buffers may be as large as the adapter allows; all else is as on any device. */
async function openDevice(): Promise<Outcome<GPUDevice>> {
  const found = await findAdapter()
  if (!found.ok) return found
  const adapter = await found.value.gpu.requestAdapter()
  if (!adapter) return failed(problem('ATTN0330', 'WebGPU finds no adapter any more', installDriver))
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits
  try {
    const device = await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } })
    device.lost.then(() => {
      open = undefined
    })
    return done(device)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return failed(problem('ATTN0331', `the adapter gives no device: ${reason}`))
  }
}
