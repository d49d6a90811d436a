/** The weights of an attention map, computed by the code that the target `ts` makes of it. */
import type { Program } from '../compiler/kernel.ts'
import type { OutFile } from '../targets/target.ts'
import type { MapLaunch } from './attention-map.ts'
import { callerOf, type Kernel } from './load-ts.ts'
import type { Inputs } from './runners.ts'
import { signatureOf } from './signature.ts'
import type { Tensor } from './tensor.ts'

export interface MapWeights {
  readonly tensor: Tensor
  readonly axes: readonly string[]
}

type Import = (text: string) => Promise<Readonly<Record<string, Kernel>>>

/** @returns undefined where nothing computes them */
export async function weightsOf(
  name: string,
  { inputs, params }: MapLaunch,
  { programs, files }: { readonly programs: readonly Program[]; readonly files: readonly OutFile[] },
  importCode: Import,
): Promise<MapWeights | undefined> {
  const program = programs.find((one) => one.name === name)
  const code = files.find(({ path }) => path.endsWith('.js'))?.text
  const buffer = program?.buffers.find((one) => one.role === 'result')
  if (!program || !buffer || code === undefined) return undefined
  const call = callerOf(await importCode(code), false)
  const results: Inputs = await call(signatureOf(program), inputs, params)
  const tensor = results[buffer.name]
  return tensor && { tensor, axes: buffer.axes }
}
