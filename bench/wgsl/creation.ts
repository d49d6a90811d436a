/** How long a device takes to make the pipelines of an example. */
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { filesOf } from './ours.ts'

export interface Creation {
  readonly example: string
  readonly seconds: number // of processor time
}

const examples = join(import.meta.dirname, '../../examples')

/** Every example, the slowest first. */
export async function measureCreation(
  device: GPUDevice,
  names = globSync('*.attn', { cwd: examples }),
): Promise<readonly Creation[]> {
  const all: Creation[] = []
  for (const name of names) {
    const [shader] = await filesOf(join(examples, name))
    const code = shader!.text
    // Other work on the machine makes times longer, never shorter. No text is the same again: devices keep what they have made.
    let seconds = secondsOf(code, device)
    for (let again = 1; again < 4 && seconds > 0.5; again++)
      seconds = Math.min(seconds, secondsOf(`${code}// ${again}\n`, device))
    all.push({ example: basename(name, '.attn'), seconds })
  }
  return all.toSorted((a, b) => b.seconds - a.seconds)
}

/** Pipelines are made while this thread waits, so that the time is none of other work. */
function secondsOf(code: string, device: GPUDevice): number {
  const before = process.cpuUsage()
  const module = device.createShaderModule({ code })
  for (const [, entryPoint] of code.matchAll(/^@compute[^\n]*\nfn (\w+)/gm))
    device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: entryPoint! } })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
