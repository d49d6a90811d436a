/** Files that appear whole or not at all. */
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { reasonOf } from './files.ts'
import { done, failed, type Outcome, type Problem, problem } from './problem.ts'

export interface FileToWrite {
  readonly path: string
  readonly content: string | Uint8Array | Iterable<Uint8Array> // pieces are made while they are written
}

/** A file that lies ready under another name. */
interface Ready {
  readonly from: string
  readonly to: string
}

/**
 * Writes all files or none: each is written beside its place, flushed, and only when all are there they are renamed. Folders
 * are made. A link is written through; a device or pipe is written to directly, never replaced.
 *
 * @param onlyChanged  files that hold what they should are left alone, with their times
 */
export function writeFiles(all: readonly FileToWrite[], { onlyChanged = false } = {}): Outcome<undefined> {
  const files = onlyChanged ? all.filter((file) => !holds(file)) : all
  const ready: Ready[] = []
  const folders: string[] = []
  let path = ''
  try {
    for (const file of files) {
      path = file.path
      if (isSpecial(path)) continue
      folders.push(...makeFolders(dirname(resolve(path))))
      ready.push(prepare(file))
    }
    for (const file of files.filter((one) => isSpecial(one.path))) {
      path = file.path
      writeWhole(path, 'w', file.content)
    }
    for (const { from, to } of ready) {
      path = to
      renameSync(from, to)
    }
    return done(undefined)
  } catch (error) {
    for (const { from } of ready) rmSync(from, { force: true })
    for (const folder of folders.toReversed()) removeIfEmpty(folder)
    return failed(problem('ATTN0312', `cannot write ${path}: ${reasonOf(error)}`))
  }
}

/**
 * Writes files where there are none, all of them or, where anything is in the way of one, none: what is there, if only a link that
 * leads nowhere, stays. Folders are made.
 */
export function writeNew(files: readonly FileToWrite[]): Outcome<undefined> {
  const inTheWay = files.filter(({ path }) => exists(path))
  if (inTheWay.length > 0) return failed(...inTheWay.map(({ path }) => alreadyThere(path)))
  const [folders, drafts, placed]: [string[], Ready[], string[]] = [[], [], []]
  let path = ''
  try {
    for (const file of files) {
      path = file.path
      folders.push(...makeFolders(dirname(resolve(path))))
      drafts.push({ from: prepare(file).from, to: path })
    }
    for (const { from, to } of drafts) {
      path = to
      place(from, to)
      placed.push(to)
    }
    return done(undefined)
  } catch (error) {
    // What another process has put there meanwhile is not among those placed.
    const isThere = exists(path)
    for (const one of [...placed, ...drafts.map(({ from }) => from)]) rmSync(one, { force: true })
    for (const folder of folders.toReversed()) removeIfEmpty(folder)
    return failed(isThere ? alreadyThere(path) : problem('ATTN0312', `cannot write ${path}: ${reasonOf(error)}`))
  }
}

/** By a link, which never replaces anything; a file system without links renames. */
function place(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (error) {
    if (exists(path)) throw error
    renameSync(draft, path)
  }
  rmSync(draft, { force: true })
}

/** Also a link that leads nowhere; not what nobody may look at. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

export const alreadyThere = (path: string): Problem =>
  problem('ATTN0319', `there is something at ${path}, and it stays as it is`, 'another name, or another folder')

/** Content that is made while it is written is not compared. */
function holds({ path, content }: FileToWrite): boolean {
  if (typeof content !== 'string' && !(content instanceof Uint8Array)) return false
  try {
    return statSync(path).isFile() && readFileSync(path).equals(Buffer.from(content))
  } catch {
    return false // it is not there, or nobody may look: writing it says what is wrong
  }
}

/** Exists and is neither file nor folder. */
function isSpecial(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && !stat.isFile() && !stat.isDirectory()
}

function prepare(file: FileToWrite): Ready {
  const old = statSync(file.path, { throwIfNoEntry: false })
  if (old?.isDirectory()) throw new Error('it is a folder')
  const to = old ? realpathSync(file.path) : resolve(file.path)
  if (old) accessSync(to, constants.W_OK) // a rename would replace what its owner made read-only
  const from = join(dirname(to), `.${basename(to).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    writeWhole(from, 'wx', file.content)
    if (old) chmodSync(from, old.mode & 0o777)
  } catch (error) {
    rmSync(from, { force: true })
    throw error
  }
  return { from, to }
}

function writeWhole(path: string, flags: 'w' | 'wx', content: FileToWrite['content']): void {
  const handle = openSync(path, flags)
  try {
    const isWhole = typeof content === 'string' || content instanceof Uint8Array
    for (const piece of isWhole ? [content] : content) writeFileSync(handle, piece) // goes on where the last one ended
    if (flags === 'wx') fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Gives the folders that had to be made, outer ones first. Step by step: a recursive `mkdir` below /proc never ends. */
export function makeFolders(folder: string, mode = 0o777): readonly string[] {
  const missing: string[] = []
  for (let at = folder; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at)) missing.unshift(at)
  return missing.filter((one) => makeFolder(one, mode))
}

/** Was it made here? Another process may have been faster. */
function makeFolder(folder: string, mode: number): boolean {
  try {
    mkdirSync(folder, { mode })
    return true
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return false
    throw error
  }
}

/** Takes back a folder that was made for files that then were not written. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // it holds what others have put there since
  }
}
