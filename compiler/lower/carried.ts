/** The carried values of a pass: names, types and first values of its references and accumulators. */
import { type Expr, unionAxes, withoutAxes } from '../ir.ts'
import { type Carried, type KernelExpr, kernelCall, kernelConst, type Value } from '../kernel.ts'
import type { Accumulator, Pass } from '../plan/plan.ts'
import { foldWith, identityFor } from './forms.ts'
import type { Lowering } from './lowering.ts'
import { nameOf, type State } from './transform.ts'

/** The axes of a fold over the stream: those of its body and of its domain, without the stream. */
export const rowAxes = (e: Expr, pass: Pass): readonly string[] =>
  withoutAxes(unionAxes(e.axes, pass.domain?.axes ?? []), [pass.stream])
export const stateOf = (pass: Pass, value: (id: string) => KernelExpr): State => ({
  value,
  number: (id) =>
    pass.accumulators.find((a) => a.id === id)?.op === 'count' ? kernelCall('float', value(id)) : value(id),
})
/** A value for each reference and accumulator of a pass, by id, in the order of the plan. */
export function holdState(pass: Pass, lowering: Lowering, prefix = ''): ReadonlyMap<string, Value> {
  const hold = (base: string, type: Value['type'], e: Expr): Value =>
    lowering.define(lowering.newValue(prefix + base, type, rowAxes(e, pass), e))
  return new Map([
    ...pass.running.map((r) => [r.id, hold(`row_${r.op}`, r.of.type, r.of)] as const),
    ...pass.references.map((r) => [r.id, hold(`row_${nameOf(r)}`, 'f32', r.of)] as const),
    ...pass.accumulators.map((a) => [a.id, hold(accumulatorName(a), typeOf(a), a.body)] as const),
  ])
}
/** `before` folded with what a tile or another state adds. */
export function addTo(
  a: Accumulator,
  before: KernelExpr,
  more: KernelExpr,
  axes: readonly string[],
  lowering: Lowering,
): Value {
  const to = lowering.define(lowering.newValue('next', typeOf(a), axes))
  lowering.emit({
    kind: 'map',
    to,
    expr: a.op === 'count' ? kernelCall('add', before, more) : foldWith(a.op, before, more),
  })
  return to
}
export const carry = (
  pass: Pass,
  held: ReadonlyMap<string, Value>,
  next: ReadonlyMap<string, string>,
): readonly Carried[] =>
  [...held].map(([id, value]) => ({ value, initial: initialOf(id, pass, value), next: next.get(id) as string }))

export const typeOf = (a: Accumulator): Value['type'] =>
  a.op === 'any' || a.op === 'all' ? 'bool' : a.op === 'count' ? 'i32' : a.body.type === 'bool' ? 'i32' : a.body.type
export const accumulatorName = (a: Accumulator): string =>
  a.op === 'sum' ? (a.body.axes.some((axis) => axis === 'e' || axis === 'd') ? 'acc' : 'total') : a.op
function initialOf(id: string, pass: Pass, value: Value): KernelExpr {
  const r = pass.references.find((x) => x.id === id)
  const sum = pass.running.find((x) => x.id === id)
  if (sum) return identityFor(sum.op, value.type)
  if (r) return kernelConst(r.kind === 'max' ? -Infinity : r.kind === 'min' ? Infinity : 0, 'f32')
  return identityFor(pass.accumulators.find((x) => x.id === id)?.op ?? 'sum', value.type)
}
