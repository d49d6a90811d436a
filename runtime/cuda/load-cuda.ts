/** Generated CUDA, compiled by nvcc to a library of kernels, and launched on a GPU. */
import { runtimeFiles } from '../../targets/cuda/launcher.ts'
import { entryOf } from '../../targets/cuda/program.ts'
import type { OutFile } from '../../targets/target.ts'
import { AttncError } from '../attnc-error.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { missingCompiler } from '../native/compiler.ts'
import { library, openLibrary } from '../native/load-native.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'
import type { Keeping, Loaded } from '../runners.ts'
import { type Gpu, loadLauncher, missingDriver } from './launcher.ts'
import { compileLibrary, describeNvcc, findNvcc } from './nvcc.ts'

const oldest = 80

/** Why nothing can be launched here; undefined if it can. What takes no time is looked at first. */
export async function missingDevice(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'it runs on Linux only'
  const missing = missingDriver() ?? (findNvcc() === undefined ? 'there is no nvcc in the PATH' : missingCompiler())
  if (missing !== undefined) return missing
  const gpu = await findGpu()
  if (!gpu.ok) return gpu.findings[0]?.message
  const asked = askedArchitectures()
  return asked.ok ? undefined : asked.findings[0]?.message
}

/** The GPU that kernels are launched on. */
export async function findGpu(): Promise<Outcome<Gpu>> {
  const launcher = await loadLauncher()
  if (!launcher.ok) return launcher
  const found = launcher.value.probe()
  if ('missing' in found) return failed(problem('ATTN0330', found.missing))
  if (found.architecture < oldest)
    return failed(
      problem('ATTN0330', `${found.name} is sm_${found.architecture}, and kernels are for sm_${oldest} and later`),
    )
  return done(found)
}

/** The architectures that ATTNC_CUDA_ARCH names, as `sm_80,sm_90`; undefined: it names none. */
function askedArchitectures(): Outcome<readonly string[] | undefined> {
  const asked = (process.env.ATTNC_CUDA_ARCH ?? '').split(',').filter((name) => name !== '')
  const wrong = asked.find((name) => !/^sm_\d+[af]?$/.test(name) || Number.parseInt(name.slice(3), 10) < oldest)
  if (wrong !== undefined)
    return failed(
      problem('ATTN0330', `ATTNC_CUDA_ARCH names ${wrong}, which is no architecture from sm_${oldest} on, as sm_90`),
    )
  return done(asked.length > 0 ? asked : undefined)
}

/** Those that were asked for, or the GPU's own. */
async function architectures(): Promise<Outcome<{ readonly names: readonly string[]; readonly ptx: boolean }>> {
  const asked = askedArchitectures()
  if (!asked.ok) return asked
  if (asked.value) return done({ names: asked.value, ptx: true })
  const gpu = await findGpu()
  return gpu.ok ? done({ names: [`sm_${gpu.value.architecture}`], ptx: false }) : gpu
}

export async function describeDevice(): Promise<readonly string[]> {
  const wanted = await architectures()
  return [...describeNvcc(), ...(wanted.ok ? [...wanted.value.names, String(wanted.value.ptx)] : [])]
}

/** Writes the generated files, and compiles the main one. */
export async function keepDevice(files: readonly OutFile[], staging: Staging): Promise<Outcome<undefined>> {
  const wanted = await architectures()
  if (!wanted.ok) return wanted
  for (const { path, text } of files) staging.write(path, text)
  for (const [path, text] of Object.entries(runtimeFiles)) staging.write(path, text)
  const [main] = files
  if (!main) throw new Error('nothing was generated')
  const [runtime = ''] = Object.keys(runtimeFiles)
  return compileLibrary(staging.folder, [main.path, runtime], library, wanted.value)
}

export async function loadDevice(made: Made, keeping: Keeping): Promise<Outcome<Loaded>> {
  const launcher = await loadLauncher(keeping)
  if (!launcher.ok) return launcher
  const { call } = openLibrary(made, launcher.value, entryOf)
  return done({
    call: async (...args) => {
      try {
        return await call(...args)
      } catch (error) {
        throw ofDevice(error)
      }
    },
  })
}

/** What to do about each kind of failure that the launcher knows. */
const hints: Readonly<Record<string, string>> = {
  driver: 'update the driver, or put an nvcc that is no newer than it on PATH',
  device: 'attnc doctor --target cuda shows what there is',
  architecture: 'ATTNC_CUDA_ARCH says what nvcc compiles for: name this one too, or leave it unset',
  memory: 'ask for less at a time, or end other programs that use the GPU',
  fault: 'the call can be repeated; if --target cuda-emulated computes it, the GPU or its driver may be at fault',
}

/** A failure of the machine as a problem; anything else as it is. */
function ofDevice(error: unknown): unknown {
  const kind = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!(error instanceof Error) || !Object.hasOwn(hints, kind)) return error
  return new AttncError([problem('ATTN0331', error.message, hints[kind])])
}
