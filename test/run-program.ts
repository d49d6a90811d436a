/**
 * The meaning of a program, element by element: what `kernel.ts` says, slowly. Tests hold targets and lowering against it. With a
 * `round`, every operation on floats is rounded by it, sums term by term: what a target of that arithmetic may give.
 */
import { elementary } from '../compiler/elementary.ts'
import { invariant } from '../compiler/invariant.ts'
import type { Buffer, Kernel, KernelExpr, Load, Loop, Program, Statement, Step, Value } from '../compiler/kernel.ts'
import type { Op } from '../compiler/ops.ts'

/** Elements as numbers, in the order of the buffer's axes; bool is 0 or 1. */
export type Contents = Map<string, Float64Array>
export interface Given {
  readonly sizes: Readonly<Record<string, number>>
  readonly params?: Readonly<Record<string, number>>
  readonly inputs: Readonly<Record<string, ArrayLike<number>>>
}

interface Range {
  readonly first: number
  readonly count: number
}
interface Held {
  readonly value: Value
  readonly data: Float64Array
}
interface Scope {
  readonly values: ReadonlyMap<string, Held>
  readonly ranges: ReadonlyMap<string, Range>
}
type At = ReadonlyMap<string, number>

/** `op`: what the number is the result of, if it is that of an operation. */
export type Round = (x: number, op?: Op) => number
const exact: Round = (x) => x

/** Runs a program; gives every buffer's contents, unrounded but for f32 (`Math.fround`). */
export function runProgram(program: Program, { sizes, params = {}, inputs }: Given, round: Round = exact): Contents {
  const contents: Contents = new Map()
  const count = ({ axes }: Buffer): number => axes.reduce((n, axis) => n * sizes[axis]!, 1)
  for (const buffer of program.buffers)
    contents.set(
      buffer.name,
      Float64Array.from({ length: count(buffer) }, () => 0),
    )
  for (const [name, data] of Object.entries(inputs)) contents.get(name)!.set(data)
  const machine = new Run(program, sizes, params, contents, round)
  machine.steps(program.steps)
  return contents
}

class Run {
  readonly #program: Program
  readonly #sizes: Readonly<Record<string, number>>
  readonly #params: Readonly<Record<string, number>>
  readonly #contents: Contents
  readonly #round: Round

  constructor(
    program: Program,
    sizes: Readonly<Record<string, number>>,
    params: Readonly<Record<string, number>>,
    contents: Contents,
    round: Round,
  ) {
    this.#program = program
    this.#sizes = sizes
    this.#params = params
    this.#contents = contents
    this.#round = round
  }

