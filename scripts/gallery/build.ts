/** All pages of the gallery, made side by side. The same sources give the same pages. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type Entry, readEntries, readExample } from './example.ts'
import { type Card, thumbnailOf, writeIndex } from './index-page.ts'
import { measure } from './measure.ts'
import { writePage } from './page.ts'

/** What one example comes to. */
export interface Made {
  readonly page: string
  readonly card: Card
}

export async function makeExample(entry: Entry): Promise<Made> {
  const example = readExample(entry)
  return {
    page: writePage(example, await measure(example.file)),
    card: { ...entry, thumbnail: thumbnailOf(example) },
  }
}

/** Pages by their path below docs/gallery. */
export async function buildGallery(entries: readonly Entry[] = readEntries()): Promise<ReadonlyMap<string, string>> {
  const made: Made[] = []
  const waiting = [...entries.entries()]
  const workers = Array.from({ length: Math.min(availableParallelism(), 8) }, () => new Worker(thread))
  const serve = async (worker: Worker): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) made[next[0]] = await ask(worker, next[1])
  }
  try {
    await Promise.all(workers.map(serve))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  const index = writeIndex(made.map(({ card }) => card))
  return new Map([['index.md', index], ...made.map(({ page, card }) => [`${card.name}.md`, page] as const)])
}

const thread = new URL('./thread.ts', import.meta.url)

const ask = (worker: Worker, entry: Entry): Promise<Made> =>
  new Promise((resolve, reject) => {
    const hear = (made: Made): void => {
      worker.off('error', reject)
      resolve(made)
    }
    worker.once('message', hear).once('error', reject)
    worker.postMessage(entry)
  })
