/** The files that decide what a source means, found without parsing it: reading them is all that a process needs to find a build. */
import { basename, dirname, relative, resolve } from 'node:path'
import type { ReadImport } from '../../compiler/check/imports.ts'
import type { SourceFile } from '../../grammar/source.ts'
import { extension } from '../files.ts'

/** A source with all that it may import. */
export interface Sources {
  readonly main: SourceFile
  readonly imports: readonly Import[]
}

/** What a file could ask for, and what came: the same text may import other files elsewhere. */
interface Import {
  readonly from: SourceFile
  readonly path: string
  readonly to: SourceFile | { readonly problem: string }
}

const mostImports = 1024 // a source has a quarter of that at most

/**
 * Follows everything that stands in quotes on a line and has the name of a source: all that a parser could take for an import, and
 * at times a little more, such as a name in a comment. Undefined: there is too much of it.
 */
export function gatherSources(main: SourceFile, read: ReadImport): Sources | undefined {
  const imports: Import[] = []
  const files = new Set([main])
  for (const from of files) {
    for (const path of quotedPaths(from.text)) {
      if (imports.length === mostImports) return undefined
      const to = read(from, path)
      imports.push({ from, path, to })
      if (!('problem' in to)) files.add(to)
    }
  }
  return { main, imports }
}

/** A quote in a comment may come before those of an import: what stands between any two is taken. */
const quotedPaths = (text: string): ReadonlySet<string> =>
  new Set(
    text
      .split(/[\r\n]/)
      .flatMap((line) => line.split('"').slice(1, -1))
      .filter((path) => path.endsWith(extension)),
  )

/** Names and texts, the names as seen from the source: a project that was moved means what it meant. */
export function contentOf({ main, imports }: Sources): unknown {
  const place = (file: SourceFile): string => relative(resolve(dirname(main.path)), resolve(file.path))
  const edges = imports.map(({ from, path, to }) => [place(from), path, 'problem' in to ? null : place(to)])
  const texts = new Map(imports.flatMap(({ to }) => ('problem' in to ? [] : [[place(to), to.text] as const])))
  return [[basename(main.path), main.text], edges, [...texts]]
}

/** Paths as messages show them. */
export const shownPaths = ({ main, imports }: Sources): readonly string[] => [
  main.path,
  ...imports.flatMap(({ to }) => ('problem' in to ? [] : [to.path])),
]
