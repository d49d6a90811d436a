/** How each part of a plan computes what it does, with the reasons for what could not be one walk or one pass. */
import type { ResultDecl } from '../attention.ts'
import { elementary } from '../elementary.ts'
import { children, constant, type Expr, nodesOf, rewrite } from '../ir.ts'
import type { Planned } from '../plan/make-plan.ts'
import type { Obstacle, Part, Pass, Plan, Refused, RoundsPlan, StreamPlan } from '../plan/plan.ts'
import { createTaken, type Definition, define } from './define.ts'
import { type Line, titled } from './layout.ts'
import { namesOf } from './mathematics.ts'
import { createNaming, type Naming } from './naming.ts'
import { type NameOf, notate, refer } from './notation.ts'
import { type Place, placesOf } from './places.ts'
import { mergeLines, type StateRow, splitText, stateRows, stepLines } from './state.ts'

export type ExplainedPart = ExplainedWalk | ExplainedElements | ExplainedRounds | ExplainedMaterialised

export interface ExplainedWalk {
  readonly kind: 'stream'
  readonly row: string
  readonly streams: readonly string[] // what passes by: mostly one axis
  readonly elements: readonly Definition[]
  readonly passes: readonly ExplainedPass[]
  readonly finish: readonly Finish[]
  readonly kept: readonly string[] // results that are there for later parts only
  readonly needs: readonly Reason[] // why what it computes is not computed where it is read
  readonly refused: Refused | null
}
export interface ExplainedPass {
  readonly stream: string // the axis that passes by
  readonly direction: 'up' | 'down'
  readonly where: string | null
  readonly state: readonly StateRow[]
  readonly step: readonly Line[]
  readonly splits: boolean
  readonly split: string
  readonly merge: readonly Line[]
  readonly waits: readonly Reason[]
}
export interface Finish {
  readonly name: string
  readonly axes: readonly string[]
  readonly where: readonly Definition[]
  readonly cases: readonly Case[]
  readonly empty: string
}
/** `condition` null: otherwise. */
export interface Case {
  readonly condition: string | null
  readonly formula: string
}
export interface Reason {
  readonly of: readonly string[]
  readonly on: readonly string[]
  readonly why: string
  readonly change: string | null // what could be written instead
  readonly places: readonly Place[]
}
export interface ExplainedElements {
  readonly kind: 'vector'
  readonly results: readonly Line[]
  readonly needs: readonly Reason[]
}
export interface ExplainedRounds {
  readonly kind: 'rounds'
  readonly count: string
  readonly parts: readonly ExplainedPart[]
  readonly become: readonly { readonly to: string; readonly from: string }[]
}
export interface ExplainedMaterialised {
  readonly kind: 'materialised'
  readonly results: readonly Line[]
  readonly reason: Reason
  readonly expression: string | null
  readonly needs: readonly Reason[]
}

export function explainParts(planned: Planned, plan: Plan): readonly ExplainedPart[] {
  const names = planned.named()
  const known: NameOf = (e) => (children(e).length > 0 ? names.get(e) : undefined)
  const { reason, needsOf } = createReasons(plan)
  const written = (results: readonly ResultDecl[]): readonly Line[] =>
    results.map((result) => ({ name: titled(result), formula: notate(planned.exprs.get(result) as Expr, known) }))
  const explainPart = (part: Part): ExplainedPart => {
    switch (part.kind) {
      case 'stream':
        return { ...explainWalk(part, known, planned, reason), needs: needsOf(part.results.map((r) => r.result)) }
      case 'vector':
        return { kind: 'vector', results: written(part.results), needs: needsOf(part.results) }
      case 'rounds':
        return explainRounds(part, known, explainPart)
      case 'materialised': {
        const { results, reason: obstacle } = part
        const of = results.map(({ name }) => name)
        const expression = obstacle.at ? refer(obstacle.at, known) : null
        const [why, needs] = [{ ...reason('', [], obstacle), of }, needsOf(results)]
        return { kind: 'materialised', results: written(results), reason: why, expression, needs }
      }
    }
  }
  return plan.parts.map(explainPart)
}

/** Reasons with places in the source; those for what a round computes are those for what it becomes. */
function createReasons({ attention, parts, needs }: Plan) {
  const inRounds = new Set(roundsIn(parts).flatMap((part) => part.become.map(({ from }) => from.name)))
  const reason: MakeReason = (of, on, { why, at, change }) => ({
    of: [of],
    on,
    why,
    change: change ?? null,
    places: placesOf(at, attention),
  })
  const needsOf = (results: readonly ResultDecl[]): readonly Reason[] =>
    grouped(
      results.flatMap(({ name }) => {
        const need = inRounds.has(name) ? undefined : needs.get(name)
        return need ? [reason(name, [], need)] : []
      }),
    )
  return { reason, needsOf }
}

