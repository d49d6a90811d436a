/** What `import meta from './sigmoid.attn?meta'` gives; `client.d.ts` has the same types for its importers. */
import { type Program, version } from '../node.ts'

export interface Meta {
  readonly version: string // of attnc
  readonly target: string
  readonly attentions: readonly MetaAttention[]
}
export interface MetaAttention {
  readonly name: string
  readonly doc: string
  readonly inputs: readonly MetaTensor[]
  readonly results: readonly MetaTensor[]
  readonly params: readonly MetaParam[]
}
export interface MetaTensor {
  readonly name: string
  readonly storage: string // f32, f16, bf16, i32 or bool
  readonly axes: readonly string[]
}
export interface MetaParam {
  readonly name: string
  readonly type: 'f32' | 'i32' | 'bool'
}

export const metaOf = (target: string, programs: readonly Program[]): Meta => ({
  version,
  target,
  attentions: programs.map(({ name, doc, buffers, params }) => {
    const tensors = (role: string): readonly MetaTensor[] =>
      buffers
        .filter((buffer) => buffer.role === role)
        .map(({ name: tensor, storage, axes }) => ({ name: tensor, storage, axes }))
    return {
      name,
      doc: doc.join('\n'),
      inputs: tensors('input'),
      results: tensors('result'),
      params: params.filter(({ time }) => time === 'run').map(({ name: param, type }) => ({ name: param, type })),
    }
  }),
})
