/** What a caller knows of a program. */
import type { ParamDecl } from '../compiler/attention.ts'
import type { Program } from '../compiler/kernel.ts'

/** Plain data: it is kept beside what was built. */
export interface Signature extends Pick<Program, 'name' | 'buffers'> {
  readonly params: readonly Pick<ParamDecl, 'name' | 'type' | 'time'>[]
}

export const signatureOf = ({ name, buffers, params }: Program): Signature => ({
  name,
  buffers,
  params: params.map(({ name, type, time }) => ({ name, type, time })),
})
