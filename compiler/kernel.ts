/**
 * How: tile programs in one vocabulary, printed by every target.
 *
 * A program is buffers and steps in order. A kernel runs its body once per element of its grid, in any order and in parallel: a
 * grid axis is single (one index per block) or tiled (one tile per block). Values are immutable; a name is defined once. A value
 * has axes, each `tile` (the current tile: extent known at compile time, start at run time, ragged end) or `whole` (resident, length
 * known at compile time); axes that a block holds singly do not occur in values. Elements past a ragged end do not exist: loads do
 * not make them, reductions and contractions do not see them, stores do not write them. (A target that pads must keep it so.)
 *
 * Loops carry their values explicitly; there is no assignment. Nothing here speaks of threads, lanes, shared memory or barriers:
 * a target's distribution decides. A value without axes is uniform in its block and may steer loops.
 *
 * All arithmetic is at least f32; operations are those of `ops.ts`.
 */
import type { Axis, ParamDecl, StorageType } from './attention.ts'
import type { ElementType } from './ir.ts'
import { type Op, type ReduceOp, resultType } from './ops.ts'

export interface Program {
  readonly name: string
  readonly doc: readonly string[]
  readonly axes: readonly Axis[]
  /** Lengths fixed when the program was made, by axis. All others are run-time arguments. */
  readonly sizes: Readonly<Record<string, number>>
  readonly params: readonly ParamDecl[]
  readonly buffers: readonly Buffer[]
  readonly steps: readonly Step[]
  readonly precision?: 'fast' // of elementary functions, where a target has a choice; else accurate
}

/** Dense, in the order of `axes`. Workspace lives for one call; its elements are f32, i32 or bool. */
export interface Buffer {
  readonly name: string
  readonly axes: readonly string[]
  readonly storage: StorageType
  readonly role: 'input' | 'result' | 'workspace'
}

export type Step = Kernel | Rounds
/** Repeats `steps`; then, after each round, every `from` becomes the new content of its `to` (buffers of equal axes and type). */
export interface Rounds {
  readonly kind: 'rounds'
  readonly count: KernelExpr // i32; reads sizes and params only
  readonly steps: readonly Step[]
  readonly become: readonly { readonly to: string; readonly from: string }[]
}

export interface Kernel {
  readonly kind: 'kernel'
  readonly name: string
  readonly doc: string // what it computes, in one line, for the reader of generated code
  readonly grid: readonly GridAxis[]
  readonly body: readonly Statement[]
}
/** `tile` undefined: single. */
export interface GridAxis {
  readonly axis: string
  readonly tile: number | undefined
}

export interface Value {
  readonly name: string
  readonly type: ElementType
  readonly axes: readonly ValueAxis[]
}
export interface ValueAxis {
  readonly axis: string
  readonly extent: 'tile' | 'whole'
}

export type Statement = Load | Map | Mask | Contract | Reduce | Prefix | Loop | Store

/**
 * `to`[its axes] = buffer[index]. `index` gives one i32 expression per buffer axis. `outside`: `never` where every index is proven in range, else indices are
 * clamped, or an element beyond gives 0; a buffer with an axis of length 0 always gives 0.
 */
export interface Load {
  readonly kind: 'load'
  readonly to: Value
  readonly buffer: string
  readonly index: Readonly<Record<string, KernelExpr>>
  readonly outside: 'never' | 'clamp' | 'zero'
}
/** Elementwise; operands broadcast by axis. */
export interface Map {
  readonly kind: 'map'
  readonly to: Value
  readonly expr: KernelExpr
}
/** A bool pair value: `expr`, known to be true everywhere in the tile when the uniform value `full` is true. */
export interface Mask {
  readonly kind: 'mask'
  readonly to: Value
  readonly expr: KernelExpr
  readonly full: string | undefined
}
/**
 * `to` = sum over `over` of left * right. Order of the sum is the target's, one for all uses. `where`: a bool value over `over` and
 * other axes of `to`: places where it is false contribute nothing, whatever the operands hold (NaN included).
 */
export interface Contract {
  readonly kind: 'contract'
  readonly to: Value
  readonly left: string
  readonly right: string
  readonly over: string
  readonly where: string | undefined
}
/** `to` = fold of `of` over an axis. `where` as in `Contract`; over nothing the identity of `op`. */
export interface Reduce {
  readonly kind: 'reduce'
  readonly to: Value
  readonly of: KernelExpr
  readonly over: string
  readonly op: Exclude<ReduceOp, 'mean' | 'logsumexp'>
  readonly where: string | undefined
  readonly loose?: boolean // of max and min: whether NaN may be left out, since all that this is used for has NaN by itself
}
/**
 * `to` = at every place of `along`, which it keeps, the fold of the places of the value `of` before it (`direction` up) or after it
 * (down) and, if `inclusive`, of the place itself. `where` as in `Contract`.
 */
