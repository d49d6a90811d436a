/**
 * Chooses, for every result, how it is computed. Algebra and cost decide: a result streams if its reductions over tokens can be derived
 * as states; else its parts are materialised. No variant is known by name.
 */
import type { Attention, Axis, ResultDecl } from '../attention.ts'
import type { Expr } from '../ir.ts'
import { stabilise } from '../stable-forms.ts'
import { createAxisNames } from './axis-names.ts'
import { derive, type Facts } from './derive.ts'
import { factsOf } from './facts.ts'
import { flatten } from './flatten.ts'
import { createInterner } from './intern.ts'
import { normalise } from './normalise.ts'
import type { Cost, Part, Pass, Plan, StreamPlan } from './plan.ts'
import { createRenaming } from './rename-folds.ts'
import { planStages, type Request, type Staged } from './stages.ts'

export interface PlanOptions {
  readonly sizes: Readonly<Record<string, number>> // lengths known when the kernel is made
  readonly results?: readonly string[] | undefined // default: all
  readonly kind?: 'auto' | 'materialised' | undefined
  readonly rows?: 'many' | 'few' | undefined // default: many
}

/** A plan with the normalised expressions of its results, which lowering reads. */
export interface Planned extends Plan {
  readonly exprs: ReadonlyMap<ResultDecl, Expr>
  readonly kept: readonly ResultDecl[] // buffers between parts
  readonly axes: readonly Axis[] // beside those of the attention
  readonly hints: ReadonlyMap<Expr, string>
  /** The source's names of values, in the form that they have in the plan. */
  readonly named: () => ReadonlyMap<Expr, string>
}

export function makePlan(attention: Attention, options: PlanOptions): Planned {
  const names = createInterner()
  const wanted = attention.results.filter((r) => options.results === undefined || options.results.includes(r.name))
  const axes = createAxisNames(attention.axes)
  const stable = stabilise(wanted.map((r) => r.expr))
  const hints = new Map<Expr, string>()
  if (attention.score) hints.set(normalise(stabilise([attention.score])[0] as Expr, names, axes), 'score')
  let known: ReadonlyMap<Expr, string> | undefined
  const named = (): ReadonlyMap<Expr, string> => {
    known ??= nameForms()
    return known
  }
  const nameForms = (): ReadonlyMap<Expr, string> => {
    const { mask, score, weight } = attention
    const own = [[mask, 'mask'], [score, 'score'], [weight, 'weight'], ...attention.names] as const
    const all = own.flatMap(([e, name]) => (e ? [{ e, name }] : []))
    const forms = normal(flatten(stabilise(all.map(({ e }) => e))))
    return new Map(all.map(({ name }, k) => [forms[k] as Expr, name] as const).toReversed())
  }
  const normal = (all: readonly Expr[]): readonly Expr[] => all.map((e) => normalise(e, names, axes))
  if (options.kind === 'materialised') {
    const exprs = new Map(normal(stable).map((e, k) => [wanted[k] as ResultDecl, e]))
    const reason = { why: 'asked for', at: undefined }
    return {
      attention,
      parts: [{ kind: 'materialised', results: wanted, reason }],
      needs: new Map(),
      exprs,
      kept: [],
      axes: axes.added(),
      hints,
      named,
    }
  }
  const exprs = normal(flatten(stable))
  const rename = createRenaming(exprs, axes, (axis) => options.sizes[axis] !== undefined && !isBatch(axis))
  const requests = exprs.map((e, k): Request => ({ decl: wanted[k] as ResultDecl, expr: names.intern(rename(e)) }))
  const stage = (share: boolean): Staged =>
    planStages(requests, {
      attention,
      names,
      share,
      hasManyRows: options.rows !== 'few',
      isOpen: (axis) => !isBatch(axis) && options.sizes[axis] === undefined,
      walk: (placed, row, streams, meaning) =>
        cheapest(placed, row, streams, factsOf(attention, options, names, placed, meaning), options),
    })
  const together = stage(true)
  const staged = together.parts.some(hasSources) ? cheaper(together, stage(false), options) : together
  return { attention, ...staged, axes: axes.added(), hints, named }
}

/** Blocks are counted along batch and heads, even if their number is known. */
const isBatch = (axis: string): boolean => axis === 'b' || axis === 'h'

/** One pass with products multiplied out, or more passes with fewer values: whichever costs less. */
function cheapest(
  requests: readonly Request[],
  row: string,
  streams: readonly string[],
  facts: Facts,
  options: PlanOptions,
) {
  const open = derive(requests, row, streams, facts, true)
  const closed = derive(requests, row, streams, facts, false)
  if (!open.ok || !closed.ok) return open.ok ? open : closed.ok ? closed : open
  const [one, more] = [costOf(open.plan, options), costOf(closed.plan, options)]
  if (one.total > more.total) return { ok: true as const, plan: { ...closed.plan, refused: { own: more, other: one } } }
  return one.total < more.total
    ? { ok: true as const, plan: { ...open.plan, refused: { own: one, other: more } } }
    : open
}

const hasSources = (part: Part): boolean =>
  part.kind === 'rounds'
    ? part.parts.some(hasSources)
    : part.kind === 'stream' && new Set(part.passes.map((pass) => pass.stream)).size > 1

const cheaper = (a: Staged, b: Staged, options: PlanOptions): Staged =>
  costOfParts(a.parts, options) <= costOfParts(b.parts, options) ? a : b
const costOfParts = (parts: readonly Part[], options: PlanOptions): number =>
  parts.reduce((sum, part) => sum + costOfPart(part, options), 0)
const costOfPart = (part: Part, options: PlanOptions): number => {
  if (part.kind === 'stream') return costOf(part, options).total
  return part.kind === 'rounds' ? costOfParts(part.parts, options) : part.kind === 'vector' ? 0 : Infinity
}

/** Per admitted pair: d for each pass that forms the score, e for each accumulated value. */
function costOf(plan: StreamPlan, options: PlanOptions): Cost {
  const { d = 64, e = 64 } = options.sizes
  const isPair = (x: Expr, { stream }: Pass): boolean => x.axes.includes(plan.row) && x.axes.includes(stream)
  const passes = plan.passes.filter((p) =>
    [...p.references.map((r) => r.of), ...p.accumulators.map((a) => a.body)].some((x) => isPair(x, p)),
  ).length
  const sums = plan.passes
    .flatMap((p) => p.accumulators)
    .filter((a) => a.body.axes.some((axis) => axis === 'd' || axis === 'e')).length
  return { passes, sums, total: passes * d + sums * e }
}
