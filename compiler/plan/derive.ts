/**
 * From result expressions to passes with their state: pulls statistics, gives references to what could overflow, and orders what is
 * stuck into later passes. Nothing here knows a variant: the forms of `algebra.ts` decide.
 */
import type { Expr } from '../ir.ts'
import { basesOf, chooseShifts } from './choose-shifts.ts'
import { emptyValue, guardEmpty, guardMixed, placesOf } from './guard-empty.ts'
import { createGuardedForms } from './guarded.ts'
import type { Interner } from './intern.ts'
import type { Obstacle, StreamPlan } from './plan.ts'
import { createPuller } from './pull.ts'
import { isStatisticOver, type PullContext, type Shift } from './pull-scope.ts'
import { obstacleTo, runningIn, takeRunning } from './running.ts'
import type { Request } from './stages.ts'
import { createState } from './state.ts'
import { widen } from './widen.ts'

export interface Facts {
  readonly names: Interner
  readonly isPositive: (e: Expr) => boolean
  readonly isNonNegative: (e: Expr) => boolean
  /** Does exp(e) stay inside the window of the accumulator? `divides`: a result divides by the sum, so underflow counts too. */
  readonly fitsExp: (e: Expr, divides: boolean) => boolean
  readonly fitsPower: (e: Expr, power: number, divides: boolean) => boolean
}

type Derived = { readonly ok: true; readonly plan: StreamPlan } | { readonly ok: false; readonly obstacle: Obstacle }

const maxDomains = 3

export function derive(
  requests: readonly Request[],
  row: string,
  streams: readonly string[],
  known: Facts,
  distribute: boolean,
): Derived {
  const { names } = known
  const wanted = requests.map((r) => r.expr)
  const { exprs: taken, running, meaning } = takeRunning(widen(wanted, streams, names), streams, names)
  const facts = throughRunning(known, meaning)
  const isStatistic = isStatisticOver(streams)
  const exprs = guardMixed(taken, isStatistic, names)
  const many = streams.map((axis) => placesOf(exprs, isStatistic).filter((p) => p.stream === axis)[maxDomains])
  const surplus = many.find((places) => places !== undefined)
  if (surplus)
    return failed(
      'more than three different domains over one axis',
      surplus.domain,
      `let reductions over ${surplus.stream} share their where`,
    )
  const guarded = createGuardedForms(names)
  const context = (
    stage: PullContext['stage'],
    shifts: readonly Shift[] = [],
    elements: readonly Expr[] = [],
  ): PullContext => ({
    ...facts,
    streams,
    shifts,
    elements: new Set(elements),
    distribute,
    guarded,
    stage,
    isBounded: (e) => facts.fitsExp(e, true),
  })
  const first = createPuller(context('decide'))
  const trial = exprs.map((e) => first.render(e))
  for (const base of basesOf(trial, first)) {
    const obstacle = obstacleTo(base.domain, runningIn(base.of, running))
    if (obstacle) return { ok: false, obstacle }
  }
  const shifts = chooseShifts({ exprs: trial, puller: first, bodies: createPuller(context('propose')), guarded }, facts)
  if (!shifts.ok) return shifts
  const elements = running.map((r) => r.element)
  const puller = createPuller(context('use', shifts.shifts, elements))
  const finish = exprs.map((e) => guardEmpty(e, { names, isStatistic, pulled: puller.render }))
  const state = createState(shifts.shifts, running, puller, names)
  const finished = requests.map(({ decl: result }, k) => ({
    result,
    finish: state.name(finish[k] as Expr),
    empty: emptyValue(exprs[k] as Expr, { names, isStatistic }),
  }))
  const leftover = finished.map((f) => f.finish).find((e) => e.axes.some((axis) => streams.includes(axis)))
  if (leftover) return failed(`a result varies over ${streams.join(' or ')} outside a reduction`, leftover)
  return { ok: true, plan: { kind: 'stream', row, passes: state.passes(), results: finished } }
}

/** What is known of running sums is known of their elements. */
const throughRunning = (facts: Facts, meaning: (e: Expr) => Expr): Facts => ({
  names: facts.names,
  isPositive: (e) => facts.isPositive(meaning(e)),
  isNonNegative: (e) => facts.isNonNegative(meaning(e)),
  fitsExp: (e, divides) => facts.fitsExp(meaning(e), divides),
  fitsPower: (e, power, divides) => facts.fitsPower(meaning(e), power, divides),
})

const failed = (why: string, at?: Expr, change?: string): { ok: false; obstacle: Obstacle } => ({
  ok: false,
  obstacle: { why, at, change },
})