export interface Prefix {
  readonly kind: 'prefix'
  readonly to: Value
  readonly of: string
  readonly along: string
  readonly op: 'sum' | 'max'
  readonly direction: 'up' | 'down'
  readonly inclusive: boolean
  readonly where: string | undefined
}
/** `value` holds `initial` before, the body's `next` after each round, and its last value after the loop. `next` names a value of the body. */
export interface Carried {
  readonly value: Value
  readonly initial: KernelExpr
  readonly next: string
}
export interface Loop {
  readonly kind: 'loop'
  readonly over: TileLoop | MemberLoop | RoundLoop
  readonly carried: readonly Carried[]
  readonly body: readonly Statement[]
}
/**
 * Walks the elements [from, to) of `axis` (the whole axis if undefined; both are clipped to it) in tiles, which follow one another as
 * `direction` says. No tile crosses a multiple of `tile`, counted from 0: the first and the last are shorter where [from, to) begins
 * or ends between two. Where `from` and `to` are formulas of the first and the last row of a tile, they hold for any rows in place of
 * these: outside of them a row has no part in what the loop does. `head` runs first in each round; where the uniform value `skip` is true the tile is left out.
 */
export interface TileLoop {
  readonly kind: 'tiles'
  readonly axis: string
  readonly tile: number
  readonly from: KernelExpr | undefined
  readonly to: KernelExpr | undefined
  readonly direction: 'up' | 'down'
  readonly head: readonly Statement[]
  readonly skip: string | undefined
}
/** One index of `axis` at a time, in order or from the end; in its body the axis is single. */
export interface MemberLoop {
  readonly kind: 'members'
  readonly axis: string
  readonly direction: 'up' | 'down'
}
export interface RoundLoop {
  readonly kind: 'rounds'
  readonly count: KernelExpr
}
/** buffer[index] = value, rounded once to the buffer's storage type. */
export interface Store {
  readonly kind: 'store'
  readonly buffer: string
  readonly index: Readonly<Record<string, KernelExpr>>
  readonly value: KernelExpr
  readonly axes: readonly ValueAxis[] // the elements it walks
}

export type KernelExpr = KernelConst | ValueRef | IndexRef | SizeRef | ParamRef | KernelCall
export interface KernelConst {
  readonly kind: 'const'
  readonly type: ElementType
  readonly value: number | boolean
}
export interface ValueRef {
  readonly kind: 'value'
  readonly type: ElementType
  readonly name: string
}
/** `element`: this element's index along the axis. `first`, `last`: of the current tile, uniform, the ragged end respected. */
export interface IndexRef {
  readonly kind: 'index'
  readonly type: 'i32'
  readonly axis: string
  readonly of: 'element' | 'first' | 'last'
}
export interface SizeRef {
  readonly kind: 'size'
  readonly type: 'i32'
  readonly axis: string
}
export interface ParamRef {
  readonly kind: 'param'
  readonly type: ElementType
  readonly name: string
}
export interface KernelCall {
  readonly kind: 'call'
  readonly type: ElementType
  readonly op: Op
  readonly args: readonly KernelExpr[]
}

export const kernelConst = (value: number | boolean, type: ElementType): KernelConst => ({ kind: 'const', type, value })
export const valueRef = (value: Value): ValueRef => ({ kind: 'value', type: value.type, name: value.name })
export const indexRef = (axis: string, of: IndexRef['of'] = 'element'): IndexRef => ({
  kind: 'index',
  type: 'i32',
  axis,
  of,
})
export const sizeRef = (axis: string): SizeRef => ({ kind: 'size', type: 'i32', axis })
export const paramRef = (name: string, type: ElementType): ParamRef => ({ kind: 'param', type, name })
export const kernelCall = (op: Op, ...args: readonly KernelExpr[]): KernelCall => ({
  kind: 'call',
  type: resultType(
    op,
    args.map((arg) => arg.type),
  ),
  op,
  args,
})

/** Bytes and counts that tiling may assume of a machine; never names of chips. */
export interface Machine {
  readonly tile: { readonly i: number; readonly j: number } // default tile of a pair kernel, in elements
  readonly accumulator: { readonly largest: number; readonly tiny: number } // of sums and statistics
  readonly blocks?: number // that are to work at a time, where rows alone give fewer and keys can be split; default 128
  readonly together?: number // tokens whose elements of a buffer are computed in one block; without it each has its own
}
