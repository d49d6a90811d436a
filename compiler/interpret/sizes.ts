/** The lengths of axes and the values of params of one launch, from what the caller gives. */

import type { Attention, Axis } from '../attention.ts'
import { type Expr, nodesOf } from '../ir.ts'
import { own } from '../own.ts'
import { type Params, rootContext, type Sizes } from './context.ts'
import { evaluate } from './evaluate.ts'

/** Why a launch is refused. `axis` or `tensor` say where, for a caller that shows more than the message. */
export interface LaunchProblem {
  readonly kind:
    | 'rank'
    | 'disagree'
    | 'not-divisible'
    | 'unknown-length'
    | 'negative-length'
    | 'missing-param'
    | 'wrong-param'
  readonly axis?: string
  readonly tensor?: string
  readonly message: string
}

export type Resolved<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly LaunchProblem[] }

export interface Given {
  readonly shapes?: Readonly<Record<string, readonly number[]>> // of inputs, in declared order; absent inputs say nothing
  readonly sizes?: Sizes // of axes, as a `check` line names them
  readonly params?: Params
  readonly fill?: (axis: string) => number // a length for axes that nothing determines
}

/** An expression without axes, inputs or bound variables. */
export function evaluateScalar(e: Expr, sizes: Sizes, params: Params = {}): number {
  const context = rootContext({ sizes, params, inputs: new Map(), budget: Infinity, free: new Map() })
  return evaluate(e, context).data[0] ?? Number.NaN
}

/** The length of every axis. Two that disagree name both tensors; size(g) must divide size(h). */
export function resolveSizes(attention: Attention, given: Given): Resolved<Sizes> {
  const problems: LaunchProblem[] = []
  const sizes = givenSizes(attention, given, problems)
  let pending = attention.axes.filter(
    (axis) =>
      !sizes.has(axis.name) ||
      axis.length.kind === 'like' ||
      axis.length.kind === 'fixed' ||
      axis.length.kind === 'part',
  )
  for (let progress = true; progress && pending.length > 0; ) {
    const left = pending.filter((axis) => !settle(axis, attention, given, sizes, problems))
    progress = left.length < pending.length
    pending = left
    const stuck = pending.find((axis) => axis.length.kind === 'input' || axis.length.kind === 'divides')
    if (!progress && stuck && given.fill) {
      sizes.set(stuck.name, filledLength(stuck, sizes, given.fill))
      progress = true
    }
  }
  for (const axis of pending)
    if (!sizes.has(axis.name))
      problems.push({
        kind: 'unknown-length',
        axis: axis.name,
        message: `nothing gives the length of axis ${axis.name}`,
      })
  for (const axis of attention.axes) problems.push(...checkDivides(axis, sizes))
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, value: Object.fromEntries([...sizes].map(([name, { length }]) => [name, length])) }
}

interface Known {
  readonly length: number
  readonly source: string // for messages: `q`, `the check`, `the declaration`
}

function givenSizes(attention: Attention, given: Given, problems: LaunchProblem[]): Map<string, Known> {
  const sizes = new Map(
    Object.entries(given.sizes ?? {}).map(([axis, length]) => [axis, { length, source: 'the given sizes' }] as const),
  )
  for (const { name, axes } of attention.inputs) {
    const shape = own(given.shapes, name)
    if (!shape) continue
    if (shape.length !== axes.length) {
      const message = `${name}[${axes.join(', ')}] has ${axes.length} axes, but the tensor given has ${shape.length}`
      problems.push({ kind: 'rank', tensor: name, message })
    } else for (const [k, axis] of axes.entries()) learn(axis, { length: shape[k] ?? 0, source: name }, sizes, problems)
  }
  return sizes
}

/** Notes a length, or a problem where another is known. */
function learn(axis: string, found: Known, sizes: Map<string, Known>, problems: LaunchProblem[]): void {
  const known = sizes.get(axis)
  if (!known) sizes.set(axis, found)
  if (!known || known.length === found.length) return
  const message = `size(${axis}) is ${known.length} by ${known.source}, but ${found.length} by ${found.source}`
  problems.push({ kind: 'disagree', axis, tensor: found.source, message })
}

