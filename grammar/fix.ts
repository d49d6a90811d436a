/** Fixes: edits that surely say what was meant, and how they are applied. */
import { type Diagnostic, type Edit, sortByPlace } from './diagnostic.ts'
import { lineBounds, lineIndexAt, type SourceFile, type Span, spanOf, textOf } from './source.ts'
import { didYouMean, few } from './suggest.ts'

export const replaceBy = (span: Span, text: string): readonly Edit[] => [{ span, text }]

/** A sign or word in the place of a sign: `a&&b` is `a and b`. Where a comment starts, the rest of the line goes with it. */
export function replaceSign(span: Span, word: string): readonly Edit[] {
  const { text } = span.file
  if (word === '//') {
    const { end } = lineBounds(span.file, lineIndexAt(span.file, span.start))
    return replaceBy(spanOf(span.file, span.start, end), word + text.slice(span.end, end))
  }
  if (!/^\w/.test(word)) return replaceBy(span, word)
  const isJoined = (at: number): boolean => /\w/.test(text[at] ?? '')
  const [left, right] = [isJoined(span.start - 1) ? ' ' : '', isJoined(span.end) ? ' ' : '']
  return replaceBy(span, `${left}${word}${right}`)
}

/** The hint of `didYouMean` for the name at a place, and the fix where its misspelling is a slip of the hand. */
export function correctName(
  at: Span,
  name: string,
  candidates: Iterable<string>,
): { readonly hint?: string; readonly fix?: readonly Edit[] } {
  const known = few(candidates)
  const slips = [...new Set(known.filter((candidate) => isSlip(name, candidate)))]
  const [only] = slips
  return {
    ...didYouMean(name, known),
    ...(only !== undefined && slips.length === 1 && textOf(at) === name ? { fix: replaceBy(at, only) } : {}),
  }
}

/**
 * Capitals apart, one letter is left out or put in, or two neighbours are swapped, inside of a word of four letters at least.
 * Ends of words and digits tell names from each other (`score` and `scores`, `tanh` and `atanh`, `log2`), and so may another
 * letter (`decay` and `delay`): what differs in these may be meant.
 */
function isSlip(written: string, meant: string): boolean {
  const [a, b] = [written.toLowerCase(), meant.toLowerCase()]
  if (written === meant || Math.min(a.length, b.length) < 4) return false
  if (a === b) return true
  if (a[0] !== b[0] || a.at(-1) !== b.at(-1)) return false
  if (a.length === b.length) return isSwapped(a, b)
  const [long, short] = a.length > b.length ? [a, b] : [b, a]
  return long.length === short.length + 1 && isOneMore(long, short)
}

function isSwapped(a: string, b: string): boolean {
  const at = firstDifference(a, b)
  return (
    a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2) && !/\d/.test(a.slice(at, at + 2))
  )
}

function isOneMore(long: string, short: string): boolean {
  const at = firstDifference(long, short)
  return long.slice(at + 1) === short.slice(at) && /[a-z_]/.test(long[at] ?? '')
}

function firstDifference(a: string, b: string): number {
  let at = 0
  while (at < a.length && a[at] === b[at]) at += 1
  return at
}

/** The text of a file with its diagnostics fixed, and how many were. Of two whose edits meet, the one that stands first is. */
export function applyFixes(
  file: SourceFile,
  diagnostics: readonly Diagnostic[],
): { readonly text: string; readonly fixed: number } {
  const done: Edit[] = []
  let fixed = 0
  for (const { fix = [] } of sortByPlace(diagnostics)) {
    if (fix.length === 0 || fix.some((edit) => edit.span.file !== file || done.some((other) => meet(edit, other))))
      continue
    done.push(...fix)
    fixed += 1
  }
  let text = ''
  let at = 0
  for (const { span, text: put } of done.toSorted((a, b) => a.span.start - b.span.start)) {
    text += file.text.slice(at, span.start) + put
    at = span.end
  }
  return { text: text + file.text.slice(at), fixed }
}

/** Edits that share a place, if only its edge: what one of them puts there is not what the other was made for. */
const meet = ({ span: a }: Edit, { span: b }: Edit): boolean => a.start <= b.end && b.start <= a.end

/** Deletes a piece with the blanks before it. */
export function remove({ file, start, end }: Span): readonly Edit[] {
  let from = start
  while (/[ \t]/.test(file.text[from - 1] ?? '')) from -= 1
  return replaceBy(spanOf(file, from, end), '')
}
