import type { StorageType } from '../compiler/attention.ts'
import type { Machine, Program } from '../compiler/kernel.ts'

/** A file to be written: `path` relative to the output folder, with `/`. */
export interface OutFile {
  readonly path: string
  readonly text: string
}

/** One source, compiled: a program for each attention, in the order of the source. */
export interface EmitSource {
  readonly name: string // the source's file name without folder and extension
  readonly programs: readonly Program[]
  readonly dtype: Extract<StorageType, 'f32' | 'f16' | 'bf16'> // storage of tensors whose type the source leaves open
  readonly version: string // of the compiler, for the header
  readonly library?: boolean // `--emit lib`: files to be shipped, for targets that `makesLibraries`
  readonly torch?: boolean // `--emit torch`: also an extension of PyTorch, for targets that `makesExtensions`
  readonly threads?: boolean // `--threads`, for targets whose output has one thread unless asked
  readonly simd?: Simd // `--simd`, for targets that have their kernels in two forms; default none
  readonly device?: Device // for targets that say what may be asked of one; default: what every device has
}

/** WebAssembly where it can be used and plain code elsewhere, WebAssembly alone, or plain code alone. */
export type Simd = 'auto' | 'wasm' | 'none'
/** What may be counted on beyond what every device has. */
export interface Device {
  readonly features: readonly string[]
  readonly limits: Readonly<Record<string, number>>
}
/** What tuning may choose among, and what a tile has to fit in. */
export interface Choices {
  readonly tiles: readonly number[] // along any axis that is cut into tiles, ascending
  readonly splits: readonly number[] // parts of the streamed axis
  readonly threads: boolean // whether a call may have several
  readonly near: { readonly bytes: number; readonly what: string } // memory that all values of one block should fit in
}

/**
 * Everything the compiler knows of a target. Implementations hold no state and do no I/O: `emit` is a function of its source,
 * so its output can be a golden file. The first file is the main one.
 */
export interface Target {
  readonly name: string // as in `--target NAME` and in templates/NAME/
  readonly machine: Machine
  readonly choices: Choices
  readonly device?: Device // features that may be asked for, and limits with what every device has; absent: devices do not differ
  readonly makesLibraries?: true // whether its output can be shipped as a library
  readonly makesExtensions?: true // whether PyTorch can be extended by its output
  /** Machines to choose from for tensors of this type, the most wanted first: of those the first is taken for which `fits` says yes, or the last. */
  machinesFor?(dtype: EmitSource['dtype'], simd: Simd, device: Device, rows?: 'many' | 'few'): readonly Machine[]
  fits?(program: Program, device: Device): boolean
  /** What a device does not have for the tiles that somebody has asked for, and what to ask for instead. */
  refuses?(program: Program, device: Device): string | undefined
  /** Whether `refuses` knows all that a program takes of a device; tuning holds others to `choices.near`. */
  weighs?(program: Program): boolean
  emit(source: EmitSource): Promise<readonly OutFile[]>
}
