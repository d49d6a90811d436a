/** What the pieces of a walk are called: state as generated code calls it, elements as the expressions that they are. */
import { type Bound, type Expr, nodesOf, scan } from '../ir.ts'
import { accumulatorName } from '../lower/carried.ts'
import { nameOf as referenceName } from '../lower/transform.ts'
import type { Degree, Pass, Reference, StreamPlan } from '../plan/plan.ts'
import { type Defined, type Definition, define, isWorthAName, type Taken } from './define.ts'
import { type NameOf, type Show, showWith } from './notation.ts'
import { createWritten } from './written.ts'

/** A factor by which the sums in `of` are corrected when their reference moves. */
export interface Factor {
  readonly name: string
  readonly degree: Degree
  readonly of: ReadonlySet<string>
}
export interface Naming {
  readonly stateName: (id: string) => string
  readonly show: Show
  readonly nameOf: NameOf
  /** What a reference is the extreme, or near the mean, of. */
  readonly elementOf: (r: Reference) => string
  readonly factors: (r: Reference) => readonly Factor[]
  /** How far a reference moves, where a moment is taken about it. */
  readonly distance: (r: Reference) => string | undefined
  /** The same where the references of a pass are those after a tile. */
  readonly primed: (pass: Pass) => Naming
  /** Parts of elements that have a name in the walk. */
  readonly elements: readonly Definition[]
}

export function createNaming(plan: StreamPlan, known: NameOf, taken: Taken): Naming {
  const states = nameStates(plan, taken)
  const running = nameRunning(plan, taken)
  const written = createWritten(plan)
  const called: NameOf = (e) => (e.kind === 'bound' ? (states.get(e.id) ?? running.names.get(e.id)) : known(e))
  const { nameOf, definitions } = nameElements(plan, written, called, taken)
  const factors = nameFactors(plan, taken)
  const distances = nameDistances(plan, taken)
  const naming = (finalName: NameOf): Naming => {
    const show: Show = (e, outer) => showWith(finalName)(written(e), outer)
    const isOf = (e: Expr, pass: Pass): e is Bound => e.kind === 'bound' && pass.references.some((r) => r.id === e.id)
    return {
      stateName: (id) => states.get(id) ?? id,
      show,
      nameOf: finalName,
      elementOf: (r) => inParentheses(show(r.of, 0)),
      factors: (r) => factors.get(r.id) ?? [],
      distance: (r) => distances.get(r.id),
      primed: (pass) => naming((e) => (isOf(e, pass) ? `${states.get(e.id)}'` : finalName(e))),
      elements: [...running.definitions((e) => show(e, 0)), ...definitions],
    }
  }
  return naming(nameOf)
}

/** What references are of is called x; what depends on no state and is used twice has a name as well. */
function nameElements({ passes }: StreamPlan, written: (e: Expr) => Expr, called: NameOf, taken: Taken): Defined {
  const own = new Map<Expr, string>()
  for (const r of passes.flatMap((pass) => pass.references)) if (isWorthAName(r.of)) own.set(written(r.of), 'x')
  const ids = new Set(
    passes.flatMap((pass) => [...pass.running, ...pass.references, ...pass.accumulators]).map(({ id }) => id),
  )
  const isState = (e: Expr): boolean => e.kind === 'bound' && ids.has(e.id)
  const pays: typeof isWorthAName = (e, isNamed) => isWorthAName(e, isNamed) && !nodesOf(e).some(isState)
  return define(
    passes.flatMap((pass) => bodiesOf(pass).map(written)),
    called,
    own,
    taken,
    pays,
  )
}

const inParentheses = (text: string): string => (/^[\w.]+$/.test(text) ? text : `(${text})`)

const bodiesOf = (pass: Pass): readonly Expr[] => [
  ...pass.running.map((r) => r.of),
  ...pass.references.map((r) => r.of),
  ...pass.accumulators.map((a) => a.body),
]

function nameStates({ passes }: StreamPlan, taken: Taken): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const pass of passes) {
    for (const r of pass.running) names.set(r.id, taken.fresh(`row_${r.op}`))
    for (const r of pass.references) names.set(r.id, taken.fresh(`row_${referenceName(r)}`))
    for (const a of pass.accumulators) names.set(a.id, taken.fresh(accumulatorName(a)))
  }
  return names
}

/** Names of elements of running sums. */
function nameRunning({ passes }: StreamPlan, taken: Taken) {
  const names = new Map<string, string>()
  const scans: { readonly name: string; readonly expr: Expr }[] = []
  for (const pass of passes) {
    for (const r of pass.running) {
      if (names.has(r.elementId)) continue
      const op = r.op === 'max' ? 'cummax' : pass.direction === 'up' ? 'cumsum' : 'cumsum_back'
      const name = taken.fresh('running')
      names.set(r.elementId, name)
      scans.push({ name, expr: scan(op, pass.stream, r.of, undefined, undefined, !r.inclusive) })
    }
  }
  const definitions = (show: (e: Expr) => string): readonly Definition[] =>
    scans.map(({ name, expr }) => ({ name, axes: expr.axes, formula: show(expr) }))
  return { names, definitions }
}

function nameFactors({ passes }: StreamPlan, taken: Taken): ReadonlyMap<string, readonly Factor[]> {
  const all = passes.flatMap((pass) =>
    pass.references.map((r) => {
      const moved = pass.accumulators.flatMap((a) =>
        a.degrees
          .filter((d) => d.reference === r.id && (d.rate !== 0 || d.power !== 0))
          .map((degree) => ({ a, degree })),
      )
      const kinds = [...new Set(moved.map(({ degree }) => `${degree.rate} ${degree.power}`))]
      const factors = kinds.flatMap((kind): readonly Factor[] => {
        const own = moved.filter(({ degree: d }) => `${d.rate} ${d.power}` === kind)
        const [first] = own
        return first ? [{ name: taken.fresh('f'), degree: first.degree, of: new Set(own.map(({ a }) => a.id)) }] : []
      })
      return [r.id, factors] as const
    }),
  )
  return new Map(all)
}

/** D, for references that a moment is taken about. */
function nameDistances({ passes }: StreamPlan, taken: Taken): ReadonlyMap<string, string> {
  const all = passes.flatMap((pass) => {
    const moments = new Set(
      pass.accumulators.flatMap((a) => a.degrees.filter((d) => d.moment > 0)).map((d) => d.reference),
    )
    return pass.references.filter((r) => moments.has(r.id))
  })
  return new Map(all.map((r) => [r.id, taken.fresh('D')]))
}
