/** `--watch`: runs a command again whenever a source that it reads has changed, or one that such a source imports. */
import { dirname, join } from 'node:path'
import { analyze, type ReadImport } from '../index.ts'
import { findSources, isFolder, readSource } from '../runtime/files.ts'
import { importReader } from '../runtime/imports.ts'
import { problem } from '../runtime/problem.ts'
import { Unwatchable, type Watched, watchFiles } from '../runtime/watch.ts'
import { type Answer, type Exit, refuse } from './answer.ts'
import type { Io } from './io.ts'
import { count } from './table.ts'

export interface Repeated {
  readonly args: readonly string[] // sources and folders
  readonly run: () => Promise<Answer>
  /** What else is read, by the sources: files that need not be there. */
  readonly besides?: (sources: readonly string[]) => Promise<readonly string[]>
  readonly show: (answer: Answer) => Promise<Exit>
}

/** Ends by Ctrl-C, or where nothing can be watched. */
export async function repeat({ args, run, show, besides }: Repeated, io: Io): Promise<Exit> {
  if (args.includes('-')) return show(refuse([problem('ATTN0300', "--watch watches files, and '-' is none")]))
  try {
    for (;;) {
      const { sources, ...found } = findWatched(args)
      const watched = { ...found, files: [...found.files, ...((await besides?.(sources)) ?? [])] }
      const watch = watchFiles(watched) // before anything is read: what changes while the command runs is not missed
      await show(await run())
      io.progress?.(`waiting for changes in ${count(watched.files.length, 'file')}; Ctrl-C ends`)
      await watch.changed()
      watch.close()
    }
  } catch (error) {
    if (!(error instanceof Unwatchable)) throw error
    return show(refuse([problem('ATTN0311', `cannot watch ${error.message}`)]))
  }
}

/** Sources, what they import, and what they would import if it were there. */
function findWatched(args: readonly string[]): Watched & { readonly sources: readonly string[] } {
  const files = new Set(args.filter((arg) => !isFolder(arg)))
  const all: string[] = []
  for (const arg of args) {
    const sources = findSources([arg])
    for (const { path } of sources.ok ? sources.value : []) {
      files.add(path)
      all.push(path)
      for (const imported of importsOf(path)) files.add(imported)
    }
  }
  return { files: [...files], folders: args.filter(isFolder), sources: all }
}

function importsOf(path: string): readonly string[] {
  const source = readSource(path)
  if (!source.ok) return []
  const read = importReader(source.value)
  const found: string[] = []
  const recording: ReadImport = (from, name) => {
    const imported = read(from, name)
    found.push('path' in imported ? imported.path : join(dirname(from.path), name))
    return imported
  }
  analyze(source.value, recording)
  return found
}
