/** The value of every kind of node, one function each: the definition of the IR. */
import { elementary, philox } from '../elementary.ts'
import { InternalError, invariant, unreachable } from '../invariant.ts'
import {
  type At,
  type Bound,
  type Call,
  type Expr,
  type Input,
  type Reduce,
  type Repeat,
  type RepeatLoop,
  type Scan,
  type Solve,
  unionAxes,
} from '../ir.ts'
import { dense, elements, expand, filled, mapValues, single, stridesOver, type Value, walk } from './array.ts'
import { largest } from './bisect.ts'
import { bind, type Context, homeOf, lengthOf, narrow, type Range, rangeOf, shapeOf, view, widen } from './context.ts'
import { addProducts, finishFold, foldInto, runningFold, startFold } from './fold.ts'

/** `e` over its axes, as far as `context` reaches. Each node is computed once for each context that it depends on. */
export function evaluate(e: Expr, context: Context): Value {
  const home = homeOf(e, context)
  let value = home.values.get(e)
  if (!value) {
    value = compute(e, home)
    home.values.set(e, value)
  }
  return view(value, home, context)
}

function compute(e: Expr, context: Context): Value {
  switch (e.kind) {
    case 'const':
      return single(Number(e.value))
    case 'index':
      return evaluateIndex(e.axis, context)
    case 'size':
      return single(lengthOf(context.program, e.axis))
    case 'input':
      return evaluateInput(e, context)
    case 'param':
      return single(Number(context.program.params[e.name] ?? missing(e.name)))
    case 'bound':
      return context.bindings.get(e.id) ?? missing(e.id)
    case 'call':
      return evaluateCall(e, context)
    case 'spread':
      return mapValues(e.axes, shapeOf(context, e.axes), [evaluate(e.of, context)], (x) => x)
    case 'at':
      return evaluateAt(e, context)
    case 'reduce':
      return evaluateReduce(e, context)
    case 'scan':
      return evaluateScan(e, context)
    case 'solve':
      return evaluateSolve(e, context)
    case 'repeat':
      return evaluateRepeat(e, context)
    case 'random':
      return draw(e, [e.seed, ...e.counters], context)
    default:
      return unreachable(e)
  }
}

function missing(name: string): never {
  throw new InternalError(`no value for '${name}'`)
}

function evaluateIndex(axis: string, context: Context): Value {
  const { start, count } = rangeOf(context, axis)
  return dense(
    [axis],
    [count],
    Float64Array.from({ length: count }, (_, k) => start + k),
  )
}

/** A view: the tensor keeps its memory order, the node reads it by name. */
function evaluateInput(e: Input, context: Context): Value {
  const tensor = context.program.inputs.get(e.name) ?? missing(e.name)
  const whole: Value = {
    ...tensor,
    axes: e.axes,
    strides: stridesOver(tensor, e.axes),
    shape: e.axes.map((axis) => lengthOf(context.program, axis)),
  }
  let root = context
  while (root.parent) root = root.parent
  return view(whole, root, context)
}

function evaluateCall(e: Call, context: Context): Value {
  if (e.op === 'random') return draw(e, e.args, context)
  const f = elementary(
    e.op,
    e.args.map((arg) => arg.type),
  )
  return mapValues(
    e.axes,
    shapeOf(context, e.axes),
    e.args.map((arg) => evaluate(arg, context)),
    f,
  )
}

function evaluateAt(e: At, context: Context): Value {
  const { inner, gather } = gatherer(e, context)
  return gather(evaluate(e.of, inner))
}

/**
 * How `of`, evaluated in `inner`, is read at the indices. Only the stretch of each axis that the indices reach is evaluated where the
 * whole would be too large. Where nothing is to be read (an axis of length 0, or `else 0` beyond the ends) the value is 0 or false.
 */
export function gatherer(e: At, context: Context): { readonly inner: Context; readonly gather: (of: Value) => Value } {
  const places = e.places.map((place) => ({
    ...place,
    value: evaluate(place.index, context),
    length: lengthOf(context.program, place.axis),
  }))
  const inner = narrow(context, new Map(places.map((place) => [place.axis, reach(place)])))
  const axes = unionAxes(...e.places.map((place) => place.index.axes))
  const shape = shapeOf(context, axes)
  const gather = (of: Value) => {
    const where = new Float64Array(elements(shape)) // position within `of` that the indices add; NaN: nothing to read
    for (const { axis, outside, value, length } of places) {
      const stride = stridesOver(of, [axis])[0]!
      const { start, count } = rangeOf(inner, axis)
      expand(value, axes, shape).forEach((index, k) => {
        const place = Math.min(Math.max(index, 0), length - 1)
        const readable = count > 0 && (outside === 'clamp' || place === index)
        where[k]! += readable ? (place - start) * stride : Number.NaN
      })
    }
    return readAt(e, of, dense(axes, shape, where), shapeOf(context, e.axes))
  }
  return { inner, gather }
}

/** The stretch of an axis that clamped indices touch. */
function reach(place: { readonly value: Value; readonly length: number; readonly outside: 'clamp' | 'zero' }): Range {
  let [low, high] = [place.length, -1]
  mapValues(place.value.axes, place.value.shape, [place.value], (index) => {
    const inside = Math.min(Math.max(index, 0), place.length - 1)
    if (inside < 0 || (place.outside === 'zero' && inside !== index)) return 0
    low = Math.min(low, inside)
    high = Math.max(high, inside)
    return 0
  })
  return low > high ? { start: 0, count: Math.min(place.length, 1) } : { start: low, count: high - low + 1 }
}

