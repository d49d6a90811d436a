/** Which declaration each name of a file means, by the rules of docs/language.md; also in a file that is not whole. */
import { conventionalAxes } from '../../compiler/check/axes.ts'
import { builtins, folds } from '../../compiler/check/builtins.ts'
import { library } from '../../compiler/check/check.ts'
import { isDefault, predefined } from '../../compiler/check/definitions.ts'
import type * as ast from '../../grammar/ast.ts'
import { childrenOf } from '../../grammar/ast.ts'
import { type Broken, type Recovered, recover } from '../../grammar/recover.ts'
import { type SourceFile, type Span, spanOf } from '../../grammar/source.ts'
import { type Declaration, type DeclarationKind, find, type Occurrence, type Scope, scopeIn } from './declarations.ts'

export interface Resolved {
  readonly occurrences: readonly Occurrence[] // in source order
  readonly scopes: readonly Scope[] // outer ones first
  readonly imports: readonly Imported[]
}

export interface Imported {
  readonly clause: ast.Import
  readonly file: SourceFile | undefined // undefined: it cannot be read
}

type Kinds = Readonly<Record<string, Declaration>>
const own = (kind: DeclarationKind, names: readonly string[]): Kinds =>
  Object.fromEntries(
    names.map((name) => [name, { kind, name, at: undefined, node: undefined, doc: undefined } satisfies Declaration]),
  )
const languageFunctions = own('builtin', [...Object.keys(builtins), ...Object.keys(folds), 'size'])

const declarations = new WeakMap<ast.Fn, Declaration>()

/** One object for a function, whoever names it. */
function functionOf(node: ast.Fn): Declaration {
  const known = declarations.get(node)
  if (known) return known
  const { name, doc } = node
  const made: Declaration = { kind: 'function', name: name.text, at: name.span, node, doc }
  declarations.set(node, made)
  return made
}

/** The functions that a file declares for those who import it. The first of a name counts. */
export function functionsOf(file: SourceFile): ReadonlyMap<string, Declaration> {
  const { program } = recover(file)
  return new Map(
    program.items
      .flatMap((item) => (item.kind === 'fn' ? [[item.name.text, functionOf(item)] as const] : []))
      .toReversed(),
  )
}

export function resolve({ program, broken }: Recovered, imports: readonly Imported[]): Resolved {
  const { file } = program
  const whole = spanOf(file, 0, file.text.length)
  const language = scopeIn(undefined, whole)
  for (const [name, declaration] of Object.entries(languageFunctions)) language.functions.set(name, declaration)
  const outer = scopeIn(language, whole)
  for (const [name, declaration] of functionsOf(library)) outer.functions.set(name, declaration)
  for (const imported of imports.toReversed())
    for (const [name, declaration] of imported.file ? functionsOf(imported.file) : [])
      outer.functions.set(name, declaration)
  for (const [name, declaration] of functionsOf(file)) outer.functions.set(name, declaration)
  const context: Context = { occurrences: [], scopes: [outer], attentions: [] }
  for (const item of program.items) {
    if (item.kind === 'fn') resolveFn(item, conventional(outer, item.span), context)
    if (item.kind === 'attention') resolveAttention(item, outer, context)
  }
  for (const item of program.items) if (item.kind === 'check') resolveFileCheck(item, context)
  for (const one of broken) declareBroken(one, context)
  const occurrences = context.occurrences.sort((a, b) => a.span.start - b.span.start)
  return { occurrences, scopes: context.scopes, imports }
}

interface Context {
  readonly occurrences: Occurrence[]
  readonly scopes: Scope[]
  readonly attentions: Scope[]
}

// Declarations

function declare(
  table: Map<string, Declaration>,
  kind: DeclarationKind,
  name: ast.Name,
  node: Declaration['node'],
  context: Context,
): Declaration {
  const doc = node && 'doc' in node ? node.doc : undefined
  const declaration: Declaration = { kind, name: name.text, at: name.span, node, doc }
  if (!table.has(name.text)) table.set(name.text, declaration)
  context.occurrences.push({ span: name.span, of: table.get(name.text) ?? declaration, role: 'declares' })
  return declaration
}

/** A scope in which the conventional axes have objects of their own: `j` of two attentions are two things. */
function conventional(parent: Scope, span: Span): Scope {
  const scope = scopeIn(parent, span)
  for (const [name, declaration] of Object.entries(own('axis', conventionalAxes))) scope.axes.set(name, declaration)
  return scope
}

function openScope(parent: Scope, span: Span, context: Context): Scope {
  const scope = scopeIn(parent, span)
  context.scopes.push(scope)
  return scope
}

