/** An attention of a source as a function, as programs see it. */
import type { Attention } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import type { StageOptions } from '../compiler/options.ts'
import type { Simd } from '../targets/target.ts'
import type { Argument } from './call.ts'
import type { Into } from './into.ts'
import type { Finding } from './problem.ts'
import type { Scalars } from './runners.ts'
import type { StoredData, StoredTensor } from './stored.ts'

/** The type of array of each input, or of each result. */
export type Arrays<Names> = { readonly [Name in keyof Names]: StoredData }
export type AnyArrays = Readonly<Record<string, StoredData>>

export interface LoadOptions extends Omit<StageOptions, 'readImport'> {
  readonly attention?: string // which one, where the source has several
  readonly target?: string // default `auto`: the first of cuda, native and ts that can run here
  readonly sizes?: Sizes // lengths of axes, for all calls
  readonly simd?: Simd // whether target ts computes in WebAssembly; default auto
  readonly features?: readonly string[] // of the device, as of `compile`: 'shader-f16' and 'subgroups' of target wgsl; default: none
  readonly limits?: Readonly<Record<string, number>> // of the device, as `adapter.limits` says; default: what every device has
  readonly threads?: number // of a call, where the target has threads; default: as many as there are cores
  readonly tuned?: boolean // whether what `attnc tune` found for the source is used; default true
  readonly onTuned?: (about: string) => void // told what was picked of that, and from where
  readonly cache?: boolean // whether what is built is kept for later; default true
  readonly onWarning?: (warning: Finding) => void // default: `process.emitWarning`
}

export interface CallOptions {
  readonly params?: Scalars // what is not given has its default
  readonly sizes?: Sizes // lengths of axes that no tensor has, or that give arrays their shape
  readonly threads?: number // default: those of `load`
  readonly signal?: AbortSignal // an abort rejects the call with its reason
  readonly into?: Into // arrays that results are written to, by name: those are then the data of the results
}

/** Rejects with an `AttncError` where arrays or numbers do not fit, or a tool fails. */
export interface LoadedAttention<
  Inputs extends Arrays<Inputs> = AnyArrays,
  Results extends Arrays<Results> = AnyArrays,
> {
  (
    inputs: { readonly [Name in keyof Inputs]: Argument<Inputs[Name]> },
    options?: CallOptions,
  ): Promise<{ readonly [Name in keyof Results]: StoredTensor<Results[Name]> }>
  readonly attention: Attention // its inputs, params, axes and results
  readonly target: string
}
