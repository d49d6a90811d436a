/** What the plugins and `attnc/register` take. */
import type { CompileOptions } from '../node.ts'

export interface AttnOptions extends Omit<CompileOptions, 'target' | 'readImport' | 'library'> {
  /** What `import './sigmoid.attn'` gives: a function over typed arrays (`ts`, the default), or WebGPU kernels with what launches them. */
  readonly target?: 'ts' | 'wgsl'
  /** Writes `sigmoid.d.attn.ts` beside a source that is imported, for editors and the type checker; default false. */
  readonly dts?: boolean
}
