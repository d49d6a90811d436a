import type { Comment, Program } from './ast.ts'
import { comment, type Doc } from './layout.ts'

/**
 * The comments of a program that are still to be printed, in source order. A printer takes them as it passes their
 * places, so that each is printed once, near where it stood; for a tree without a source there are none.
 */
export interface Remarks {
  readonly text: string
  readonly comments: readonly Comment[]
  next: number
  /** Comments from here on belong to what follows the node that is being printed. */
  limit: number
}

export const remarksOf = ({ file, comments }: Program): Remarks => ({
  text: file.text,
  comments,
  next: 0,
  limit: Number.POSITIVE_INFINITY,
})

export const noRemarks = (): Remarks => ({ text: '', comments: [], next: 0, limit: 0 })

const peek = (remarks: Remarks): Comment | undefined => remarks.comments[remarks.next]

function take(remarks: Remarks): Doc {
  const text = peek(remarks)?.text ?? ''
  remarks.next += 1
  return comment(text)
}

/** The comments before a place. */
export function takeBefore(remarks: Remarks, place: number): readonly Doc[] {
  const taken: Doc[] = []
  while ((peek(remarks)?.span.start ?? Number.POSITIVE_INFINITY) < place) taken.push(take(remarks))
  return taken
}

/** The comment right after a place, with nothing but white space between, if it belongs to the node being printed. */
export function takeAfter(remarks: Remarks, place: number): readonly Doc[] {
  const next = peek(remarks)
  if (!next || next.span.start < place || next.span.start >= remarks.limit) return []
  return skip(remarks.text, place, /\s/) === next.span.start ? [take(remarks)] : []
}

/** The comment that ends the line of a place. */
export function takeLineEnd(remarks: Remarks, place: number): readonly Doc[] {
  const next = peek(remarks)
  return next && skip(remarks.text, place, /[ \t;,]/) === next.span.start ? [take(remarks)] : []
}

/** The comment after a place on its line, whatever stands between. */
export function takeOnLine(remarks: Remarks, place: number): readonly Doc[] {
  const next = peek(remarks)
  return next && skip(remarks.text, place, /[^\n\r]/, next.span.start) === next.span.start ? [take(remarks)] : []
}

/** Where the last comment taken ends, or the place if that is later. */
export const passed = ({ comments, next }: Remarks, place: number): number =>
  Math.max(place, comments[next - 1]?.span.end ?? 0)

/** Whether an empty line follows a place. */
export function isBlankAfter({ text }: Remarks, place: number): boolean {
  const from = skip(text, place, /[ \t;,]/)
  return (text.slice(from, skip(text, from, /\s/)).match(/\r\n|\n|\r/g)?.length ?? 0) > 1
}

function skip(text: string, from: number, over: RegExp, stop = text.length): number {
  let at = from
  while (at < stop && over.test(text[at] ?? '')) at += 1
  return at
}
