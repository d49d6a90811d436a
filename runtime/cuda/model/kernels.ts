/** Kernels as a compiler has left them: what each takes of a device, and the instructions of its loop. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from '../../../compiler/kernel.ts'
import { type LaunchOf, launchesOf } from '../../../targets/cuda/program.ts'
import { done, type Outcome } from '../../problem.ts'
import { compileCubin } from '../cubin.ts'
import { nameOf, readUsage, type Usage } from '../usage.ts'
import { type Instruction, kernelsOf } from './instructions.ts'
import { roundOf } from './loops.ts'

export interface CompiledKernel extends Usage, LaunchOf {
  readonly round: readonly Instruction[] | undefined // of a whole tile; undefined: nothing is multiplied in a loop
}

/** @param source  generated for these programs, in the folder, where the cubin is written too */
export async function compileKernels(
  folder: string,
  source: string,
  architecture: string,
  programs: readonly Program[],
): Promise<Outcome<readonly CompiledKernel[]>> {
  const output = `${source.replace(/\.cu$/, '')}.cubin`
  const printed = await compileCubin(folder, source, architecture, output)
  if (!printed.ok) return printed
  const usage = new Map(readUsage(printed.value).map((one) => [one.kernel, one]))
  const code = new Map(
    [...kernelsOf(readFileSync(join(folder, output)))].map(([mangled, all]) => [nameOf(mangled), all]),
  )
  return done(
    launchesOf(programs).flatMap((launch) => {
      const own = usage.get(launch.name)
      return own ? [{ ...own, ...launch, round: roundOf(code.get(launch.name) ?? []) }] : []
    }),
  )
}
