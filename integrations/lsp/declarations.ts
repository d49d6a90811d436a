/** What a name can stand for, and where names stand. */
import type * as ast from '../../grammar/ast.ts'
import type { Span } from '../../grammar/source.ts'

export type DeclarationKind =
  | 'attention'
  | 'function'
  | 'axis'
  | 'input'
  | 'param'
  | 'const'
  | 'let'
  | 'view'
  | 'output'
  | 'parameter'
  | 'axis parameter'
  | 'variable'
  | 'predefined' // score, mask, normalize, weight, out
  | 'builtin' // a function of the language

export interface Declaration {
  readonly kind: DeclarationKind
  readonly name: string
  readonly at: Span | undefined // of the name; undefined: the language's own
  readonly node: ast.Item | ast.Clause | ast.InputDecl | ast.AxisDecl | ast.Solve | ast.Let | undefined
  readonly doc: string | undefined
}

/** A name in the text. `implied`: it is not written, but meant: `v` where an attention has no output of its own. */
export interface Occurrence {
  readonly span: Span
  readonly of: Declaration
  readonly role: 'declares' | 'reads' | 'rebinds' | 'implied'
  readonly node?: ast.Name | ast.Call // of a name in an expression
}

/** What can be named at a place: inner scopes hide outer ones. */
export interface Scope {
  readonly span: Span
  readonly values: Map<string, Declaration>
  readonly axes: Map<string, Declaration>
  readonly functions: Map<string, Declaration>
  readonly parent: Scope | undefined
}

export const scopeIn = (parent: Scope | undefined, span: Span): Scope => ({
  span,
  values: new Map(),
  axes: new Map(),
  functions: new Map(),
  parent,
})

type Table = 'values' | 'axes' | 'functions'

export function find(scope: Scope | undefined, table: Table, name: string): Declaration | undefined {
  for (let at = scope; at; at = at.parent) {
    const found = at[table].get(name)
    if (found) return found
  }
  return undefined
}

/** All that can be named, each name as it is meant here. */
export function visible(scope: Scope | undefined, table: Table): ReadonlyMap<string, Declaration> {
  const all = new Map<string, Declaration>()
  for (let at = scope; at; at = at.parent)
    for (const [name, declaration] of at[table]) if (!all.has(name)) all.set(name, declaration)
  return all
}
