/** An answer as one JSON object. Version 1 of it: members are added, never changed. */
import type { Diagnostic } from '../grammar/diagnostic.ts'
import { positionAt, type Span } from '../grammar/source.ts'
import { type Finding, hasPlace } from '../runtime/problem.ts'
import type { Answer } from './answer.ts'

/** @param oneLine  an object for each run of a command that runs again and again */
export function renderJson(command: string, answer: Answer, oneLine = false): string {
  const { exit, findings, json } = answer
  const head = { schemaVersion: 1, command, ok: exit === 0, exitCode: exit, diagnostics: findings.map(objectOf) }
  return `${JSON.stringify({ ...head, ...json }, jsonNumber, oneLine ? undefined : 2)}\n`
}

/** JSON has no infinities and no NaN: they are strings. */
const jsonNumber = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value

function objectOf(finding: Finding): object {
  const { code, severity, title, message, hint } = finding
  const head = { code, severity, title, message, hint: hint ?? null }
  return hasPlace(finding)
    ? {
        ...head,
        place: placeOf(finding.at.span),
        label: finding.at.text ?? null,
        notes: finding.notes.map(({ span, text }) => ({ place: placeOf(span), text: text ?? null })),
        fix: fixOf(finding),
      }
    : { ...head, place: null, label: null, notes: [], fix: null }
}

const fixOf = ({ fix }: Diagnostic): readonly object[] | null =>
  fix?.map(({ span, text }) => ({ place: placeOf(span), text })) ?? null

function placeOf({ file, start, end }: Span): object {
  const [from, to] = [positionAt(file, start), positionAt(file, end)]
  return { file: file.path, line: from.line, column: from.column, endLine: to.line, endColumn: to.column }
}
