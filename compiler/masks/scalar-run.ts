/** Runs kernels of scalars, one element after the other: the classes of masks and the tables that they read. */
import { elementary } from '../elementary.ts'
import { InternalError } from '../invariant.ts'
import type { Kernel, KernelExpr, Load, Loop, Reduce, Statement, Store } from '../kernel.ts'
import { own } from '../own.ts'

export interface MaskInput {
  readonly axes: readonly string[] // in memory order
  readonly data: ArrayLike<number> // bool as 0 and 1
}
export interface ScalarLaunch {
  readonly sizes: Readonly<Record<string, number>>
  readonly params: Readonly<Record<string, number | boolean>>
  readonly inputs: Readonly<Record<string, MaskInput>>
  readonly single: Readonly<Record<string, number>> // indices of the axes that are not tiled: b, h
  readonly round?: (x: number) => number // after each f32 operation: `Math.fround` for a kernel in f32; f64 if absent
}
/** First and last index of the current tile, by axis. */
export type Tiles = Readonly<Record<string, readonly [first: number, last: number]>>

export const tilesOf = (size: number, tile: number): readonly (readonly [number, number])[] =>
  Array.from({ length: Math.ceil(size / tile) }, (_, n) => [n * tile, Math.min(size, (n + 1) * tile) - 1] as const)

export type Place = Readonly<Record<string, number>>
type Value = (place: Place) => number

export interface ScalarRun {
  /** Moves to another tile of an axis; what was defined before keeps its value. */
  readonly enter: (axis: string, tile: readonly [first: number, last: number]) => void
  readonly define: (statement: Statement) => void
  readonly value: (e: KernelExpr, place: Place) => number
}

/** Fills `into`, by name of buffer. */
export function runKernel(kernel: Kernel, launch: ScalarLaunch, into: Readonly<Record<string, number[]>>): void {
  const walk = (rest: Kernel['grid'], tiles: Tiles, single: Place): void => {
    const [axis, ...others] = rest
    if (!axis) {
      const run = createRun(tiles, { ...launch, single }, into)
      for (const statement of kernel.body) run.define(statement)
      return
    }
    const size = own(launch.sizes, axis.axis) ?? 0
    if (axis.tile === undefined) for (let n = 0; n < size; n++) walk(others, tiles, { ...single, [axis.axis]: n })
    else for (const tile of tilesOf(size, axis.tile)) walk(others, { ...tiles, [axis.axis]: tile }, single)
  }
  walk(kernel.grid, {}, launch.single)
}

