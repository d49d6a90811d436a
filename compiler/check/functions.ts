/** Tables of functions, and the expansion of a call: a fresh copy of the body for each. */
import type * as ast from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import type { Expr } from '../ir.ts'
import { type AxisUse, bindValues, type Env, inLibrary, isPoison, type Names, poison, report } from './context.ts'

export interface FunctionEntry {
  readonly decl: ast.Fn
  readonly origin: 'library' | 'import' | 'file' | 'attention'
  /** What its body sees: the functions of its own file and, inside an attention, the names and axes of that. */
  readonly functions: () => FunctionTable
  readonly names: Names | undefined
  readonly inAttention: boolean
  /** It calls itself, as has been reported. */
  readonly recursive: boolean
}
export type FunctionTable = ReadonlyMap<string, FunctionEntry>

export interface Arguments {
  readonly axes: readonly AxisUse[]
  readonly values: readonly Expr[]
  readonly span: Span
}

/** Elaborates a function's body in an environment. */
export type ElaborateBody = (body: ast.Fn['body'], env: Env) => Expr

export function expand(env: Env, entry: FunctionEntry, given: Arguments, elaborate: ElaborateBody): Expr {
  const { decl } = entry
  if (entry.recursive || isPoison(...given.values) || !fits(env, decl, given)) return poison
  const values = new Map(decl.params.map((param, k) => [param.text, given.values[k] ?? poison]))
  const inner: Env = {
    ...env,
    names: bindValues(values, entry.names),
    axisParams: new Map(decl.axes.flatMap((axis, k) => (given.axes[k] ? [[axis.text, given.axes[k]]] : []))),
    inAttention: entry.inAttention,
    functions: entry.functions(),
    calls: [...env.calls, { name: decl.name.text, span: given.span, library: entry.origin === 'library' }],
  }
  const value = elaborate(decl.body, inner)
  if (!inLibrary(env) && !isPoison(value)) env.context.marks.calls.set(value, given.span)
  return value
}

function fits(env: Env, decl: ast.Fn, { axes, values, span }: Arguments): boolean {
  const ofAxes = axes.length === decl.axes.length
  const ofValues = values.length === decl.params.length
  if (!ofAxes) report(env, errors.wrongAxisCount(span, decl.name.text, signature(decl), axes.length, decl.name.span))
  if (!ofValues)
    report(env, errors.wrongArgumentCount(span, decl.name.text, signature(decl), values.length, decl.name.span))
  return ofAxes && ofValues
}

export function signature(decl: ast.Fn): string {
  const axes = decl.axes.length > 0 ? `[${decl.axes.map(({ text }) => text).join(', ')}]` : ''
  return `${decl.name.text}${axes}(${decl.params.map(({ text }) => text).join(', ')})`
}
