/** Which sources may name what another one declares: its project, looked through with an end. */
import { type Dirent, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SourceFile } from '../../grammar/source.ts'
import { extension } from '../../runtime/files.ts'
import { findProjectRoot } from '../../runtime/imports.ts'
import type { Declaration, Occurrence } from './declarations.ts'
import type { Workspace } from './workspace.ts'

/** Entries of folders and sources that are looked at. */
const most = { entries: 20_000, sources: 2_000 }

export interface Found {
  readonly occurrences: readonly Occurrence[]
  /** The sources that have been looked through. */
  readonly files: readonly SourceFile[]
  /** Not everything was looked at. */
  readonly isPartial: boolean
}

/**
 * Every place that means `declaration`, which is known in `home`; of what no other file can name, in that alone.
 *
 * @param names  files with one of them in their text are looked through
 */
export function findOccurrences(
  declaration: Declaration,
  home: SourceFile,
  workspace: Workspace,
  names: readonly string[] = [declaration.name],
): Found {
  const isShared = declaration.kind === 'function' && declaration.at !== undefined
  const { files, isPartial } = isShared
    ? sourcesAround(declaration, home, workspace, names)
    : { files: [home], isPartial: false }
  const occurrences = files.flatMap((file) =>
    workspace.analyse(file).resolved.occurrences.filter(({ of }) => of === declaration),
  )
  return { occurrences, files, isPartial }
}

/** Those that have a name in their text, and the file that declares it. */
function sourcesAround(
  { at }: Declaration,
  home: SourceFile,
  workspace: Workspace,
  names: readonly string[],
): { readonly files: readonly SourceFile[]; readonly isPartial: boolean } {
  const declared = at?.file ?? home
  const open = workspace.documents
  const roots = new Set([declared, home].flatMap((file) => workspace.pathOf(file) ?? []).map(dirname))
  const below = [...roots].map(sourcesOf)
  const onDisk = below.flatMap(({ paths }) => paths).flatMap((path) => workspace.read(path) ?? [])
  const all = new Set([declared, home, ...open.map(({ file }) => file), ...onDisk])
  const naming = [...all].filter((file) => file === declared || names.some((name) => file.text.includes(name)))
  return { files: naming, isPartial: below.some(({ isPartial }) => isPartial) }
}

/**
 * The sources of the project that a folder is in. Without a project, imports stay below the folder: its own sources are looked at,
 * and no folder below it, since it may be anything, as a home or a temporary folder is.
 */
function sourcesOf(folder: string): { readonly paths: readonly string[]; readonly isPartial: boolean } {
  const root = findProjectRoot(folder)
  const paths: string[] = []
  const folders = [root ?? folder]
  let entries = 0
  for (let at = folders.shift(); at !== undefined; at = folders.shift()) {
    for (const entry of entriesOf(at)) {
      entries += 1
      if (entries > most.entries || paths.length >= most.sources) return { paths, isPartial: true }
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      if (entry.isDirectory() && root !== undefined) folders.push(join(at, entry.name))
      else if (entry.isFile() && entry.name.endsWith(extension)) paths.push(join(at, entry.name))
    }
  }
  return { paths, isPartial: false }
}

/** None of a folder that nobody may read, or that has just gone. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
