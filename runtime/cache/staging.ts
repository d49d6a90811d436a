/** Where what is to be loaded is made: a folder that becomes an entry of the cache, or, without one, memory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Entry } from './entry.ts'
import { manifestName, signatureName } from './manifest.ts'
import { fileMode } from './private.ts'

/** Takes the files that are built: by `write`, or from a tool that is told the folder. Plain files, no folders. */
export interface Staging {
  readonly folder: string
  write(name: string, content: string | Uint8Array): void
}

/** What was built. `read` gives bytes that were verified; `path` is for what loads a file by itself, while it is in use. */
export interface Made {
  read(name: string): Uint8Array
  path(name: string): string
}

const forbidden = ['', '.', '..', manifestName, signatureName]

function checkName(name: string): string {
  if (forbidden.includes(name) || /[/\\\0]/.test(name))
    throw new RangeError(`${JSON.stringify(name)} is no name of a file`)
  return name
}

export const stagingIn = (folder: string): Staging => ({
  folder,
  write: (name, content) => writeFileSync(join(folder, checkName(name)), content, { flag: 'wx', mode: fileMode }),
})

export const madeOf = ({ folder, files }: Entry): Made => ({
  read: (name) => {
    const bytes = files.get(name)
    if (!bytes) throw new RangeError(`nothing called ${JSON.stringify(name)} was built`)
    return bytes
  },
  path: (name) => join(folder, checkName(name)),
})

/** Without a cache. A temporary folder is made only for who asks for one, so that what needs none also runs where none can be made. */
export class Loose implements Staging, Made {
  readonly #files = new Map<string, Uint8Array>()
  #folder: string | undefined

  get folder(): string {
    if (this.#folder === undefined) {
      this.#folder = mkdtempSync(join(tmpdir(), 'attnc-'))
      for (const [name, bytes] of this.#files) this.#lay(name, bytes)
    }
    return this.#folder
  }

  write(name: string, content: string | Uint8Array): void {
    const bytes = Buffer.from(content)
    this.#files.set(checkName(name), bytes)
    if (this.#folder !== undefined) this.#lay(name, bytes)
  }

  #lay(name: string, bytes: Uint8Array): void {
    writeFileSync(join(this.folder, name), bytes, { mode: fileMode })
  }

  read(name: string): Uint8Array {
    return this.#files.get(name) ?? readFileSync(join(this.folder, checkName(name)))
  }

  path(name: string): string {
    return join(this.folder, checkName(name))
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }
}
