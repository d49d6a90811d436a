/** Reads of tensors and of buffers between kernels, at their own indices or at others. */
import type { At, Expr, Input, Place } from '../ir.ts'
import { indexRef, type KernelExpr, kernelCall, kernelConst, type Load, sizeRef, valueRef } from '../kernel.ts'
import { isGroupOf, isIndexOfEqual } from './forms.ts'
import type { LoweringContext } from './lowering.ts'
import { NotLowered, type Scopes } from './scopes.ts'

export function createLoads(
  { define, newValue, emit }: Scopes,
  context: LoweringContext,
  lower: (e: Expr) => KernelExpr,
) {
  const load = (
    e: Expr,
    from: { readonly buffer: string; readonly axes: readonly string[] },
    places: ReadonlyMap<string, KernelExpr>,
    outside: Load['outside'],
  ): KernelExpr => {
    const to = define(newValue(from.buffer, e.type, e.axes, e))
    const index = Object.fromEntries(from.axes.map((axis) => [axis, places.get(axis) ?? indexRef(axis)]))
    emit({ kind: 'load', to, buffer: from.buffer, index, outside })
    return valueRef(to)
  }
  const sizeOf = (axis: string): KernelExpr => {
    const known = context.sizes[axis]
    return known === undefined ? sizeRef(axis) : kernelConst(known, 'i32')
  }
  const clampTo = (axis: string, x: KernelExpr): KernelExpr =>
    kernelCall(
      'max',
      kernelConst(0, 'i32'),
      kernelCall('min', x, kernelCall('sub', sizeOf(axis), kernelConst(1, 'i32'))),
    )
  /** The buffer that holds `e`, if one does. */
  const bufferOf = (e: Expr): { readonly buffer: string; readonly axes: readonly string[] } | undefined => {
    const input = e.kind === 'input' ? context.inputs[e.name] : undefined
    return input && e.kind === 'input' ? { buffer: e.name, axes: input.axes } : context.kept.get(e)
  }

  const loadInput = (e: Input): KernelExpr => {
    const from = bufferOf(e)
    if (!from) throw new NotLowered(`no input ${e.name}`, e)
    return load(e, from, new Map(), 'never')
  }
  const loadKept = (e: Expr): KernelExpr | undefined => {
    const kept = context.kept.get(e)
    return kept && load(e, kept, new Map(), 'never')
  }
  const loadAt = (e: At): KernelExpr => {
    const zero = e.places.some((p) => p.outside === 'zero')
    const indexAt = ({ axis, index, outside }: Place): KernelExpr =>
      zero && outside === 'clamp' ? clampTo(axis, lower(index)) : lower(index)
    const places = new Map(e.places.map((p) => [p.axis, indexAt(p)]))
    const isInside = (p: Place): boolean => isGroupOf(p.index, p.axis) || isIndexOfEqual(p.index, p.axis, context.sizes)
    const from = bufferOf(e.of)
    if (!from) throw new NotLowered('a gather from an expression needs it in a buffer', e)
    return load(e, from, places, zero ? 'zero' : e.places.every(isInside) ? 'never' : 'clamp')
  }
  return { loadInput, loadKept, loadAt, sizeOf }
}