const roundsIn = (parts: readonly Part[]): readonly RoundsPlan[] =>
  parts.flatMap((part) => (part.kind === 'rounds' ? [part, ...roundsIn(part.parts)] : []))

const explainRounds = (
  part: RoundsPlan,
  known: NameOf,
  explainPart: (part: Part) => ExplainedPart,
): ExplainedRounds => ({
  kind: 'rounds',
  count: refer(part.count, known),
  parts: part.parts.map(explainPart),
  become: part.become.map(({ to, from }) => ({ to: to.name, from: from.name })),
})

type MakeReason = (of: string, on: readonly string[], obstacle: Obstacle) => Reason

function explainWalk(plan: StreamPlan, known: NameOf, planned: Planned, reason: MakeReason): ExplainedWalk {
  const { row } = plan
  const buffers = planned.kept.map(({ name }) => name)
  const names = [...new Set(planned.named().values()), ...namesOf(planned.attention), ...buffers]
  const naming = createNaming(plan, known, createTaken(names))
  return {
    kind: 'stream',
    row,
    streams: [...new Set(plan.passes.map((pass) => pass.stream))],
    elements: naming.elements,
    passes: plan.passes.map((pass) => explainPass(pass, plan, naming, reason)),
    finish: plan.results.map(({ result, finish, empty }) => ({
      name: result.name,
      axes: result.axes,
      ...finishOf(rewrite(finish, foldNumbers), naming, names),
      empty: naming.show(rewrite(empty, foldNumbers), 0),
    })),
    kept: plan.results.map(({ result }) => result.name).filter((name) => buffers.includes(name)),
    needs: [],
    refused: plan.refused ?? null,
  }
}

const explainPass = (pass: Pass, plan: StreamPlan, naming: Naming, reason: MakeReason): ExplainedPass => ({
  stream: pass.stream,
  direction: pass.direction,
  where: pass.domain ? naming.show(pass.domain, 0) : null,
  state: stateRows(pass, plan, naming),
  step: stepLines(pass, naming),
  splits: pass.merges,
  split: splitText(pass),
  merge: pass.merges ? mergeLines(pass, naming) : [],
  waits: grouped(
    pass.waits.map(({ id, on, reason: why }) => reason(naming.stateName(id), on.map(naming.stateName), why)),
  ),
})

/** What follows from numbers alone. */
function foldNumbers(e: Expr): Expr {
  if (e.kind !== 'call') return e
  const [condition, yes, no] = e.args
  if (e.op === 'select' && condition?.kind === 'const') return (condition.value ? yes : no) ?? e
  if (e.op === 'select' && yes?.kind === 'const' && no?.kind === 'const' && yes.value === no.value) return yes
  if (e.op === 'random' || !e.args.every((arg) => arg.kind === 'const')) return e
  const types = e.args.map((arg) => arg.type)
  const [x = 0, y = 0, z = 0] = e.args.map((arg) => (arg.kind === 'const' ? Number(arg.value) : 0))
  const value = elementary(e.op, types)(x, y, z)
  return constant(e.type === 'bool' ? value !== 0 : value, e.type, e.span)
}

/** The cases of a result: a choice at its top, as that between rows with and without places, is shown as one. */
function finishOf(finish: Expr, naming: Naming, names: readonly string[]): Pick<Finish, 'where' | 'cases'> {
  const states = new Set(nodesOf(finish).flatMap((e) => (e.kind === 'bound' ? [naming.stateName(e.id)] : [])))
  const taken = createTaken([...names, ...states])
  const { nameOf, definitions } = define(
    casesOf(finish).flatMap((one) => one.filter((e) => e !== undefined)),
    naming.nameOf,
    new Map(),
    taken,
  )
  const cases = casesOf(finish).map(([value, condition]) => ({
    condition: condition ? refer(condition, nameOf) : null,
    formula: refer(value, nameOf),
  }))
  return { where: definitions, cases }
}
function casesOf(e: Expr): readonly (readonly [value: Expr, condition?: Expr])[] {
  const [condition, yes, no] = e.kind === 'call' && e.op === 'select' ? e.args : []
  return condition && yes && no ? [[yes, condition], ...casesOf(no)] : [[e]]
}

/** Reasons that differ in what they are of are one, places in the library are put together. */
function grouped(all: readonly Reason[]): readonly Reason[] {
  const found = new Map<string, Reason>()
  for (const one of all) {
    const key = JSON.stringify([one.on, one.why, one.places[0]])
    const known = found.get(key)
    const more = one.places.filter(
      (place) => !known?.places.some((other) => JSON.stringify(other) === JSON.stringify(place)),
    )
    found.set(key, known ? { ...known, of: [...known.of, ...one.of], places: [...known.places, ...more] } : one)
  }
  return [...found.values()]
}
