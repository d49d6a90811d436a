/** The addon that loads kernels and calls them. */
import type { Outcome } from '../problem.ts'
import type { Keeping } from '../runners.ts'
import { addonOf } from './addon.ts'

declare const library: unique symbol
/** A shared library that is loaded. */
export interface Library {
  readonly [library]: true
}
/**
 * One of its kernels. It reads its frame at once: the lengths of the axes of all tensors, those of results last, then parameters;
 * one that is NaN has its default. It throws a RangeError where lengths do not fit.
 */
export interface Kernel {
  /** Writes the lengths of results to the frame. */
  readonly shapes: (...inputs: readonly ArrayBufferView[]) => void
  /** @param tensors  inputs, then results, of which it writes every element */
  readonly run: (workers: number, ...tensors: readonly ArrayBufferView[]) => void
  /** It ends early, its results unfinished, once `stop[0]` is other than 0. */
  readonly runLater: (workers: number, stop: Int32Array, ...tensors: readonly ArrayBufferView[]) => Promise<undefined>
}

/** What the addon exports. */
export interface Loader {
  readonly open: (path: string) => Library
  /** @param inputs  axes and bytes of an element of each, as of `results`; `params` has a letter for each: f, i or b */
  readonly find: (
    library: Library,
    entry: string,
    inputs: Uint32Array,
    results: Uint32Array,
    params: string,
    frame: Float64Array,
  ) => Kernel
  /** What is in it is not said. */
  readonly allocate: (bytes: number) => ArrayBuffer
}

const provide = addonOf<Loader>({
  about: 'the loader of native kernels',
  target: 'native',
  files: async () => (await import('../../targets/native/loader.ts')).loaderFiles,
})

export const loadLoader = (keeping: Keeping): Promise<Outcome<Loader>> => provide(keeping)
