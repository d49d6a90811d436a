/** Verifies several sources side by side. What is found stands in the order of the sources. */
import { availableParallelism } from 'node:os'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import type { SourceFile } from '../grammar/source.ts'
import type { Source } from './sources.ts'
import { type Asked, type Found, verifySource } from './verify-source.ts'

export interface Task {
  readonly file: SourceFile
  readonly asked: Asked
  readonly shows: boolean // whether anyone reads its progress
}
export type Reply = { readonly found: Found } | { readonly progress: string }

const mostThreads = 8
const thread = new URL(import.meta.url.replace(/threads(\.[jt]s)$/, 'thread$1'))

export async function verifyAll(
  sources: readonly Source[],
  asked: Asked,
  progress?: (what: string) => void,
): Promise<readonly Found[]> {
  const threads = Math.min(sources.length, availableParallelism(), mostThreads)
  let verified = 0
  const said =
    progress && sources.length > 1
      ? (what: string) => progress(`verified ${verified} of ${sources.length}; ${what}`)
      : progress
  if (threads < 2)
    return oneByOne(sources, asked, said, () => {
      verified += 1
    })
  const found: Found[] = []
  const waiting = [...sources.entries()]
  // What a target sets for the libraries that it loads is read by these from the environment of the process.
  const workers = Array.from({ length: threads }, () => new Worker(thread, { env: SHARE_ENV }))
  const serve = async (worker: Worker): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [n, { file }] = next
      found[n] = await ask(worker, { file, asked, shows: progress !== undefined }, said)
      verified += 1
    }
  }
  try {
    await Promise.all(workers.map(serve))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return found
}

async function oneByOne(
  sources: readonly Source[],
  asked: Asked,
  progress: ((what: string) => void) | undefined,
  done: () => void,
): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const source of sources) {
    found.push(await verifySource(source, asked, progress))
    done()
  }
  return found
}

const ask = (worker: Worker, task: Task, progress?: (what: string) => void): Promise<Found> =>
  new Promise((resolve, reject) => {
    const hear = (reply: Reply): void => {
      if ('progress' in reply) return progress?.(reply.progress)
      worker.off('message', hear).off('error', reject)
      resolve(reply.found)
    }
    worker.on('message', hear).on('error', reject)
    worker.postMessage(task)
  })
