/**
 * The state of one pass: what each piece is, its value before anything came, what a tile makes of it and how the states of two parts
 * of a row become one. The formulas are those of `lower/transform.ts`, written for people.
 */
import { type Expr, unionAxes, withoutAxes } from '../ir.ts'
import type { Accumulator, Degree, Pass, Reference, Running, StreamPlan } from '../plan/plan.ts'
import type { Line } from './layout.ts'
import type { Naming } from './naming.ts'
import { numberText, writeFold } from './notation.ts'

export interface StateRow {
  readonly name: string
  readonly axes: readonly string[] // beside those of the row
  readonly is: string
  readonly empty: string
}

/** What the state of a pass is. */
export function stateRows(pass: Pass, plan: StreamPlan, naming: Naming): readonly StateRow[] {
  const row = (id: string, e: Expr, is: string, empty: string): StateRow => ({
    name: naming.stateName(id),
    axes: withoutAxes(unionAxes(e.axes), ['b', 'h', plan.row, pass.stream]),
    is,
    empty,
  })
  return [
    ...pass.running.map((r) => row(r.id, r.of, runningText(r, pass, naming), r.op === 'sum' ? '0' : '-∞')),
    ...pass.references.map((r) => row(r.id, r.of, referenceText(r, pass, naming), firstReference(r))),
    ...pass.accumulators.map((a) => row(a.id, a.body, foldText(a, pass.stream, a.body, naming), emptyOf(a))),
  ]
}

const runningText = (r: Running, { stream }: Pass, naming: Naming): string =>
  writeFold(`${r.op === 'sum' ? 'Σ' : 'max'}_${stream}`, r.of, r.op === 'sum', 0, naming.show)

function referenceText(r: Reference, { stream }: Pass, naming: Naming): string {
  const x = naming.elementOf(r)
  switch (r.kind) {
    case 'max':
    case 'min':
      return `${r.kind}_${stream} ${x}`
    case 'largest':
      return `max_${stream} |${x}|`
    case 'mean':
      return `a number near the mean of ${x}`
  }
}
const firstReference = ({ kind }: Reference): string => (kind === 'max' ? '-∞' : kind === 'min' ? '∞' : '0')

const identities: Readonly<Record<Accumulator['op'], string>> = {
  sum: '0',
  count: '0',
  max: numberText(-Infinity),
  min: numberText(Infinity),
  any: 'false',
  all: 'true',
}
const emptyOf = (a: Accumulator): string => identities[a.op]

/** `Σ_j exp(score - row_max) · v`; over a tile, `over` is T. */
export function foldText(a: Accumulator, over: string, body: Expr, naming: Naming): string {
  const isAny = body.kind === 'const' && body.value === true
  if (isAny && a.op === 'any') return over === 'T' ? 'T has a place' : `whether any ${over} counts`
  if (isAny && a.op === 'count') return over === 'T' ? 'places of T' : `how many ${over} count`
  const sign = a.op === 'sum' ? 'Σ' : a.op
  return writeFold(`${sign}_${over}`, body, a.op === 'sum', 0, naming.show)
}

/** What a tile T of the stream does, line by line; `'` marks what is after it. */
export function stepLines(pass: Pass, naming: Naming): readonly Line[] {
  const after = naming.primed(pass)
  return [
    ...pass.running.map((r) => runningStep(r, naming)),
    ...pass.references.flatMap((r) => referenceStep(r, pass, naming)),
    ...factorLines(pass, naming, (r) => [naming.stateName(r.id), `${naming.stateName(r.id)}'`], ''),
    ...pass.accumulators.map((a) => accumulatorStep(a, pass, naming, after)),
  ]
}

function runningStep(r: Running, naming: Naming): Line {
  const name = naming.stateName(r.id)
  const tile = writeFold(r.op === 'sum' ? 'Σ_T' : 'max_T', r.of, r.op === 'sum', 0, naming.show)
  return { name: `${name}'`, formula: r.op === 'sum' ? `${name} + ${tile}` : `max(${name}, ${tile})` }
}

function referenceStep(r: Reference, pass: Pass, naming: Naming): readonly Line[] {
  const [name, x] = [naming.stateName(r.id), naming.elementOf(r)]
  switch (r.kind) {
    case 'max':
    case 'min':
      return [{ name: `${name}'`, formula: `${r.kind}(${name}, ${r.kind}_T ${x})` }]
    case 'largest':
      return [{ name: `${name}'`, formula: `max(${name}, max_T |${x}|)` }]
    case 'mean': {
      const [n, first] = [naming.stateName(r.countId ?? ''), naming.stateName(r.firstId ?? '')]
      const mean = `${name} + ${first} / ${n}`
      const isPart = pass.accumulators.some((a) => a.id === r.countId)
      const start = `mean_T ${x} in the first tile`
      return [{ name: `${name}'`, formula: isPart ? `${start}; ${mean} once 1/8 deviation off; else ${name}` : start }]
    }
  }
}

// How state follows its reference

type Ends = (r: Reference) => readonly [old: string, next: string]

