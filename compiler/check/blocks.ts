/** Bodies of functions: blocks, `repeat`, and the variable of `solve`. */
import type * as ast from '../../grammar/ast.ts'
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import type { Span } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import { type Bound, bound, type ElementType, type Expr, type RepeatLoop, repeat, solve } from '../ir.ts'
import { joinAxes, meet } from './axes.ts'
import { bindValues, type Env, isPoison, maxNodes, nameValue, placeOf, poison, report } from './context.ts'
import type { ElaborateBody } from './functions.ts'
import { areNumbers, operand, toFloat } from './operators.ts'

type Elaborate = (e: ast.Expr, env: Env) => Expr

export const elaborateBody =
  (elaborate: Elaborate): ElaborateBody =>
  (body, env) =>
    body.kind === 'block' ? elaborateBlock(body, env, elaborate) : elaborate(body, env)

function elaborateBlock(block: ast.Block, outer: Env, elaborate: Elaborate): Expr {
  const values = new Map<string, Expr>()
  const defined = new Map<string, Span>()
  const env = (): Env => ({ ...outer, names: bindValues(values, outer.names) })
  for (const statement of block.statements) {
    if (statement.kind === 'repeat') runRepeat(statement, values, defined, env(), elaborate)
    else define(statement, values, defined, env(), elaborate)
  }
  return elaborate(block.value, env())
}

function define(
  l: ast.Let,
  values: Map<string, Expr>,
  defined: Map<string, Span>,
  env: Env,
  elaborate: Elaborate,
): void {
  const { text, span } = l.name
  const before = defined.get(text)
  if (before) report(env, errors.definedTwice(span, text, before))
  defined.set(text, span)
  values.set(text, nameValue(env, text, elaborate(l.value, env)))
}

// repeat

/** A value that the rounds carry, as it is known so far. */
interface Carried {
  readonly name: string
  readonly initial: Expr
  readonly variable: Bound
}

/** Rebinds the carried values of `values` to those after all rounds. */
function runRepeat(
  r: ast.Repeat,
  values: Map<string, Expr>,
  defined: Map<string, Span>,
  env: Env,
  elaborate: Elaborate,
): void {
  const count = countOf(r, elaborate(r.count, env), env)
  const names = assignedNames(r, defined, env)
  const broken = isPoison(count) || names.some((name) => isPoison(values.get(name) ?? poison))
  const start = names.map((name): Carried => {
    const initial = values.get(name) ?? poison
    return { name, initial, variable: bound(fresh(env, name), initial.type, initial.axes, initial.span) }
  })
  const loop = broken
    ? undefined
    : settleAxes(env, count, start, (carried) => runRound(r, carried, values, defined, env, elaborate))
  if (broken) checkBrokenRound(r, values, defined, env, elaborate)
  for (const [k, name] of names.entries()) values.set(name, loop ? repeat(loop, k, r.span) : poison)
}

function countOf(r: ast.Repeat, count: Expr, env: Env): Expr {
  if (isPoison(count)) return poison
  if (count.type !== 'i32') report(env, errors.integerExpected(r.count.span, "'repeat'"))
  else if (count.axes.length > 0) report(env, errors.scalarExpected(r.count.span, "the count of 'repeat'", count.axes))
  else return count
  return poison
}

function assignedNames(r: ast.Repeat, defined: ReadonlyMap<string, Span>, env: Env): readonly string[] {
  const assigned = r.body.filter((statement) => statement.kind === 'assign')
  for (const { name } of assigned) {
    if (!defined.has(name.text)) report(env, errors.assignedUnknown(name.span, name.text, [...defined.keys()]))
  }
  return [...new Set(assigned.map(({ name }) => name.text))].filter((name) => defined.has(name))
}

/** The names' values after one round, in terms of the variables. */
function runRound(
  r: ast.Repeat,
  carried: readonly Carried[],
  values: ReadonlyMap<string, Expr>,
  defined: ReadonlyMap<string, Span>,
  env: Env,
  elaborate: Elaborate,
): readonly Expr[] {
  const local = new Map([...values, ...carried.map(({ name, variable }) => [name, variable] as const)])
  const here = new Map(defined)
  for (const statement of r.body) {
    const now: Env = { ...env, names: bindValues(local, env.names) }
    if (statement.kind === 'let') define(statement, local, here, now, elaborate)
    else local.set(statement.name.text, elaborate(statement.value, now))
  }
  return carried.map(({ name }) => local.get(name) ?? poison)
}

/** After an error in front of the loop: its statements are looked at once, for errors of their own. */
function checkBrokenRound(
  r: ast.Repeat,
  values: ReadonlyMap<string, Expr>,
  defined: ReadonlyMap<string, Span>,
  env: Env,
  elaborate: Elaborate,
): void {
  const names = [...new Set(r.body.flatMap((s) => (s.kind === 'assign' ? [s.name.text] : [])))]
  const local = new Map([...values, ...names.map((name) => [name, poison] as const)])
  runRound(r, [], local, defined, env, elaborate)
}

