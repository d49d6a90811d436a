/** The texts that an editor has open, before those on disk, and what is known of each. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ReadImport } from '../../compiler/check/check.ts'
import { library } from '../../compiler/check/check.ts'
import type { SourceFile } from '../../grammar/source.ts'
import { readSource } from '../../runtime/files.ts'
import { importReader, realPath } from '../../runtime/imports.ts'
import { done } from '../../runtime/problem.ts'
import { Analysis } from './analysis.ts'
import { libraryPath } from './library-file.ts'
import { pathOf, uriOfPath } from './places.ts'

export interface Open {
  readonly uri: string
  readonly version: number
  readonly file: SourceFile
  readonly real: string | undefined // the path with links resolved; undefined: it lies in no file system
}

/** Files on disk of which the text is kept. */
const mostKept = 1_000

export class Workspace {
  readonly #open = new Map<string, Open>()
  readonly #openByPath = new Map<string, Open>()
  readonly #onDisk = new Map<string, { readonly stamp: string; readonly file: SourceFile | undefined }>()
  readonly #analyses = new WeakMap<SourceFile, Analysis>()
  readonly #uris = new WeakMap<SourceFile, string>()

  get documents(): readonly Open[] {
    return [...this.#open.values()]
  }

  /** The text of a document as it is now, whether it was open before or not. */
  set(uri: string, version: number, text: string): Open {
    const path = pathOf(uri)
    const before = this.#open.get(uri)
    // The library shown to a reader is the library, and not a file that hides it.
    const file = text === library.text ? library : { path: path ?? uri, text }
    const open: Open = { uri, version, file, real: before ? before.real : path && safely(() => realPath(path)) }
    this.#open.set(uri, open)
    if (open.real !== undefined) this.#openByPath.set(open.real, open)
    this.#uris.set(file, uri)
    return open
  }

  close(uri: string): void {
    const { real } = this.#open.get(uri) ?? {}
    this.#open.delete(uri)
    if (real === undefined) return
    const other = this.documents.find((one) => one.real === real) // by another way to the same file
    if (other) this.#openByPath.set(real, other)
    else this.#openByPath.delete(real)
  }

  get(uri: string): Open | undefined {
    return this.#open.get(uri)
  }

  /** The text at an address: as the editor has it, else as the disk has it. */
  fileAt(uri: string): SourceFile | undefined {
    const open = this.#open.get(uri)
    if (open) return open.file
    const path = pathOf(uri)
    const real = path === undefined ? undefined : safely(() => realPath(path))
    return real === undefined ? undefined : this.read(real)
  }

  /** Where a file lies; undefined for what lies nowhere. */
  pathOf(file: SourceFile): string | undefined {
    if (file === library) return undefined
    const uri = this.#uris.get(file)
    return (uri === undefined ? undefined : this.#open.get(uri)?.real) ?? (uri === undefined ? file.path : pathOf(uri))
  }

  /** By its real path. The same text is the same object. */
  read(real: string): SourceFile | undefined {
    const open = this.#openByPath.get(real)
    if (open) return open.file
    const stat = statSync(real, { throwIfNoEntry: false, bigint: true })
    const stamp = stat?.isFile() ? `${stat.mtimeNs} ${stat.ctimeNs} ${stat.size} ${stat.ino}` : ''
    const known = this.#onDisk.get(real)
    if (known?.stamp === stamp) return known.file
    const text = stamp === '' ? undefined : readSource(real)
    const file = text?.ok ? text.value : undefined
    if (this.#onDisk.size >= mostKept) this.#onDisk.clear()
    this.#onDisk.set(real, { stamp, file })
    if (file) this.#uris.set(file, uriOfPath(real))
    return file
  }

  /** The address under which the editor knows a file; that of the library is written for it to read. */
  uriOf = (file: SourceFile): string => {
    const known = this.#uris.get(file)
    if (known !== undefined) return known
    return uriOfPath(file === library ? libraryPath() : file.path)
  }

  /** What is known of a text, as long as the texts that it imports are as they were. */
  analyse(file: SourceFile): Analysis {
    const known = this.#analyses.get(file)
    if (known?.isCurrent((real) => this.read(real))) return known
    const made = new Analysis(file, (seen) => this.#importsOf(file, seen))
    this.#analyses.set(file, made)
    return made
  }

  #importsOf(main: SourceFile, seen: (real: string, file: SourceFile | undefined) => void): ReadImport {
    const uri = this.#uris.get(main)
    if (main === library || (uri !== undefined && pathOf(uri) === undefined))
      return () => ({ problem: 'this text is in no folder yet; save it first' })
    return importReader(main, dirname(main.path), (real, shown) => {
      const file = this.read(real)
      seen(real, file)
      return file ? done(file) : readSource(real, shown)
    })
  }
}

function safely<T>(f: () => T): T | undefined {
  try {
    return f()
  } catch {
    return undefined
  }
}
