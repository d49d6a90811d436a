/** The error of every kind of node, from its operands' errors (the two rules of `allowance.ts`). */
import type { Arithmetic } from '../arithmetic.ts'
import { InternalError, unreachable } from '../invariant.ts'
import type { At, Expr, Repeat, RepeatLoop } from '../ir.ts'
import { mapValues, single, type Value } from './array.ts'
import { callErrors } from './call-errors.ts'
import { type Context, homeOf, shapeOf, view } from './context.ts'
import { evaluate, gatherer, rounds } from './evaluate.ts'
import { reduceErrors } from './fold-errors.ts'
import { type ErrorOf, exact, isRepresentable, isRowLevel, mapError, type Name, none, totalVariance } from './names.ts'
import { scanErrors } from './scan-errors.ts'
import { solveErrors } from './solve-errors.ts'

export interface ErrorState {
  readonly arithmetic: Arithmetic
  readonly prices: ReadonlyMap<Expr, Expr>
  readonly errors: WeakMap<Context, Map<Expr, ErrorOf>>
  readonly bound: WeakMap<Value, ErrorOf> // of what bound variables stand for
  readonly loops: WeakMap<Context, Map<RepeatLoop, ReadonlyMap<string, ErrorOf>>> // of what carried variables end with
}

/** As `evaluate`: once per context that it depends on. */
export function errorOf(e: Expr, context: Context, state: ErrorState): ErrorOf {
  const home = homeOf(e, context)
  const memo = state.errors.get(home) ?? new Map<Expr, ErrorOf>()
  state.errors.set(home, memo)
  let error = memo.get(e)
  if (!error) {
    error = named(e, priced(e, propagate(e, home, state), home, state), home)
    memo.set(e, error)
  }
  return error === exact || home === context ? error : mapError(error, (value) => view(value, home, context))
}

/** A row-level node's own error gets a name: what uses it twice knows that it is the same error. */
function named(e: Expr, error: ErrorOf, home: Context): ErrorOf {
  if (error === exact || e.type !== 'f32' || !isRowLevel(e.axes) || !error.variance.data.some((x) => x > 0))
    return error
  return {
    ...error,
    variance: none,
    named: new Map([...error.named, [{ axes: e.axes, variance: error.variance, home }, single(1)]]),
  }
}

function priced(e: Expr, error: ErrorOf, home: Context, state: ErrorState): ErrorOf {
  const price = state.prices.get(e)
  if (!price) return error
  const amount = evaluate(price, home)
  const shape = shapeOf(home, e.axes)
  const hard = mapValues(e.axes, shape, [error.hard, amount], (b, x) => b + Math.abs(x))
  const variance = (axes: readonly string[]) => mapValues(axes, shapeOf(home, axes), [amount], (x) => (x * x) / 3)
  if (isRowLevel(price.axes) && !isRowLevel(e.axes)) {
    const name: Name = { axes: price.axes, variance: variance(price.axes), home }
    return { ...error, hard, named: new Map([...error.named, [name, single(1)]]) }
  }
  return { ...error, hard, variance: mapValues(e.axes, shape, [error.variance, variance(e.axes)], (a, b) => a + b) }
}

function propagate(e: Expr, context: Context, state: ErrorState): ErrorOf {
  switch (e.kind) {
    case 'index':
    case 'size':
    case 'input':
    case 'param':
    case 'random':
      return exact
    case 'const':
      return e.type === 'f32' ? constantError(Number(e.value), state.arithmetic) : exact
    case 'bound':
      return state.bound.get(context.bindings.get(e.id) ?? missing(e.id)) ?? exact
    case 'call':
      return callErrors(e, context, state)
    case 'spread':
      return errorOf(e.of, context, state)
    case 'at':
      return atErrors(e, context, state)
    case 'reduce':
      return reduceErrors(e, context, state)
    case 'scan':
      return scanErrors(e, context, state)
    case 'solve':
      return solveErrors(e, context, state)
    case 'repeat':
      return repeatErrors(e, context, state)
    default:
      return unreachable(e)
  }
}

function missing(name: string): never {
  throw new InternalError(`no value for '${name}'`)
}

function constantError(value: number, { roundoff }: Arithmetic): ErrorOf {
  const error = isRepresentable(value, roundoff) ? 0 : roundoff * Math.abs(value)
  return error === 0 ? exact : { ...exact, hard: single(error), variance: single((error * error) / 3) }
}

/**
 * What is read elsewhere has the error that it has there. Names that vary over an axis that is moved are no longer the reader's, so
 * they become independent. An index that may be off by one may read either neighbour.
 */
function atErrors(e: At, context: Context, state: ErrorState): ErrorOf {
  const { inner, gather } = gatherer(e, context)
  const moved = e.places.map((place) => place.axis)
  const local = (name: Name) => name.axes.some((axis) => moved.includes(axis))
  const of = errorOf(e.of, inner, state)
  const uncertain = e.places.map((place) => errorOf(place.index, context, state))
  if (uncertain.some((error) => error !== exact && error.hard.data.some((b) => b !== 0)))
    return uncertainGather(e, uncertain, context)
  if (of === exact) return exact
  return {
    hard: gather(of.hard),
    variance: gather(totalVariance(of, e.of.axes, inner, local)),
    named: new Map(
      [...of.named].filter(([name]) => !local(name)).map(([name, coefficient]) => [name, gather(coefficient)]),
    ),
    ambiguous: of.ambiguous === none ? none : gather(of.ambiguous),
  }
}

/** Where an index may be another than it is, nothing is claimed of what is read. */
function uncertainGather(e: At, uncertain: readonly ErrorOf[], context: Context): ErrorOf {
  const shape = shapeOf(context, e.axes)
  const any = uncertain.map((error) => error.hard).reduce((a, b) => mapValues(e.axes, shape, [a, b], Math.max))
  const flag = mapValues(e.axes, shape, [any], (b) => (b === 0 ? 0 : 1))
  const lost = mapValues(e.axes, shape, [flag], (x) => (x === 0 ? 0 : Infinity))
  return { hard: lost, variance: lost, named: new Map(), ambiguous: flag }
}

/** All results of one loop share its errors' names. */
function repeatErrors(e: Repeat, context: Context, state: ErrorState): ErrorOf {
  const memo = state.loops.get(context) ?? new Map<RepeatLoop, ReadonlyMap<string, ErrorOf>>()
  state.loops.set(context, memo)
  const last = memo.get(e.loop) ?? loopErrors(e.loop, context, state)
  memo.set(e.loop, last)
  return last.get(e.loop.carried[e.which]?.variable.id ?? '') ?? exact
}

/** The rounds once more, now with errors: those of one round are the operands' of the next. */
function loopErrors(loop: RepeatLoop, context: Context, state: ErrorState): ReadonlyMap<string, ErrorOf> {
  const last = new Map<string, ErrorOf>()
  let before: Context | undefined
  for (const round of rounds(loop, context)) {
    for (const { variable, initial, next } of loop.carried) {
      const error = before ? errorOf(next, before, state) : errorOf(initial, context, state)
      state.bound.set(round.bindings.get(variable.id) ?? missing(variable.id), error)
      last.set(variable.id, error)
    }
    before = round
  }
  return last
}
