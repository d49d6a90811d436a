import { exitOf, type Finding } from '../runtime/problem.ts'

/** 0 done · 1 what was given is wrong · 2 command line or path · 3 a tool or device is missing · 4 our bug · 130 interrupted. */
export type Exit = 0 | 1 | 2 | 3 | 4 | 130

/** What a command has to say; `main` prints it. */
export interface Answer {
  readonly exit: Exit
  readonly findings: readonly Finding[] // to stderr
  readonly out: string // the result, to stdout; with --json its object instead
  readonly note?: string // a closing line, to stderr
  readonly json: Readonly<Record<string, unknown>>
}

/** The end of a command that could not do what it was asked to. */
export const refuse = (findings: readonly Finding[], json: Answer['json'] = {}): Answer => ({
  exit: exitOf(findings),
  findings,
  out: '',
  json,
})
