/** An entry that is asked for: looked up, or waited for, or built. */
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from '../files.ts'
import { done, type Outcome, type Problem, warning } from '../problem.ts'
import { beat, claim, release, touch } from './claim.ts'
import { type Entry, type Look, lookAt, seal } from './entry.ts'
import type { About } from './manifest.ts'
import { pruneSometimes } from './prune.ts'
import { type Made, madeOf, type Staging, stagingIn } from './staging.ts'
import { discard, inStore, publish, type Store, stage, sweep } from './store.ts'

/** What is done with or without a cache. */
export interface Work<T> {
  readonly build: (staging: Staging) => Promise<Outcome<unknown>>
  readonly use: (made: Made) => Promise<Outcome<T>>
}
export interface Request<T> extends Work<T> {
  readonly key: string // 64 hexadecimal digits, of all that determines what is built
  readonly about: About
  readonly warn: (warning: Problem) => void
}

/** The cache fails, for a reason that is no fault of what is built. */
export class Unusable extends Error {}

const patience = 600_000 // ms: longer than any tool may take
const pollEvery = 50 // ms
const mostBuilds = 3

/** Goes on until the entry could be used, or the store turns out to be `Unusable`. */
export async function provideFrom<T>(store: Store, request: Request<T>): Promise<Outcome<T>> {
  for (;;) {
    const found = await findOrBuild(store, request)
    if (!found.ok) return found
    const { entry, isNew } = found.value
    try {
      return await request.use(madeOf(entry))
    } catch (error) {
      if (lookAt(entry.folder, request.key, store.secret).kind !== 'absent') throw error
      // The cache was cleared before what loads the files had opened them.
    } finally {
      if (isNew) later(() => pruneSometimes(store))
    }
  }
}

interface Found {
  readonly entry: Entry
  readonly isNew: boolean
}

/** Looks, and builds what is not there; looks again, since only what was verified is used. */
async function findOrBuild<T>(store: Store, request: Request<T>): Promise<Outcome<Found>> {
  const path = inStore(store, 'entries', request.key)
  const start = Date.now()
  let warned = false
  for (let builds = 0; builds <= mostBuilds; ) {
    const look = lookAt(path, request.key, store.secret)
    if (look.kind === 'found') {
      touch(path)
      return done({ entry: look.entry, isNew: builds > 0 })
    }
    if (look.kind === 'changed') {
      reject(store, path, look, warned ? undefined : request)
      warned = true
    }
    const claimed = inStore(store, 'claims', request.key)
    const isMine = trying(() => claim(claimed))
    if (!isMine && Date.now() - start < patience) {
      await sleep(pollEvery)
      continue
    }
    try {
      const built = await buildEntry(store, request, isMine ? [claimed] : [])
      if (!built.ok) return built
    } finally {
      if (isMine) release(claimed)
    }
    builds += 1
  }
  throw new Unusable(`${path} is never as it was written`)
}

function reject<T>(
  store: Store,
  path: string,
  { why, identity }: Extract<Look, { kind: 'changed' }>,
  request: Request<T> | undefined,
): void {
  trying(() => discard(store, path, identity))
  if (!request) return
  const { source, target } = request.about
  const text = `what was kept of ${source} for ${target} is not as it was written: ${why}`
  request.warn(warning('ATTN0361', text, 'it was deleted, and is built anew'))
}

async function buildEntry<T>(
  store: Store,
  { key, about, build }: Request<T>,
  claims: readonly string[],
): Promise<Outcome<unknown>> {
  // Another process may have been done just before this one claimed the work.
  if (lookAt(inStore(store, 'entries', key), key, store.secret).kind === 'found') return done(undefined)
  const folder = trying(() => stage(store, key))
  const rest = beat(folder, ...claims)
  try {
    const built = await build(stagingIn(folder)).catch((error) => {
      throw isOf(error, folder) ? new Unusable(reasonOf(error)) : error
    })
    if (built.ok) {
      trying(() => {
        seal(folder, key, about, store.secret)
        publish(store, folder, key)
      })
    }
    return built
  } finally {
    rest()
    later(() => discard(store, folder))
    later(() => sweep(store))
  }
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error

/** An error of the system that has to do with a folder, and not with a tool that was started. */
const isOf = (error: unknown, folder: string): boolean =>
  isSystemError(error) && (error.path?.startsWith(folder) ?? error.syscall === 'write')

/** What the system refuses makes the cache useless, and no more than that. */
function trying<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw isSystemError(error) ? new Unusable(reasonOf(error)) : error
  }
}

/** Cleaning up: where it fails, the next process does it. */
function later(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!isSystemError(error)) throw error
  }
}
