/** Forms that lowering takes expressions apart into, or writes reductions with. */
import { elementary } from '../elementary.ts'
import { call, constant, type Expr, f32, nodesOf, type Reduce, unionAxes, withoutAxes } from '../ir.ts'
import { type KernelCall, type KernelExpr, kernelCall, kernelConst, type Value } from '../kernel.ts'

/** The folds that kernels have; `mean` and `logsumexp` are written with them. */
export type PlainOp = 'sum' | 'max' | 'min' | 'any' | 'all' | 'count'
export const plainOp = (e: Reduce): PlainOp => (e.op === 'mean' || e.op === 'logsumexp' ? 'sum' : e.op)

/** The fold of nothing, which is also the neutral element. */
export const identityFor = (op: PlainOp, type: Value['type']): KernelExpr => {
  if (op === 'any' || op === 'all') return kernelConst(op === 'all', 'bool')
  if (op === 'count') return kernelConst(0, 'i32')
  const extreme = type === 'i32' ? 2 ** 31 : Infinity
  return kernelConst(op === 'sum' ? 0 : op === 'max' ? -extreme : type === 'i32' ? extreme - 1 : extreme, type)
}
export const identityOf = (e: Reduce): Expr => {
  const op = plainOp(e)
  const found = identityFor(op, e.op === 'count' ? 'bool' : e.type)
  return op === 'count' ? constant(false, 'bool') : constant((found as { value: number | boolean }).value, e.type)
}
/** `held` folded with one more element. */
export function foldWith(op: PlainOp, held: KernelExpr, one: KernelExpr): KernelExpr {
  switch (op) {
    case 'sum':
      return kernelCall('add', held, one)
    case 'max':
    case 'min':
      return kernelCall(op, held, one)
    case 'any':
      return kernelCall('or', held, one)
    case 'all':
      return kernelCall('and', held, one)
    case 'count':
      return kernelCall('add', held, kernelCall('select', one, kernelConst(1, 'i32'), kernelConst(0, 'i32')))
  }
}

export const oneAxisAtATime = (e: Reduce): Expr => {
  const [axis, ...rest] = e.over
  if (e.op === 'mean') return meanOf(e)
  if (e.op === 'logsumexp') return logSumExpOf(e)
  const inner: Reduce = { ...e, over: rest, axes: withoutAxes(unionAxes(e.of.axes, e.domain?.axes ?? []), rest) }
  const outerOp = e.op === 'count' ? 'sum' : e.op
  return { ...e, op: outerOp, over: [axis as string], of: inner, domain: undefined }
}
/** sum / max(count, 1): 0 over nothing. */
export function meanOf(e: Reduce): Expr {
  const sum: Reduce = { ...e, op: 'sum' }
  const count: Reduce = { ...e, op: 'count', of: constant(true, 'bool'), type: 'i32' }
  return call('div', [sum, call('float', [call('max', [countPlaces(e, count), constant(1, 'i32')])])])
}
const countPlaces = (e: Reduce, count: Reduce): Expr =>
  e.domain
    ? { ...count, axes: withoutAxes(e.domain.axes, e.over) }
    : e.over
        .map((axis): Expr => ({ kind: 'size', axis, type: 'i32', axes: [], span: e.span }))
        .reduce((a, b) => call('mul', [a, b]))
/** Relative to the maximum; an infinite maximum is not subtracted, so that all -inf gives -inf and one inf gives inf. */
export function logSumExpOf(e: Reduce): Expr {
  const largest: Expr = { ...e, op: 'max' }
  const near = call('select', [call('lt', [call('abs', [largest]), f32(Infinity)]), largest, f32(0)])
  const sum: Expr = { ...e, op: 'sum', of: call('exp', [call('sub', [e.of, near])]) }
  return call('add', [near, call('log', [sum])])
}

/** `x`, or 0 where it is not finite: what may be subtracted without making NaN of an infinite row. */
export const finiteOf = (x: KernelExpr): KernelExpr =>
  kernelCall('select', kernelCall('lt', kernelCall('abs', x), kernelConst(Infinity, 'f32')), x, kernelConst(0, 'f32'))

/** The factors of a product; a division by something is a factor 1 / something. */
export function factorsOf(e: Expr): readonly Expr[] {
  if (e.kind === 'spread') return factorsOf(e.of)
  if (e.kind !== 'call') return [e]
  const [a, b] = e.args
  if (e.op === 'mul' && a && b) return [...factorsOf(a), ...factorsOf(b)]
  if (e.op === 'div' && a && b) return [...factorsOf(a), call('div', [f32(1), b])]
  if (e.op === 'neg' && a) return [f32(-1), ...factorsOf(a)]
  return [e]
}
export const multiply = (factors: readonly Expr[]): Expr =>
  factors.slice(1).reduce((x, y) => call('mul', [x, y]), factors[0] ?? f32(1))

/** h div (size(h) div size(g)), the group of a head: in range by the launch check. */
export function isGroupOf(e: Expr, axis: string): boolean {
  if (e.kind !== 'call' || e.op !== 'idiv') return false
  const [head, group] = e.args
  if (head?.kind !== 'index' || group?.kind !== 'call' || group.op !== 'idiv') return false
  const [all, groups] = group.args
  return all?.kind === 'size' && all.axis === head.axis && groups?.kind === 'size' && groups.axis === axis
}

/** The index of another axis of the same known length. */
export function isIndexOfEqual(e: Expr, axis: string, sizes: Readonly<Record<string, number>>): boolean {
  return e.kind === 'index' && sizes[e.axis] !== undefined && sizes[e.axis] === sizes[axis]
}

/** Lengths known now make constants such as 1 / sqrt(size(d)); their value is rounded once instead of at every step. */
export function foldConstant(e: KernelCall): KernelExpr {
  if (
    e.type !== 'f32' ||
    e.op === 'random' ||
    !e.args.every((arg) => arg.kind === 'const' && typeof arg.value === 'number')
  )
    return e
  const [x = 0, y = 0, z = 0] = e.args.map((arg) => (arg.kind === 'const' ? Number(arg.value) : 0))
  return kernelConst(
    elementary(
      e.op,
      e.args.map((arg) => arg.type),
    )(x, y, z),
    'f32',
  )
}

/** How often each node is used below `roots`, a root counting as a use. */
export function countUses(roots: readonly Expr[]): ReadonlyMap<Expr, number> {
  const counts = new Map<Expr, number>()
  for (const root of roots) counts.set(root, (counts.get(root) ?? 0) + 1)
  for (const e of nodesOf(...roots)) {
    const parts: Expr[] = []
    if (e.kind === 'call') parts.push(...e.args)
    else if (e.kind === 'reduce' || e.kind === 'scan') parts.push(e.of, ...(e.domain ? [e.domain] : []))
    else if (e.kind === 'at') parts.push(...e.places.map((p) => p.index))
    for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1)
  }
  return counts
}
