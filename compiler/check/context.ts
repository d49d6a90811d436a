/** What the checking of one attention shares, and where a piece of source text stands in it. */
import type * as ast from '../../grammar/ast.ts'
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import type { Span } from '../../grammar/source.ts'
import { expansionTooLarge } from '../errors.ts'
import { type Expr, f32 } from '../ir.ts'
import type { AxisTable } from './axes.ts'
import type { FunctionTable } from './functions.ts'

/** Expressions checked, functions expanded. */
export const maxNodes = 10_000
/** The same with the rounds in which axes of `repeat` and `solve` are found: a bound on time alone. */
const maxWork = 200_000

/** Stands for an expression that an error was reported in: whatever is made of it is poison too, without further errors. */
export const poison: Expr = f32(Number.NaN)
export const isPoison = (...all: readonly Expr[]): boolean => all.includes(poison)

/** A substitution as the source has it, for the questions that are asked when all is known. */
export interface Move {
  readonly base: Expr
  readonly places: readonly {
    readonly axis: string
    readonly index: Expr
    readonly span: Span
    readonly zero: boolean
  }[]
  readonly span: Span
  readonly inLibrary: boolean
}

/** A quotient of integers as it is written; `sign`: its '/', where that can be told. */
export interface Quotient {
  readonly span: Span
  readonly sign: Span | undefined
}

/** Facts about nodes, beside the IR; the spans are where to say something about them. */
interface Marks {
  readonly quotients: Map<Expr, Quotient> // `/` of integers outside index positions, the library's own not
  readonly whole: Map<Expr, Span> // reductions over a whole axis that no `where` asked for
  readonly moves: Map<Expr, Move>
  readonly sums: Map<Expr, Span> // sums and products of i32, the library's own not
  readonly solves: Map<Expr, Span> // the span of what falls
  readonly names: Map<Expr, string> // what the source calls a value, the library's own names not
  readonly calls: Map<Expr, Span> // calls of functions, the library's own not, by what they gave
}

export interface Context {
  readonly axes: AxisTable
  readonly marks: Marks
  /** The mask, elaborated when first asked for; undefined if all pairs are admitted. */
  readonly findMask: (asked: Span, env: Env) => Expr | undefined
  /** The values that the clauses define, without those of functions around. */
  readonly attentionNames: Names
  /** Is told what came of each expression of the source, with the number of calls that it stands in. */
  readonly seen: ((e: ast.Expr, value: Expr, calls: number) => void) | undefined
  /** Where diagnostics go; a round that is tried again throws its own away. */
  sink: Diagnostic[]
  readonly root: Diagnostic[]
  nodes: number
  work: number
  depth: number
  names: number
}

/** A value by its name: elaborated where it is asked for. */
export type Binding = (asked: Span) => Expr

export interface Names {
  readonly values: ReadonlyMap<string, Binding>
  readonly parent: Names | undefined
}

/** An axis that a name in brackets stands for; `where` came with it through a function's axis argument. */
export interface AxisUse {
  readonly axis: string
  readonly where: Expr | undefined
}

export interface Env {
  readonly context: Context
  readonly names: Names
  readonly axisParams: ReadonlyMap<string, AxisUse>
  /** Whether the attention's own axes are in scope, not only the conventional ones. */
  readonly inAttention: boolean
  readonly functions: FunctionTable
  /** In the text of `mask`: there a reduction sees its whole axis. */
  readonly inMask: boolean
  /** The calls being expanded, outermost first. */
  readonly calls: readonly { readonly name: string; readonly span: Span; readonly library: boolean }[]
}

export function findBinding(names: Names | undefined, name: string): Binding | undefined {
  for (let scope = names; scope; scope = scope.parent) {
    const found = scope.values.get(name)
    if (found) return found
  }
  return undefined
}

export function* namesInScope(names: Names | undefined): Iterable<string> {
  for (let scope = names; scope; scope = scope.parent) yield* scope.values.keys()
}

/** Binds values that are known already. */
export const bindValues = (values: ReadonlyMap<string, Expr>, parent: Names | undefined): Names => ({
  values: new Map([...values].map(([name, value]) => [name, () => value])),
  parent,
})

/** Whether the text being elaborated is the library's. */
export const inLibrary = (env: Env): boolean => env.calls.at(-1)?.library ?? false

const lastOwnCall = (env: Env): Env['calls'][number] | undefined => {
  const first = env.calls.findLastIndex((call) => !call.library) + 1
  return env.calls[first]
}

/** Notes what the source calls a value; the first name of it stays. */
export function nameValue(env: Env, name: string, value: Expr): Expr {
  const { names } = env.context.marks
  if (!isPoison(value) && !inLibrary(env) && !names.has(value)) names.set(value, name)
  return value
}

/** Where to point at a piece of text: the library's is shown at the call in the user's. */
export const placeOf = (env: Env, span: Span): Span => (inLibrary(env) ? (lastOwnCall(env)?.span ?? span) : span)

/** Reports what is wrong in a piece of text, with the call that led there. */
export function report(env: Env, found: Diagnostic): void {
  const { sink } = env.context
  const call = inLibrary(env) ? lastOwnCall(env) : env.calls.at(-1)
  if (!call) sink.push(found)
  else if (inLibrary(env)) {
    sink.push({ ...found, at: { span: call.span, text: `in '${call.name}'` }, notes: [found.at, ...found.notes] })
  } else sink.push({ ...found, notes: [...found.notes, { span: call.span, text: `in this call of '${call.name}'` }] })
}

/** Counts one expression; false when there have been too many, which is said once. */
export function spend(env: Env, span: Span): boolean {
  const { context } = env
  context.nodes += 1
  context.work += 1
  if (context.nodes <= maxNodes && context.work <= maxWork) return true
  if (context.nodes === maxNodes + 1 || context.work === maxWork + 1)
    context.root.push(expansionTooLarge(callSpan(env, span), maxNodes))
  context.nodes = Math.max(context.nodes, maxNodes + 2)
  return false
}

const callSpan = (env: Env, span: Span): Span => env.calls[0]?.span ?? span

/** Runs `f` with the diagnostics of settled text: what it reports is kept, whatever becomes of the text that asked for it. */
export function settle<T>(context: Context, f: () => T): T {
  const { sink } = context
  context.sink = context.root
  try {
    return f()
  } finally {
    context.sink = sink
  }
}