/** Computes the length of an axis once what it rests on is known; true when nothing is left to do. */
function settle(
  axis: Axis,
  attention: Attention,
  given: Given,
  sizes: Map<string, Known>,
  problems: LaunchProblem[],
): boolean {
  const found = derivedLength(axis, attention, given, sizes)
  if (found === undefined)
    return (axis.length.kind === 'input' || axis.length.kind === 'divides') && sizes.has(axis.name)
  learn(axis.name, { length: found, source: 'its declaration' }, sizes, problems)
  if (found < 0)
    problems.push({ kind: 'negative-length', axis: axis.name, message: `size(${axis.name}) would be ${found}` })
  return true
}

function derivedLength(
  { length }: Axis,
  attention: Attention,
  given: Given,
  sizes: ReadonlyMap<string, Known>,
): number | undefined {
  switch (length.kind) {
    case 'like':
      return sizes.get(length.of)?.length
    case 'fixed':
      return scalarIfKnown(length.value, attention, given, sizes)
    case 'part': {
      const by = scalarIfKnown(length.by, attention, given, sizes)
      const whole = sizes.get(length.of)?.length
      if (by === undefined || whole === undefined) return undefined
      return length.role === 'inner' ? by : Math.ceil(whole / by)
    }
    default:
      return undefined
  }
}

/** The value of a scalar expression if all sizes that it and the defaults of its params need are known. */
function scalarIfKnown(
  e: Expr,
  attention: Attention,
  given: Given,
  sizes: ReadonlyMap<string, Known>,
): number | undefined {
  const params: Record<string, number | boolean> = { ...given.params }
  for (const node of nodesOf(e)) {
    if (node.kind === 'size' && !sizes.has(node.axis)) return undefined
    if (node.kind !== 'param' || node.name in params) continue
    const fallback = attention.params.find((param) => param.name === node.name)?.default
    const value = fallback && scalarIfKnown(fallback, attention, given, sizes)
    if (value === undefined) return undefined
    params[node.name] = value
  }
  return evaluateScalar(e, Object.fromEntries([...sizes].map(([name, known]) => [name, known.length])), params)
}

function filledLength(axis: Axis, sizes: ReadonlyMap<string, Known>, fill: (axis: string) => number): Known {
  const wanted = fill(axis.name)
  const whole = axis.length.kind === 'divides' ? sizes.get(axis.length.of)?.length : undefined
  let length = wanted
  while (whole !== undefined && length > 1 && whole % length !== 0) length -= 1
  return { length, source: 'choice' }
}

function checkDivides({ name, length }: Axis, sizes: ReadonlyMap<string, Known>): readonly LaunchProblem[] {
  if (length.kind !== 'divides') return []
  const [part, whole] = [sizes.get(name), sizes.get(length.of)]
  if (!part || !whole || part.length === whole.length || (part.length > 0 && whole.length % part.length === 0))
    return []
  const message = `size(${name}) = ${part.length} (${part.source}) does not divide size(${length.of}) = ${whole.length} (${whole.source})`
  return [{ kind: 'not-divisible', axis: name, message }]
}

/** Every param: given or its default, an f32 rounded to f32 as a launch passes it. */
export function resolveParams(attention: Attention, sizes: Sizes, given: Params = {}): Resolved<Params> {
  const problems: LaunchProblem[] = []
  const params: Record<string, number | boolean> = Object.create(null)
  const known = new Map(Object.entries(sizes).map(([axis, length]) => [axis, { length, source: '' }]))
  for (const { name, type, default: fallback } of attention.params) {
    const value = own(given, name) ?? (fallback && scalarIfKnown(fallback, attention, { params: given }, known))
    if (value === undefined)
      problems.push({ kind: 'missing-param', message: `param ${name} has no default and no value was given` })
    else if (type === 'i32' && (typeof value !== 'number' || (value | 0) !== value))
      problems.push({ kind: 'wrong-param', message: `param ${name} is i32, but ${value} was given` })
    else params[name] = type === 'bool' ? Boolean(value) : type === 'f32' ? Math.fround(Number(value)) : value
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: params }
}
