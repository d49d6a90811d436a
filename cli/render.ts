/** Findings and answers as text for people and as JSON for programs. */
import { styleText } from 'node:util'
import { type Diagnostic, type Label, renderHuman } from '../grammar/diagnostic.ts'
import { positionAt, type Span } from '../grammar/source.ts'
import { type Finding, hasPlace } from '../runtime/problem.ts'
import type { Answer } from './answer.ts'

const styles = {
  error: ['bold', 'red'],
  warning: ['bold', 'yellow'],
  message: 'bold',
  gutter: 'blue',
  primary: ['bold', 'red'],
  secondary: 'blue',
  hint: ['bold', 'cyan'],
} as const

export type Paint = (role: keyof typeof styles, text: string) => string

export const painter = (colored: boolean): Paint =>
  colored ? (role, text) => styleText([styles[role]].flat(), text, { validateStream: false }) : (_role, text) => text

export function renderFinding(finding: Finding, paint: Paint): string {
  if (hasPlace(finding)) return renderHuman(finding, { color: paint })
  const { severity, code, message, hint } = finding
  const first = `${paint(severity, `${severity}[${code}]`)}${paint('message', `: ${visible(message)}`)}`
  return hint === undefined ? first : `${first}\n${paint('hint', 'hint')}: ${visible(hint)}`
}

/** Control characters of paths and names must not reach a terminal; line ends are ours. */
export const visible = (text: string): string =>
  text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)

export const renderFindings = (findings: readonly Finding[], paint: Paint): string =>
  findings.map((finding) => `${renderFinding(finding, paint)}\n`).join('\n')

/** Version 1 of what `--json` prints; members are added, never changed. */
export function renderJson(command: string, answer: Answer): string {
  const { exit, findings, json } = answer
  const head = { schemaVersion: 1, command, ok: exit === 0, exitCode: exit, diagnostics: findings.map(jsonOfFinding) }
  return `${JSON.stringify({ ...head, ...json }, jsonNumber, 2)}\n`
}

/** JSON has no infinities and no NaN: they are strings. */
const jsonNumber = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value

function jsonOfFinding(finding: Finding): Readonly<Record<string, unknown>> {
  const { code, severity, title, message, hint } = finding
  const head = { code, severity, title, message, hint: hint ?? null }
  return hasPlace(finding)
    ? { ...head, place: placeOf(finding.at.span), label: finding.at.text ?? null, notes: notesOf(finding) }
    : { ...head, place: null, label: null, notes: [] }
}

const notesOf = (diagnostic: Diagnostic): readonly object[] =>
  diagnostic.notes.map(({ span, text }: Label) => ({ place: placeOf(span), text: text ?? null }))

function placeOf({ file, start, end }: Span): object {
  const [from, to] = [positionAt(file, start), positionAt(file, end)]
  return { file: file.path, line: from.line, column: from.column, endLine: to.line, endColumn: to.column }
}
