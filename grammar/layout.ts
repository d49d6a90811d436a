/** Text with places where it may go on in the next line, after Wadler, "A prettier printer", 2003; and with comments. */
export type Doc =
  | string
  | readonly Doc[]
  | { readonly kind: 'line'; readonly flat: string; readonly hard: boolean; readonly blank: boolean }
  | { readonly kind: 'group'; readonly of: Doc }
  | { readonly kind: 'nest'; readonly by: number; readonly of: Doc }
  | { readonly kind: 'choice'; readonly flat: string; readonly broken: string }
  | { readonly kind: 'comment'; readonly text: string }

/** A space, or a line end if the group does not fit. */
export const line: Doc = { kind: 'line', flat: ' ', hard: false, blank: false }
/** Nothing, or a line end if the group does not fit. */
export const softLine: Doc = { kind: 'line', flat: '', hard: false, blank: false }
export const hardLine: Doc = { kind: 'line', flat: '', hard: true, blank: false }
/** A line end and an empty line. */
export const blankLine: Doc = { kind: 'line', flat: '', hard: true, blank: true }

/** On one line if it fits and holds no comment and no hard line; else every line of it (not of groups in it) breaks. */
export const group = (of: Doc): Doc => ({ kind: 'group', of })
export const nest = (by: number, of: Doc): Doc => ({ kind: 'nest', by, of })
/** One text where the group around it is on one line, another where it is broken. */
export const choice = (flat: string, broken: string): Doc => ({ kind: 'choice', flat, broken })
/** Runs to the end of its line: whatever follows starts a new one. */
export const comment = (text: string): Doc => ({ kind: 'comment', text })

export const join = (separator: Doc, docs: readonly Doc[]): Doc =>
  docs.map((doc, i): Doc => (i === 0 ? doc : [separator, doc]))

type Mode = 'flat' | 'broken'

interface Step {
  readonly indent: number
  readonly mode: Mode
  readonly doc: Doc
}

interface Row {
  readonly indent: number
  code: string
  comment: string
}

/** Lays out for a width in UTF-16 code units; comments do not count. Ends with a line feed unless empty. */
export function layOut(doc: Doc, width: number): string {
  const rows: Row[] = [{ indent: 0, code: '', comment: '' }]
  const steps: Step[] = [{ indent: 0, mode: 'broken', doc }]
  for (let step = steps.pop(); step; step = steps.pop()) take(step, steps, rows, width)
  const texts = alignComments(rows)
  while (texts.at(-1) === '') texts.pop()
  return texts.map((text) => `${text}\n`).join('')
}

function take({ indent, mode, doc }: Step, steps: Step[], rows: Row[], width: number): void {
  if (typeof doc === 'string') {
    write(rows, indent, doc)
  } else if (!('kind' in doc)) {
    for (let i = doc.length - 1; i >= 0; i -= 1) steps.push({ indent, mode, doc: doc[i] ?? '' })
  } else if (doc.kind === 'line') {
    if (mode === 'flat' && !doc.hard) write(rows, indent, doc.flat)
    else {
      if (doc.blank) newRow(rows, 0)
      newRow(rows, indent)
    }
  } else if (doc.kind === 'group') {
    const row = rows.at(-1)
    const left = width - (row && row.comment === '' ? row.indent + row.code.length : indent)
    const flat = mode === 'flat' || fits(doc.of, steps, left)
    steps.push({ indent, mode: flat ? 'flat' : 'broken', doc: doc.of })
  } else if (doc.kind === 'nest') {
    steps.push({ indent: indent + doc.by, mode, doc: doc.of })
  } else if (doc.kind === 'choice') {
    write(rows, indent, mode === 'flat' ? doc.flat : doc.broken)
  } else {
    openRow(rows, indent).comment = doc.text
  }
}

function newRow(rows: Row[], indent: number): void {
  rows.push({ indent, code: '', comment: '' })
}

/** The row to write to: a new one after a comment. */
function openRow(rows: Row[], indent: number): Row {
  if (rows.at(-1)?.comment !== '') newRow(rows, indent)
  const row = rows.at(-1)
  if (!row) throw new RangeError('no row')
  return row
}

function write(rows: Row[], indent: number, text: string): void {
  if (text === '') return
  const row = openRow(rows, indent)
  row.code += row.code === '' ? text.trimStart() : text
}

/** Whether a doc and what follows it on the same line are at most `left` wide. */
function fits(doc: Doc, steps: readonly Step[], left: number): boolean {
  const open: { readonly doc: Doc; readonly inside: boolean }[] = [{ doc, inside: true }]
  let rest = steps.length
  for (let space = left; space >= 0; ) {
    let next = open.pop()
    if (!next) {
      const step = steps[--rest]
      if (!step) return true
      next = { doc: step.doc, inside: false }
    }
    const { doc: one, inside } = next
    if (typeof one === 'string') space -= one.length
    else if (!('kind' in one)) for (let i = one.length - 1; i >= 0; i -= 1) open.push({ doc: one[i] ?? '', inside })
    else if (one.kind === 'group' || one.kind === 'nest') open.push({ doc: one.of, inside })
    else if (one.kind === 'choice') space -= (inside ? one.flat : one.broken).length
    else if (!inside) return true
    else if (one.kind === 'comment' || one.hard) return false
    else space -= one.flat.length
  }
  return false
}

const alignUpTo = 100

/** Comments after code on lines that follow each other start in one column. */
function alignComments(rows: readonly Row[]): string[] {
  const texts: string[] = []
  for (let at = 0; at < rows.length; ) {
    let end = at
    while (isCommented(rows[end])) end += 1
    const run = rows.slice(at, Math.max(end, at + 1))
    const column = Math.max(...run.map(({ indent, code }) => indent + code.trimEnd().length))
    for (const { indent, code, comment } of run) {
      const text = code.trim() === '' ? '' : ' '.repeat(indent) + code.trimEnd()
      if (comment === '') texts.push(text)
      else if (text === '') texts.push(' '.repeat(indent) + comment)
      else texts.push(`${column <= alignUpTo ? text.padEnd(column) : text}  ${comment}`)
    }
    at += run.length
  }
  return texts
}

const isCommented = (row: Row | undefined): boolean => row !== undefined && row.comment !== '' && row.code.trim() !== ''