export function createRun(
  start: Tiles,
  launch: ScalarLaunch,
  into: Readonly<Record<string, number[]>> = {},
): ScalarRun {
  const values = new Map<string, Value>()
  let [tiles, single] = [start, launch.single]
  const known = <T>(value: T | undefined, name: string): T => {
    if (value === undefined) throw new InternalError(`the classes of a mask read '${name}', which has no value`)
    return value
  }
  const rounded = (e: KernelExpr, x: number): number => (e.type === 'f32' && launch.round ? launch.round(x) : x)
  const functions = new Map<KernelExpr, Value>()
  /** An expression as a function of places: made once, since tiles are many. */
  const functionOf = (e: KernelExpr): Value => {
    const made = functions.get(e) ?? makeFunction(e)
    functions.set(e, made)
    return made
  }
  const value = (e: KernelExpr, place: Place): number => functionOf(e)(place)

  function makeFunction(e: KernelExpr): Value {
    switch (e.kind) {
      case 'const': {
        const x = rounded(e, Number(e.value))
        return () => x
      }
      case 'value':
        return (place) => known(values.get(e.name), e.name)(place)
      case 'index': {
        if (e.of === 'element') return (place) => known(own(place, e.axis) ?? own(single, e.axis), e.axis)
        const end = e.of === 'first' ? 0 : 1
        return () => known(own(tiles, e.axis), e.axis)[end]
      }
      case 'size': {
        const size = own(launch.sizes, e.axis)
        return () => known(size, e.axis)
      }
      case 'param': {
        const given = own(launch.params, e.name)
        return () => rounded(e, Number(known(given, e.name)))
      }
      case 'call':
        return callOf(e)
    }
  }

  function callOf(e: Extract<KernelExpr, { kind: 'call' }>): Value {
    const [x = nought, y = nought, z = nought] = e.args.map(functionOf)
    const f = elementary(
      e.op,
      e.args.map((arg) => arg.type),
    )
    return (place) => rounded(e, f(x(place), y(place), z(place)))
  }

  /** Where an element lies; undefined in a buffer with an axis of length 0. */
  function addressOf(
    axes: readonly string[],
    index: Readonly<Record<string, KernelExpr>>,
    place: Place,
  ): number | undefined {
    let at = 0
    for (const axis of axes) {
      const size = known(own(launch.sizes, axis), axis)
      if (size === 0) return undefined
      at = at * size + Math.max(0, Math.min(size - 1, value(known(own(index, axis), axis), place)))
    }
    return at
  }

  function load({ buffer, index }: Load, place: Place): number {
    const { axes, data } = known(own(launch.inputs, buffer), buffer)
    const at = addressOf(axes, index, place)
    return at === undefined ? 0 : known(data[at], buffer)
  }

  function fold({ op, of, over, to }: Reduce, place: Place): number {
    const [first, last] = own(tiles, over) ?? [0, known(own(launch.sizes, over), over) - 1]
    let out = known(starts[op], op)
    const join = elementary(op === 'any' ? 'or' : op === 'all' ? 'and' : op === 'min' ? 'min' : 'max', [to.type])
    const [inner, f] = [{ ...place, [over]: first }, functionOf(of)]
    for (let n = first; n <= last; n++) {
      inner[over] = n
      out = join(out, f(inner), 0)
    }
    return out
  }

  function store({ buffer, index, value: of }: Store): void {
    const { axes } = known(own(launch.inputs, buffer), buffer)
    const at = known(addressOf(axes, index, {}), buffer)
    known(own(into, buffer), buffer)[at] = value(of, {})
  }

  function loop({ over, carried, body }: Loop): void {
    const before = single
    const set = (name: string, now: number): unknown => values.set(name, () => now)
    for (const { value: held, initial } of carried) set(held.name, value(initial, {}))
    for (const index of roundsOf(over)) {
      if (over.kind === 'members') single = { ...before, [over.axis]: index }
      for (const statement of body) define(statement)
      const next = carried.map((c) => known(values.get(c.next), c.next)({}))
      for (const [n, c] of carried.entries()) set(c.value.name, next[n] ?? 0)
    }
    single = before
  }

  function roundsOf(over: Loop['over']): readonly number[] {
    if (over.kind === 'tiles') throw new InternalError('the classes of a mask walk tiles')
    const count = over.kind === 'rounds' ? value(over.count, {}) : known(own(launch.sizes, over.axis), over.axis)
    const up = Array.from({ length: Math.max(0, count) }, (_, n) => n)
    return over.kind === 'members' && over.direction === 'down' ? up.toReversed() : up
  }

  function define(statement: Statement): void {
    switch (statement.kind) {
      case 'map':
        return keep(statement, functionOf(statement.expr))
      case 'load':
        return keep(statement, (place) => load(statement, place))
      case 'reduce':
        return keep(statement, (place) => fold(statement, place))
      case 'store':
        return store(statement)
      case 'loop':
        return loop(statement)
      default:
        throw new InternalError(`the classes of a mask hold a ${statement.kind}`)
    }
  }

  /** A value without axes is computed once. */
  function keep({ to }: Load | Reduce | Extract<Statement, { kind: 'map' }>, make: Value): void {
    if (to.axes.length > 0) values.set(to.name, make)
    else {
      const now = make({})
      values.set(to.name, () => now)
    }
  }
  const enter: ScalarRun['enter'] = (axis, tile) => {
    tiles = { ...tiles, [axis]: tile }
  }
  return { enter, define, value }
}

const nought: Value = () => 0
const starts: Partial<Record<Reduce['op'], number>> = { any: 0, all: 1, min: Infinity, max: -Infinity }