/** The factors by which sums are corrected, one line each: `f = exp(row_max - row_max')`. */
function factorLines(pass: Pass, naming: Naming, ends: Ends, of: string): readonly Line[] {
  return pass.references.flatMap((r) => {
    const [old, next] = ends(r)
    const by = `${old} - ${next}`
    const start = r.kind === 'mean' ? '' : `, 0 where ${old} is ${firstReference(r)}`
    const distance = naming.distance(r)
    return [
      ...(distance === undefined ? [] : [{ name: distance + of, formula: by + start }]),
      ...naming
        .factors(r)
        .map(({ name, degree }) => ({ name: name + of, formula: factorText(r, degree, old, next) + start })),
    ]
  })
}
function factorText(r: Reference, { rate, power }: Degree, old: string, next: string): string {
  if (r.kind === 'largest') return `(${old} / ${next})^${numberText(power)}`
  return rate === 1 ? `exp(${old} - ${next})` : `exp(${numberText(rate)} · (${old} - ${next}))`
}

/** An accumulator at its new reference: `acc · f`, `total2 + D · total`. `state` says whose: before a tile, or of a part. */
function corrected(a: Accumulator, pass: Pass, naming: Naming, state: (id: string) => string, of: string): string {
  const moment = a.degrees.find((d) => d.moment > 0)
  const owner = moment && pass.references.find((r) => r.id === moment.reference)
  const lower = moment?.lower ?? []
  const moved = lower.map((id, b) => {
    const [power, times] = [lower.length - b, choose(lower.length, b)]
    const d = owner ? `${naming.distance(owner)}${of}${power > 1 ? `^${power}` : ''}` : ''
    return `${times === 1 ? '' : `${times} · `}${d} · ${state(id)}`
  })
  const sum = [state(a.id), ...moved.toReversed()].join(' + ')
  const factors = pass.references.flatMap((r) =>
    naming
      .factors(r)
      .filter((f) => f.of.has(a.id))
      .map((f) => f.name + of),
  )
  return factors.length === 0 ? sum : [...factors, moved.length > 0 ? `(${sum})` : sum].join(' · ')
}
const choose = (m: number, b: number): number => (b === 0 || b === m ? 1 : choose(m - 1, b - 1) + choose(m - 1, b))

/** The reference at whose value alone elements count: nothing is left of them when it moves. */
const heldTo = (a: Accumulator, pass: Pass): Reference | undefined =>
  pass.references.find((r) => a.degrees.some((d) => d.reference === r.id && d.isAt))

function accumulatorStep(a: Accumulator, pass: Pass, naming: Naming, after: Naming): Line {
  const name = naming.stateName(a.id)
  const tile = foldText(a, 'T', a.body, after)
  const at = heldTo(a, pass)
  const own = corrected(a, pass, naming, naming.stateName, '')
  const kept = at ? `(${own} if ${naming.stateName(at.id)}' is ${naming.stateName(at.id)}, else ${emptyOf(a)})` : own
  return { name: `${name}'`, formula: joined(a, kept, tile) }
}

function joined(a: Accumulator, left: string, right: string): string {
  switch (a.op) {
    case 'sum':
    case 'count':
      return `${left} + ${right}`
    case 'max':
    case 'min':
      return `${a.op}(${left}, ${right})`
    case 'any':
      return `${left} or ${right}`
    case 'all':
      return `${left} and ${right}`
  }
}

// Merging

/** The state of a row from the states of two parts of it, A before B. */
export function mergeLines(pass: Pass, naming: Naming): readonly Line[] {
  const part = (which: string) => (id: string) => `${which}.${naming.stateName(id)}`
  const ends: Ends = (r) => [part('P')(r.id), naming.stateName(r.id)]
  return [
    ...pass.running.map((r) => ({ name: naming.stateName(r.id), formula: `${part('A')(r.id)} + ${part('B')(r.id)}` })),
    ...pass.references.map((r) => ({ name: naming.stateName(r.id), formula: mergedReference(r, naming) })),
    ...factorLines(pass, naming, ends, '(P)'),
    ...pass.accumulators.map((a) => {
      const side = (which: 'A' | 'B'): string => {
        const own = corrected(a, pass, naming, part(which), `(${which})`)
        const at = heldTo(a, pass)
        const followed = follow(a, which, pass, naming)
        const whole = followed === '' ? own : `${followed} · ${own.includes(' + ') ? `(${own})` : own}`
        return at ? `(${whole} if ${part(which)(at.id)} is ${naming.stateName(at.id)}, else ${emptyOf(a)})` : whole
      }
      return { name: naming.stateName(a.id), formula: joined(a, side('A'), side('B')) }
    }),
  ]
}

function mergedReference(r: Reference, naming: Naming): string {
  const name = naming.stateName(r.id)
  if (r.kind === 'mean') return `A.${name}, or B.${name} where A is empty`
  return `${r.kind === 'min' ? 'min' : 'max'}(A.${name}, B.${name})`
}

/** Sums of the part that the walk reaches later grow by the running sum over the other part. */
function follow(a: Accumulator, which: 'A' | 'B', pass: Pass, naming: Naming): string {
  const [later, earlier] = pass.direction === 'up' ? ['B', 'A'] : ['A', 'B']
  if (which !== later) return ''
  return pass.running
    .flatMap((r) =>
      a.degrees
        .filter((d) => d.reference === r.id && d.rate !== 0)
        .map(({ rate }) => {
          const sum = `${earlier}.${naming.stateName(r.id)}`
          return `exp(${rate === 1 ? sum : rate === -1 ? `-${sum}` : `${numberText(rate)} · ${sum}`})`
        }),
    )
    .join(' · ')
}

/** Whether and how a row may be split, in words. */
export function splitText(pass: Pass): string {
  if (!pass.merges)
    return 'A row cannot be split: what a place adds depends on the running value before it, and not by a factor.'
  return pass.running.length > 0
    ? 'Parts A and B of a row, A before B, are merged in their order:'
    : 'Parts A and B of a row are merged in any order:'
}
