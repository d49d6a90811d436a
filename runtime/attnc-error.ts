import { renderHuman } from '../grammar/diagnostic.ts'
import { positionAt, type Span } from '../grammar/source.ts'
import { type Finding, hasPlace, type Outcome } from './problem.ts'

/** A place in a source as people count it: from 1, columns in Unicode code points. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
}

/**
 * What `load`, the functions that it gives, and those for tensor files throw where a source, an option or a tensor is wrong, or a
 * tool is missing. It speaks of the first fault; `findings` has all. Any other error is a bug of attnc.
 */
export class AttncError extends Error {
  override readonly name = 'AttncError'
  readonly code: string // `ATTN0123`: docs/errors.md explains it, as does `attnc explain ATTN0123`
  readonly title: string // the heading of its section there
  readonly place: Place | undefined
  readonly hint: string | undefined
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    const errors = findings.filter(({ severity }) => severity === 'error')
    super(errors.map(renderFinding).join('\n\n'))
    const [first] = errors
    if (!first) throw new TypeError('an AttncError has an error')
    this.code = first.code
    this.title = first.title
    this.place = hasPlace(first) ? placeOf(first.at.span) : undefined
    this.hint = first.hint
    this.findings = findings
  }
}

/** As the command line shows it, with the lines of the source. */
export function renderFinding(finding: Finding): string {
  if (hasPlace(finding)) return renderHuman(finding)
  const { severity, code, message, hint } = finding
  return `${severity}[${code}]: ${message}${hint === undefined ? '' : `\nhint: ${hint}`}`
}

export function placeOf({ file, start, end }: Span): Place {
  const [from, to] = [positionAt(file, start), positionAt(file, end)]
  return { file: file.path, line: from.line, column: from.column, endLine: to.line, endColumn: to.column }
}

export function valueOrThrow<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value
  throw new AttncError(outcome.findings)
}

/** Node prints it on stderr, unless the program listens to 'warning'. */
export const emitWarning = (warning: Finding): void =>
  process.emitWarning(renderFinding(warning), { type: 'AttncWarning', code: warning.code })
