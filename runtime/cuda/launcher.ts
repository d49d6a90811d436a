/** The addon that launches kernels on a GPU. It finds CUDA's driver when it is asked: nothing of CUDA is needed to compile it. */
import { emitWarning } from '../attnc-error.ts'
import { sharedCache } from '../cache/cache.ts'
import { addonOf } from '../native/addon.ts'
import type { Loader } from '../native/loader.ts'
import type { Outcome } from '../problem.ts'
import type { Keeping } from '../runners.ts'

/** A GPU that kernels are launched on. */
export interface Gpu {
  readonly name: string
  readonly architecture: number // 80 for sm_80
  readonly driver: string // the version of CUDA that the driver is for
}

/** As the loader of native kernels, but that tensors are copied to the device and back. */
export interface Launcher extends Loader {
  /** The GPU that is used, the first of those that CUDA_VISIBLE_DEVICES leaves, or why there is none. */
  readonly probe: () => Gpu | { readonly missing: string }
}

const provide = addonOf<Launcher>({
  about: 'the launcher of CUDA kernels',
  target: 'cuda',
  files: async () => (await import('../../targets/cuda/launcher.ts')).launcherFiles,
  libraries: ['-ldl'],
})

export const loadLauncher = (
  keeping: Keeping = { cache: sharedCache(), warn: emitWarning },
): Promise<Outcome<Launcher>> => provide(keeping)

/** The library of CUDA's driver, as its users look for it. */
export const driverName = (): string =>
  process.env.ATTNC_LIBCUDA || (process.platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1')

/** Why there is no driver, quickly: without the addon, which would have to be compiled. */
export function missingDriver(): string | undefined {
  const name = driverName()
  try {
    process.dlopen({ exports: {} }, name)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (text.startsWith('Module did not self-register')) return undefined // it was loaded, and is no addon of Node
    return `there is no NVIDIA driver: ${text}`
  }
  return undefined
}
