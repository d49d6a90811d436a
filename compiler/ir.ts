/**
 * What an attention computes: index expressions over named axes. It says nothing of loops, tiles, passes or memory.
 *
 * Meaning. An expression is a function from an index of each of its axes to one element of its type. Evaluation is pure and
 * strict but for `select`. Broadcasting is by axis name. Numbers follow `ops.ts`; `interpret.ts` is the definition.
 *
 * A reduction folds the places of its domain. The domain is fixed when the source is checked and then belongs to the node: no
 * pass may widen, narrow or move it. Over nothing: sum, mean, count and cumsum 0; max and logsumexp -inf; min +inf; any false;
 * all true. Sums may be reordered (tiling rests on it). Infinities and NaN follow IEEE within a row; a place outside the domain
 * contributes nothing, whatever its value.
 *
 * An `at` node evaluates its index expressions here and then `of` there, everything inside `of` included: its reductions see the
 * domain of that place. Indices are clamped to [0, size - 1]; with `outside: 'zero'` a place beyond gives 0 or false instead.
 * A reduction's own axis is bound: an `at` around it does not reach inside for that axis.
 *
 * A node used twice is one object: the graph is a DAG, and passes keep it so (`rewrite`).
 */
import type { Span } from '../grammar/source.ts'
import { unreachable } from './invariant.ts'
import { type Op, type ReduceOp, resultType, type ScanOp } from './ops.ts'

export type ElementType = 'bool' | 'i32' | 'f32'

export type Expr =
  | Const
  | Index
  | Size
  | Input
  | Param
  | Bound
  | Call
  | Spread
  | At
  | Reduce
  | Scan
  | Solve
  | Repeat
  | Random

interface Node {
  readonly type: ElementType
  readonly axes: readonly string[] // in `axisOrder`
  readonly span: Span | undefined // the source text this came from; derived nodes keep their parent's
}
export interface Const extends Node {
  readonly kind: 'const'
  readonly value: number | boolean
}
/** The index of an axis, i32. */
export interface Index extends Node {
  readonly kind: 'index'
  readonly axis: string
}
/** The length of an axis, i32, no axes. */
export interface Size extends Node {
  readonly kind: 'size'
  readonly axis: string
}
/** An input tensor at the indices of its declared axes, widened exactly to its element type. */
export interface Input extends Node {
  readonly kind: 'input'
  readonly name: string
}
/** A run-time or compile-time scalar. */
export interface Param extends Node {
  readonly kind: 'param'
  readonly name: string
}
/** The variable of a `solve` or a carried value of a `repeat`; `id` is unique within its attention. */
export interface Bound extends Node {
  readonly kind: 'bound'
  readonly id: string
}
export interface Call extends Node {
  readonly kind: 'call'
  readonly op: Op
  readonly args: readonly Expr[]
}
/** `of`, declared to vary over `axes` as well (score and weight vary over i and j whatever their expressions). */
export interface Spread extends Node {
  readonly kind: 'spread'
  readonly of: Expr
}
export interface Place {
  readonly axis: string
  readonly index: Expr
  readonly outside: 'clamp' | 'zero'
}
export interface At extends Node {
  readonly kind: 'at'
  readonly of: Expr
  readonly places: readonly Place[]
}
/** Folds the axes `over`. `domain`: bool, the places that count; undefined: the whole axis. */
export interface Reduce extends Node {
  readonly kind: 'reduce'
  readonly op: ReduceOp
  readonly over: readonly string[]
  readonly of: Expr
  readonly domain: Expr | undefined
}
/**
 * Keeps its axis: the fold of the domain's places up to this one (from the end for `cumsum_back`), this one included unless
 * `exclusive`, which only plans make: the same one place further, and 0 past the end.
 */
export interface Scan extends Node {
  readonly kind: 'scan'
  readonly op: ScanOp
  readonly over: string
  readonly of: Expr
  readonly domain: Expr | undefined
  readonly exclusive: boolean
}
/** The largest t in [lo, hi] with `of`(t) >= 0, `lo` if there is none; `of` does not increase with t. */
export interface Solve extends Node {
  readonly kind: 'solve'
  readonly variable: Bound
  readonly lo: Expr
  readonly hi: Expr
  readonly of: Expr
}
/** The value of carried variable `which` after all rounds. All results of one loop share the one `loop` object. */
export interface Repeat extends Node {
  readonly kind: 'repeat'
  readonly loop: RepeatLoop
  readonly which: number
}
/** `next` of each carried value, in terms of the values before the round (sequential assignment is already substituted). */
export interface RepeatLoop {
  readonly count: Expr // i32, no axes
  readonly carried: readonly { readonly variable: Bound; readonly initial: Expr; readonly next: Expr }[]
}
/** Philox 4x32-10 with key `seed` and up to four i32 counters: top 24 bits times 2^-24. */
export interface Random extends Node {
  readonly kind: 'random'
  readonly seed: Expr
  readonly counters: readonly Expr[]
}

