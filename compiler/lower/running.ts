/** Running folds along a walk: what came before the tile, and the fold within it. */
import { type Expr, unionAxes } from '../ir.ts'
import { type KernelExpr, kernelCall, type Value, valueRef } from '../kernel.ts'
import type { Pass, Running } from '../plan/plan.ts'
import { rowAxes } from './carried.ts'
import type { Lowering } from './lowering.ts'

export interface RunningStep {
  /** Over all places up to the end of this tile. */
  readonly next: Value
  readonly element: KernelExpr
}

export function stepRunning(
  r: Running,
  before: KernelExpr,
  where: string | undefined,
  pass: Pass,
  lowering: Lowering,
): RunningStep {
  const { type } = r.of
  const axes = rowAxes(r.of, pass)
  const pairAxes = unionAxes(axes, [pass.stream])
  const fold = (x: KernelExpr, y: KernelExpr): KernelExpr => kernelCall(r.op === 'sum' ? 'add' : 'max', x, y)
  const of = lowering.lowerToValue(spreadOver(r.of, pairAxes), 'summand')
  const inTile = lowering.define(lowering.newValue('in_tile', type, pairAxes))
  const { op, inclusive } = r
  lowering.emit({
    kind: 'prefix',
    to: inTile,
    of: of.name,
    along: pass.stream,
    op,
    direction: pass.direction,
    inclusive,
    where,
  })
  const element = lowering.define(lowering.newValue('running', type, pairAxes))
  lowering.emit({ kind: 'map', to: element, expr: fold(before, valueRef(inTile)) })
  const total = lowering.define(lowering.newValue(`tile_${op}`, type, axes))
  lowering.emit({ kind: 'reduce', to: total, of: valueRef(of), over: pass.stream, op, where })
  const next = lowering.define(lowering.newValue('walked', type, axes))
  lowering.emit({ kind: 'map', to: next, expr: fold(before, valueRef(total)) })
  return { next, element: valueRef(element) }
}

const spreadOver = (e: Expr, axes: readonly string[]): Expr =>
  axes.every((axis) => e.axes.includes(axis))
    ? e
    : { kind: 'spread', of: e, type: e.type, axes: unionAxes(e.axes, axes), span: e.span }
