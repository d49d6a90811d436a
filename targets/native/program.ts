/** A program in C: what its kernels are given, and the functions that callers see. */
import type { Kernel, Program } from '../../compiler/kernel.ts'
import { sizeText } from '../c-lengths.ts'
import { type CallNames, kernelsOf, nameCall, runLines, viewOfCall } from '../c-program.ts'
import type { Names } from '../names.ts'
import { fill } from '../template.ts'
import { entryOf } from './entry.ts'
import { blocksOf, type KernelNames, printKernel } from './kernel.ts'
import { reserved } from './reserved.ts'
import { spellings } from './words.ts'

/** The names of everything a program brings into its file. */
export interface ProgramNames extends CallNames {
  readonly kernels: ReadonlyMap<Kernel, KernelNames>
}

export function nameProgram(program: Program, file: Names): ProgramNames {
  const entry = entryOf(program)
  const kernels = new Map(
    kernelsOf(program.steps).map((kernel) => [
      kernel,
      { kernel: file.fresh(`${entry}_${kernel.name}`), scratch: file.fresh(`${entry}_${kernel.name}_tiles`) },
    ]),
  )
  return { ...nameCall(program, entry, file, reserved), kernels }
}

/** The kernels of one program and the functions that callers see. */
export function defineProgram(program: Program, names: ProgramNames, linkage: string): string {
  const { type, kernels, given } = names
  const size = (axis: string): string => sizeText(axis, program, given)
  const start = (kernel: Kernel): readonly string[] => {
    const parts = `&given, ${kernels.get(kernel)!.kernel}, scratch, scratchBytes, ${blocksOf(kernel, size)}`
    return [`call::Job<${type}>{${parts}}.run(threads);`]
  }
  const copy = (to: string, from: string, bytes: string): string => `std::memcpy(${to}, ${from}, ${bytes});`
  return fill('native/program', {
    ...viewOfCall(program, names, reserved, spellings),
    linkage,
    kernels: [...kernels].map(([kernel, own]) => printKernel(kernel, program, own, type, given).join('\n')),
    scratch: [...kernels.values()].map((own) => own.scratch),
    steps: runLines(program.steps, program, names, { start, copy, spellings }),
  })
}
