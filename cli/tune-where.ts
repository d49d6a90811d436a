/** Where tuning happens: on this machine, or for the target cuda in a model of a device that is not here. */
import { knownArchitectures } from '../runtime/cuda/cubin.ts'
import { devices } from '../runtime/cuda/model/devices.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { runnerOf, runners } from '../runtime/runners.ts'

/** That the model was fitted to. */
const usual = 'sm_90'

/** The architecture that is modelled; undefined: this machine is timed. `arch` asks for a model, also where there is a GPU. */
export async function whereOf(target: string, arch: string | undefined): Promise<Outcome<string | undefined>> {
  if (target !== 'cuda') {
    if (arch !== undefined)
      return failed(problem('ATTN0302', `--arch is of GPUs of the target cuda, not of ${target}`, 'add --target cuda'))
    const runner = await runnerOf(target)
    return runner.ok ? done(undefined) : runner
  }
  if (arch !== undefined && !Object.hasOwn(devices, arch))
    return failed(
      problem(
        'ATTN0302',
        `--arch takes one GPU that there are figures of, not ${JSON.stringify(arch)}`,
        Object.entries(devices)
          .map(([name, { name: device }]) => `${name} (${device})`)
          .join(' or '),
      ),
    )
  if (arch === undefined && (await runners.cuda?.missing()) === undefined) return done(undefined)
  return modelled(arch ?? usual)
}

/** What a model needs of this machine: nvcc, and a compiler for what is verified. */
async function modelled(arch: string): Promise<Outcome<string>> {
  const known = await knownArchitectures()
  if (!known.ok) return known
  if (!known.value.includes(arch))
    return failed(
      problem('ATTN0330', `nvcc knows no ${arch}: it knows ${known.value.join(', ')}`, 'install a newer CUDA toolkit'),
    )
  const emulated = await runnerOf('cuda-emulated')
  return emulated.ok ? done(arch) : emulated
}