/** Conventional axes stand first and last, as results have them in memory; others keep the order of their names. */
export function axisOrder(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)
}
const ranks: ReadonlyMap<string, number> = new Map(['b', 'h', 'i', 'j', '', 'd', 'e'].map((axis, n) => [axis, n]))
const rank = (axis: string): number => ranks.get(axis) ?? 4

/** The union of axis sets, in `axisOrder`. */
export function unionAxes(...sets: readonly (readonly string[])[]): readonly string[] {
  const largest = sets.reduce<readonly string[]>((a, b) => (b.length > a.length ? b : a), [])
  const isAll = sets.every((set) => set === largest || set.every((axis) => largest.includes(axis)))
  return isAll && isOrdered(largest) ? largest : [...new Set(sets.flat())].sort(axisOrder)
}
const isOrdered = (axes: readonly string[]): boolean =>
  axes.every((axis, n) => n === 0 || axisOrder(axes[n - 1] as string, axis) < 0)
export const withoutAxes = (axes: readonly string[], gone: readonly string[]): readonly string[] =>
  axes.filter((axis) => !gone.includes(axis))

// Constructors compute type and axes; legality is the checker's business.

export const constant = (value: number | boolean, type: ElementType, span?: Span): Const => ({
  kind: 'const',
  value,
  type,
  axes: [],
  span,
})
export const f32 = (value: number, span?: Span): Const => constant(value, 'f32', span)
export const i32 = (value: number, span?: Span): Const => constant(value, 'i32', span)
export const bool = (value: boolean, span?: Span): Const => constant(value, 'bool', span)
export const index = (axis: string, span?: Span): Index => ({ kind: 'index', axis, type: 'i32', axes: [axis], span })
export const size = (axis: string, span?: Span): Size => ({ kind: 'size', axis, type: 'i32', axes: [], span })
export const input = (name: string, type: ElementType, axes: readonly string[], span?: Span): Input => ({
  kind: 'input',
  name,
  type,
  axes: unionAxes(axes),
  span,
})
export const param = (name: string, type: ElementType, span?: Span): Param => ({
  kind: 'param',
  name,
  type,
  axes: [],
  span,
})
export const bound = (id: string, type: ElementType, axes: readonly string[], span?: Span): Bound => ({
  kind: 'bound',
  id,
  type,
  axes: unionAxes(axes),
  span,
})

export const call = (op: Op, args: readonly Expr[], span?: Span): Call => ({
  kind: 'call',
  op,
  args,
  type: resultType(
    op,
    args.map((arg) => arg.type),
  ),
  axes: unionAxes(...args.map((arg) => arg.axes)),
  span: span ?? args[0]?.span,
})

export function spread(of: Expr, axes: readonly string[], span?: Span): Expr {
  const all = unionAxes(of.axes, axes)
  return all.length === of.axes.length ? of : { kind: 'spread', of, type: of.type, axes: all, span: span ?? of.span }
}

export const at = (of: Expr, places: readonly Place[], span?: Span): At => ({
  kind: 'at',
  of,
  places,
  type: of.type,
  axes: unionAxes(
    withoutAxes(
      of.axes,
      places.map((place) => place.axis),
    ),
    ...places.map((place) => place.index.axes),
  ),
  span: span ?? of.span,
})

export const reduce = (op: ReduceOp, over: readonly string[], of: Expr, domain?: Expr, span?: Span): Reduce => ({
  kind: 'reduce',
  op,
  over: unionAxes(over),
  of,
  domain,
  type:
    op === 'count'
      ? 'i32'
      : op === 'any' || op === 'all'
        ? 'bool'
        : op === 'mean' || op === 'logsumexp'
          ? 'f32'
          : of.type,
  axes: withoutAxes(unionAxes(of.axes, domain?.axes ?? []), over),
  span: span ?? of.span,
})

export const scan = (op: ScanOp, over: string, of: Expr, domain?: Expr, span?: Span, exclusive = false): Scan => ({
  kind: 'scan',
  op,
  over,
  of,
  domain,
  exclusive,
  type: of.type,
  axes: unionAxes(of.axes, domain?.axes ?? [], [over]),
  span: span ?? of.span,
})

export const solve = (variable: Bound, lo: Expr, hi: Expr, of: Expr, span?: Span): Solve => ({
  kind: 'solve',
  variable,
  lo,
  hi,
  of,
  type: 'f32',
  axes: variable.axes,
  span: span ?? of.span,
})

