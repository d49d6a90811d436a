/** What the cache holds, and keeping it small. */
import { lstatSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { age } from './claim.ts'
import { readManifest } from './entry.ts'
import type { About } from './manifest.ts'
import { fileMode } from './private.ts'
import { discard, inStore, keysOf, type Store, sweep, unsigned } from './store.ts'

/** The cache is kept below this without being asked to. */
export const sizeLimit = 512 * 2 ** 20 // bytes

export interface Listed {
  readonly key: string
  readonly about: About | undefined // undefined: it is not signed by this user's key
  readonly files: readonly string[]
  readonly bytes: number
  readonly used: Date
}

export interface Pruned {
  readonly removed: number
  readonly freed: number // bytes
  readonly entries: number // left
  readonly bytes: number // left
}

/** All entries, those used last first. */
export function list(store: Store): readonly Listed[] {
  return keysOf(store)
    .flatMap((key) => listOne(store, key))
    .sort((a, b) => b.used.getTime() - a.used.getTime() || (a.key < b.key ? -1 : 1))
}

function listOne(store: Store, key: string): readonly Listed[] {
  const folder = inStore(store, 'entries', key)
  try {
    const stat = lstatSync(folder)
    const names = stat.isDirectory() ? readdirSync(folder) : []
    const bytes = names.reduce((sum, name) => sum + lstatSync(join(folder, name)).size, 0)
    const manifest = readManifest(folder, key, store.secret)
    const about = manifest.ok ? manifest.value.about : undefined
    const files = manifest.ok ? manifest.value.files.map(({ name }) => name) : []
    return [{ key, about, files, bytes, used: stat.mtime }]
  } catch {
    return [] // somebody has just removed it
  }
}

/** Removes what is not signed, and then what was not used for longest, until no more than `limit` bytes are left. */
export function prune(store: Store, limit: number): Pruned {
  sweep(store)
  const before = list(store)
  for (const name of unsigned(store)) discard(store, inStore(store, 'entries', name))
  const signed = before.filter(({ about }) => about !== undefined)
  let bytes = 0
  const full = signed.findIndex((entry) => {
    bytes += entry.bytes
    return bytes > limit
  })
  const kept = full < 0 ? signed : signed.slice(0, full)
  for (const { key } of signed.slice(kept.length)) discard(store, inStore(store, 'entries', key))
  return tally(before, kept)
}

/** Removes all entries. What is being built now is left to be finished. */
export function clear(store: Store): Pruned {
  const before = list(store)
  for (const name of readdirSync(inStore(store, 'entries'))) discard(store, inStore(store, 'entries', name))
  sweep(store)
  return tally(before, [])
}

function tally(before: readonly Listed[], kept: readonly Listed[]): Pruned {
  const sum = (entries: readonly Listed[]): number => entries.reduce((total, { bytes }) => total + bytes, 0)
  const bytes = sum(kept)
  return { removed: before.length - kept.length, freed: sum(before) - bytes, entries: kept.length, bytes }
}

const everyHour = 3_600_000 // ms

/** Prunes once an hour at most, since that looks at every entry. */
export function pruneSometimes(store: Store, limit: number = sizeLimit): void {
  const stamp = join(store.root, 'pruned')
  if (age(stamp) < everyHour) return
  writeFileSync(stamp, '', { mode: fileMode })
  prune(store, limit)
}