function resolveAttention(attention: ast.Attention, outer: Scope, context: Context): void {
  const around = conventional(outer, attention.span)
  definePredefined(attention.clauses, around)
  const scope = openScope(around, attention.span, context)
  context.attentions.push(scope)
  declare(new Map(), 'attention', attention.name, attention, context)
  for (const clause of attention.clauses) declareClause(clause, scope, context)
  for (const clause of attention.clauses) resolveClause(clause, scope, context)
  implyResult(attention, scope, context)
}

/** Each predefined name stands where its clause does. */
function definePredefined(clauses: readonly ast.Clause[], scope: Scope): void {
  for (const [name, declaration] of Object.entries(own('predefined', predefined))) scope.values.set(name, declaration)
  const define = (name: string, at: Span, node: ast.Clause): void => {
    const doc = 'doc' in node ? node.doc : undefined
    scope.values.set(name, { kind: 'predefined', name, at, node, doc })
  }
  for (const clause of clauses) {
    if (clause.kind === 'score' || clause.kind === 'mask') define(clause.kind, clause.nameSpan, clause)
    if (clause.kind === 'normalize') for (const name of ['normalize', 'weight']) define(name, clause.nameSpan, clause)
    if (clause.kind === 'output' && isDefault(clause))
      define('out', clause.name?.span ?? { ...clause.span, end: clause.span.start + 'output'.length }, clause)
  }
}

function declareClause(clause: ast.Clause, scope: Scope, context: Context): void {
  switch (clause.kind) {
    case 'axis':
      for (const axis of clause.axes) declare(scope.axes, 'axis', axis.name, axis, context)
      return
    case 'split':
      for (const name of [clause.outer, clause.inner]) declare(scope.axes, 'axis', name, clause, context)
      return
    case 'input':
      for (const input of clause.inputs) declare(scope.values, 'input', input.name, input, context)
      return
    case 'param':
    case 'const':
    case 'let':
    case 'view':
      declare(scope.values, clause.kind, clause.name, clause, context)
      return
    case 'fn':
      if (!scope.functions.has(clause.name.text)) scope.functions.set(clause.name.text, functionOf(clause))
      return
    case 'output':
      if (clause.name)
        declare(isDefault(clause) ? scope.parent!.values : new Map(), 'output', clause.name, clause, context)
      return
    default:
  }
}

function resolveClause(clause: ast.Clause, scope: Scope, context: Context): void {
  switch (clause.kind) {
    case 'axis':
      for (const { rule } of clause.axes) {
        if (rule?.kind === 'length') visit(rule.value, scope, context)
        else if (rule) readAxis(rule.of, scope, context)
      }
      return
    case 'split':
      readAxis(clause.axis, scope, context)
      visit(clause.by, scope, context)
      return
    case 'input':
      for (const { axes, range } of clause.inputs) {
        for (const axis of axes) readAxis(axis, scope, context)
        visitRange(range, scope, context)
      }
      return
    case 'param':
    case 'const':
      if (clause.value) visit(clause.value, scope, context)
      visitRange(clause.range, scope, context)
      return
    case 'fn':
      resolveFn(clause, scope, context)
      return
    case 'check':
    case 'tile':
      for (const { name } of clause.sizes) readAxis(name, scope, context)
      return
    case 'precision':
      return
    case 'output':
      for (const axis of clause.order ?? []) readAxis(axis, scope, context)
      visit(clause.value, scope, context)
      return
    case 'score':
    case 'mask':
    case 'normalize': {
      const of = find(scope, 'values', clause.kind)
      if (of) context.occurrences.push({ span: clause.nameSpan, of, role: 'declares' })
      visit(clause.value, scope, context)
      return
    }
    default:
      visit(clause.value, scope, context)
  }
}

function visitRange(range: ast.Range | undefined, scope: Scope, context: Context): void {
  if (!range) return
  visit(range.low, scope, context)
  visit(range.high, scope, context)
}

/** Without an output of its own an attention reads the value `v`: out is sum[j](weight * v). */
function implyResult({ clauses }: ast.Attention, scope: Scope, context: Context): void {
  const normalize = clauses.find((clause): clause is ast.Definition => clause.kind === 'normalize')
  const hasOwn = clauses.some((clause) => clause.kind === 'output' && isDefault(clause))
  const of = find(scope, 'values', 'v')
  if (!normalize || hasOwn || !of) return
  context.occurrences.push({ span: { ...normalize.nameSpan, end: normalize.nameSpan.start }, of, role: 'implied' })
}

