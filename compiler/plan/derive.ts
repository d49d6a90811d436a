/**
 * From result expressions to passes with their state: pulls statistics, gives references to what could overflow, and orders what is
 * stuck into later passes. Nothing here knows a variant: the forms of `algebra.ts` decide.
 */
import {
  bound,
  call,
  constant,
  type Expr,
  f32,
  nodesOf,
  type Reduce,
  rewrite,
  size,
  unionAxes,
  withoutAxes,
} from '../ir.ts'
import type { Term } from './algebra.ts'
import { createGuardedForms, type GuardedForms } from './guarded.ts'
import type { Interner } from './intern.ts'
import { fold } from './normalise.ts'
import type { Obstacle, StreamPlan } from './plan.ts'
import { createPuller, type Puller } from './pull.ts'
import { type PullContext, type Shift, withoutConstantFactor } from './pull-scope.ts'
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
  stream: string,
  known: Facts,
  distribute: boolean,
): Derived {
  const { exprs, running, meaning } = takeRunning(
    widen(
      requests.map((r) => r.expr),
      stream,
      known.names,
    ),
    stream,
    known.names,
  )
  const facts = throughRunning(known, meaning)
  const domains = domainsOf(exprs, stream)
  if (domains.length > maxDomains) return failed('more than three different domains over one axis', domains[maxDomains])
  const guarded = createGuardedForms(facts.names)
  const context = (
    stage: PullContext['stage'],
    shifts: readonly Shift[] = [],
    elements: readonly Expr[] = [],
  ): PullContext => ({
    ...facts,
    stream,
    shifts,
    elements: new Set(elements),
    distribute,
    guarded,
    stage,
    isBounded: (e) => facts.fitsExp(e, true),
  })
  const first = createPuller(context('decide'))
  const trial = exprs.map((e) => first.render(e))
  for (const base of basesOf(trial, stream)) {
    const obstacle = obstacleTo(base.domain, runningIn(base.of, running))
    if (obstacle) return { ok: false, obstacle }
  }
  const shifts = chooseShifts(trial, first, createPuller(context('propose')), stream, facts, guarded)
  if (!shifts.ok) return shifts
  const elements = running.map((r) => r.element)
  const puller = createPuller(context('use', shifts.shifts, elements))
  const finish = exprs.map((e) => guardEmpty(e, stream, facts.names, puller.render))
  const state = createState(shifts.shifts, running, stream, puller, facts.names)
  const finished = requests.map(({ decl: result }, k) => ({ result, finish: state.name(finish[k] as Expr) }))
  const leftover = finished.map((f) => f.finish).find((e) => e.axes.includes(stream))
  if (leftover) return failed(`a result varies over ${stream} outside a reduction`, leftover)
  return { ok: true, plan: { kind: 'stream', row, stream, passes: state.passes(), results: finished } }
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

function domainsOf(exprs: readonly Expr[], stream: string): readonly (Expr | undefined)[] {
  const all = nodesOf(...exprs).filter((e) => e.kind === 'reduce' && e.over.includes(stream))
  return [...new Set(all.map((e) => (e.kind === 'reduce' ? e.domain : undefined)))]
}

/**
 * `pulled(e)` where every domain has a place; where one is empty, `e` with the values over nothing. An expression that is one
 * reduction as it stands needs no guard: its state starts as the value over nothing. `filled`: domains known to have a place.
 */
function guardEmpty(
  e: Expr,
  stream: string,
  names: Interner,
  pulled: (e: Expr) => Expr,
  filled: readonly (Expr | undefined)[] = [],
): Expr {
  const domains = domainsOf([e], stream).filter((domain) => !filled.includes(domain))
  const value = pulled(e)
  if (domains.length === 0 || (filled.length === 0 && isOneReduction(e, value))) return value
  const [domain] = domains
  const whenEmpty = guardEmpty(overNothing(e, domain, stream, names), stream, names, pulled, filled)
  const otherwise = guardEmpty(e, stream, names, pulled, [...filled, domain])
  return names.intern(call('select', [notEmpty(domain, stream), otherwise, whenEmpty]))
}
const isOneReduction = (e: Expr, value: Expr): boolean =>
  value === e && value.kind === 'reduce' && value.op !== 'mean' && value.op !== 'logsumexp'

const notEmpty = (domain: Expr | undefined, stream: string): Expr =>
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

function overNothing(e: Expr, domain: Expr | undefined, stream: string, names: Interner): Expr {
  const replaced = rewrite(e, (x) =>
    x.kind === 'reduce' && x.over.includes(stream) && x.domain === domain
      ? identity(x.op, x.type)
      : fold(foldNumbers(x)),
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

// References

/** Every reduction over the stream that occurs in pulled sums, inner ones included. */
const basesOf = (exprs: readonly Expr[], stream: string): readonly Reduce[] =>
  nodesOf(...exprs).filter((e): e is Reduce => e.kind === 'reduce' && e.over.includes(stream))

function chooseShifts(
  trial: readonly Expr[],
  puller: Puller,
  bodies: Puller,
  stream: string,
  facts: Facts,
  guarded: GuardedForms,
) {
  const { names } = facts
  const bases = basesOf(trial, stream)
  const shifts: Shift[] = []
  const propose: Propose = (x, kind, domain, onlyAt = false) => {
    const known = shifts.find((s) => s.x === x)
    if (known)
      return known.kind === kind && known.domain === domain
        ? undefined
        : { why: 'one expression would need two references', at: x }
    const n = shifts.length
    const axes = withoutAxes(unionAxes(x.axes, domain?.axes ?? []), [stream])
    shifts.push({
      x,
      kind,
      domain,
      difference: names.intern(bound(`y${n}`, 'f32', unionAxes(x.axes, axes))),
      isAt: names.intern(bound(`at${n}`, 'bool', unionAxes(x.axes, axes))),
      onlyAt,
      reference: names.intern(bound(`r${n}`, 'f32', axes)),
    })
    return undefined
  }
  for (const base of bases) {
    if (base.op !== 'sum') continue
    for (const t of bodies.expand(base.of)) {
      const obstacle = proposeFor(t, base, puller, facts, stream, propose, guarded)
      if (obstacle) return failed(obstacle.why, obstacle.at)
    }
  }
  for (const { x, kind, domain } of puller.extremes) if (!shifts.some((s) => s.x === x)) propose(x, kind, domain, true)
  for (const x of puller.centred) {
    const domain = bases.find((base) => nodesOf(base.of).includes(x))?.domain
    if (!shifts.some((s) => s.x === x)) propose(x, 'mean', domain)
  }
  return { ok: true as const, shifts }
}

type Propose = (x: Expr, kind: Shift['kind'], domain: Expr | undefined, onlyAt?: boolean) => Obstacle | undefined

function proposeFor(
  t: Term,
  base: Reduce,
  puller: Puller,
  facts: Facts,
  stream: string,
  propose: Propose,
  guarded: GuardedForms,
): Obstacle | undefined {
  const divides = puller.divisors.has(base) || puller.divisors.size > 0
  for (const [found, rate] of t.exponent) {
    const x = puller.stuck.get(found) ?? found
    if (!x.axes.includes(stream) || (!puller.stuck.has(found) && puller.hasStatistic(x))) continue
    const [inner, by] = withoutConstantFactor(x)
    const total = rate * by
    if (facts.fitsExp(facts.names.intern(call('mul', [f32(total), guarded.inside(inner)])), divides)) continue
    const obstacle = propose(inner, total > 0 ? 'max' : 'min', base.domain)
    if (obstacle) return obstacle
  }
  for (const [x, p] of t.factors) {
    if (!x.axes.includes(stream) || puller.hasStatistic(x) || facts.fitsPower(x, p, divides)) continue
    if (p < 0) return { why: 'a negative power of an unbounded expression', at: x }
    const obstacle = propose(x, 'largest', base.domain)
    if (obstacle) return obstacle
  }
  return undefined
}
