/** What the plugins and `attnc/register` take. */
import type { CompileOptions } from '../node.ts'
import { done, type Outcome } from '../runtime/problem.ts'
import { findConfigs } from './find-config.ts'

export interface AttnOptions extends Omit<CompileOptions, 'target' | 'readImport' | 'library' | 'torch'> {
  /** What `import './sigmoid.attn'` gives: a function over typed arrays (`ts`, the default), or WebGPU kernels with what launches them. */
  readonly target?: 'ts' | 'wgsl'
  /** Writes `sigmoid.d.attn.ts` beside a source that is imported, for editors and the type checker; default false. */
  readonly dts?: boolean
}

export interface ConfiguredOptions {
  readonly options: AttnOptions
  readonly files: readonly string[] // configurations that were read
}

/** What is given, and what the nearest configuration says besides; of targets, it may name one that gives no modules. */
export async function configuredOptions(given: AttnOptions): Promise<Outcome<ConfiguredOptions>> {
  if (findConfigs('.').length === 0) return done({ options: given, files: [] })
  const { nearestConfig } = await import('./config.ts')
  const found = await nearestConfig('.')
  if (!found.ok) return found
  const { out: _out, target, ...rest } = found.value.config
  const isModule = target === 'ts' || target === 'wgsl'
  const sizes = { ...rest.sizes, ...given.sizes }
  const tile = { ...rest.tile, ...given.tile }
  return done({
    options: { ...rest, ...(isModule ? { target } : {}), ...given, sizes, tile },
    files: found.value.files,
  })
}
