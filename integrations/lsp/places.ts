/** Places as editors count them: lines and UTF-16 code units from 0, and addresses instead of paths. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Location, Position, Range } from 'vscode-languageserver'
import { lineIndexAt, lineStarts, type SourceFile, type Span } from '../../grammar/source.ts'

/** Where a line begins for an editor: a byte order mark is a character of its text. */
const lineStart = (file: SourceFile, line: number): number =>
  line === 0 ? 0 : (lineStarts(file)[line] ?? file.text.length)

export function positionOf(file: SourceFile, offset: number): Position {
  const line = lineIndexAt(file, offset)
  return { line, character: offset - lineStart(file, line) }
}

/** A place beyond the end of a line is its end, as the protocol wants it. */
export function offsetOf(file: SourceFile, { line, character }: Position): number {
  if (line < 0) return 0
  if (line >= lineStarts(file).length) return file.text.length
  const start = lineStart(file, line)
  const next = lineStarts(file)[line + 1]
  let end = next ?? file.text.length
  while (next !== undefined && end > start && /[\r\n]/.test(file.text[end - 1] ?? '')) end -= 1
  return Math.min(start + Math.max(0, character), end)
}

export const rangeOf = ({ file, start, end }: Span): Range => ({
  start: positionOf(file, start),
  end: positionOf(file, end),
})

/** `uriOf`: the address under which the editor knows a file. */
export const locationOf = (span: Span, uriOf: (file: SourceFile) => string): Location => ({
  uri: uriOf(span.file),
  range: rangeOf(span),
})

/** Undefined for what lies in no file system: unsaved texts, texts of extensions. */
export function pathOf(uri: string): string | undefined {
  if (!uri.startsWith('file:')) return undefined
  try {
    return fileURLToPath(uri)
  } catch {
    return undefined
  }
}

export const uriOfPath = (path: string): string => pathToFileURL(path).href
