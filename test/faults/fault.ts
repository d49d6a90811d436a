/** Faults to be planted: each one change, of a kind that people and passes make, with what it is for a reader. */
import type { Program } from '../../compiler/kernel.ts'
import type { Planned } from '../../compiler/plan/make-plan.ts'

export interface Fault {
  readonly name: string
  readonly what: string // in a sentence
  readonly examples: readonly string[] // names of files in examples/
  readonly dtype?: 'f16' | 'bf16' // of tensors whose type the source leaves open
  readonly splits?: number // of those builds in which it is planted; others are not tried. Default: 1
  readonly plan?: (plan: Planned) => Planned
  readonly kernel?: (program: Program) => Program
  readonly code?: (javascript: string) => string
  readonly wasm?: (module: string) => string // in the text format of WebAssembly, on one line
}
