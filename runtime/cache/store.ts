/** The folders of the cache, opened: entries, and what is on its way to become one or to be removed. */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolders } from '../write.ts'
import { age, isLive } from './claim.ts'
import { type Identity, identityOf, readManifest } from './entry.ts'
import type { Places } from './places.ts'
import { type Checked, faulty, fine, folderMode, makePrivateFolder, parentFault } from './private.ts'
import { findSecret } from './secret.ts'

export interface Store {
  readonly root: string
  readonly secret: Uint8Array
  readonly secretReplaced: string | undefined // why
}

/** A layout of its own for each version of it: an older attnc beside a newer one is not disturbed. */
const layout = 'v1'
const rooms = ['entries', 'staging', 'claims', 'trash'] as const
type Room = (typeof rooms)[number]

export const inStore = ({ root }: Pick<Store, 'root'>, room: Room, ...names: readonly string[]): string =>
  join(root, room, ...names)

const isKey = (name: string): boolean => /^[0-9a-f]{64}$/.test(name)

export const storeFolder = ({ cache }: Places): string => join(cache, layout)

export const storeExists = (places: Places): boolean => existsSync(storeFolder(places))

/** Makes what is missing, and refuses what is not this user's alone. */
export function openStore(places: Places): Checked<Store> {
  const { cache, config } = places
  makeFolders(cache, folderMode)
  const parent = parentFault(statSync(cache))
  if (parent !== undefined) return faulty(`${cache} ${parent}`)
  const root = storeFolder(places)
  for (const folder of [root, ...rooms.map((room) => join(root, room))]) {
    const made = makePrivateFolder(folder)
    if (!made.ok) return made
  }
  const secret = findSecret(config)
  if (!secret.ok) return secret
  const store: Store = { root, secret: secret.value.key, secretReplaced: secret.value.replaced }
  if (secret.value.isNew) for (const key of unsigned(store)) discard(store, inStore(store, 'entries', key))
  return fine(store)
}

/** The names of all entries, whatever they hold. */
export const keysOf = (store: Store): readonly string[] => readdirSync(inStore(store, 'entries')).filter(isKey).sort()

/** What lies among the entries and was not signed by this user's key. */
export const unsigned = (store: Store): readonly string[] =>
  readdirSync(inStore(store, 'entries')).filter(
    (name) => !isKey(name) || !readManifest(inStore(store, 'entries', name), name, store.secret).ok,
  )

export const stage = (store: Store, key: string): string =>
  mkdtempSync(inStore(store, 'staging', `${key.slice(0, 16)}.`))

/** Puts a sealed folder in its place. False: another process was faster, and what it put there stays. */
export function publish(store: Store, staged: string, key: string): boolean {
  const to = inStore(store, 'entries', key)
  try {
    renameSync(staged, to)
    return true
  } catch (error) {
    if (lstatSync(to, { throwIfNoEntry: false }) === undefined) throw error
    rmSync(staged, { recursive: true, force: true })
    return false
  }
}

/** Takes a path out of the way at once, and removes it then; with an identity, only what is still that. */
export function discard(store: Store, path: string, identity?: Identity): void {
  if (identity !== undefined && identityOf(path) !== identity) return
  const grave = inStore(store, 'trash', randomBytes(8).toString('hex'))
  try {
    renameSync(path, grave)
  } catch (error) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return
    throw error
  }
  remove(grave)
}

function remove(path: string): void {
  try {
    if (lstatSync(path).isDirectory()) chmodSync(path, folderMode)
    rmSync(path, { recursive: true, force: true })
  } catch {
    // what cannot be removed now is tried again by the next sweep; it is in nobody's way
  }
}

const abandonedAfter = 600_000 // ms

/** Removes what processes have left that were ended in the middle of their work. */
export function sweep(store: Store): void {
  for (const name of readdirSync(inStore(store, 'trash'))) remove(inStore(store, 'trash', name))
  for (const name of readdirSync(inStore(store, 'staging'))) {
    const path = inStore(store, 'staging', name)
    if (age(path) > abandonedAfter) discard(store, path)
  }
  for (const name of readdirSync(inStore(store, 'claims'))) {
    const path = inStore(store, 'claims', name)
    if (!isLive(path)) rmSync(path, { recursive: true, force: true })
  }
}
