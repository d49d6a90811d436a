/**
 * The definition of the language: what an attention computes, in float64, untiled. Every target is measured against it
 * (`allowance.ts` says how far it may be off), and no plan is consulted. `interpret/evaluate.ts` holds the meaning of each node.
 */

import { allowanceOf, type Price, startAllowance } from './allowance.ts'
import type { Arithmetic } from './arithmetic.ts'
import type { Attention, ResultDecl } from './attention.ts'
import { dense, elements, expand, type Value } from './interpret/array.ts'
import {
  type Context,
  lengthOf,
  narrow,
  type Params,
  type Program,
  rangeOf,
  rootContext,
  type Sizes,
  shapeOf,
} from './interpret/context.ts'
import { evaluate } from './interpret/evaluate.ts'
import { type Resolved, resolveParams, resolveSizes } from './interpret/sizes.ts'
import { InternalError, invariant } from './invariant.ts'
import { type Expr, nodesOf } from './ir.ts'
import { stabilise } from './stable-forms.ts'

export type { Params, Sizes } from './interpret/context.ts'
export {
  evaluateScalar,
  type Given,
  type LaunchProblem,
  type Resolved,
  resolveParams,
  resolveSizes,
} from './interpret/sizes.ts'

/** Numbers in row-major order over the declared axes, already rounded to their storage type; bool as 0 and 1. */
export interface Tensor {
  readonly data: ArrayLike<number>
  readonly shape: readonly number[]
}

export interface Launch {
  readonly inputs: Readonly<Record<string, Tensor>>
  readonly sizes?: Sizes // of axes that no input has
  readonly params?: Params // others take their defaults
  readonly results?: readonly string[] // all if absent
  readonly arithmetic?: Arithmetic // of the target to be judged: asks for allowances
  readonly prices?: readonly Price[] // what its plan adds to them
  readonly budget?: number // elements of the largest array held
}

/** One result in its memory order. The rest is there when an arithmetic was given: see `allowance.ts`. */
export interface Outcome {
  readonly axes: readonly string[]
  readonly shape: readonly number[]
  readonly value: Float64Array
  readonly hard?: Float64Array // never exceeded by right code; Infinity: anything goes; NaN where the value is NaN
  readonly expected?: Float64Array // a standard deviation
  readonly ambiguous?: Uint8Array // 1 where a comparison was too close to call and both outcomes are allowed
}

export function interpret(attention: Attention, launch: Launch): Readonly<Record<string, Outcome>> {
  const { arithmetic, results = attention.results.map((result) => result.name) } = launch
  const context = rootContext(programOf(attention, launch))
  const allowances = arithmetic && startAllowance(arithmetic, launch.prices ?? [])
  const stable = stabilise(attention.results.map((result) => result.expr))
  const outcomes = results.map((name) => {
    const which = attention.results.findIndex((other) => other.name === name)
    const [declared, expr] = [attention.results[which], stable[which]]
    invariant(declared && expr, `no result '${name}'`)
    const result = { ...declared, expr }
    const outcome = newOutcome(result, context, arithmetic !== undefined)
    for (const slice of slices(result.expr, context)) {
      if (allowances) store(outcome, allowanceOf(result, slice, allowances), context, slice)
      else store(outcome, { value: evaluate(result.expr, slice) }, context, slice)
    }
    return [name, outcome] as const
  })
  return Object.fromEntries(outcomes)
}

function programOf(attention: Attention, launch: Launch): Program {
  const shapes = Object.fromEntries(Object.entries(launch.inputs).map(([name, { shape }]) => [name, shape]))
  const sizes = settled(resolveSizes(attention, { shapes, sizes: launch.sizes ?? {}, params: launch.params ?? {} }))
  const params = settled(resolveParams(attention, sizes, launch.params))
  const inputs = new Map<string, Value>()
  for (const { name, axes } of attention.inputs) {
    const tensor = launch.inputs[name]
    if (tensor) inputs.set(name, dense(axes, tensor.shape, Float64Array.from(tensor.data)))
  }
  return { sizes, params, inputs, budget: launch.budget ?? (launch.arithmetic ? 1 << 19 : 1 << 22), free: new Map() }
}

/** A launch that does not fit was to be refused before: its caller shows problems to the user. */
function settled<T>(resolved: Resolved<T>): T {
  if (resolved.ok) return resolved.value
  throw new InternalError(resolved.problems.map((problem) => problem.message).join('; '))
}

function newOutcome({ axes }: ResultDecl, { program }: Context, judged: boolean): Outcome {
  const shape = axes.map((axis) => lengthOf(program, axis))
  const array = () => new Float64Array(elements(shape))
  const value = array()
  return judged
    ? { axes, shape, value, hard: array(), expected: array(), ambiguous: new Uint8Array(value.length) }
    : { axes, shape, value }
}

/** Parts of a result, so that no reduction below it has more elements than the budget. Usually one part. */
function* slices(e: Expr, context: Context): Generator<Context> {
  const { budget } = context.program
  const sizes = [e, ...nodesOf(e).filter((node) => node.kind === 'reduce')].map((node) => ({
    node,
    size: elements(shapeOf(context, node.axes)),
  }))
  const largest = sizes.reduce((a, b) => (b.size > a.size ? b : a))
  const axis = e.axes.find((name) => rangeOf(context, name).count > 1 && largest.node.axes.includes(name))
  if (largest.size <= budget || axis === undefined) return yield context
  const length = rangeOf(context, axis).count
  const count = Math.max(1, Math.floor((budget / largest.size) * length))
  for (let start = 0; start < length; start += count) {
    yield* slices(e, narrow(context, new Map([[axis, { start, count: Math.min(count, length - start) }]])))
  }
}

type Part = { readonly [name in 'value' | 'hard' | 'expected' | 'ambiguous']?: Value }

/** Writes a slice of each array to its place. */
function store(outcome: Outcome, part: Part, whole: Context, slice: Context): void {
  const shape = shapeOf(slice, outcome.axes)
  const own = outcome.axes.map((axis) => rangeOf(slice, axis).start - rangeOf(whole, axis).start)
  const strides = dense(outcome.axes, outcome.shape, outcome.value).strides
  const positions = elements(shape) === outcome.value.length ? undefined : positionsOf(shape, own, strides)
  for (const name of ['value', 'hard', 'expected', 'ambiguous'] as const) {
    const [target, source] = [outcome[name], part[name]]
    if (!target || !source) continue
    const numbers = expand(source, outcome.axes, shape)
    if (positions) for (let k = 0; k < numbers.length; k += 1) target[positions[k]!] = numbers[k]!
    else target.set(numbers)
  }
}

function positionsOf(shape: readonly number[], start: readonly number[], strides: readonly number[]): Int32Array {
  const out = new Int32Array(elements(shape))
  const inner = dense([], shape, new Float64Array()).strides
  for (let k = 0; k < out.length; k += 1) {
    out[k] = shape.reduce(
      (sum, length, axis) => sum + ((Math.floor(k / inner[axis]!) % length) + start[axis]!) * strides[axis]!,
      0,
    )
  }
  return out
}
