/** What a call computes and moves, as `attnc explain` counts it. */
import type { Attention } from '../compiler/attention.ts'
import type { Work } from '../compiler/explain/work.ts'
import { type Draw, explain, type StageOptions } from '../index.ts'
import type { SourceOnDisk } from '../node.ts'
import { attempt } from '../runtime/attempt.ts'

export type { Work }

/** @param draw  data for tensors that masks read; without it, pairs count as if these admitted all */
export async function workOf(
  { file, readImport }: SourceOnDisk,
  attention: Attention,
  options: Omit<StageOptions, 'readImport'>,
  sizes: Readonly<Record<string, number>>,
  draw?: Draw,
): Promise<Work | undefined> {
  const isGiven = ({ length }: Attention['axes'][number]): boolean =>
    length.kind === 'input' || length.kind === 'divides'
  const shape = Object.fromEntries(attention.axes.filter(isGiven).map(({ name }) => [name, sizes[name]!]))
  const explained = await attempt(() => explain(file, { ...options, shape, ...(draw ? { draw } : {}), readImport }))
  if (!explained.ok) return undefined
  return explained.value.explanations.find((one) => one.attention === attention.name)?.work
}
