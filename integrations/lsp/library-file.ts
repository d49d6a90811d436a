/** The standard library as a file, for editors to show: it is text of this program, and lies nowhere else. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { library } from '../../compiler/check/check.ts'
import { version } from '../../generated/version.ts'
import { findPlaces } from '../../runtime/cache/places.ts'

/** Where it lies; written if it is not there as it should be. */
export function libraryPath(): string {
  const folder = join(findPlaces()?.cache ?? join(tmpdir(), 'attnc'), 'library', version)
  const path = join(folder, library.path)
  if (existsSync(path) && readFileSync(path, 'utf8') === library.text) return path
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (existsSync(path)) chmodSync(path, 0o600)
  writeFileSync(path, library.text)
  chmodSync(path, 0o400) // whoever edits it would change nothing
  return path
}
