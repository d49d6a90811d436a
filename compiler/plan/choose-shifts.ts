/** Which references a walk keeps: for exponentials and powers in sums that could leave the range of the accumulator. */
import { bound, call, type Expr, f32, nodesOf, type Reduce, unionAxes, withoutAxes } from '../ir.ts'
import type { Term } from './algebra.ts'
import type { Facts } from './derive.ts'
import type { Extreme } from './extremes.ts'
import type { GuardedForms } from './guarded.ts'
import type { Interner } from './intern.ts'
import type { Obstacle } from './plan.ts'
import type { Puller } from './pull.ts'
import { type Shift, withoutConstantFactor } from './pull-scope.ts'

export interface Pulled {
  readonly exprs: readonly Expr[]
  readonly puller: Puller // which has pulled them
  readonly bodies: Puller // shows what of their sums is in guarded form
  readonly guarded: GuardedForms
}
type Chosen =
  | { readonly ok: true; readonly shifts: readonly Shift[] }
  | { readonly ok: false; readonly obstacle: Obstacle }

/** Every statistic that occurs in pulled sums, inner ones included. */
export const basesOf = (exprs: readonly Expr[], { isStatistic }: Puller): readonly Reduce[] =>
  nodesOf(...exprs).filter((e) => isStatistic(e))

export function chooseShifts(pulled: Pulled, facts: Facts): Chosen {
  const { puller, bodies } = pulled
  const bases = basesOf(pulled.exprs, puller)
  const shifts: Shift[] = []
  const isKnown = (x: Expr): boolean => shifts.some((s) => s.x === x)
  for (const base of bases) {
    const terms = base.op === 'sum' ? bodies.expand(base.of) : []
    for (const found of terms.flatMap((t) => [
      ...exponentsOf(t, base, pulled, facts),
      ...powersOf(t, base, pulled, facts),
    ])) {
      if (found.kind === undefined) return refused('a negative power of an unbounded expression', found.x, keepAway)
      const known = shifts.find((s) => s.x === found.x)
      if (known && (known.kind !== found.kind || known.domain !== found.domain))
        return refused('one expression would need two references', found.x)
      if (!known) shifts.push(shiftFor(found, found.kind, shifts.length, facts.names))
    }
  }
  const add = (found: Wanted, kind: Shift['kind'], onlyAt: boolean): void => {
    if (!isKnown(found.x)) shifts.push({ ...shiftFor(found, kind, shifts.length, facts.names), onlyAt })
  }
  for (const extreme of puller.extremes) add(extreme, extreme.kind, true)
  for (const x of puller.centred) {
    const base = bases.find(({ of }) => nodesOf(of).includes(x))
    if (base) add({ x, domain: base.domain, stream: streamOf(base) }, 'mean', false)
  }
  return { ok: true, shifts }
}

const refused = (why: string, at: Expr, change?: string): Chosen => ({ ok: false, obstacle: { why, at, change } })
const keepAway = 'keep it away from 0 and from infinity, as 1 + x ^ 2 does for a score x, or declare a range'
const streamOf = (base: Reduce): string => base.over[0] as string

type Wanted = Pick<Extreme, 'x' | 'domain' | 'stream'>
interface Found extends Wanted {
  readonly kind: Shift['kind'] | undefined // undefined: none is known
}

function shiftFor({ x, domain, stream }: Wanted, kind: Shift['kind'], n: number, names: Interner): Shift {
  const axes = withoutAxes(unionAxes(x.axes, domain?.axes ?? []), [stream])
  return {
    x,
    kind,
    domain,
    stream,
    difference: names.intern(bound(`y${n}`, 'f32', unionAxes(x.axes, axes))),
    isAt: names.intern(bound(`at${n}`, 'bool', unionAxes(x.axes, axes))),
    onlyAt: false,
    reference: names.intern(bound(`r${n}`, 'f32', axes)),
  }
}

const divides = (base: Reduce, { puller }: Pulled): boolean => puller.divisors.has(base) || puller.divisors.size > 0

function exponentsOf(t: Term, base: Reduce, pulled: Pulled, { names, fitsExp }: Facts): readonly Found[] {
  const { puller, guarded } = pulled
  const stream = streamOf(base)
  return [...t.exponent].flatMap(([found, rate]) => {
    const x = puller.stuck.get(found) ?? found
    if (!x.axes.includes(stream) || (!puller.stuck.has(found) && puller.hasStatistic(x))) return []
    const [inner, by] = withoutConstantFactor(x)
    const scaled = names.intern(call('mul', [f32(rate * by), guarded.inside(inner)]))
    if (fitsExp(scaled, divides(base, pulled))) return []
    return [{ x: inner, kind: rate * by > 0 ? ('max' as const) : ('min' as const), domain: base.domain, stream }]
  })
}

function powersOf(t: Term, base: Reduce, pulled: Pulled, { fitsPower }: Facts): readonly Found[] {
  const stream = streamOf(base)
  const guards = t.guards.filter(pulled.bodies.isGuard)
  return [...t.factors].flatMap(([x, p]) =>
    !x.axes.includes(stream) || pulled.puller.hasStatistic(x) || fitsPower(x, p, divides(base, pulled))
      ? []
      : [
          {
            x: pulled.guarded.ofBase(x, guards),
            kind: p < 0 ? undefined : ('largest' as const),
            domain: base.domain,
            stream,
          },
        ],
  )
}