  steps(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === 'kernel') this.#kernel(step)
      else {
        const count = this.#eval(step.count, new Map(), { values: new Map(), ranges: new Map() })
        for (let round = 0; round < count; round++) {
          this.steps(step.steps)
          const next = step.become.map(({ from }) => this.#contents.get(from)!.slice())
          for (const [n, { to }] of step.become.entries()) this.#contents.get(to)!.set(next[n]!)
        }
      }
    }
  }

  #kernel({ grid, body }: Kernel, ranges: ReadonlyMap<string, Range> = new Map()): void {
    const [axis, ...rest] = grid
    if (!axis) return void this.#list(body, { values: new Map(), ranges })
    const size = this.#sizes[axis.axis]!
    const step = axis.tile ?? 1
    for (let first = 0; first < size; first += step) {
      const range = { first, count: Math.min(step, size - first) }
      this.#kernel(
        { ...{ kind: 'kernel', name: '', doc: '' }, grid: rest, body },
        new Map(ranges).set(axis.axis, range),
      )
    }
  }

  #list(body: readonly Statement[], scope: Scope): Scope {
    return body.reduce((now, statement) => this.#statement(statement, now), scope)
  }

  #statement(s: Statement, scope: Scope): Scope {
    switch (s.kind) {
      case 'load':
        return this.#hold(s.to, scope, (at) => this.#load(s, at, scope))
      case 'map':
      case 'mask':
        return this.#hold(s.to, scope, (at) => this.#eval(s.expr, at, scope))
      case 'contract':
        return this.#hold(s.to, scope, (at) => {
          let sum = 0
          for (const inner of this.#along(s.over, at, scope)) {
            if (s.where === undefined || this.#read(s.where, inner, scope))
              sum = this.#round(sum + this.#round(this.#read(s.left, inner, scope) * this.#read(s.right, inner, scope)))
          }
          return sum
        })
      case 'reduce':
        return this.#hold(s.to, scope, (at) => {
          const all = [...this.#along(s.over, at, scope)].filter(
            (inner) => s.where === undefined || this.#read(s.where, inner, scope),
          )
          return this.#folded(
            s,
            all.map((inner) => this.#eval(s.of, inner, scope)),
          )
        })
      case 'prefix':
        return this.#hold(s.to, scope, (at) => {
          const here = at.get(s.along)!
          const before = [...this.#along(s.along, at, scope)].filter((inner) => {
            const [place, apart] = [inner.get(s.along)!, s.direction === 'up' ? 1 : -1]
            const isPast = (here - place) * apart > 0 || (s.inclusive && place === here)
            return isPast && (s.where === undefined || this.#read(s.where, inner, scope))
          })
          const all = before.map((inner) => this.#read(s.of, inner, scope))
          return this.#folded(s, s.direction === 'up' ? all : all.reverse())
        })
      case 'store':
        for (const at of this.#elements(
          s.axes.map(({ axis }) => axis),
          scope,
        )) {
          const { buffer, place } = this.#place(s.buffer, s.index, at, scope)
          const value = this.#eval(s.value, at, scope)
          this.#contents.get(s.buffer)![place.reduce((n, k, m) => n * this.#sizes[buffer.axes[m]!]! + k, 0)] =
            buffer.storage === 'f32' ? Math.fround(value) : value
        }
        return scope
      case 'loop':
        return this.#loop(s, scope)
    }
  }

  #folded({ op, to }: { readonly op: string; readonly to: Value }, all: readonly number[]): number {
    const round = to.type === 'f32' ? this.#round : exact
    return all.reduce((x, y) => round(fold[op]!(x, y)), start(op, to.type))
  }

  #loop({ over, carried, body }: Loop, outer: Scope): Scope {
    let scope = carried.reduce(
      (now, { value, initial }) => this.#hold(value, now, (at) => this.#eval(initial, at, outer)),
      outer,
    )
    const round = (ranges: ReadonlyMap<string, Range>): void => {
      let inner: Scope = { ...scope, ranges }
      if (over.kind === 'tiles') {
        inner = this.#list(over.head, inner)
        if (over.skip !== undefined && this.#read(over.skip, new Map(), inner)) return
      }
      const after = this.#list(body, inner)
      const values = new Map(scope.values)
      for (const { value, next } of carried) values.set(value.name, { value, data: after.values.get(next)!.data })
      scope = { ...scope, values }
    }
    if (over.kind === 'rounds') {
      const count = this.#eval(over.count, new Map(), outer)
      for (let n = 0; n < count; n++) round(outer.ranges)
      return scope
    }
    const size = this.#sizes[over.axis]!
    if (over.kind === 'members') {
      for (let n = 0; n < size; n++)
        round(new Map(outer.ranges).set(over.axis, { first: over.direction === 'up' ? n : size - 1 - n, count: 1 }))
      return scope
    }
    const from = Math.max(0, over.from ? this.#eval(over.from, new Map(), outer) : 0)
    const to = Math.min(size, over.to ? this.#eval(over.to, new Map(), outer) : size)
    const tiles = Array.from({ length: Math.ceil(Math.max(0, to) / over.tile) }, (_, n) => n * over.tile)
    for (const start of over.direction === 'up' ? tiles : tiles.toReversed()) {
      const first = Math.max(start, from)
      const count = Math.min(start + over.tile, to) - first
      if (count > 0) round(new Map(outer.ranges).set(over.axis, { first, count }))
    }
    return scope
  }

  #range(axis: string, scope: Scope): Range {
    return scope.ranges.get(axis) ?? { first: 0, count: this.#sizes[axis]! }
  }

  *#along(axis: string, at: At, scope: Scope): Generator<At> {
    const { first, count } = this.#range(axis, scope)
    for (let n = 0; n < count; n++) yield new Map(at).set(axis, first + n)
  }

  *#elements(axes: readonly string[], scope: Scope, at: At = new Map()): Generator<At> {
    const [axis, ...rest] = axes
    if (axis === undefined) yield at
    else for (const inner of this.#along(axis, at, scope)) yield* this.#elements(rest, scope, inner)
  }

  #hold(value: Value, scope: Scope, element: (at: At) => number): Scope {
    const data = Float64Array.from(
      this.#elements(
        value.axes.map(({ axis }) => axis),
        scope,
      ),
      element,
    )
    return { ...scope, values: new Map(scope.values).set(value.name, { value, data }) }
  }

  #read(name: string, at: At, scope: Scope): number {
    const held = scope.values.get(name)
    invariant(held, `${name} is not defined`)
    const place = held.value.axes.reduce((n, { axis }) => {
      const { first, count } = this.#range(axis, scope)
      return n * count + at.get(axis)! - first
    }, 0)
    return held.data[place]!
  }

  #place(
    name: string,
    index: Readonly<Record<string, KernelExpr>>,
    at: At,
    scope: Scope,
  ): { readonly buffer: Buffer; readonly place: readonly number[] } {
    const buffer = this.#program.buffers.find((b) => b.name === name)!
    return { buffer, place: buffer.axes.map((axis) => this.#eval(index[axis]!, at, scope)) }
  }

  #load({ buffer: name, index, outside }: Load, at: At, scope: Scope): number {
    const { buffer, place } = this.#place(name, index, at, scope)
    const sizes = buffer.axes.map((axis) => this.#sizes[axis]!)
    if (sizes.includes(0)) return 0
    const beyond = place.some((k, n) => k < 0 || k >= sizes[n]!)
    invariant(outside !== 'never' || !beyond, `${name}[${place}] is outside of [${sizes}]`)
    if (outside === 'zero' && beyond) return 0
    return this.#contents.get(name)![
      place.reduce((n, k, m) => n * sizes[m]! + Math.min(Math.max(k, 0), sizes[m]! - 1), 0)
    ]!
  }

  #eval(e: KernelExpr, at: At, scope: Scope): number {
    switch (e.kind) {
      case 'const':
        return e.type === 'f32' ? this.#round(Number(e.value)) : Number(e.value)
      case 'value':
        return this.#read(e.name, at, scope)
      case 'size':
        return this.#sizes[e.axis]!
      case 'param':
        return e.type === 'f32' ? this.#round(this.#params[e.name]!) : this.#params[e.name]!
      case 'index': {
        const { first, count } = this.#range(e.axis, scope)
        if (e.of === 'element') return at.get(e.axis) ?? first
        return e.of === 'first' ? first : first + count - 1
      }
      case 'call': {
        const [a, b, c, d, f] = e.args.map((arg) => this.#eval(arg, at, scope))
        const compute = elementary(
          e.op,
          e.args.map((arg) => arg.type),
        )
        const value = compute(a!, b!, c!, d, f)
        return e.type === 'f32' ? this.#round(value, e.op) : value
      }
    }
  }
}

const fold: Readonly<Record<string, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  count: (a, b) => a + b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  any: (a, b) => Math.max(a, b),
  all: (a, b) => Math.min(a, b),
}
function start(op: string, type: string): number {
  if (op === 'all') return 1
  const limit = type === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [-Infinity, Infinity]
  return op === 'max' ? limit[0]! : op === 'min' ? limit[1]! : 0
}
