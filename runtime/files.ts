/** Reading sources and writing results: paths, folders and what can be wrong with them. */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { basename, join, normalize } from 'node:path'
import type { Diagnostic } from '../grammar/diagnostic.ts'
import { sourceTooLarge } from '../grammar/errors.ts'
import { maxBytes } from '../grammar/limits.ts'
import { type SourceFile, spanOf } from '../grammar/source.ts'
import { done, failed, type Outcome, type Problem, problem } from './problem.ts'

export const extension = '.attn'

/** A source to read: the path as given, and where its results go below the output folder. */
export interface SourcePath {
  readonly path: string
  readonly folder: string // below a folder argument, '' for a file; output mirrors it
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ENOENT: 'no such file or folder',
}

export const reasonOf = (error: unknown): string =>
  reasons[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))

export function cannotRead(path: string, error: unknown): Problem {
  if (codeOf(error) === 'ENOENT') return problem('ATTN0310', `no such file: ${path}`)
  return problem('ATTN0311', `cannot read ${path}: ${reasonOf(error)}`)
}

/** Reads a source as strict UTF-8; never more than the limit of a source, however long the file is. */
export function readSource(path: string, shown: string = path): Outcome<SourceFile> {
  try {
    const file = openSync(path, 'r')
    try {
      if (fstatSync(file).isDirectory()) return failed(problem('ATTN0311', `cannot read ${shown}: it is a folder`))
      return decodeSource(readUpTo(file, maxBytes + 1), shown, fstatSync(file).size)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return failed(cannotRead(shown, error))
  }
}

function readUpTo(file: number, limit: number): Uint8Array {
  const bytes = new Uint8Array(limit)
  let at = 0
  for (;;) {
    const got = readSync(file, bytes, at, limit - at, null)
    at += got
    if (got === 0 || at === limit) return bytes.subarray(0, at)
  }
}

/** @param size  of the whole file, for the message; `bytes` need not hold more than the limit and one */
export function decodeSource(bytes: Uint8Array, shown: string, size: number = bytes.length): Outcome<SourceFile> {
  if (bytes.length > maxBytes) {
    return failed(sourceTooLarge(spanOf({ path: shown, text: '' }, 0, 0), Math.max(size, bytes.length)))
  }
  try {
    return done({ path: shown, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) })
  } catch {
    return failed(notUtf8(bytes, shown))
  }
}

function notUtf8(bytes: Uint8Array, path: string): Diagnostic {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const offset = firstBadByte(bytes, text)
  const before = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, offset)).length
  return {
    code: 'ATTN0313',
    severity: 'error',
    title: 'source-not-utf8',
    message: `byte ${offset} (0x${bytes[offset]?.toString(16).padStart(2, '0')}) is not valid UTF-8`,
    at: { span: spanOf({ path, text }, before, before + 1) },
    notes: [],
    hint: 'save the file as UTF-8',
  }
}

/** Where the text, with a replacement for whatever is malformed, first differs: at the start of that character. */
function firstBadByte(bytes: Uint8Array, text: string): number {
  const repaired = new TextEncoder().encode(text)
  let at = 0
  while (at < bytes.length && bytes[at] === repaired[at]) at += 1
  while (at > 0 && (repaired[at]! & 0xc0) === 0x80) at -= 1
  return at
}

/** What the arguments of a command name: files as they are, folders by what `.attn` files they hold, sorted by path. */
export function findSources(
  args: readonly string[],
  resolve: (path: string) => string = (path) => path,
): Outcome<readonly SourcePath[]> {
  const found: SourcePath[] = []
  const findings: Problem[] = []
  for (const arg of args) {
    try {
      if (!statSync(resolve(arg)).isDirectory()) {
        if (arg.endsWith(extension)) found.push({ path: arg, folder: '' })
        else findings.push(notAttn(arg))
        continue
      }
      const below = sourcesBelow(resolve(arg))
      if (below.length === 0) findings.push(problem('ATTN0316', `no ${extension} file below ${arg}`))
      found.push(...below.map((path) => ({ path: join(arg, path), folder: normalize(join(path, '..')) })))
    } catch (error) {
      findings.push(cannotRead(arg, error))
    }
  }
  const unique = [...new Map(found.map((source) => [normalize(source.path), source])).values()]
  return findings.length > 0 ? failed(...findings) : done(unique)
}

const notAttn = (path: string): Problem =>
  problem('ATTN0315', `${path}: not an ${extension} file`, `to read any file: attnc check - < ${basename(path)}`)

function sourcesBelow(folder: string): readonly string[] {
  const found: string[] = []
  const visit = (below: string): void => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      const path = join(below, entry.name)
      if (entry.isDirectory()) visit(path)
      else if (entry.name.endsWith(extension) && isFile(join(folder, path))) found.push(path)
    }
  }
  visit('')
  return found.sort()
}

/** False too where nobody may look. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
