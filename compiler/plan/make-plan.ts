/**
 * Chooses, for every result, how it is computed. Algebra and cost decide: a result streams if its reductions over tokens can be derived
 * as states; else its parts are materialised. No variant is known by name.
 */
import type { Attention, ResultDecl } from '../attention.ts'
import { type Expr, nodesOf } from '../ir.ts'
import { createRanges, isNonNegative, isPositive } from '../range.ts'
import { stabilise } from '../stable-forms.ts'
import { derive, type Facts } from './derive.ts'
import { createInterner } from './intern.ts'
import { normalise } from './normalise.ts'
import type { MaterialisedPlan, Obstacle, Plan, StreamPlan } from './plan.ts'

export interface PlanOptions {
  readonly sizes: Readonly<Record<string, number>> // lengths known when the kernel is made
  readonly results?: readonly string[] | undefined // default: all
  readonly kind?: 'auto' | 'materialised' | undefined
}

/** A plan with the normalised expressions of its results, which lowering reads. */
export interface Planned extends Plan {
  readonly exprs: ReadonlyMap<ResultDecl, Expr>
  readonly hints: ReadonlyMap<Expr, string>
}

export function makePlan(attention: Attention, options: PlanOptions): Planned {
  const names = createInterner()
  const wanted = attention.results.filter((r) => options.results === undefined || options.results.includes(r.name))
  const stable = stabilise(wanted.map((r) => r.expr))
  const exprs = new Map(wanted.map((r, k) => [r, normalise(stable[k] as Expr, names)]))
  const hints = new Map<Expr, string>()
  if (attention.score) hints.set(normalise(stabilise([attention.score])[0] as Expr, names), 'score')
  const facts = factsOf(attention, options, names, [...exprs.values()])
  const parts =
    options.kind === 'materialised'
      ? [whole(wanted, { why: 'asked for', at: undefined })]
      : partsOf(wanted, exprs, facts, options)
  return { attention, parts, exprs, hints }
}

const whole = (results: readonly ResultDecl[], reason: Obstacle): MaterialisedPlan => ({
  kind: 'materialised',
  results,
  reason,
})

/** Results of one row axis stream together; those that cannot are materialised together. */
function partsOf(
  wanted: readonly ResultDecl[],
  exprs: ReadonlyMap<ResultDecl, Expr>,
  facts: Facts,
  options: PlanOptions,
): readonly (StreamPlan | MaterialisedPlan)[] {
  const streams: StreamPlan[] = []
  const left: ResultDecl[] = []
  let reason: Obstacle | undefined
  for (const row of ['i', 'j']) {
    const stream = row === 'i' ? 'j' : 'i'
    const mine = wanted.filter((r) => rowOf(r, exprs.get(r) as Expr) === row)
    const fits = mine.filter((r) => !obstacleOf(exprs.get(r) as Expr, stream))
    for (const r of mine) if (!fits.includes(r)) reason ??= obstacleOf(exprs.get(r) as Expr, stream)
    left.push(...mine.filter((r) => !fits.includes(r)))
    if (fits.length === 0) continue
    const derived = cheapest(
      fits,
      fits.map((r) => exprs.get(r) as Expr),
      row,
      stream,
      facts,
      options,
    )
    if (derived.ok) streams.push(derived.plan)
    else {
      reason ??= derived.obstacle
      left.push(...fits)
    }
  }
  const others = wanted.filter((r) => rowOf(r, exprs.get(r) as Expr) === undefined)
  if (others.length > 0) reason ??= { why: 'a result over both token axes, or over neither', at: others[0]?.expr }
  const rest = wanted.filter((r) => left.includes(r) || others.includes(r))
  return rest.length > 0 ? [...streams, whole(rest, reason ?? { why: 'no stream was found', at: undefined })] : streams
}

const rowOf = (r: ResultDecl, e: Expr): 'i' | 'j' | undefined => {
  const axes = new Set([...r.axes, ...e.axes])
  if (axes.has('i') && axes.has('j')) return undefined
  return axes.has('i') ? 'i' : axes.has('j') ? 'j' : undefined
}

