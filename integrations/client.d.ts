// For TypeScript: what a query after a source gives, in a bundler or with `attnc/register`. The module without a query has
// types of its own, which the plugins write beside the source (`dts: true`), as does `attnc build --emit dts`.
//
//   "compilerOptions": { "types": ["attnc/client"], "allowArbitraryExtensions": true }

declare module '*.attn?wgsl' {
  /** The WebGPU kernels, as text. */
  const shader: string
  export default shader
}

declare module '*.attn?meta' {
  interface Tensor {
    readonly name: string
    readonly storage: 'f32' | 'f16' | 'bf16' | 'i32' | 'bool'
    readonly axes: readonly string[]
  }
  interface Attention {
    readonly name: string
    readonly doc: string
    readonly inputs: readonly Tensor[]
    readonly results: readonly Tensor[]
    readonly params: readonly { readonly name: string; readonly type: 'f32' | 'i32' | 'bool' }[]
  }
  /** What the attentions of the source are called, read and give. */
  const meta: { readonly version: string; readonly target: string; readonly attentions: readonly Attention[] }
  export default meta
}
