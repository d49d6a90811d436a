import width from 'fast-string-width'
import type { Diagnostic, Label } from './diagnostic.ts'
import { lineBounds, lineIndexAt, placeOf, type SourceFile } from './source.ts'

/** What a piece of the text is, for whoever colours it. */
export type Role = 'error' | 'warning' | 'message' | 'gutter' | 'primary' | 'secondary' | 'hint'

export interface RenderOptions {
  /** Wraps a text in colour; without it the text is plain. */
  readonly color?: (role: Role, text: string) => string
}

interface Mark extends Label {
  readonly primary: boolean
}

/** A line of source as shown: `text` without tabs and control characters, a mark's columns counted in cells. */
interface Shown {
  readonly line: number
  readonly text: string
  readonly indent: number
  readonly length: number
  readonly mark: Mark
}

/** Lines wider than this are cut around the mark, in UTF-16 code units. */
const maxWidth = 140
const cutBefore = 50
const cutAfter = 80
const tabWidth = 4

/** `file:line:column: error[ATTN0123]: message`. */
export function renderShort(diagnostic: Diagnostic): string {
  const { severity, code, message, at } = diagnostic
  return escapeControls(`${placeOf(at.span)}: ${severity}[${code}]: ${message}`)
}

/** The message with its place, the source lines and the hint; several lines without a final line feed. */
export function renderHuman(diagnostic: Diagnostic, options: RenderOptions = {}): string {
  const color = options.color ?? ((_role, text) => text)
  const { severity, code, message, at, notes, hint } = diagnostic
  const marks: readonly Mark[] = [{ ...at, primary: true }, ...notes.map((note) => ({ ...note, primary: false }))]
  const gutter = Math.max(...marks.map((mark) => `${lineIndexAt(mark.span.file, mark.span.start) + 1}`.length))
  const lines = [`${color(severity, `${severity}[${code}]`)}${color('message', `: ${escapeControls(message)}`)}`]
  for (const [file, of] of groupByFile(marks)) {
    const arrow = of.some((mark) => mark.primary) ? '-->' : ':::'
    const place = escapeControls(placeOf((of.find((mark) => mark.primary) ?? of[0] ?? at).span))
    lines.push(`${color('gutter', `${' '.repeat(gutter)} ${arrow}`)} ${place}`)
    if (file.text !== '') lines.push(...frame(of, gutter, color))
  }
  if (hint !== undefined) lines.push(`${color('hint', 'hint')}: ${escapeControls(hint)}`)
  return lines.join('\n')
}

function groupByFile(marks: readonly Mark[]): ReadonlyMap<SourceFile, readonly Mark[]> {
  const groups = new Map<SourceFile, Mark[]>()
  for (const mark of marks) {
    const group = groups.get(mark.span.file)
    if (group) group.push(mark)
    else groups.set(mark.span.file, [mark])
  }
  return groups
}

function frame(marks: readonly Mark[], gutter: number, color: NonNullable<RenderOptions['color']>): string[] {
  const bar = (text: string) => color('gutter', `${text.padStart(gutter)} |`)
  const shown = marks.map(show).sort((a, b) => a.line - b.line || Number(b.mark.primary) - Number(a.mark.primary))
  const lines = [bar('')]
  let last: Shown | undefined
  for (const one of shown) {
    if (last && one.line > last.line + 1) lines.push(color('gutter', '...'))
    if (one.line !== last?.line || one.text !== last.text) lines.push(`${bar(`${one.line}`)} ${one.text}`.trimEnd())
    const { primary, text = '' } = one.mark
    const carets = `${(primary ? '^' : '-').repeat(one.length)} ${escapeControls(text)}`.trimEnd()
    lines.push(`${bar('')} ${' '.repeat(one.indent)}${color(primary ? 'primary' : 'secondary', carets)}`)
    last = one
  }
  return lines
}

/** A mark over several lines is shown on its first line. */
function show(mark: Mark): Shown {
  const { file, start, end } = mark.span
  const line = lineIndexAt(file, start)
  const bounds = lineBounds(file, line)
  const long = bounds.end - bounds.start > maxWidth
  const from = long ? snap(file.text, Math.max(bounds.start, start - cutBefore)) : bounds.start
  const to = long ? snap(file.text, Math.min(bounds.end, start + cutAfter)) : bounds.end
  const head = from > bounds.start ? '…' : ''
  const text = head + escapeLine(file.text.slice(from, to)) + (to < bounds.end ? '…' : '')
  const stop = Math.min(Math.max(end, start), to)
  const before = width(head + escapeLine(file.text.slice(from, Math.min(start, to))))
  const upTo = width(head + escapeLine(file.text.slice(from, stop)))
  return { line: line + 1, text, indent: before, length: Math.max(1, upTo - before), mark }
}

/** Moves an offset out of the middle of a surrogate pair. */
const snap = (text: string, offset: number): number => {
  const code = text.charCodeAt(offset)
  return code >= 0xdc00 && code <= 0xdfff && offset > 0 ? offset - 1 : offset
}

function escapeLine(text: string): string {
  let out = ''
  for (const part of text.split(/(\t)/)) {
    out += part === '\t' ? ' '.repeat(tabWidth - (width(out) % tabWidth)) : escapeControls(part)
  }
  return out
}

/** Control, format and bidirectional characters and lone surrogates as `\u{1b}`: what is shown is what there is. */
export const escapeControls = (text: string): string =>
  text.replace(/(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)
