/**
 * How a result is computed, before any target or tile: which reductions need which, what is carried along the streamed axis, how the
 * carried state changes when its reference moves, how two states merge, and what is made of the final state.
 *
 * Names of state are `bound` nodes: in `finish`, `body` and later passes, `bound(id)` is the final value of that reference or
 * accumulator, and `bound(difference.id)` is an element relative to its reference (the running one in the pass that owns it).
 */
import type { Attention, ResultDecl } from '../attention.ts'
import type { Expr } from '../ir.ts'

export interface Plan {
  readonly attention: Attention
  readonly parts: readonly Part[] // in the order in which they run
  /** Why buffers between parts are there, by name: what is computed by itself, before what reads it. */
  readonly needs: ReadonlyMap<string, Obstacle>
}
export type Part = StreamPlan | VectorPlan | RoundsPlan | MaterialisedPlan

/** Row tiles stay, streamed axes pass by: for rows of i, keys j and what further sources of keys there are; for rows of j, i. */
export interface StreamPlan {
  readonly kind: 'stream'
  readonly row: string
  readonly passes: readonly Pass[]
  readonly results: readonly Finished[]
  readonly refused?: Refused | undefined
}
/** `empty`: the value where no place counts, which `finish` has as well. */
export interface Finished {
  readonly result: ResultDecl
  readonly finish: Expr
  readonly empty: Expr
}
/** A plan of fewer passes, or of more, that costs more; both as `costOf` counts them. */
export interface Refused {
  readonly own: Cost
  readonly other: Cost
}
/** Per admitted pair: a score for each of `passes`, and a product of weight and value for each of `sums`. */
export interface Cost {
  readonly passes: number
  readonly sums: number
  readonly total: number
}

/**
 * One walk over the tiles of a streamed axis, from its end if `direction` is down. All its state shares one domain (undefined: the
 * whole axis). `merges`: whether states of parts of the axis can be taken together; those of running sums are, in the order of the
 * parts, if sums depend on them by an exponential.
 */
export interface Pass {
  readonly stream: string
  readonly domain: Expr | undefined
  readonly direction: 'up' | 'down'
  readonly merges: boolean
  readonly running: readonly Running[]
  readonly references: readonly Reference[]
  readonly accumulators: readonly Accumulator[]
  readonly waits: readonly Wait[] // empty in the first pass
}
/** Why a piece of state is not of an earlier pass: it needs `on`, final state of one, which `reason.at` holds fast. */
export interface Wait {
  readonly id: string
  readonly on: readonly string[]
  readonly reason: Obstacle
}

/**
 * What scores are taken relative to. `max`, `min`: the running extreme of `of` (family E). `largest`: the running maximum of its
 * absolute value (P). `mean`: the first tile's mean, moved when the running mean has left it by an eighth of a deviation (M).
 * `difference`: `of - reference`, or `of / reference` for `largest`.
 */
export interface Reference {
  readonly id: string
  readonly kind: 'max' | 'min' | 'largest' | 'mean'
  readonly of: Expr
  readonly differenceId: string
  readonly isAtId: string // bool: whether an element is the extreme itself (family I)
  readonly countId: string | undefined // mean: the accumulators of its 0th, 1st and 2nd moment, which move it
  readonly firstId: string | undefined
  readonly secondId: string | undefined
}

/**
 * A running fold of `of` along the walk: `id` is its value over all places walked so far, `elementId` its value at an element. An
 * element's value is final when its tile has gone by, since the walk goes in its direction.
 */
export interface Running {
  readonly id: string
  readonly elementId: string
  readonly op: 'sum' | 'max'
  readonly inclusive: boolean
  readonly of: Expr
}

/**
 * A fold of `body` over the pass' domain. `degrees`: how it depends on references and on running sums: the part exp(rate * difference) and the factor
 * difference ^ moment (M), or difference ^ power (P). When a reference moves, `transform` in lower/state.ts follows from these.
 */
export interface Accumulator {
  readonly id: string
  readonly op: 'sum' | 'max' | 'min' | 'any' | 'all' | 'count'
  readonly body: Expr
  readonly degrees: readonly Degree[]
}
export interface Degree {
  readonly reference: string
  readonly rate: number
  readonly moment: number
  readonly power: number
  readonly isAt: boolean // of elements at the reference only: nothing is left of it when the reference moves
  readonly lower: readonly string[] // accumulators of the moments 0 .. moment - 1
}

/** Results that vary over one token axis at most and look at no pair: an element at a time. */
export interface VectorPlan {
  readonly kind: 'vector'
  readonly results: readonly ResultDecl[]
}

/** A `repeat`: in each round `parts` compute what the carried buffers become after it. First values are results of parts before. */
export interface RoundsPlan {
  readonly kind: 'rounds'
  readonly count: Expr
  readonly parts: readonly Part[]
  readonly become: readonly { readonly to: ResultDecl; readonly from: ResultDecl }[]
}

/** Every reduction is a kernel of its own, with its value kept in a buffer: always right, slower, memory grows with the pairs. */
export interface MaterialisedPlan {
  readonly kind: 'materialised'
  readonly results: readonly ResultDecl[]
  readonly reason: Obstacle
}
/** Why a result is not streamed, the expression that prevents it, and what could be written instead. */
export interface Obstacle {
  readonly why: string
  readonly at: Expr | undefined
  readonly change?: string | undefined
}
