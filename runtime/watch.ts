/**
 * Waits for changes of files, without asking for them all the time. Folders are watched, not files: an editor that writes a new
 * file and renames it into place takes the file away that was watched. What the system tells of a folder is only a reason to
 * look: it counts if a file is not what it was.
 */
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { extension, isFolder } from './files.ts'

export interface Watched {
  readonly files: readonly string[] // they need not be there
  readonly folders: readonly string[] // with all folders below: sources may appear in them
}

export interface Watch {
  changed(): Promise<void> // when something is not as it was when the watch began
  close(): void
}

/** Editors write in several steps; a change counts when nothing more has happened for so long, in ms. */
const quiet = 60

/** The system watches no more. */
export class Unwatchable extends Error {}

/** Starts at once. Throws an `Unwatchable`, also later, when folders have come. */
export function watchFiles(watched: Watched): Watch {
  let tell = (): void => {}
  const folders = new Folders(() => tell())
  folders.follow(placesOf(watched))
  const before = stateOf(watched)
  return {
    async changed() {
      for (;;) {
        const settled = new Promise<void>((done) => {
          tell = delayed(done)
        })
        folders.follow(placesOf(watched)) // before looking: what happens from here on is told
        if (stateOf(watched) !== before) return
        await settled
      }
    },
    close() {
      tell = () => {}
      folders.follow([])
    },
  }
}

function delayed(work: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(work, quiet)
  }
}

/** Folders that are watched. One that was made anew under its name is another one. */
class Folders {
  readonly #open = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>()
  readonly #tell: () => void

  constructor(tell: () => void) {
    this.#tell = tell
  }

  /** Watches these and no others. */
  follow(folders: readonly string[]): void {
    const wanted = new Map(folders.map((folder) => [folder, inodeOf(folder)]))
    for (const [folder, { inode }] of this.#open) if (wanted.get(folder) !== inode) this.#stop(folder)
    for (const [folder, inode] of wanted) if (inode !== undefined && !this.#open.has(folder)) this.#start(folder, inode)
  }

  #start(folder: string, inode: number): void {
    try {
      const watcher = watch(folder, this.#tell)
      watcher.on('error', () => {
        this.#stop(folder)
        this.#tell()
      })
      this.#open.set(folder, { watcher, inode })
    } catch (error) {
      // Where it has just gone, one above it is told of that.
      if (inodeOf(folder) === inode)
        throw new Unwatchable(`${folder}: ${error instanceof Error ? error.message : error}`)
    }
  }

  #stop(folder: string): void {
    this.#open.get(folder)?.watcher.close()
    this.#open.delete(folder)
  }
}

/** The folders to watch: of what is not there, the nearest above that is. */
const placesOf = ({ files, folders }: Watched): readonly string[] => [
  ...files.map((file) => nearest(dirname(resolve(file)))),
  ...folders.flatMap((folder) => [nearest(resolve(folder)), ...foldersBelow(resolve(folder))]),
]

function nearest(folder: string): string {
  let at = folder
  while (!isFolder(at) && dirname(at) !== at) at = dirname(at)
  return at
}

/** As sources are looked for: without hidden folders and `node_modules`. */
function entriesOf(folder: string): readonly { readonly path: string; readonly isFolder: boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
      .map((entry) => ({ path: join(folder, entry.name), isFolder: entry.isDirectory() }))
  } catch {
    return [] // it has just gone, or nobody may look
  }
}

const foldersBelow = (folder: string): readonly string[] =>
  entriesOf(folder).flatMap((entry) => (entry.isFolder ? [entry.path, ...foldersBelow(entry.path)] : []))

const sourcesBelow = (folder: string): readonly string[] =>
  entriesOf(folder).flatMap(({ path, isFolder: inner }) =>
    inner ? sourcesBelow(path) : path.endsWith(extension) ? [path] : [],
  )

const inodeOf = (path: string): number | undefined => {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}

/** All that makes a difference, in one text: which files there are, and which and when each was written. */
function stateOf({ files, folders }: Watched): string {
  const paths = [...files, ...folders.flatMap(sourcesBelow)]
  return JSON.stringify([...new Set(paths)].sort().map((path) => [path, fileState(path)]))
}

function fileState(path: string): readonly number[] {
  try {
    const { ino, size, ctimeMs } = statSync(path)
    return [ino, size, ctimeMs]
  } catch {
    return []
  }
}
