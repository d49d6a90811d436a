/** A new name for what a name means, in every file that means it; or why there cannot be one. */
import type { Range, TextEdit } from 'vscode-languageserver'
import { library } from '../../compiler/check/check.ts'
import { predefined } from '../../compiler/check/definitions.ts'
import { maxNameLength } from '../../grammar/limits.ts'
import { parse } from '../../grammar/parse.ts'
import { recover } from '../../grammar/recover.ts'
import { placeOf, type SourceFile } from '../../grammar/source.ts'
import { reserved } from '../../grammar/words.ts'
import type { Analysis } from './analysis.ts'
import type { Declaration, Occurrence } from './declarations.ts'
import { occurrenceAt } from './hover.ts'
import { rangeOf } from './places.ts'
import { type Imported, resolve } from './resolve.ts'
import { findOccurrences } from './search.ts'
import type { Workspace } from './workspace.ts'

export type Renamed =
  | { readonly ok: true; readonly changes: Readonly<Record<string, TextEdit[]>> }
  | { readonly ok: false; readonly why: string }

const refuse = (why: string): Renamed => ({ ok: false, why })

/** The name at a place and its range, if it can have another. */
export function renamable(
  analysis: Analysis,
  offset: number,
):
  | { readonly ok: true; readonly range: Range; readonly placeholder: string }
  | { readonly ok: false; readonly why: string } {
  const occurrence = occurrenceAt(analysis, offset)
  if (!occurrence) return { ok: false, why: 'there is no name here that a source declares' }
  const why = whyFixed(occurrence.of, analysis)
  if (why !== undefined) return { ok: false, why }
  return { ok: true, range: rangeOf(occurrence.span), placeholder: occurrence.of.name }
}

function whyFixed(declaration: Declaration, { resolved }: Analysis): string | undefined {
  const { name, kind, at } = declaration
  if (kind === 'predefined') return `'${name}' is a predefined name`
  if (at?.file === library) return `'${name}' is a function of the standard library`
  if (kind === 'builtin') return `'${name}' is a function of the language`
  if (at === undefined) return `'${name}' is a conventional axis, known without a declaration`
  if (kind === 'axis' && ['b', 'h', 'i', 'j', 'd', 'e'].includes(name))
    return `'${name}' is a conventional axis: its name is its meaning`
  if (resolved.occurrences.some(({ of, role }) => of === declaration && role === 'implied'))
    return `'${name}' has a meaning by its name: without an output, the result is sum[j](weight * ${name})`
  return undefined
}

export function rename(analysis: Analysis, offset: number, name: string, workspace: Workspace): Renamed {
  const can = renamable(analysis, offset)
  if (!can.ok) return refuse(can.why)
  const fault = faultOf(name)
  if (fault !== undefined) return refuse(fault)
  const { of } = occurrenceAt(analysis, offset)!
  const { occurrences, files, isPartial } = findOccurrences(of, analysis.file, workspace, [of.name, name])
  if (isPartial)
    return refuse('the project has more files than are looked through, so that uses of the name may be missed')
  for (const file of new Set([analysis.file, ...occurrences.map(({ span }) => span.file)])) {
    const parsed = parse(file)
    const [first] = parsed.ok ? [] : parsed.diagnostics
    if (first)
      return refuse(`mend what is wrong at ${placeOf(first.at.span)} first: what cannot be read cannot be renamed`)
  }
  const edited = new Map(files.map((file) => [file, edit(file, occurrences, name)]))
  const changed = files.find((file) => !meansTheSame(file, edited, of, name, workspace))
  if (changed)
    return refuse(`'${name}' has a meaning in ${changed.path} already: a name there would mean something else`)
  const changes: Record<string, TextEdit[]> = {}
  for (const { span } of occurrences) {
    const uri = workspace.uriOf(span.file)
    changes[uri] = [...(changes[uri] ?? []), { range: rangeOf(span), newText: name }]
  }
  return { ok: true, changes }
}

function faultOf(name: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return `'${name}' is not a name: letters, digits and '_', no digit first`
  if (name.length > maxNameLength) return `a name has ${maxNameLength} characters at most`
  if (reserved.some((word) => word === name)) return `'${name}' is a reserved word`
  if (predefined.includes(name)) return `'${name}' is a predefined name`
  return undefined
}

function edit(file: SourceFile, occurrences: readonly Occurrence[], name: string): SourceFile {
  let [text, at] = ['', 0]
  for (const { span } of occurrences.filter((one) => one.span.file === file)) {
    if (span.start < at) continue // one place may stand for several
    text += file.text.slice(at, span.start) + name
    at = span.end
  }
  return { path: file.path, text: text + file.text.slice(at) }
}

/** Whether every name of a file means after the change what it meant before: declarations are told apart by their places. */
function meansTheSame(
  file: SourceFile,
  edited: ReadonlyMap<SourceFile, SourceFile>,
  of: Declaration,
  name: string,
  workspace: Workspace,
): boolean {
  const before = workspace.analyse(file).resolved
  const imports = before.imports.map(
    ({ clause, file: other }): Imported => ({ clause, file: other && (edited.get(other) ?? other) }),
  )
  const after = resolve(recover(edited.get(file) ?? file), imports)
  const shape = (all: readonly Occurrence[], renamed: (declaration: Declaration) => string): string => {
    const ids = new Map<Declaration, number>()
    return all
      .map(({ of: one, role }) => {
        if (!ids.has(one)) ids.set(one, ids.size)
        return `${ids.get(one)} ${role} ${one.kind} ${renamed(one)}`
      })
      .join('\n')
  }
  return (
    shape(before.occurrences, (one) => (one === of ? name : one.name)) === shape(after.occurrences, (one) => one.name)
  )
}
