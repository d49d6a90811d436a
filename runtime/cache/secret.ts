/** The random key of this user with which entries of the cache are signed. */
import { randomBytes } from 'node:crypto'
import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolders } from '../write.ts'
import { type Checked, faulty, fine, folderMode, ownershipFault, placeWhole, readPrivateFile } from './private.ts'

export interface Secret {
  readonly key: Uint8Array
  readonly isNew: boolean // nothing that is there can have been signed with it
  readonly replaced: string | undefined // why the one before is not used any more
}

const keyBytes = 32
const text = /^[0-9a-f]{64}\n$/

/** Reads the key, or makes it where there is none. One that others may have read or changed is replaced. */
export function findSecret(folder: string): Checked<Secret> {
  const path = join(folder, 'cache-key')
  let replaced: string | undefined
  let isNew = false
  for (let attempt = 0; attempt < 3; attempt++) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) isNew = create(folder, path)
    const read = readPrivateFile(path, 2 * keyBytes + 1)
    const digits = read.ok ? Buffer.from(read.value).toString('latin1') : ''
    if (text.test(digits)) return fine({ key: Buffer.from(digits.trimEnd(), 'hex'), isNew, replaced })
    const fault = read.ok ? 'is no key' : read.fault
    if (!isOwnFile(path)) return faulty(`${path} ${fault}`)
    replaced = `${path} ${fault}`
    rmSync(path, { force: true })
  }
  return faulty(`${path} cannot be made`)
}

/** Whoever comes second finds the key of the first. True: it was made here. */
function create(folder: string, path: string): boolean {
  makeFolders(folder, folderMode)
  return placeWhole(path, `${randomBytes(keyBytes).toString('hex')}\n`, true)
}

/** A plain file of this user, whatever its mode. */
function isOwnFile(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat?.isFile() === true && ownershipFault(stat, stat.mode & 0o777) === undefined
}
