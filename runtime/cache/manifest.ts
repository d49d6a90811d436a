/** What an entry of the cache says of itself, and the signature that makes it believable. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type Checked, faulty, fine } from './private.ts'

export const manifestName = 'manifest.json'
export const signatureName = 'manifest.hmac'
export const maxManifest = 1 << 20

/** For people: `attnc cache ls` shows it. */
export interface About {
  readonly source: string
  readonly target: string
  readonly options: string
}

export interface FileRecord {
  readonly name: string
  readonly size: number
  readonly sha256: string
}

export interface Manifest {
  readonly schema: 1
  readonly key: string // the name of the entry: no entry can stand in for another
  readonly about: About
  readonly made: string // ISO 8601
  readonly files: readonly FileRecord[]
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const encodeManifest = (manifest: Manifest): Uint8Array => Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)

export const sign = (secret: Uint8Array, manifest: Uint8Array): string =>
  createHmac('sha256', secret).update(manifest).digest('hex')

/** The manifest of an entry, if every byte of it is as this user's key signed it. */
export function decodeManifest(
  bytes: Uint8Array,
  signature: Uint8Array,
  secret: Uint8Array,
  key: string,
): Checked<Manifest> {
  const right = Buffer.from(sign(secret, bytes))
  if (signature.length !== right.length || !timingSafeEqual(signature, right))
    return faulty('its manifest is not signed by the key of this user')
  const manifest: Manifest = JSON.parse(Buffer.from(bytes).toString('utf8'))
  return manifest.key === key ? fine(manifest) : faulty('it is the entry of another key')
}
