/** Examples as cubins: generated, and compiled by nvcc for one architecture. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Step } from '../../compiler/kernel.ts'
import { compile } from '../../index.ts'
import { type CompiledKernel, compileKernels } from '../../runtime/cuda/model/kernels.ts'
import { launchesOf } from '../../targets/cuda/program.ts'

export interface Wanted {
  readonly path: string // of a source
  readonly width?: number // of queries, keys and values; default: the source's own
  readonly precision?: 'fast'
  readonly alone?: boolean // without the form that fits anything, which nvcc takes longer for
}

/** A kernel on tensor cores. */
export interface Measured extends CompiledKernel {
  readonly seconds: number // of processors, that nvcc took for all of the file
  readonly kernels: number // of the file
  readonly streams: boolean // whether it is all of its program, and reads its keys once
}

/** @throws Error  where there is no nvcc */
export async function measure(wanted: Wanted, architecture: string, folder: string): Promise<readonly Measured[]> {
  const name = basename(wanted.path, '.attn')
  const text = readFileSync(wanted.path, 'utf8')
  const { width, precision, alone } = wanted
  const compiled = await compile(
    { path: `${name}.attn`, text },
    {
      target: 'cuda',
      dtype: 'f16',
      ...(width ? { sizes: { d: width, e: width } } : {}),
      ...(precision ? { precision } : {}),
    },
  )
  if (!compiled.ok) throw new Error(`${wanted.path} has errors`)
  const { files, programs } = compiled.value
  const launches = launchesOf(programs)
  if (!launches.some(isOnTensorCores)) return []
  const own = mkdtempSync(join(folder, `${name}-`)) // several are compiled at a time
  for (const file of files) writeFileSync(join(own, file.path), alone ? withoutOthers(file.text) : file.text)
  const before = childSeconds()
  const kernels = await compileKernels(own, `${name}.cu`, architecture, programs)
  if (!kernels.ok) throw new Error(kernels.findings[0]?.message)
  const seconds = childSeconds() - before
  const streams = programs.every(({ steps }) => steps.length === 1 && steps.every(hasOneLoop))
  return kernels.value.filter(isOnTensorCores).map((one) => ({ ...one, seconds, kernels: launches.length, streams }))
}

/** A text whose kernels beside those on tensor cores do nothing. */
const withoutOthers = (text: string): string =>
  text.replaceAll(/^(__global__ void __launch_bounds__\(\d+\) \w+\(.*\{\n)[\s\S]*?^\}$/gm, '$1}')

const isOnTensorCores = ({ name }: { readonly name: string }): boolean => name.endsWith('_on_tensor_cores')

const hasOneLoop = (step: Step): boolean =>
  step.kind === 'kernel' && step.body.filter(({ kind }) => kind === 'loop').length === 1

/** Processor time of the programs that this process has started and seen end; Linux counts it in hundredths of a second. */
function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}
