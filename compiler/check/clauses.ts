/** The clauses of an attention by kind, with those refused that stand twice or take a name that is taken. */
import type * as ast from '../../grammar/ast.ts'
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import type { Span } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import { type Clauses, isDefault, predefined } from './definitions.ts'

export function collectClauses(a: ast.Attention, found: Diagnostic[]): Clauses {
  const values = a.clauses.flatMap((clause): Clauses['values'] => {
    if (clause.kind === 'input') return clause.inputs
    return clause.kind === 'param' || clause.kind === 'const' || clause.kind === 'let' || clause.kind === 'view'
      ? [clause]
      : []
  })
  checkNames(values, found)
  const outputs = a.clauses.filter((clause) => clause.kind === 'output')
  checkOutputs(outputs, values, found)
  const only = (kind: ast.Definition['kind']): ast.Definition | undefined => onlyOne(a, kind, found)
  return { values, score: only('score'), mask: only('mask'), normalize: only('normalize'), outputs }
}

function checkNames(values: Clauses['values'], found: Diagnostic[]): void {
  const seen = new Map<string, Span>()
  for (const { name } of values) {
    const { text, span } = name
    const before = seen.get(text)
    if (before) found.push(errors.definedTwice(span, text, before))
    else if (predefined.includes(text)) found.push(errors.predefinedName(span, text))
    else if (text === 'i' || text === 'j') found.push(errors.hidesTokenAxis(span, text))
    if (!before) seen.set(text, span)
  }
}

/** A result may not have the name of another, or of what a caller passes. */
function checkOutputs(outputs: readonly ast.Output[], values: Clauses['values'], found: Diagnostic[]): void {
  const given = values.filter(({ kind }) => kind === 'input-decl' || kind === 'param' || kind === 'const')
  const seen = new Map(given.map(({ name }) => [name.text, name.span]))
  for (const output of outputs) {
    const text = isDefault(output) ? 'out' : (output.name?.text ?? 'out')
    const span = output.name?.span ?? output.span
    const before = seen.get(text)
    if (before) found.push(errors.resultTwice(span, text, before))
    else seen.set(text, span)
  }
}

function onlyOne(a: ast.Attention, kind: ast.Definition['kind'], found: Diagnostic[]): ast.Definition | undefined {
  const [first, ...others] = a.clauses.filter((clause): clause is ast.Definition => clause.kind === kind)
  if (first) for (const { nameSpan } of others) found.push(errors.clauseTwice(nameSpan, kind, first.nameSpan))
  return first
}
