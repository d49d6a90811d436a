/** The files that a source imports, read and parsed once each. */
import type * as ast from '../../grammar/ast.ts'
import type { Diagnostic, Result } from '../../grammar/diagnostic.ts'
import { fail, succeed } from '../../grammar/diagnostic.ts'
import { parse } from '../../grammar/parse.ts'
import type { SourceFile } from '../../grammar/source.ts'
import * as errors from '../errors.ts'

/** Gives the file that `path`, written in `from`, names; or says why there is none. */
export type ReadImport = (from: SourceFile, path: string) => SourceFile | { readonly problem: string }

const maxImports = 256

export interface Loaded {
  readonly program: ast.Program
  /** In source order; an import that could not be read is left out. */
  readonly imports: readonly { readonly clause: ast.Import; readonly file: Loaded }[]
}

/** The entry with all that it imports, and the paths of all files in order of reading. */
export function load(
  entry: SourceFile,
  readImport: ReadImport,
  toTree: typeof parse = parse,
): Result<{ readonly root: Loaded; readonly paths: readonly string[] }> {
  const found: Diagnostic[] = []
  const done = new Map<string, Loaded | undefined>()
  const open: string[] = []
  const read = (file: SourceFile): Loaded | undefined => {
    const parsed = toTree(file)
    done.set(file.path, undefined)
    if (!parsed.ok) {
      found.push(...parsed.diagnostics)
      return undefined
    }
    found.push(...parsed.warnings)
    open.push(file.path)
    const imports = parsed.value.imports.flatMap((clause) => follow(file, clause) ?? [])
    open.pop()
    const loaded: Loaded = { program: parsed.value, imports }
    if (parsed.value.items.every(({ kind }) => kind === 'check')) found.push(errors.nothingDefined(file))
    done.set(file.path, loaded)
    return loaded
  }
  const follow = (from: SourceFile, clause: ast.Import): Loaded['imports'][number] | undefined => {
    const file = readImport(from, clause.path)
    if ('problem' in file) {
      found.push(errors.importNotRead(clause.pathSpan, clause.path, file.problem))
      return undefined
    }
    if (open.includes(file.path)) {
      found.push(errors.importCycle(clause.pathSpan, [...open.slice(open.indexOf(file.path)), file.path]))
      return undefined
    }
    if (!done.has(file.path) && done.size > maxImports) {
      if (done.size === maxImports + 1) found.push(errors.tooManyImports(clause.pathSpan, maxImports))
      return undefined
    }
    const loaded = done.has(file.path) ? done.get(file.path) : read(file)
    return loaded && { clause, file: loaded }
  }
  const root = read(entry)
  return root && !found.some(({ severity }) => severity === 'error')
    ? succeed({ root, paths: [...done.keys()] }, found)
    : fail(...found)
}
