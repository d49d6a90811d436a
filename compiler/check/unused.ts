/** Warns of what is declared and asked for by nothing. */
import type { Diagnostic } from '../../grammar/diagnostic.ts'
import * as warnings from '../warnings.ts'
import type { Clauses, Definitions } from './definitions.ts'

const kinds = { 'input-decl': 'input', param: 'param', const: 'const', let: 'let', view: 'view' } as const

/** To be called before the names that nothing asks for are elaborated for errors of their own. */
export function findUnused(clauses: Clauses, { used }: Definitions): readonly Diagnostic[] {
  const values = clauses.values
    .filter(({ name }) => !used.has(name.text))
    .map(({ kind, name }) => warnings.unused(name.span, kinds[kind], name.text))
  const definitions = [clauses.score, clauses.mask, clauses.normalize]
    .filter((definition) => definition !== undefined)
    .filter(({ kind }) => !used.has(kind))
    .map(({ kind, nameSpan }) => warnings.unused(nameSpan, 'clause', kind))
  return [...values, ...definitions]
}
