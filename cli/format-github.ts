/**
 * Findings as commands of a GitHub workflow, which shows each at its place in a pull request.
 *
 * Source: "Workflow commands for GitHub Actions", docs.github.com; its escapes are those of `escapeData` and `escapeProperty`
 * in the package @actions/core.
 */
import { placeOf, positionAt } from '../grammar/source.ts'
import { type Finding, hasPlace } from '../runtime/problem.ts'
import { visible } from './render.ts'

export const renderGithub = (findings: readonly Finding[]): string =>
  findings.map((finding) => `${commandOf(finding)}\n`).join('')

function commandOf(finding: Finding): string {
  const properties = { ...whereOf(finding), title: `${finding.code} ${finding.title}` }
  const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(`${value}`)}`)
  return `::${finding.severity} ${list.join(',')}::${escapeData(visible(textOf(finding)))}`
}

/** Columns are given only where a place lies on one line: GitHub takes none otherwise. */
function whereOf(finding: Finding): Readonly<Record<string, string | number>> {
  if (!hasPlace(finding)) return {}
  const { file, start, end } = finding.at.span
  const [from, to] = [positionAt(file, start), positionAt(file, end)]
  const lines = { file: file.path, line: from.line, endLine: to.line }
  return from.line === to.line ? { ...lines, col: from.column, endColumn: to.column } : lines
}

/** The message, what is said of places, and the hint, a line each. */
function textOf(finding: Finding): string {
  const { message, hint } = finding
  const notes = hasPlace(finding)
    ? finding.notes.map(({ span, text }) => `${placeOf(span)}: ${text ?? 'see here'}`)
    : []
  return [message, ...notes, ...(hint === undefined ? [] : [`hint: ${hint}`])].join('\n')
}

export const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

export const escapeProperty = (text: string): string => escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
