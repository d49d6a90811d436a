/** What one tile adds to an accumulator. */
import { type Expr, unionAxes } from '../ir.ts'
import { type KernelExpr, kernelCall, kernelConst, valueRef } from '../kernel.ts'
import { conjunction } from '../plan/algebra.ts'
import type { Accumulator, Pass } from '../plan/plan.ts'
import { typeOf } from './carried.ts'
import { factorsOf, multiply } from './forms.ts'
import type { Lowering } from './lowering.ts'
import { NotLowered } from './scopes.ts'

export function emitMask(domain: Expr, full: string | undefined, lowering: Lowering): string {
  const expr = lowering.lower(domain)
  const to = lowering.define(lowering.newValue('admitted', 'bool', domain.axes))
  lowering.emit({ kind: 'mask', to, expr, full })
  return to.name
}

/** What a tile adds: a contraction where the body is a weight per pair times a value per feature, else a fold of the elements. */
export function contribution(
  a: Accumulator,
  row: string,
  { stream, domain }: Pass,
  where: string | undefined,
  axes: readonly string[],
  lowering: Lowering,
): KernelExpr {
  const features =
    a.op === 'sum'
      ? a.body.axes.filter(
          (axis) =>
            axis !== row && axis !== stream && !lowering.resident.has(axis) && lowering.valueAxes([axis]).length > 0,
        )
      : []
  if (features.length === 0) {
    const of = lowering.lower(a.body)
    const to = lowering.define(lowering.newValue(`tile_${a.op}`, typeOf(a), axes))
    lowering.emit({ kind: 'reduce', to, of, over: stream, op: a.op, where })
    return valueRef(to)
  }
  const { body, conditions } = unguarded(a.body)
  const factors = factorsOf(body)
  const hasFeature = (f: Expr): boolean => features.some((x) => f.axes.includes(x))
  const after = factors.filter((f) => f.kind !== 'const' && !f.axes.includes(stream))
  const values = factors.filter((f) => f.axes.includes(stream) && hasFeature(f))
  const weights = factors.filter((f) => !after.includes(f) && !values.includes(f))
  if (values.length === 0 || values.some((f) => f.axes.includes(row)))
    throw new NotLowered(
      'a value that varies over rows, keys and features at once',
      a.body,
      'make it a product of a weight without features and a value without rows',
    )
  const left = lowering.lowerToValue(pairOf(multiply(weights), axes, row, stream), 'weight')
  const right = lowering.lowerToValue(multiply(values), 'values')
  const own = axes.filter((axis) => axis === row || [...weights, ...values].some((f) => f.axes.includes(axis)))
  const to = lowering.define(lowering.newValue('product', 'f32', own))
  const inside =
    conditions.length > 0
      ? emitMask(conjunction([...(domain ? [domain] : []), ...conditions]), undefined, lowering)
      : where
  lowering.emit({ kind: 'contract', to, left: left.name, right: right.name, over: stream, where: inside })
  if (after.length === 0) return valueRef(to)
  // No place in this tile: 0, also where the row's factor is infinite.
  const zero = kernelConst(0, 'f32')
  const isNothing = kernelCall('eq', valueRef(to), zero)
  return kernelCall('select', isNothing, zero, kernelCall('mul', valueRef(to), lowering.lower(multiply(after))))
}
/** A weight of a contraction varies over both of its token axes, whatever its expression. */
function pairOf(weight: Expr, axes: readonly string[], row: string, stream: string): Expr {
  const all = unionAxes(weight.axes, [stream], axes.includes(row) ? [row] : [])
  return all.length === weight.axes.length
    ? weight
    : { kind: 'spread', of: weight, type: weight.type, axes: all, span: weight.span }
}

/** `if c then x else 0` as x and the condition c: a place where c is false contributes nothing, so c is part of the domain. */
function unguarded(e: Expr): { readonly body: Expr; readonly conditions: readonly Expr[] } {
  if (e.kind === 'spread') return unguarded(e.of)
  const [c, x, y] = e.kind === 'call' && e.op === 'select' ? e.args : []
  if (!c || !x || y?.kind !== 'const' || y.value !== 0) return { body: e, conditions: [] }
  const inner = unguarded(x)
  return { body: inner.body, conditions: [c, ...inner.conditions] }
}
