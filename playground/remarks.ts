/** Diagnostics as plain data, placed in the source of the editor. */
import type { Diagnostic } from '../grammar/diagnostic.ts'
import { positionAt, type Span } from '../grammar/source.ts'

export interface Remark {
  readonly code: string
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly hint?: string
  readonly from: number // in UTF-16 code units
  readonly to: number
  readonly line: number
  readonly column: number
  readonly notes: readonly string[] // of other places
  readonly fix: readonly { readonly from: number; readonly to: number; readonly insert: string }[]
}

export function remarkOf({ code, severity, message, hint, at, notes, fix = [] }: Diagnostic): Remark {
  return {
    code,
    severity,
    message: at.text ? `${message}: ${at.text}` : message,
    ...(hint ? { hint } : {}),
    from: at.span.start,
    to: at.span.end,
    ...positionAt(at.span.file, at.span.start),
    notes: notes.flatMap(({ span, text }) => (text ? [`${placeText(span, at.span)}: ${text}`] : [])),
    fix: fix.map(({ span, text }) => ({ from: span.start, to: span.end, insert: text })),
  }
}

/** Where a note points to, as seen from the source itself. */
function placeText({ file, start }: Span, from: Span): string {
  const { line } = positionAt(file, start)
  return file.path === from.file.path ? `line ${line}` : `${file.path}, line ${line}`
}
