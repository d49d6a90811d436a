/** Where an expression is evaluated: which part of each axis, and what bound variables stand for. */
import { children, type Expr, type RepeatLoop } from '../ir.ts'
import { elements, type Value } from './array.ts'

export type Sizes = Readonly<Record<string, number>>
export type Params = Readonly<Record<string, number | boolean>>

/** What does not change during one evaluation. */
export interface Program {
  readonly sizes: Sizes
  readonly params: Params
  readonly inputs: ReadonlyMap<string, Value> // over their declared axes
  readonly budget: number // elements; larger arrays are evaluated a part at a time
  readonly free: Map<Expr, ReadonlySet<string>> // memo of `freeVariables`
}

export interface Range {
  readonly start: number
  readonly count: number
}

/** A child narrows (or widens again) axes, or binds variables, and remembers the values that depend on that. */
export interface Context {
  readonly program: Program
  readonly parent: Context | undefined
  readonly ranges: ReadonlyMap<string, Range>
  readonly changed: readonly string[] // axes whose range differs from the parent's
  readonly bindings: ReadonlyMap<string, Value>
  readonly binds: readonly string[] // variables bound here
  readonly values: Map<Expr, Value>
  readonly loops: Map<RepeatLoop, ReadonlyMap<string, Value>> // what carried variables end with
}

export const rootContext = (program: Program): Context => ({
  program,
  parent: undefined,
  ranges: new Map(),
  changed: [],
  bindings: new Map(),
  binds: [],
  values: new Map(),
  loops: new Map(),
})

/** `context` with these axes restricted to a range each, or made whole where the range is undefined. */
export function narrow(context: Context, ranges: ReadonlyMap<string, Range | undefined>): Context {
  const merged = new Map(context.ranges)
  for (const [axis, range] of ranges) {
    const whole = !range || range.count === lengthOf(context.program, axis)
    if (whole) merged.delete(axis)
    else merged.set(axis, range)
  }
  const changed = [...ranges.keys()].filter((axis) => !sameRange(merged.get(axis), context.ranges.get(axis)))
  if (changed.length === 0) return context
  return { ...context, parent: context, ranges: merged, changed, binds: [], values: new Map(), loops: new Map() }
}

const sameRange = (a: Range | undefined, b: Range | undefined): boolean =>
  a?.start === b?.start && a?.count === b?.count

export const widen = (context: Context, axes: readonly string[]): Context =>
  narrow(context, new Map(axes.map((axis) => [axis, undefined])))

export function bind(context: Context, variables: ReadonlyMap<string, Value>): Context {
  const bindings = new Map([...context.bindings, ...variables])
  return {
    ...context,
    parent: context,
    changed: [],
    bindings,
    binds: [...variables.keys()],
    values: new Map(),
    loops: new Map(),
  }
}

export const lengthOf = (program: Program, axis: string): number => program.sizes[axis] ?? 1

export const rangeOf = (context: Context, axis: string): Range =>
  context.ranges.get(axis) ?? { start: 0, count: lengthOf(context.program, axis) }

export const shapeOf = (context: Context, axes: readonly string[]): readonly number[] =>
  axes.map((axis) => rangeOf(context, axis).count)

/**
 * The outermost context in which `e` has the same value: past contexts that neither bind a variable of `e` nor change an axis of
 * it. What fits the budget whole is evaluated whole, once, and read in parts; loops always are.
 */
export function homeOf(e: Expr, context: Context): Context {
  const { program } = context
  const fits = elements(e.axes.map((axis) => lengthOf(program, axis))) <= program.budget
  const whole = fits || e.kind === 'solve' || e.kind === 'repeat' || e.kind === 'bound'
  const free = freeVariables(e, program.free)
  let home = context
  while (home.parent) {
    const axes = !whole && home.changed.some((axis) => e.axes.includes(axis))
    if (axes || home.binds.some((id) => free.has(id))) break
    home = home.parent
  }
  return home
}

/** `value`, computed in `home`, as seen from a context within it: no copy. */
export function view(value: Value, home: Context, context: Context): Value {
  if (home === context || value.axes.every((axis) => sameRange(home.ranges.get(axis), context.ranges.get(axis))))
    return value
  let offset = value.offset
  const shape = value.axes.map((axis, k) => {
    const range = rangeOf(context, axis)
    offset += (range.start - rangeOf(home, axis).start) * value.strides[k]!
    return range.count
  })
  return { ...value, shape, offset }
}

/** The bound variables that `e` uses and does not itself bind. */
export function freeVariables(e: Expr, memo: Map<Expr, ReadonlySet<string>>): ReadonlySet<string> {
  const known = memo.get(e)
  if (known) return known
  const free = new Set<string>(e.kind === 'bound' ? [e.id] : [])
  for (const child of children(e)) for (const id of freeVariables(child, memo)) free.add(id)
  if (e.kind === 'solve') free.delete(e.variable.id)
  if (e.kind === 'repeat') for (const { variable } of e.loop.carried) free.delete(variable.id)
  memo.set(e, free)
  return free
}