export function repeat(loop: RepeatLoop, which: number, span?: Span): Repeat {
  const variable = loop.carried[which]?.variable
  return { kind: 'repeat', loop, which, type: variable?.type ?? 'f32', axes: variable?.axes ?? [], span }
}

export const random = (seed: Expr, counters: readonly Expr[], span?: Span): Random => ({
  kind: 'random',
  seed,
  counters,
  type: 'f32',
  axes: unionAxes(seed.axes, ...counters.map((counter) => counter.axes)),
  span,
})

/** The children of a node, each once, in a fixed order. A loop's parts are children of each of its results. */
export function children(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'const':
    case 'index':
    case 'size':
    case 'input':
    case 'param':
    case 'bound':
      return []
    case 'call':
      return e.args
    case 'spread':
      return [e.of]
    case 'at':
      return [e.of, ...e.places.map((place) => place.index)]
    case 'reduce':
    case 'scan':
      return e.domain ? [e.of, e.domain] : [e.of]
    case 'solve':
      return [e.lo, e.hi, e.of]
    case 'repeat':
      return [e.loop.count, ...e.loop.carried.flatMap((c) => [c.initial, c.next])]
    case 'random':
      return [e.seed, ...e.counters]
    default:
      return unreachable(e)
  }
}

/**
 * Rebuilds `e` with `f` applied to each child; `e` itself when no child changed. Type and axes are computed anew, but for
 * `repeat`, `solve` and `bound`, whose declared axes stay. Results of one loop must be rebuilt through `rewrite`, which keeps
 * the loop shared.
 */
export function mapChildren(e: Expr, f: (child: Expr) => Expr, loops: Map<RepeatLoop, RepeatLoop> = new Map()): Expr {
  switch (e.kind) {
    case 'const':
    case 'index':
    case 'size':
    case 'input':
    case 'param':
    case 'bound':
      return e
    case 'call': {
      const args = e.args.map(f)
      return same(args, e.args) ? e : call(e.op, args, e.span)
    }
    case 'spread': {
      const of = f(e.of)
      return of === e.of ? e : spread(of, e.axes, e.span)
    }
    case 'at': {
      const of = f(e.of)
      const places = e.places.map((place) => ({ ...place, index: f(place.index) }))
      return of === e.of && places.every((p, k) => p.index === e.places[k]?.index) ? e : at(of, places, e.span)
    }
    case 'reduce': {
      const of = f(e.of)
      const domain = e.domain && f(e.domain)
      return of === e.of && domain === e.domain ? e : reduce(e.op, e.over, of, domain, e.span)
    }
    case 'scan': {
      const of = f(e.of)
      const domain = e.domain && f(e.domain)
      return of === e.of && domain === e.domain ? e : scan(e.op, e.over, of, domain, e.span, e.exclusive)
    }
    case 'solve': {
      const [lo, hi, of] = [f(e.lo), f(e.hi), f(e.of)]
      return lo === e.lo && hi === e.hi && of === e.of ? e : solve(e.variable, lo, hi, of, e.span)
    }
    case 'repeat': {
      const loop = loops.get(e.loop) ?? mapLoop(e.loop, f)
      loops.set(e.loop, loop)
      return loop === e.loop ? e : { ...e, loop }
    }
    case 'random': {
      const seed = f(e.seed)
      const counters = e.counters.map(f)
      return seed === e.seed && same(counters, e.counters) ? e : random(seed, counters, e.span)
    }
    default:
      return unreachable(e)
  }
}

function mapLoop(loop: RepeatLoop, f: (child: Expr) => Expr): RepeatLoop {
  const count = f(loop.count)
  const carried = loop.carried.map((c) => ({ ...c, initial: f(c.initial), next: f(c.next) }))
  const unchanged = carried.every((c, k) => c.initial === loop.carried[k]?.initial && c.next === loop.carried[k]?.next)
  return count === loop.count && unchanged ? loop : { count, carried }
}

const same = (a: readonly Expr[], b: readonly Expr[]): boolean => a.every((x, k) => x === b[k])

/** Rewrites bottom-up. A node used twice is rewritten once and stays one node. */
export function rewrite(root: Expr, f: (e: Expr) => Expr): Expr {
  const done = new Map<Expr, Expr>()
  const loops = new Map<RepeatLoop, RepeatLoop>()
  const visit = (e: Expr): Expr => {
    const seen = done.get(e)
    if (seen) return seen
    const out = f(mapChildren(e, visit, loops))
    done.set(e, out)
    return out
  }
  return visit(root)
}

/** Every node below and including `roots`, each once, children before parents. */
export function nodesOf(...roots: readonly Expr[]): readonly Expr[] {
  const seen = new Set<Expr>()
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    for (const child of children(e)) visit(child)
    seen.add(e)
  }
  for (const root of roots) visit(root)
  return [...seen]
}
