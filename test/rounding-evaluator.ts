/**
 * An evaluator that shares only `elementary` with the interpreter: element by element, every operation rounded to float32, sums in a random
 * order. What right code might give, for any program.
 */
import { elementary } from '../compiler/elementary.ts'
import type { Launch } from '../compiler/interpret.ts'
import type { Expr, Reduce, Scan, Solve } from '../compiler/ir.ts'
import { sum } from './simulate-f32.ts'

const f = Math.fround
type Place = Readonly<Record<string, number>>

export interface Setting {
  readonly sizes: Readonly<Record<string, number>>
  readonly params: Readonly<Record<string, number | boolean>>
  readonly inputs: Launch['inputs']
  readonly inputAxes: Readonly<Record<string, readonly string[]>>
  readonly next: () => number
  readonly memo: Map<Expr, Map<string, number>>
  readonly bound: Readonly<Record<string, (place: Place) => number>>
}

/** `e` at one index of each of its axes. */
export function roundedAt(e: Expr, place: Place, setting: Setting): number {
  const key = e.axes.map((axis) => place[axis]).join()
  const memo = setting.memo.get(e) ?? new Map<string, number>()
  setting.memo.set(e, memo)
  const known = memo.get(key) ?? (e.type === 'f32' ? f(compute(e, place, setting)) : compute(e, place, setting))
  memo.set(key, known)
  return known
}

function compute(e: Expr, place: Place, setting: Setting): number {
  const { sizes } = setting
  const sub = (x: Expr, where = place) => roundedAt(x, where, setting)
  switch (e.kind) {
    case 'const':
      return Number(e.value)
    case 'index':
      return place[e.axis]!
    case 'size':
      return sizes[e.axis]!
    case 'param':
      return Number(setting.params[e.name])
    case 'input': {
      const position = setting.inputAxes[e.name]!.reduce((at, axis) => at * sizes[axis]! + place[axis]!, 0)
      return setting.inputs[e.name]!.data[position]!
    }
    case 'bound':
      return setting.bound[e.id]!(place)
    case 'spread':
      return sub(e.of)
    case 'call': {
      const [x = 0, y = 0, z = 0] = e.args.map((arg) => sub(arg))
      return elementary(
        e.op,
        e.args.map((arg) => arg.type),
      )(x, y, z)
    }
    case 'at': {
      const moved = e.places.map(({ axis, index }) => [axis, sub(index)] as const)
      if (
        e.places.some(
          ({ outside }, k) => outside === 'zero' && !(moved[k]![1] >= 0 && moved[k]![1] < sizes[moved[k]![0]]!),
        )
      )
        return 0
      return sub(e.of, {
        ...place,
        ...Object.fromEntries(moved.map(([axis, to]) => [axis, Math.min(Math.max(to, 0), sizes[axis]! - 1)])),
      })
    }
    case 'reduce':
      return reduced(e, place, setting)
    case 'scan':
      return scanned(e, place, setting)
    case 'solve':
      return solved(e, place, setting)
    case 'repeat': {
      let bound = setting.bound
      const from = (expr: 'initial' | 'next', inner: Setting) =>
        Object.fromEntries(
          e.loop.carried.map((c) => [c.variable.id, (where: Place) => roundedAt(c[expr], where, inner)]),
        )
      bound = { ...bound, ...from('initial', setting) }
      for (let n = 0; n < sub(e.loop.count); n += 1)
        bound = { ...bound, ...from('next', { ...setting, bound, memo: new Map() }) }
      return bound[e.loop.carried[e.which]!.variable.id]!(place)
    }
    default:
      throw new Error(`${e.kind} is not simulated`)
  }
}

function terms(e: Reduce | Scan, places: readonly Place[], setting: Setting): Float32Array {
  const inside = places.filter((at) => !e.domain || roundedAt(e.domain, at, setting) !== 0)
  return Float32Array.from(inside, (at) => roundedAt(e.of, at, setting))
}

function reduced(e: Reduce, place: Place, setting: Setting): number {
  let places: Place[] = [place]
  for (const axis of e.over)
    places = places.flatMap((at) => Array.from({ length: setting.sizes[axis]! }, (_, n) => ({ ...at, [axis]: n })))
  const x = terms(e, places, setting)
  switch (e.op) {
    case 'sum':
      return sum(x, setting)
    case 'mean':
      return x.length === 0 ? 0 : sum(x, setting) / x.length
    case 'max':
    case 'any':
      return Math.max(e.op === 'any' ? 0 : -Infinity, ...x)
    case 'min':
    case 'all':
      return Math.min(e.op === 'all' ? 1 : Infinity, ...x)
    case 'count':
      return x.reduce((n, c) => n + c, 0)
    default: {
      const high = Math.max(-Infinity, ...x)
      if (!Number.isFinite(high)) return high
      return (
        high +
        f(
          Math.log(
            sum(
              x.map((s) => Math.exp(f(s - high))),
              setting,
            ),
          ),
        )
      )
    }
  }
}

function scanned(e: Scan, place: Place, setting: Setting): number {
  const here = place[e.over]!
  const places = Array.from({ length: setting.sizes[e.over]! }, (_, n) => ({ ...place, [e.over]: n }))
  const reached = e.op === 'cumsum_back' ? places.slice(here).reverse() : places.slice(0, here + 1)
  return terms(e, reached, setting).reduce(
    (a, b) => (e.op === 'cummax' ? Math.max(a, b) : f(a + b)),
    e.op === 'cummax' ? -Infinity : 0,
  )
}

function solved(e: Solve, place: Place, setting: Setting): number {
  let [low, high] = [roundedAt(e.lo, place, setting), roundedAt(e.hi, place, setting)]
  const at = (t: number) =>
    roundedAt(e.of, place, { ...setting, memo: new Map(), bound: { ...setting.bound, [e.variable.id]: () => t } })
  if (at(high) >= 0) return high
  for (let n = 0; n < 60; n += 1) {
    const middle = f((low + high) / 2)
    if (at(middle) >= 0) low = middle
    else high = middle
  }
  return low
}