/** A file's check lines are for all its attentions: a name there means an axis of each that has it. */
function resolveFileCheck({ sizes }: ast.Check, { attentions, occurrences }: Context): void {
  for (const { name } of sizes)
    for (const scope of attentions) {
      const of = find(scope, 'axes', name.text)
      if (of) occurrences.push({ span: name.span, of, role: 'reads' })
    }
}

/** What a broken piece declares is known after it, so that the rest of the file and whoever types see it. */
function declareBroken({ word, span, name, axes, names }: Broken, context: Context): void {
  const inner = innermost(context.scopes, span.start) ?? context.scopes[0]!
  const scope = word === 'fn' ? openScope(conventional(inner, span), span, context) : inner
  const kind = (['input', 'param', 'const', 'view', 'axis'] as const).find((one) => one === word) ?? 'let'
  const table = word === 'axis' ? scope.axes : scope.values
  if (word === 'fn') for (const axis of axes) declare(scope.axes, 'axis parameter', axis, undefined, context)
  if (word === 'fn') for (const one of names) declare(scope.values, 'parameter', one, undefined, context)
  else if (word !== 'attention')
    for (const one of name ? [name, ...names] : names) declare(table, kind, one, undefined, context)
}

/** The innermost scope that holds a place, the end of its text included. */
export const innermost = (scopes: readonly Scope[], at: number): Scope | undefined =>
  scopes.findLast(({ span }) => span.start <= at && at <= span.end)

// Functions

function resolveFn(fn: ast.Fn, outer: Scope, context: Context): void {
  const scope = openScope(outer, fn.span, context)
  context.occurrences.push({ span: fn.name.span, of: functionOf(fn), role: 'declares' })
  for (const axis of fn.axes) declare(scope.axes, 'axis parameter', axis, fn, context)
  for (const param of fn.params) declare(scope.values, 'parameter', param, fn, context)
  if (fn.body.kind === 'block') resolveBlock(fn.body, scope, context)
  else visit(fn.body, scope, context)
}

/** Statements are sequential: a name is known after its own value. */
function resolveBlock(block: ast.Block, outer: Scope, context: Context): void {
  const scope = openScope(outer, block.span, context)
  for (const statement of block.statements) {
    if (statement.kind === 'repeat') resolveRepeat(statement, scope, context)
    else {
      visit(statement.value, scope, context)
      declare(scope.values, 'let', statement.name, statement, context)
    }
  }
  visit(block.value, scope, context)
}

function resolveRepeat(repeat: ast.Repeat, outer: Scope, context: Context): void {
  visit(repeat.count, outer, context)
  const scope = openScope(outer, repeat.span, context)
  for (const statement of repeat.body) {
    visit(statement.value, scope, context)
    if (statement.kind === 'let') declare(scope.values, 'let', statement.name, statement, context)
    else {
      const of = find(scope, 'values', statement.name.text)
      if (of) context.occurrences.push({ span: statement.name.span, of, role: 'rebinds' })
    }
  }
}

// Expressions. Their nesting is bounded by the grammar.

function visit(e: ast.Expr, scope: Scope, context: Context): void {
  switch (e.kind) {
    case 'name': {
      const of = find(scope, 'values', e.text) ?? find(scope, 'axes', e.text)
      if (of) context.occurrences.push({ span: e.span, of, role: 'reads', node: e })
      return
    }
    case 'call':
      visitCall(e, scope, context)
      return
    case 'substitute':
      for (const { axis } of e.items) readAxis(axis, scope, context)
      break
    case 'solve': {
      visit(e.low, scope, context)
      visit(e.high, scope, context)
      const inner = openScope(scope, e.of.span, context)
      declare(inner.values, 'variable', e.variable, e, context)
      visit(e.of, inner, context)
      return
    }
    default:
  }
  for (const child of childrenOf(e)) visit(child, scope, context)
}

function visitCall(e: ast.Call, scope: Scope, context: Context): void {
  const of = find(scope, 'functions', e.callee.text)
  if (of) context.occurrences.push({ span: e.callee.span, of, role: 'reads', node: e })
  for (const axis of e.axes) readAxis(axis, scope, context)
  const [arg] = e.args
  if (of?.kind === 'builtin' && e.callee.text === 'size' && arg?.kind === 'name' && e.args.length === 1)
    readAxis(arg, scope, context)
  else for (const child of childrenOf(e)) visit(child, scope, context)
}

function readAxis(name: ast.Name, scope: Scope, { occurrences }: Context): void {
  const of = find(scope, 'axes', name.text)
  if (of) occurrences.push({ span: name.span, of, role: 'reads' })
}
