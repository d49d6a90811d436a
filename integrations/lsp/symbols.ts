/** The outline of a file. */
import { type DocumentSymbol, SymbolKind } from 'vscode-languageserver'
import { signature } from '../../compiler/check/functions.ts'
import type * as ast from '../../grammar/ast.ts'
import { type Span, textOf } from '../../grammar/source.ts'
import type { Analysis } from './analysis.ts'
import { axesText } from './describe.ts'
import { rangeOf } from './places.ts'

export const symbolsOf = ({ recovered }: Analysis): DocumentSymbol[] =>
  recovered.program.items.flatMap((item): DocumentSymbol[] => {
    if (item.kind === 'fn') return [fn(item)]
    if (item.kind === 'check') return []
    const own = symbol(item.name.text, SymbolKind.Class, item.span, item.name.span)
    return [{ ...own, children: item.clauses.flatMap(ofClause) }]
  })

const symbol = (name: string, kind: SymbolKind, span: Span, at: Span, detail = ''): DocumentSymbol => ({
  name,
  kind,
  range: rangeOf(span),
  selectionRange: rangeOf(at),
  ...(detail === '' ? {} : { detail }),
})

const fn = (item: ast.Fn): DocumentSymbol =>
  symbol(item.name.text, SymbolKind.Function, item.span, item.name.span, signature(item).slice(item.name.text.length))

function ofClause(clause: ast.Clause): DocumentSymbol[] {
  switch (clause.kind) {
    case 'fn':
      return [fn(clause)]
    case 'input':
      return clause.inputs.map(({ name, axes, span }) =>
        symbol(name.text, SymbolKind.Field, span, name.span, axesText(axes.map(({ text }) => text))),
      )
    case 'axis':
      return clause.axes.map(({ name, span }) => symbol(name.text, SymbolKind.TypeParameter, span, name.span))
    case 'split':
      return [clause.outer, clause.inner].map((name) =>
        symbol(name.text, SymbolKind.TypeParameter, clause.span, name.span),
      )
    case 'param':
    case 'const':
      return [symbol(clause.name.text, SymbolKind.Constant, clause.span, clause.name.span)]
    case 'let':
    case 'view':
      return [symbol(clause.name.text, SymbolKind.Variable, clause.span, clause.name.span)]
    case 'score':
    case 'mask':
    case 'normalize':
      return [symbol(clause.kind, SymbolKind.Property, clause.span, clause.nameSpan)]
    case 'output': {
      const word = { ...clause.span, end: clause.span.start + 'output'.length }
      return [
        symbol(
          clause.name ? textOf(clause.name.span) : 'out',
          SymbolKind.Property,
          clause.span,
          clause.name?.span ?? word,
        ),
      ]
    }
    default:
      return []
  }
}
