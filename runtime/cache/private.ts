/** Files and folders that are this user's alone. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { reasonOf } from '../files.ts'

/** A value, or what is wrong. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string }

export const fine = <T>(value: T): Checked<T> => ({ ok: true, value })
export const faulty = (fault: string): Checked<never> => ({ ok: false, fault })

export const folderMode = 0o700
export const fileMode = 0o600

const user = process.geteuid?.() // Windows has neither users nor modes of this kind
const octal = (mode: number): string => mode.toString(8).padStart(3, '0')

/** Why it is not this user's with exactly this mode. */
export function ownershipFault(stat: Stats, mode: number): string | undefined {
  if (user === undefined) return undefined
  if (stat.uid !== user) return 'belongs to another user'
  const actual = stat.mode & 0o777
  return actual === mode ? undefined : `has mode ${octal(actual)}, not ${octal(mode)}`
}

/** Why it is no folder of this user alone. A link to one is none. */
export function folderFault(stat: Stats): string | undefined {
  if (stat.isSymbolicLink()) return 'is a link'
  return stat.isDirectory() ? ownershipFault(stat, folderMode) : 'is no folder'
}

/** Why others could take away what lies in a folder, whatever its own mode is, and put something else in its place. */
export function parentFault(stat: Stats): string | undefined {
  if (user === undefined) return undefined
  if (stat.uid !== user && stat.uid !== 0) return 'belongs to another user'
  const sticky = 0o1000
  return (stat.mode & 0o002) === 0 || (stat.mode & sticky) !== 0 ? undefined : 'may be written to by all'
}

/** Makes a folder that nobody else may enter; its parent must be there. */
export function makePrivateFolder(path: string): Checked<undefined> {
  try {
    mkdirSync(path, { mode: folderMode })
  } catch (error) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) throw error
  }
  const fault = folderFault(lstatSync(path))
  return fault === undefined ? fine(undefined) : faulty(`${path} ${fault}`)
}

/** The bytes of a plain file of this user alone, of which there must be `limit` at most. A link is not followed. */
export function readPrivateFile(path: string, limit: number): Checked<Uint8Array> {
  try {
    if (!lstatSync(path).isFile()) return faulty('is no plain file')
    const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
    try {
      const stat = fstatSync(file)
      const fault = stat.isFile() ? ownershipFault(stat, fileMode) : 'is no plain file'
      if (fault !== undefined) return faulty(fault)
      if (stat.size > limit) return faulty('is too long')
      const bytes = new Uint8Array(stat.size)
      let at = 0
      for (let got = -1; got !== 0 && at < bytes.length; at += got)
        got = readSync(file, bytes, at, bytes.length - at, at)
      return at === bytes.length ? fine(bytes) : faulty('is too short')
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return faulty(`cannot be read: ${reasonOf(error)}`)
  }
}

/**
 * A file that nobody sees half written. False: there is one of this name, and it stays.
 *
 * @param durable  also after a crash of the system
 */
export function placeWhole(path: string, text: string, durable = false): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = openSync(draft, 'wx', fileMode)
    try {
      if (user !== undefined) fchmodSync(file, fileMode)
      writeFileSync(file, text)
      if (durable) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return placeDraft(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** By a link, which never replaces anything; a file system without links renames. */
function placeDraft(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
  } catch {
    if (lstatSync(path, { throwIfNoEntry: false })) return false
    renameSync(draft, path)
  }
  return true
}