/**
 * Runs rounds with the variables' axes and types as known so far until they are what the round makes of them: each has the union
 * of the axes and the wider type of its first value and of all that is assigned. Only the last run reports.
 */
function settleAxes(
  env: Env,
  count: Expr,
  start: readonly Carried[],
  run: (carried: readonly Carried[]) => readonly Expr[],
): RepeatLoop | undefined {
  let carried = start
  for (;;) {
    const { value: next, keep } = tryOut(env, () => run(carried))
    const grown = carried.map((c, k) => grow(env, c, next[k] ?? poison))
    if (grown.some((c, k) => c !== carried[k])) {
      carried = grown
      continue
    }
    keep()
    if (isPoison(...next) || !areOfOneKind(env, carried, next)) return undefined
    const finished = carried.map((c, k) => finish(env, c, next[k] ?? poison))
    return finished.some((c) => isPoison(c.initial, c.next)) ? undefined : { count, carried: finished }
  }
}

function grow(env: Env, c: Carried, next: Expr): Carried {
  if (isPoison(next)) return c
  const { variable } = c
  const axes = joinAxes(env.context.axes, variable.axes, next.axes)
  const type = widerType(variable.type, next.type)
  const same =
    type === variable.type && axes.length === variable.axes.length && axes.every((a) => variable.axes.includes(a))
  return same ? c : { ...c, variable: bound(variable.id, type, axes, variable.span) }
}

const widerType = (a: ElementType, b: ElementType): ElementType => (a === 'i32' && b === 'f32' ? 'f32' : a)

function areOfOneKind(env: Env, carried: readonly Carried[], next: readonly Expr[]): boolean {
  const wrong = carried.filter(({ initial }, k) => (initial.type === 'bool') !== (next[k]?.type === 'bool'))
  for (const { name, initial } of wrong) {
    const k = carried.findIndex((c) => c.name === name)
    report(env, errors.rebindsOtherType(next[k]!.span!, name, next[k]!.type, initial.span!, initial.type))
  }
  return wrong.length === 0
}

function finish(env: Env, { variable, initial }: Carried, next: Expr): RepeatLoop['carried'][number] {
  const as = (e: Expr): Expr => (variable.type === 'f32' ? toFloat(e) : e)
  const [first = initial, after = next] = meet(env.context.axes, [as(initial), as(next)], variable.axes)
  return { variable, initial: first, next: after }
}

/** Runs `f` with its diagnostics and its count of nodes held back until `keep`. */
function tryOut<T>(env: Env, f: () => T): { readonly value: T; readonly keep: () => void } {
  const { context } = env
  const { sink, nodes } = context
  const held: Diagnostic[] = []
  context.sink = held
  const value = f()
  const spent = context.nodes
  context.sink = sink
  if (spent <= maxNodes) context.nodes = nodes
  const keep = (): void => {
    context.nodes = Math.max(context.nodes, spent)
    sink.push(...held)
  }
  return { value, keep }
}

function fresh({ context }: Env, name: string): string {
  context.names += 1
  return `${name}.${context.names}`
}

// solve

export function elaborateSolve(e: ast.Solve, env: Env, elaborate: Elaborate): Expr {
  const low = operand(elaborate(e.low, env), e.low.span)
  const high = operand(elaborate(e.high, env), e.high.span)
  const ok = areNumbers(env, "the bounds of 'solve'", [low, high])
  const axes = ok ? joinAxes(env.context.axes, low.value.axes, high.value.axes) : []
  const id = fresh(env, e.variable.text)
  let variable = bound(id, 'f32', axes, e.variable.span)
  for (;;) {
    const names = bindValues(new Map([[e.variable.text, variable]]), env.names)
    const { value: of, keep } = tryOut(env, () => elaborate(e.of, { ...env, names }))
    const grown = ok && !isPoison(of) ? joinAxes(env.context.axes, variable.axes, of.axes) : variable.axes
    if (!grown.every((axis) => variable.axes.includes(axis))) {
      variable = bound(id, 'f32', grown, e.variable.span)
      continue
    }
    keep()
    if (!areNumbers(env, "'solve'", [operand(of, e.of.span)]) || !ok) return poison
    const parts = [low.value, high.value, of].map(toFloat)
    const [lo, hi, f] = meet(env.context.axes, parts, variable.axes)
    if (!lo || !hi || !f || isPoison(lo, hi, f)) return poison
    const made = solve(variable, lo, hi, f, e.span)
    env.context.marks.solves.set(made, placeOf(env, e.of.span))
    return made
  }
}
