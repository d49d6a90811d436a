import type { Span } from './source.ts'

export { renderHuman, renderShort } from './render.ts'

/** A place, and what is to be said of it. */
export interface Label {
  readonly span: Span
  readonly text?: string
}

/** A change of a source: the text stands where the span was. */
export interface Edit {
  readonly span: Span
  readonly text: string
}

/** What is wrong with the user's input, as data. Stages return these; only the command line prints them. */
export interface Diagnostic {
  /** `ATTN0123`; never reused. */
  readonly code: string
  readonly severity: 'error' | 'warning'
  /** The kebab-case heading of the code's section in docs/errors.md. */
  readonly title: string
  /** In the user's words, lower case, no full stop. */
  readonly message: string
  /** The narrowest span that is wrong. */
  readonly at: Label
  /** Other places that explain it; they may lie in other files. */
  readonly notes: readonly Label[]
  /** What to write instead; absent where that is not sure. */
  readonly hint?: string
  /** Edits of one file, all or none, that surely say what was meant; absent where a person has to decide. */
  readonly fix?: readonly Edit[]
}

/** Failure as a value: `warnings` of what went well, `diagnostics` (one error at least) of what did not. */
export type Result<T> = Success<T> | Failure

export interface Success<T> {
  readonly ok: true
  readonly value: T
  readonly warnings: readonly Diagnostic[]
}

export interface Failure {
  readonly ok: false
  readonly diagnostics: readonly Diagnostic[]
}

export const succeed = <T>(value: T, warnings: readonly Diagnostic[] = []): Success<T> => ({
  ok: true,
  value,
  warnings,
})

export const fail = (...diagnostics: readonly Diagnostic[]): Failure => ({ ok: false, diagnostics })

/** A value with what was found on the way: a failure if one of the diagnostics is an error. */
export const resultOf = <T>(value: T, found: readonly Diagnostic[]): Result<T> =>
  found.some((d) => d.severity === 'error') ? fail(...sortByPlace(found)) : succeed(value, sortByPlace(found))

/** Goes on with the value of a success; warnings of both steps are kept, also where the second fails. */
export function chain<T, U>(first: Result<T>, next: (value: T) => Result<U>): Result<U> {
  if (!first.ok) return first
  const second = next(first.value)
  return second.ok
    ? succeed(second.value, [...first.warnings, ...second.warnings])
    : fail(...first.warnings, ...second.diagnostics)
}

/** In order of file, then of place; equal places keep their order. */
export const sortByPlace = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.toSorted((a, b) => comparePaths(a.at.span, b.at.span) || a.at.span.start - b.at.span.start)

const comparePaths = (a: Span, b: Span): number =>
  a.file.path === b.file.path ? 0 : a.file.path < b.file.path ? -1 : 1
