/** Elements of a walk with what their names stand for: differences from a reference, and whether they are the reference. */
import { bound, call, type Expr, mapChildren } from '../ir.ts'
import type { Reference, StreamPlan } from '../plan/plan.ts'

/** The same expression gives the same object. */
export function createWritten({ passes }: StreamPlan): (e: Expr) => Expr {
  const meanings = new Map(passes.flatMap((pass) => pass.references.flatMap(meaningsOf)))
  const done = new Map<Expr, Expr>()
  const visit = (e: Expr): Expr => {
    const meaning = e.kind === 'bound' ? meanings.get(e.id) : undefined
    const out = done.get(e) ?? (meaning ? visit(meaning) : mapChildren(e, visit))
    done.set(e, out)
    return out
  }
  return visit
}

function meaningsOf(r: Reference): readonly (readonly [string, Expr])[] {
  const reference = bound(r.id, 'f32', r.of.axes)
  return [
    [r.differenceId, call(r.kind === 'largest' ? 'div' : 'sub', [r.of, reference])],
    [r.isAtId, call('eq', [r.of, reference])],
  ]
}