function readAt(e: At, of: Value, where: Value, shape: readonly number[]): Value {
  const out = new Float64Array(elements(shape))
  const gone = e.places.map((place) => place.axis)
  const kept = e.axes.map((axis) => (gone.includes(axis) ? 0 : stridesOver(of, [axis])[0]!))
  let o = 0
  walk(shape, [kept, stridesOver(where, e.axes)], [of.offset, 0], (at, count, step) => {
    let i = at[0]!
    let w = at[1]!
    for (let n = 0; n < count; n += 1, i += step[0]!, w += step[1]!) {
      const position = i + where.data[w]!
      out[o++] = Number.isNaN(position) ? 0 : of.data[position]!
    }
  })
  return dense(e.axes, shape, out)
}

/** The parts in which a reduction's body is folded: all at once, or stretches of its first axis so that none exceeds the budget. */
export function* parts(e: Reduce, context: Context): Generator<Context> {
  const inner = widen(context, e.over)
  const axis = e.over[0]
  invariant(axis !== undefined, 'a reduction without axes')
  const length = lengthOf(context.program, axis)
  const others = elements(shapeOf(inner, unionAxes(e.axes, e.over))) / Math.max(length, 1)
  const count = Math.max(1, Math.floor(context.program.budget / Math.max(others, 1)))
  if (count >= length) yield inner
  else
    for (let start = 0; start < length; start += count)
      yield narrow(inner, new Map([[axis, { start, count: Math.min(count, length - start) }]]))
}

function evaluateReduce(e: Reduce, context: Context): Value {
  const fold = startFold(e.op, e.axes, shapeOf(context, e.axes))
  const axes = unionAxes(e.axes, e.over)
  for (const part of parts(e, context)) {
    const domain = e.domain && evaluate(e.domain, part)
    const [x, y] = e.op === 'sum' && e.of.kind === 'call' && e.of.op === 'mul' && e.of.type === 'f32' ? e.of.args : []
    if (x && y) addProducts(fold, axes, shapeOf(part, axes), evaluate(x, part), evaluate(y, part), domain)
    else foldInto(fold, e.op, axes, shapeOf(part, axes), evaluate(e.of, part), domain)
  }
  return finishFold(fold, e.op, e.type === 'i32')
}

/** A running fold needs the whole of its axis, whatever part is asked for. */
function evaluateScan(e: Scan, context: Context): Value {
  const inner = widen(context, [e.over])
  const shape = shapeOf(inner, e.axes)
  const domain = e.domain && expand(evaluate(e.domain, inner), e.axes, shape)
  const running = runningFold(e.op, e.axes, shape, e.over, expand(evaluate(e.of, inner), e.axes, shape), domain)
  const value = e.type === 'i32' ? { ...running, data: running.data.map((x) => x | 0) } : running
  return view(value, inner, context)
}

function evaluateSolve(e: Solve, context: Context): Value {
  const shape = shapeOf(context, e.axes)
  const [lo, hi] = [expand(evaluate(e.lo, context), e.axes, shape), expand(evaluate(e.hi, context), e.axes, shape)]
  const accept = (t: Value) =>
    expand(evaluate(e.of, bindVariable(context, e.variable, t)), e.axes, shape).map((f) => Number(f >= 0))
  return dense(
    e.axes,
    shape,
    largest(lo, hi, (t) => accept(dense(e.axes, shape, t))),
  )
}

export const bindVariable = (context: Context, variable: Bound, value: Value): Context =>
  bind(context, new Map([[variable.id, value]]))

/** All results of one loop come of one run. */
function evaluateRepeat(e: Repeat, context: Context): Value {
  let last = context.loops.get(e.loop)
  if (!last) {
    for (const round of rounds(e.loop, context)) last = round.bindings
    context.loops.set(e.loop, last ?? new Map())
  }
  return last?.get(e.loop.carried[e.which]?.variable.id ?? '') ?? missing('a carried value')
}

/** The context before each round and, last, after all of them. */
export function* rounds(loop: RepeatLoop, context: Context): Generator<Context> {
  const step = (from: Context, expr: 'initial' | 'next') =>
    new Map(
      loop.carried.map((carried) => [
        carried.variable.id,
        spreadValue(evaluate(carried[expr], from), carried.variable, context),
      ]),
    )
  const count = evaluate(loop.count, context).data[0] ?? 0
  let current = bind(context, step(context, 'initial'))
  yield current
  for (let n = 0; n < count; n += 1) {
    current = bind(context, step(current, 'next'))
    yield current
  }
}

const spreadValue = (value: Value, variable: Bound, context: Context): Value => {
  const shape = shapeOf(context, variable.axes)
  return dense(variable.axes, shape, expand(value, variable.axes, shape))
}

function draw(e: Expr, operands: readonly Expr[], context: Context): Value {
  const shape = shapeOf(context, e.axes)
  const [seed, ...counters] = operands.map((part) => expand(evaluate(part, context), e.axes, shape))
  const out = filled(e.axes, shape, 0)
  out.data.forEach((_, k) => {
    const [a, b, c, d] = counters.map((counter) => counter[k]!)
    out.data[k] = philox(seed![k]!, a, b, c, d)
  })
  return out
}