/** What a stream over `stream` cannot hold at all. */
function obstacleOf(e: Expr, stream: string): Obstacle | undefined {
  for (const x of nodesOf(e)) {
    if (x.kind === 'scan' || x.kind === 'solve' || x.kind === 'repeat')
      return { why: `${x.kind === 'scan' ? x.op : x.kind} is not streamed yet`, at: x }
    if (x.kind === 'at' && x.of.kind !== 'input') return { why: 'a value is read at another place than its own', at: x }
    if (
      x.kind === 'reduce' &&
      x.over.some((axis) => axis === 'i' || axis === 'j') &&
      !(x.over.length === 1 && x.over[0] === stream)
    )
      return { why: `a reduction over ${x.over.join(', ')}`, at: x }
  }
  return undefined
}

/** One pass with products multiplied out, or more passes with fewer values: whichever costs less. */
function cheapest(
  results: readonly ResultDecl[],
  exprs: readonly Expr[],
  row: string,
  stream: string,
  facts: Facts,
  options: PlanOptions,
) {
  const open = derive(results, exprs, row, stream, facts, true)
  const closed = derive(results, exprs, row, stream, facts, false)
  if (!open.ok || !closed.ok) return open.ok ? open : closed.ok ? closed : open
  return costOf(open.plan, options) <= costOf(closed.plan, options) ? open : closed
}

/** Per admitted pair: d for each pass that forms the score, e for each accumulated value. */
function costOf(plan: StreamPlan, options: PlanOptions): number {
  const { d = 64, e = 64 } = options.sizes
  const isPair = (x: Expr): boolean => x.axes.includes(plan.row) && x.axes.includes(plan.stream)
  const passes = plan.passes.filter((p) =>
    [...p.references.map((r) => r.of), ...p.accumulators.map((a) => a.body)].some(isPair),
  ).length
  const vectors = plan.passes
    .flatMap((p) => p.accumulators)
    .filter((a) => a.body.axes.some((axis) => axis === 'd' || axis === 'e')).length
  return passes * d + vectors * e
}

// Windows of the accumulator (docs/planner.md, When no reference is needed), for sums of up to 2^20 elements.

const window = { lo: -80, hi: 80 - Math.log(2 ** 20) }
const assumed = 2 ** 14

function factsOf(
  attention: Attention,
  options: PlanOptions,
  names: ReturnType<typeof createInterner>,
  exprs: readonly Expr[],
): Facts {
  // Where there is one domain, every body is evaluated at its places only, so that relations like x <= max x hold there.
  const domains = [
    ...new Set(
      nodesOf(...exprs).flatMap((e) =>
        e.kind === 'reduce' && e.over.some((axis) => axis === 'i' || axis === 'j') ? [e.domain] : [],
      ),
    ),
  ]
  const holds = domains.length === 1 && domains[0] ? [domains[0]] : []
  const ranges = createRanges({ attention, sizes: options.sizes, holds, assumed: true })
  const sure = createRanges({ attention, sizes: options.sizes, holds })
  const magnitude = (x: number): number => (Number.isFinite(x) ? Math.abs(x) : assumed)
  return {
    names,
    isPositive: (e) => isPositive(sure(e)),
    isNonNegative: (e) => isNonNegative(sure(e)),
    fitsExp: (e, divides) => {
      const { lo, hi } = ranges(e)
      return hi <= window.hi && (!divides || lo >= window.lo)
    },
    fitsPower: (e, power, divides) => {
      const { lo, hi } = ranges(e)
      const largest = Math.max(magnitude(lo), magnitude(hi))
      const smallest = lo > 0 ? lo : hi < 0 ? -hi : 1 / assumed
      if (largest === 0) return true
      const ends = [power * Math.log(Math.max(largest, Number.MIN_VALUE)), power * Math.log(smallest)]
      return Math.max(...ends) <= window.hi && (!divides || Math.min(...ends) >= window.lo)
    },
  }
}
