/**
 * Findings as a log in the Static Analysis Results Interchange Format, version 2.1.0, which code hosts and editors read.
 * What is found in a source is a result; what is wrong with the command, a path or a tensor is a notification.
 *
 * Source: "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", OASIS Standard, 2020.
 */
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { version } from '../generated/version.ts'
import type { Diagnostic, Edit, Label } from '../grammar/diagnostic.ts'
import { positionAt, type Span } from '../grammar/source.ts'
import { type Finding, hasPlace, type Problem } from '../runtime/problem.ts'
import type { Answer } from './answer.ts'

/** The sections of docs/errors.md, as `explain` prints them. */
export interface Help {
  readonly code: string
  readonly text: string
}

export function renderSarif({ findings, exit }: Answer, help: readonly Help[], oneLine = false): string {
  const places = findings.filter(hasPlace)
  const notifications = findings.filter((finding): finding is Problem => !hasPlace(finding))
  const [rules, conditions] = [codesOf(places), codesOf(notifications)]
  const describe = (codes: readonly string[]): readonly object[] => codes.map((code) => ruleOf(code, findings, help))
  const run = {
    tool: { driver: { name: 'attnc', version, rules: describe(rules), notifications: describe(conditions) } },
    columnKind: 'unicodeCodePoints',
    invocations: [
      {
        executionSuccessful: exit <= 1,
        exitCode: exit,
        toolExecutionNotifications: notifications.map((one) => ({
          descriptor: { id: one.code, index: conditions.indexOf(one.code) },
          level: one.severity,
          message: { text: withHint(one) },
        })),
      },
    ],
    results: places.map((one) => resultOf(one, rules.indexOf(one.code))),
  }
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] }
  return `${JSON.stringify(log, undefined, oneLine ? undefined : 2)}\n`
}

const codesOf = (findings: readonly Finding[]): readonly string[] =>
  [...new Set(findings.map(({ code }) => code))].sort()

function ruleOf(code: string, findings: readonly Finding[], help: readonly Help[]): object {
  const { title = code, severity = 'error' } = findings.find((finding) => finding.code === code) ?? {}
  const text = help.find((section) => section.code === code)?.text ?? title
  const name = title.replace(/(?:^|-)([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
  return {
    id: code,
    name,
    shortDescription: { text: title.replaceAll('-', ' ') },
    help: { text, markdown: text },
    defaultConfiguration: { level: severity },
  }
}

const withHint = ({ message, hint }: Finding): string => (hint === undefined ? message : `${message}\nhint: ${hint}`)

function resultOf(diagnostic: Diagnostic, ruleIndex: number): object {
  const { code, severity, at, notes, fix } = diagnostic
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: withHint(diagnostic) },
    locations: [locationOf(at)],
    ...(notes.length > 0 ? { relatedLocations: notes.map(locationOf) } : {}),
    ...(fix ? { fixes: [fixOf(diagnostic, fix)] } : {}),
  }
}

const locationOf = ({ span, text }: Label): object => ({
  physicalLocation: { artifactLocation: artifactOf(span), region: regionOf(span) },
  ...(text === undefined ? {} : { message: { text } }),
})

function fixOf({ hint }: Diagnostic, edits: readonly Edit[]): object {
  const [first] = edits
  const replacements = edits.map(({ span, text }) => ({ deletedRegion: regionOf(span), insertedContent: { text } }))
  return {
    ...(hint === undefined ? {} : { description: { text: hint } }),
    artifactChanges: first ? [{ artifactLocation: artifactOf(first.span), replacements }] : [],
  }
}

function regionOf({ file, start, end }: Span): object {
  const [from, to] = [positionAt(file, start), positionAt(file, end)]
  return { startLine: from.line, startColumn: from.column, endLine: to.line, endColumn: to.column }
}

/** A path as a reference of a URI: relative ones stay relative, to the folder in which the command ran. */
function artifactOf({ file: { path } }: Span): object {
  if (isAbsolute(path)) return { uri: pathToFileURL(path).href }
  const parts = (process.platform === 'win32' ? path.replaceAll('\\', '/') : path).split('/')
  const uri = parts.map((part) => encodeURIComponent(part.toWellFormed())).join('/')
  return { uri }
}
