/** A source text with the name it is shown under. `path` is never opened here. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A piece of a file: half open, in UTF-16 code units as in `text.slice(start, end)`. */
export interface Span {
  readonly file: SourceFile
  readonly start: number
  readonly end: number
}

/** A place as people count: from 1; a column is a Unicode code point (a tab is one, a byte order mark none). */
export interface Position {
  readonly line: number
  readonly column: number
}

/** The span of nodes that no source text stands for. A derived node rather keeps the span of what it came from. */
export const noSpan: Span = { file: { path: '<none>', text: '' }, start: 0, end: 0 }

export const spanOf = (file: SourceFile, start: number, end: number): Span => ({ file, start, end })

/** The smallest span over both; they must be of one file. */
export const joinSpans = (a: Span, b: Span): Span => ({
  file: a.file,
  start: Math.min(a.start, b.start),
  end: Math.max(a.end, b.end),
})

export const textOf = (span: Span): string => span.file.text.slice(span.start, span.end)

const starts = new WeakMap<SourceFile, readonly number[]>()

/** Where each line starts, in UTF-16 code units. LF, CRLF and a lone CR end a line. Computed once per file. */
export function lineStarts(file: SourceFile): readonly number[] {
  const known = starts.get(file)
  if (known) return known
  const found = [file.text.startsWith('\uFEFF') ? 1 : 0]
  for (const end of file.text.matchAll(/\r\n|\n|\r/g)) found.push(end.index + end[0].length)
  starts.set(file, found)
  return found
}

/** The index of the line (from 0) that holds `offset`; a line's end belongs to the line. */
export function lineIndexAt(file: SourceFile, offset: number): number {
  const begin = lineStarts(file)
  let low = 0
  let high = begin.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((begin[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}

/** The bounds of a line (index from 0) without its line end. */
export function lineBounds(file: SourceFile, index: number): { readonly start: number; readonly end: number } {
  const begin = lineStarts(file)
  const start = begin[index] ?? file.text.length
  let end = begin[index + 1] ?? file.text.length
  while (end > start && (file.text[end - 1] === '\n' || file.text[end - 1] === '\r')) end -= 1
  return { start, end }
}

export function positionAt(file: SourceFile, offset: number): Position {
  const index = lineIndexAt(file, offset)
  const start = lineStarts(file)[index] ?? 0
  let column = 1
  for (let at = start; at < offset; column += 1) at += (file.text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
  return { line: index + 1, column }
}

/** `file:line:column` of where a span starts. */
export function placeOf(span: Span): string {
  const { line, column } = positionAt(span.file, span.start)
  return `${span.file.path}:${line}:${column}`
}
