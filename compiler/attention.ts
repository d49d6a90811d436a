/** One checked `attention` of a source: declarations beside the expressions they name. */
import type { Span } from '../grammar/source.ts'
import type { ElementType, Expr } from './ir.ts'

/** How a tensor is stored. A load widens exactly to the element type; a store rounds once, to nearest even, overflow to inf. */
export type StorageType = 'f32' | 'f16' | 'bf16' | 'i32' | 'bool'

/**
 * An axis and where its length comes from. `input`: from the tensors that carry it. `fixed`: an i32 expression of sizes, params
 * and constants. `like`: another axis' length. `part`: made by `split`; the outer part's length is rounded up, the inner's is `by`.
 * `divides` (grouped heads): from inputs; a launch fails unless size(axis) divides size(of).
 */
export interface Axis {
  readonly name: string
  readonly length:
    | { readonly kind: 'input' }
    | { readonly kind: 'fixed'; readonly value: Expr }
    | { readonly kind: 'like'; readonly of: string }
    | { readonly kind: 'divides'; readonly of: string }
    | { readonly kind: 'part'; readonly of: string; readonly role: 'outer' | 'inner'; readonly by: Expr }
  /** Lengths known when a kernel is generated: d, e, and every axis besides i, j that a pair expression is reduced over. */
  readonly time: 'run' | 'compile'
  readonly span: Span
}

/** [lo, hi] declared by the source: the planner and the masks use it, `run` checks it, `verify` draws from it. */
export interface DeclaredRange {
  readonly lo: Expr
  readonly hi: Expr
}

export interface InputDecl {
  readonly name: string
  readonly axes: readonly string[] // in declared (memory) order
  readonly type: ElementType
  readonly storage: StorageType | undefined // undefined: a float of the type chosen at build time (--dtype)
  readonly range: DeclaredRange | undefined
  readonly indexes: string | undefined // the axis this integer input is used as an index of, if any: verify draws from it
  readonly span: Span
}

export interface ParamDecl {
  readonly name: string
  readonly type: ElementType
  readonly default: Expr | undefined // over sizes, constants and other params; no axes
  readonly time: 'run' | 'compile' // `const` is compile time
  readonly range: DeclaredRange | undefined
  readonly span: Span
}

export interface ResultDecl {
  readonly name: string // `out` for the unnamed output
  readonly expr: Expr
  readonly axes: readonly string[] // memory order: b, h, i, j, declared axes in order of declaration, d, e, unless `as` says otherwise
  readonly span: Span
}

/** The lengths at which `verify` and the tests run an attention; axes not named take 1..4. */
export interface Check {
  readonly sizes: Readonly<Record<string, number>>
  readonly span: Span
}

export interface Attention {
  readonly name: string
  readonly doc: readonly string[]
  readonly span: Span
  readonly axes: readonly Axis[] // every axis that occurs: conventional ones first, then as declared
  readonly inputs: readonly InputDecl[]
  readonly params: readonly ParamDecl[]
  readonly results: readonly ResultDecl[] // `out` first
  readonly score: Expr | undefined
  readonly mask: Expr | undefined // bool; undefined: all pairs
  readonly weight: Expr | undefined
  readonly calls: ReadonlyMap<Expr, Span> // of functions, outside of the library, by what they gave
  readonly names: ReadonlyMap<Expr, string> // what a `let` or `view` calls a value, for those who read it
  readonly tile: Readonly<Record<string, number>>
  readonly precision: 'accurate' | 'fast' | undefined
  readonly checks: readonly Check[]
}

/** A checked source file with everything it imports. */
export interface Module {
  readonly path: string
  readonly attentions: readonly Attention[]
  readonly dependencies: readonly string[] // paths of every file read, imports included
}
