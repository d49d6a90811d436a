/** Where in the source something is, for who has to change it. */
import { type Position, positionAt, type Span, textOf } from '../../grammar/source.ts'
import type { Attention } from '../attention.ts'
import { children, type Expr } from '../ir.ts'

export interface Place extends Position {
  readonly file: string
  readonly text: string // in one line
}

export const placeAt = (span: Span): Place => ({
  file: span.file.path,
  ...positionAt(span.file, span.start),
  text: shortened(textOf(span).replace(/\s+/g, ' ')),
})

const mostCharacters = 160
const shortened = (text: string): string =>
  text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}...`

/** The place of an expression; one in an imported file or the library is preceded by what in the attention's own file leads there. */
export function placesOf(e: Expr | undefined, a: Attention): readonly Place[] {
  const span = e && spanOf(e)
  if (!span) return []
  if (span.file === a.span.file) return [placeAt(span)]
  const outer = ownSpanAround(span, a)
  return [...(outer ? [placeAt(outer)] : []), placeAt(span)]
}

/** Of an expression that a plan has made, the place of the nearest thing in it that was written. */
function spanOf(e: Expr): Span | undefined {
  const open = [e]
  const seen = new Set(open)
  for (const x of open) {
    if (x.span) return x.span
    for (const child of children(x)) if (!seen.has(child)) open.push(child)
    for (const child of children(x)) seen.add(child)
  }
  return undefined
}

/** The smallest text of the attention's file around a node of another one. */
function ownSpanAround(span: Span, a: Attention): Span | undefined {
  const seen = new Set<Expr>()
  const visit = (e: Expr, around: Span | undefined): Span | undefined => {
    const own = a.calls.get(e) ?? (e.span?.file === a.span.file ? e.span : around)
    if (e.span && isSame(e.span, span)) return own
    if (seen.has(e)) return undefined
    seen.add(e)
    for (const child of children(e)) {
      const found = visit(child, own)
      if (found) return found
    }
    return undefined
  }
  for (const { expr, span: own } of a.results) {
    const found = visit(expr, own)
    if (found) return found
  }
  return undefined
}
const isSame = (a: Span, b: Span): boolean => a.file === b.file && a.start === b.start && a.end === b.end
