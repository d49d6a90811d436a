/** Source files to a module of checked attentions. */

import { sources } from '../../generated/sources.ts'
import type * as ast from '../../grammar/ast.ts'
import { type Diagnostic, type Result, resultOf } from '../../grammar/diagnostic.ts'
import type { parse } from '../../grammar/parse.ts'
import type { SourceFile, Span } from '../../grammar/source.ts'
import type { Module } from '../attention.ts'
import * as errors from '../errors.ts'
import { invariant } from '../invariant.ts'
import type { Expr } from '../ir.ts'
import { checkAttention } from './attention.ts'
import { conventionalAxes } from './axes.ts'
import type { FunctionTable } from './functions.ts'
import { type Loaded, load, type ReadImport } from './imports.ts'
import { checkNames } from './names.ts'
import { addFunctions } from './tables.ts'

export type { ReadImport } from './imports.ts'

/** The standard library, which is in scope in every file. */
export const library: SourceFile = { path: 'std.attn', text: sources['compiler/std.attn'] }

/** For those who show a source: what came of an expression, with the number of calls that it stands in, and less than all of it. */
export interface Watch {
  readonly seen?: (e: ast.Expr, value: Expr, calls: number) => void
  readonly only?: (attention: ast.Attention) => boolean
  readonly toTree?: typeof parse
}

/**
 * Checks a file and all that it imports, and makes its attentions explicit: names, types, axes, conversions and the domains of
 * reductions are resolved, functions expanded. All errors of a stage are found in one run.
 */
export function checkFile(entry: SourceFile, readImport: ReadImport, watch: Watch = {}): Result<Module> {
  const { only = () => true, seen, toTree } = watch
  const loaded = load(entry, readImport, toTree)
  if (!loaded.ok) return loaded
  const { root, paths } = loaded.value
  const found = [...loaded.warnings]
  const tables = new Map<Loaded, FunctionTable>()
  const functions = tableOf(root, loadLibrary(), tables, found)
  const own = root.program.items
  checkTwice(own, found)
  const checks = own.filter((item) => item.kind === 'check')
  checkFileSettings(own, checks, found)
  const attentions = own
    .filter((item) => item.kind === 'attention')
    .filter(only)
    .map((a) => {
      const checked = checkAttention(a, { functions, checks, library: library.path, seen })
      found.push(...checked.found)
      return checked.attention
    })
  const module: Module = {
    path: entry.path,
    attentions: attentions.filter((a) => a !== undefined),
    dependencies: paths,
  }
  return resultOf(module, withoutRepeats(found))
}

let libraryTable: FunctionTable | undefined

/** Parsed once: it is the same for every file. */
function loadLibrary(): FunctionTable {
  if (libraryTable) return libraryTable
  const parsed = load(library, () => ({ problem: 'the library imports nothing' }))
  invariant(parsed.ok, `std.attn: ${parsed.ok ? '' : parsed.diagnostics[0]?.message}`)
  const found: Diagnostic[] = []
  const fns = parsed.value.root.program.items.filter((item) => item.kind === 'fn')
  const table = addFunctions(new Map(), fns, { origin: 'library' }, found)
  for (const fn of fns) checkNames(fn, { functions: table, values: [], axes: [], found })
  const [fault] = found
  invariant(!fault, `std.attn: ${fault?.message}`)
  libraryTable = table
  return table
}

/** What a file's functions and attentions can call: its own, those that it imports, the library's. */
function tableOf(
  file: Loaded,
  std: FunctionTable,
  tables: Map<Loaded, FunctionTable>,
  found: Diagnostic[],
): FunctionTable {
  const known = tables.get(file)
  if (known) return known
  const fns = file.program.items.filter((item) => item.kind === 'fn')
  const own = new Set(fns.map(({ name }) => name.text))
  const imported = new Map(std)
  const from = new Map<string, ast.Import>()
  for (const { clause, file: other } of file.imports) {
    const theirs = tableOf(other, std, tables, found)
    for (const [name, entry] of theirs) {
      if (entry.origin !== 'file' || entry.decl.span.file !== other.program.file) continue
      const before = from.get(name)
      if (before && !own.has(name) && before.path !== clause.path) {
        found.push(errors.importedTwice(clause.pathSpan, name, before.pathSpan))
      }
      from.set(name, clause)
      imported.set(name, { ...entry, origin: 'import' })
    }
  }
  const table = addFunctions(imported, fns, { origin: 'file' }, found)
  tables.set(file, table)
  for (const fn of fns) checkNames(fn, { functions: table, values: [], axes: [], found })
  return table
}

function checkTwice(items: readonly ast.Item[], found: Diagnostic[]): void {
  const seen = new Map<string, Span>()
  for (const item of items) {
    if (item.kind !== 'attention') continue
    const { text, span } = item.name
    const before = seen.get(text)
    if (before) found.push(errors.attentionTwice(span, text, before))
    else seen.set(text, span)
  }
}

/** A file's check lines are for all its attentions: each of their axes has to be one of some attention. */
function checkFileSettings(items: readonly ast.Item[], checks: readonly ast.Check[], found: Diagnostic[]): void {
  const attentions = items.filter((item) => item.kind === 'attention')
  const declared = attentions.flatMap(({ clauses }) => clauses.flatMap(axesOf))
  const names = [...new Set([...conventionalAxes, ...declared])]
  for (const { sizes } of checks) {
    for (const [k, { name }] of sizes.entries()) {
      if (!names.includes(name.text)) found.push(errors.unknownAxis(name.span, name.text, names))
      const before = sizes.findIndex((other) => other.name.text === name.text)
      if (before < k) found.push(errors.settingTwice(name.span, name.text, sizes[before]!.name.span))
    }
  }
}

function axesOf(clause: ast.Clause): readonly string[] {
  if (clause.kind === 'axis') return clause.axes.map(({ name }) => name.text)
  return clause.kind === 'split' ? [clause.outer.text, clause.inner.text] : []
}

/** A function that is expanded twice has its faults once, a call of the library its first. */
function withoutRepeats(found: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>()
  return found.filter(({ code, at: { span }, notes: [note] }) => {
    const moved = note?.span.file === library && span.file !== library
    const key = `${moved ? 'library' : code} ${span.file.path} ${span.start} ${span.end}`
    const fresh = !seen.has(key)
    seen.add(key)
    return fresh
  })
}
