/** Entries of the cache: folders of named files, sealed with a manifest and verified before anything of them is used. */
import { chmodSync, closeSync, fsyncSync, lstatSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../files.ts'
import {
  type About,
  decodeManifest,
  encodeManifest,
  type FileRecord,
  type Manifest,
  manifestName,
  maxManifest,
  sha256,
  sign,
  signatureName,
} from './manifest.ts'
import { type Checked, faulty, fileMode, fine, folderFault, folderMode, readPrivateFile } from './private.ts'

/** Files that were verified, with their contents as they were then. */
export interface Entry {
  readonly folder: string
  readonly manifest: Manifest
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** Tells one folder from another that took its name. */
export type Identity = string

export type Look =
  | { readonly kind: 'absent' }
  | { readonly kind: 'found'; readonly entry: Entry }
  | { readonly kind: 'changed'; readonly why: string; readonly identity: Identity }

export function identityOf(path: string): Identity | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true })
  return stat && `${stat.dev}:${stat.ino}`
}

/** Reads an entry whole. Others may put another in its place meanwhile: then it is read anew. */
export function lookAt(folder: string, key: string, secret: Uint8Array): Look {
  for (;;) {
    const identity = identityOf(folder)
    if (identity === undefined) return { kind: 'absent' }
    const read = tryRead(folder, key, secret)
    if (read.ok) return { kind: 'found', entry: read.value }
    if (identityOf(folder) === identity) return { kind: 'changed', why: read.fault, identity }
  }
}

function tryRead(folder: string, key: string, secret: Uint8Array): Checked<Entry> {
  try {
    return readEntry(folder, key, secret)
  } catch (error) {
    return faulty(`it cannot be read: ${reasonOf(error)}`)
  }
}

function readEntry(folder: string, key: string, secret: Uint8Array): Checked<Entry> {
  const read = readManifest(folder, key, secret)
  if (!read.ok) return read
  const records = read.value.files
  const names = new Set([manifestName, signatureName, ...records.map(({ name }) => name)])
  const extra = readdirSync(folder).find((name) => !names.has(name))
  if (extra !== undefined) return faulty(`it holds ${JSON.stringify(extra)}, which is none of its files`)
  const files = new Map<string, Uint8Array>()
  for (const record of records) {
    const bytes = readRecorded(folder, record)
    if (!bytes.ok) return bytes
    files.set(record.name, bytes.value)
  }
  return fine({ folder, manifest: read.value, files })
}

/** The manifest alone; the files may still be anything. */
export function readManifest(folder: string, key: string, secret: Uint8Array): Checked<Manifest> {
  const stat = lstatSync(folder, { throwIfNoEntry: false })
  const fault = stat ? folderFault(stat) : 'is gone'
  if (fault !== undefined) return faulty(`it ${fault}`)
  const manifest = readPrivateFile(join(folder, manifestName), maxManifest)
  if (!manifest.ok) return faulty(`${manifestName} ${manifest.fault}`)
  const signature = readPrivateFile(join(folder, signatureName), 64)
  if (!signature.ok) return faulty(`${signatureName} ${signature.fault}`)
  return decodeManifest(manifest.value, signature.value, secret, key)
}

function readRecorded(folder: string, { name, size, sha256: hash }: FileRecord): Checked<Uint8Array> {
  const bytes = readPrivateFile(join(folder, name), size)
  if (!bytes.ok) return faulty(`${JSON.stringify(name)} ${bytes.fault}`)
  return bytes.value.length === size && sha256(bytes.value) === hash
    ? bytes
    : faulty(`${JSON.stringify(name)} is not what was written`)
}

/** Makes an entry of a folder with plain files: nobody else's, listed, signed, and flushed to the device. */
export function seal(folder: string, key: string, about: About, secret: Uint8Array): void {
  const files = readdirSync(folder)
    .toSorted()
    .map((name): FileRecord => {
      const path = join(folder, name)
      if (!lstatSync(path).isFile()) throw new Error(`what is built for the cache are plain files, and ${name} is none`)
      chmodSync(path, fileMode)
      const bytes = readFileSync(path)
      flush(path)
      return { name, size: bytes.length, sha256: sha256(bytes) }
    })
  const manifest = encodeManifest({ schema: 1, key, about, made: new Date().toISOString(), files })
  for (const [name, content] of [
    [manifestName, manifest],
    [signatureName, sign(secret, manifest)],
  ] as const) {
    const path = join(folder, name)
    writeFileSync(path, content, { flag: 'wx', mode: fileMode })
    flush(path)
  }
  chmodSync(folder, folderMode)
  flush(folder)
}

/** A crash of the system must not leave an entry with files that lack their contents. */
function flush(path: string): void {
  if (process.platform === 'win32') return // a folder cannot be opened there, and a read-only handle not be flushed
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
