/** What `import "path"` may read: relative paths, resolved through links, below the project root. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { SourceFile } from '../grammar/source.ts'
import { extension, readSource, reasonOf } from './files.ts'
import { hasPlace } from './problem.ts'

type Import = SourceFile | { readonly problem: string }

/**
 * Reads the imports of one main file. A file reached twice, by whatever links, is one object.
 *
 * @param main  its path may name no file (standard input); imports are then relative to the folder it names
 * @param readFile  gives a file by its real path, under the name it is shown by: editors have texts that no disk has
 */
export function importReader(
  main: SourceFile,
  cwd: string = process.cwd(),
  readFile: typeof readSource = readSource,
): (from: SourceFile, path: string) => Import {
  const mainReal = realPath(resolve(cwd, main.path))
  let found: string | undefined
  const root = (): string => (found ??= projectRoot(dirname(mainReal))) // most sources import nothing
  const files = new Map<string, SourceFile>([[mainReal, main]])
  const places = new Map<string, string>([[main.path, mainReal]])
  return (from, path) => {
    const fault = checkSpelling(path)
    if (fault !== undefined) return { problem: fault }
    const real = realPath(resolve(dirname(places.get(from.path) ?? resolve(cwd, from.path)), path))
    if (!isBelow(real, root())) return { problem: `'${path}' lies outside of the project (${shown(root(), cwd)})` }
    const known = files.get(real)
    if (known) return known
    if (neverEnds(real)) return { problem: `'${path}' is no plain file` }
    const read = readFile(real, shown(real, cwd))
    if (!read.ok) {
      const [first] = read.findings
      return {
        problem: first === undefined ? 'cannot be read' : hasPlace(first) ? `${path}: ${first.message}` : first.message,
      }
    }
    files.set(real, read.value)
    places.set(read.value.path, real)
    return read.value
  }
}

function checkSpelling(path: string): string | undefined {
  if (path.includes('\0')) return 'a path holds no NUL'
  if (/^[A-Za-z][\w+.-]*:/.test(path)) return 'imports are files, not addresses'
  if (isAbsolute(path) || path.startsWith('~')) return 'imports are relative to the file they stand in'
  if (path.includes('\\')) return "folders are separated by '/'"
  if (!path.endsWith(extension)) return `imports are ${extension} files`
  return undefined
}

/** A pipe waits for somebody who writes to it, a terminal for somebody who types. Whoever reads it says what else is wrong. */
function neverEnds(path: string): boolean {
  try {
    const stat = statSync(path)
    return !stat.isFile() && !stat.isDirectory()
  } catch {
    return false
  }
}

/** The path with all links resolved; of what does not exist, the folders that do. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    const parent = dirname(path)
    if (parent === path) throw new Error(reasonOf(error))
    return join(realPath(parent), path.slice(parent.length).replace(/^[\\/]/, ''))
  }
}

const shown = (path: string, cwd: string): string => {
  const short = relative(cwd, path)
  return short === '' ? '.' : short.startsWith(`..${sep}..${sep}..`) ? path : short
}

const isBelow = (path: string, root: string): boolean => {
  const way = relative(root, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** The nearest folder upwards that holds a configuration, a package.json or a .git; else the folder itself. */
export const projectRoot = (folder: string): string => findProjectRoot(folder) ?? folder

export function findProjectRoot(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) || existsSync(join(at, '.git')) || hasConfig(at)) return at
    if (dirname(at) === at) return undefined
  }
}

function hasConfig(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.startsWith('attnc.config.'))
  } catch {
    return false
  }
}
