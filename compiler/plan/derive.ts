/**
 * From result expressions to passes with their state: pulls statistics, gives references to what could overflow, and orders what is
 * stuck into later passes. Nothing here knows a variant: the forms of `algebra.ts` decide.
 */
import { call, constant, type Expr, nodesOf, type Reduce, rewrite, size, withoutAxes } from '../ir.ts'
import { basesOf, chooseShifts } from './choose-shifts.ts'
import { createGuardedForms } from './guarded.ts'
import type { Interner } from './intern.ts'
import { fold } from './normalise.ts'
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
  const { exprs, running, meaning } = takeRunning(widen(wanted, streams, names), streams, names)
  const facts = throughRunning(known, meaning)
  const isStatistic = isStatisticOver(streams)
  const many = streams.map((axis) => placesOf(exprs, isStatistic).filter((p) => p.stream === axis)[maxDomains])
  const surplus = many.find((places) => places !== undefined)
  if (surplus) return failed('more than three different domains over one axis', surplus.domain)
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
  const finished = requests.map(({ decl: result }, k) => ({ result, finish: state.name(finish[k] as Expr) }))
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

const failed = (why: string, at?: Expr): { ok: false; obstacle: Obstacle } => ({ ok: false, obstacle: { why, at } })

/** What statistics are taken over: an axis, and which of its places count. */
interface Places {
  readonly stream: string
  readonly domain: Expr | undefined
}
const placesOfOne = (e: Reduce): Places => ({ stream: e.over[0] as string, domain: e.domain })
const areSame = (a: Places, b: Places): boolean => a.stream === b.stream && a.domain === b.domain

function placesOf(exprs: readonly Expr[], isStatistic: (e: Expr) => e is Reduce): readonly Places[] {
  const all = nodesOf(...exprs)
    .filter((e) => isStatistic(e))
    .map(placesOfOne)
  return all.filter((places, k) => all.findIndex((other) => areSame(other, places)) === k)
}

interface Guarding {
  readonly names: Interner
  readonly isStatistic: (e: Expr) => e is Reduce
  readonly pulled: (e: Expr) => Expr
}
/**
 * `pulled(e)` where every domain has a place; where one is empty, `e` with the values over nothing. An expression that is one
 * reduction as it stands needs no guard: its state starts as the value over nothing. `filled`: domains known to have a place.
 */
function guardEmpty(e: Expr, tools: Guarding, filled: readonly Places[] = []): Expr {
  const { names, isStatistic, pulled } = tools
  const open = placesOf([e], isStatistic).find((places) => !filled.some((other) => areSame(other, places)))
  const value = pulled(e)
  if (open === undefined || (filled.length === 0 && isOneReduction(e, value))) return value
  const whenEmpty = guardEmpty(overNothing(e, open, tools), tools, filled)
  const otherwise = guardEmpty(e, tools, [...filled, open])
  return names.intern(call('select', [notEmpty(open), otherwise, whenEmpty]))
}
const isOneReduction = (e: Expr, value: Expr): boolean =>
  value === e && value.kind === 'reduce' && value.op !== 'mean' && value.op !== 'logsumexp'

const notEmpty = ({ stream, domain }: Places): Expr =>
  domain === undefined
    ? call('lt', [constant(0, 'i32'), size(stream)])
    : {
        kind: 'reduce',
        op: 'any',
        over: [stream],
        of: constant(true, 'bool'),
        domain,
        type: 'bool',
        axes: withoutAxes(domain.axes, [stream]),
        span: domain.span,
      }

function overNothing(e: Expr, places: Places, { names, isStatistic }: Guarding): Expr {
  const replaced = rewrite(e, (x) =>
    isStatistic(x) && areSame(placesOfOne(x), places) ? identity(x.op, x.type) : fold(foldNumbers(x)),
  )
  return names.intern(replaced)
}
const identity = (op: string, type: Expr['type']): Expr => {
  if (op === 'any' || op === 'all') return constant(op === 'all', 'bool')
  if (op === 'max' || op === 'logsumexp') return constant(-Infinity, type)
  return op === 'min' ? constant(Infinity, type) : constant(0, type)
}
/** 0 * x and 0 / x stay: they are what the row's expression says. Only sums with 0 read better without. */
function foldNumbers(e: Expr): Expr {
  if (e.kind !== 'call' || e.op !== 'add') return e
  const [a, b] = e.args as [Expr, Expr]
  if (a.kind === 'const' && a.value === 0) return b
  return b.kind === 'const' && b.value === 0 ? a : e
}
