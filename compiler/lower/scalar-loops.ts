/** Scans and solutions as loops of scalar code, in a kernel that computes one element at a time. */
import type { Scan, Solve } from '../ir.ts'
import { indexRef, type KernelExpr, kernelCall, kernelConst, type Statement, type Value, valueRef } from '../kernel.ts'
import { identityFor } from './forms.ts'
import type { Lowering } from './lowering.ts'
import type { Scope } from './scopes.ts'

/** A buffer that keeps a value. */
export interface Kept {
  readonly buffer: string
  readonly axes: readonly string[]
}
const solveRounds = 64

export function store(to: Kept, value: KernelExpr, lowering: Lowering): void {
  lowering.emit({
    kind: 'store',
    buffer: to.buffer,
    index: Object.fromEntries(to.axes.map((axis) => [axis, indexRef(axis)])),
    value,
    axes: [],
  })
}

export function lowerScan(e: Scan, to: Kept, lowering: Lowering): void {
  const op = e.op === 'cummax' ? 'max' : 'sum'
  const held: Value = { name: lowering.fresh('running'), type: e.type, axes: [] }
  const neutral = identityFor(op, e.type)
  const { scope, value: next } = lowering.nested(new Map([[e.over, 'single']]), () => {
    const of = e.domain
      ? kernelCall('select', lowering.lower(e.domain), lowering.lower(e.of), neutral)
      : lowering.lower(e.of)
    const value: Value = { name: lowering.fresh('next'), type: e.type, axes: [] }
    lowering.emit({ kind: 'map', to: value, expr: kernelCall(op === 'sum' ? 'add' : 'max', valueRef(held), of) })
    store(to, valueRef(e.exclusive ? held : value), lowering)
    return value
  })
  const direction = e.op === 'cumsum_back' ? 'down' : 'up'
  lowering.emit({
    kind: 'loop',
    over: { kind: 'members', axis: e.over, direction },
    carried: [{ value: held, initial: neutral, next: next.name }],
    body: scope.statements,
  })
}

/** Bisection: the largest t with f(t) >= 0, `lo` if there is none. 64 halvings pass the last bit of f32 for any interval of interest. */
export function lowerSolve(e: Solve, lowering: Lowering): KernelExpr {
  const [lo, hi] = [lowering.lower(e.lo), lowering.lower(e.hi)]
  const scalar = (base: string): Value => ({ name: lowering.fresh(base), type: 'f32', axes: [] })
  const [low, high] = [scalar('low'), scalar('high')]
  const holds = (at: KernelExpr): KernelExpr => kernelCall('le', kernelConst(0, 'f32'), valueAt(e, at, lowering))
  const mid = scalar('middle')
  const body: Statement[] = []
  const { scope, value: next } = lowering.nested(new Map(), (inner) => {
    const half = kernelCall('mul', kernelConst(0.5, 'f32'), kernelCall('add', valueRef(low), valueRef(high)))
    lowering.emit({ kind: 'map', to: mid, expr: half })
    const isBelow: Value = { name: lowering.fresh('below'), type: 'bool', axes: [] }
    bind(inner, e, valueRef(mid))
    lowering.emit({ kind: 'map', to: isBelow, expr: kernelCall('le', kernelConst(0, 'f32'), lowering.lower(e.of)) })
    const [nextLow, nextHigh] = [scalar('next_low'), scalar('next_high')]
    lowering.emit({
      kind: 'map',
      to: nextLow,
      expr: kernelCall('select', valueRef(isBelow), valueRef(mid), valueRef(low)),
    })
    lowering.emit({
      kind: 'map',
      to: nextHigh,
      expr: kernelCall('select', valueRef(isBelow), valueRef(high), valueRef(mid)),
    })
    return [nextLow, nextHigh] as const
  })
  body.push(...scope.statements)
  const carried = [
    { value: low, initial: lo, next: next[0].name },
    { value: high, initial: hi, next: next[1].name },
  ]
  lowering.emit({ kind: 'loop', over: { kind: 'rounds', count: kernelConst(solveRounds, 'i32') }, carried, body })
  return kernelCall('select', holds(hi), hi, valueRef(low))
}
/** `of` with the variable at a value of the block, in a scope of one round, since what varies with it is computed there. */
function valueAt(e: Solve, at: KernelExpr, lowering: Lowering): KernelExpr {
  const out: Value = { name: lowering.fresh('at_end'), type: 'f32', axes: [] }
  const { scope, value } = lowering.nested(new Map(), (inner) => {
    bind(inner, e, at)
    const to: Value = { name: lowering.fresh('value'), type: 'f32', axes: [] }
    lowering.emit({ kind: 'map', to, expr: lowering.lower(e.of) })
    return to
  })
  lowering.emit({
    kind: 'loop',
    over: { kind: 'rounds', count: kernelConst(1, 'i32') },
    carried: [{ value: out, initial: kernelConst(0, 'f32'), next: value.name }],
    body: scope.statements,
  })
  return valueRef(out)
}
const bind = (scope: Scope, e: Solve, value: KernelExpr): void => void scope.names.set(e.variable.id, () => value)
