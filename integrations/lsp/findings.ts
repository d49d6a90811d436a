/** What the compiler finds, as an editor shows it. */
import {
  type CodeAction,
  CodeActionKind,
  DiagnosticSeverity,
  type Range,
  type Diagnostic as Shown,
  type TextEdit,
} from 'vscode-languageserver'
import type { Diagnostic, Edit, Label } from '../../grammar/diagnostic.ts'
import { applyFixes } from '../../grammar/fix.ts'
import { escapeControls } from '../../grammar/render.ts'
import { type SourceFile, type Span, spanOf, textOf } from '../../grammar/source.ts'
import type { Analysis } from './analysis.ts'
import { locationOf, offsetOf, rangeOf } from './places.ts'

type UriOf = (file: SourceFile) => string

/** More than anybody reads, and few enough for any editor. */
export const mostShown = 200

/** Errors come before warnings where there are too many for all of them. */
export function showFindings({ file, findings, resolved }: Analysis, uriOf: UriOf): readonly Shown[] {
  const sorted = findings.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'))
  const shown = sorted.slice(0, mostShown).map((finding) => showFinding(finding, file, resolved.imports, uriOf))
  const left = findings.length - shown.length
  if (left <= 0) return shown
  const message = `${left} more findings are not shown; attnc check prints them all`
  return [
    ...shown,
    { ...common, range: rangeOf(spanOf(file, 0, 0)), severity: DiagnosticSeverity.Information, message },
  ]
}

const common = { source: 'attnc' }

function showFinding(
  finding: Diagnostic,
  file: SourceFile,
  imports: Analysis['resolved']['imports'],
  uriOf: UriOf,
): Shown {
  const { at, notes, severity, code, message, hint } = finding
  const home = placeIn(file, finding, imports)
  const others: readonly Label[] = [
    ...(home === at.span ? [] : [{ ...at, text: at.text ?? message }]),
    ...notes,
  ].filter(({ span }) => span !== home && span.file.text !== '')
  const away = at.span.file === file ? '' : `${at.span.file.path.split(/[\\/]/).at(-1)}: `
  const lines = [
    `${away}${message}`,
    ...(at.text === undefined ? [] : [at.text]),
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
  ]
  return {
    ...common,
    range: rangeOf(home),
    severity: severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code,
    message: escapeLines(lines),
    relatedInformation: others.map(({ span, text }) => ({
      location: locationOf(span, uriOf),
      message: escapeControls(text ?? 'here'),
    })),
    ...(finding.title === 'unused' ? { tags: [1] } : {}),
  }
}

const escapeLines = (lines: readonly string[]): string => lines.map(escapeControls).join('\n')

/** Where to say in a file what is wrong in one that it imports: at what led there. */
function placeIn(file: SourceFile, { at, notes }: Diagnostic, imports: Analysis['resolved']['imports']): Span {
  if (at.span.file === file) return at.span
  const led = notes.find(({ span }) => span.file === file)
  if (led) return led.span
  const direct = imports.find((one) => one.file === at.span.file) ?? imports[0]
  return direct?.clause.pathSpan ?? spanOf(file, 0, 0)
}

// Fixes

/** What would mend the findings that a range touches, and one action for all of the file. */
export function fixesFor(
  { file, findings }: Analysis,
  range: Range,
  uriOf: UriOf,
  only: readonly string[] = [],
): readonly CodeAction[] {
  const wanted = (kind: string): boolean =>
    only.length === 0 || only.some((one) => kind === one || kind.startsWith(`${one}.`))
  const [start, end] = [offsetOf(file, range.start), offsetOf(file, range.end)]
  const touched = findings.filter(
    ({ at, fix }) => fix && at.span.file === file && at.span.start <= end && start <= at.span.end,
  )
  const single = touched.map(
    (finding): CodeAction => ({
      title: titleOf(finding.fix ?? []),
      kind: CodeActionKind.QuickFix,
      isPreferred: true,
      diagnostics: [showFinding(finding, file, [], uriOf)],
      edit: { changes: changesOf(finding.fix ?? [], uriOf) },
    }),
  )
  const { text, fixed } = applyFixes(file, findings)
  const all: CodeAction = {
    title: `Fix all that attnc can (${fixed})`,
    kind: CodeActionKind.SourceFixAll,
    edit: { changes: { [uriOf(file)]: [...replaceText(file, text)] } },
  }
  return [
    ...(wanted(CodeActionKind.QuickFix) ? single : []),
    ...(fixed > 0 && wanted(CodeActionKind.SourceFixAll) ? [all] : []),
  ]
}

function titleOf(fix: readonly Edit[]): string {
  const [first, second] = fix
  if (!first || second) return 'Fix this'
  const [before, after] = [quote(textOf(first.span)), quote(first.text)]
  if (first.text === '') return `Remove ${before}`
  return first.span.start === first.span.end ? `Insert ${after}` : `Replace ${before} by ${after}`
}

const quote = (text: string): string => `'${escapeControls(text.length > 40 ? `${text.slice(0, 40)}…` : text)}'`

function changesOf(fix: readonly Edit[], uriOf: UriOf): Record<string, TextEdit[]> {
  const changes: Record<string, TextEdit[]> = {}
  for (const { span, text } of fix) {
    const uri = uriOf(span.file)
    changes[uri] = [...(changes[uri] ?? []), { range: rangeOf(span), newText: text }]
  }
  return changes
}

/** The edit that makes one text of another: the lines that differ, so that cursors elsewhere stay where they are. */
export function replaceText(file: SourceFile, text: string): readonly TextEdit[] {
  if (file.text === text) return []
  const [old, next] = [file.text, text].map((one) => one.split(/(?<=\n)/)) as [string[], string[]]
  const most = Math.min(old.length, next.length)
  let start = 0
  while (start < most && old[start] === next[start]) start += 1
  let same = 0
  while (same < most - start && old.at(-1 - same) === next.at(-1 - same)) same += 1
  const length = (lines: readonly string[]): number => lines.join('').length
  const [from, to] = [length(old.slice(0, start)), length(old.slice(0, old.length - same))]
  return [{ range: rangeOf(spanOf(file, from, to)), newText: next.slice(start, next.length - same).join('') }]
}
