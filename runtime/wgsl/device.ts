/** A WebGPU device in Node: of Dawn, which the package `webgpu` brings, with the machine's own adapter or one in software. */
import { everywhere } from '../../targets/wgsl/offer.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'
import { findDriver, hasVulkan, useDriver } from './driver.ts'

export interface Adapter {
  readonly gpu: GPU // kept, since what it made does not outlive it
  readonly about: string
  readonly features: readonly string[] // of those that kernels can use
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
  const features = everywhere.features.filter((name) => adapter?.features.has(name))
  return adapter ? { gpu, about: describe(adapter.info), features } : undefined
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

/** What kernels take beyond what every device has. */
export interface Required {
  readonly features: readonly string[]
  readonly limits: Readonly<Record<string, number>>
}
const nothing: Required = { features: [], limits: {} }

const open = new Map<string, Promise<Outcome<GPUDevice>>>()

/** One device for all that this process runs with the same requirements; a new one where it is lost. */
export function findDevice(required: Required = nothing): Promise<Outcome<GPUDevice>> {
  const key = JSON.stringify(required)
  const device = open.get(key) ?? openDevice(required, () => open.delete(key))
  open.set(key, device)
  return device
}

/** Buffers may be as large as the adapter allows; all else is as on any device, unless it is required. */
async function openDevice(required: Required, onLost: () => void): Promise<Outcome<GPUDevice>> {
  const found = await findAdapter()
  if (!found.ok) return found
  const adapter = await found.value.gpu.requestAdapter()
  if (!adapter) return failed(problem('ATTN0330', 'WebGPU finds no adapter any more', installDriver))
  const lacking = lackOf(adapter, required)
  if (lacking) return failed(problem('ATTN0330', `${found.value.about} ${lacking.what}`, lacking.help))
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits
  try {
    const device = await adapter.requestDevice({
      requiredFeatures: required.features as GPUFeatureName[],
      requiredLimits: { ...required.limits, maxStorageBufferBindingSize, maxBufferSize },
    })
    device.lost.then(onLost)
    return done(device)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return failed(problem('ATTN0331', `the adapter gives no device: ${reason}`))
  }
}

/** What an adapter does not have. */
function lackOf(
  { features, limits }: Pick<GPUAdapter, 'features' | 'limits'>,
  required: Required,
): { readonly what: string; readonly help: string } | undefined {
  const feature = required.features.find((name) => !features.has(name))
  if (feature !== undefined)
    return {
      what: `lacks the feature ${feature} that the kernels were made for`,
      help: `leave ${feature} out of --features; attnc doctor --target wgsl shows what there is`,
    }
  const own = limits as unknown as Readonly<Record<string, number>>
  const [name, value] = Object.entries(required.limits).find(([limit, least]) => !((own[limit] ?? 0) >= least)) ?? []
  if (name === undefined) return undefined
  return {
    what: `has a ${name} of ${own[name]}, and the kernels were made for ${value}`,
    help: `--limits ${name}=${own[name]}`,
  }
}
