/**
 * Builds that cost time, kept by content: an entry is named after everything that determines it, built in a folder of its own,
 * signed, and put in place by one rename. It is verified whole each time before it is used. Whatever goes wrong with the cache
 * costs time and one warning, never the result.
 */
import { reasonOf } from '../files.ts'
import { type Outcome, type Problem, warning } from '../problem.ts'
import { findPlaces, type Places } from './places.ts'
import { type Checked, faulty } from './private.ts'
import { provideFrom, type Request, Unusable, type Work } from './provide.ts'
import { Loose } from './staging.ts'
import { openStore, type Store } from './store.ts'

export class Cache {
  readonly #places: Places | undefined
  readonly #told = new Set<string>()

  /** @param places  undefined: there are none, which is said when one is needed */
  constructor(places: Places | undefined) {
    this.#places = places
  }

  /** What `use` makes of an entry that is there, or is built now. */
  async provide<T>(request: Request<T>): Promise<Outcome<T>> {
    const store = tryOpen(this.#places)
    if (!store.ok) return this.#without(request, store.fault)
    const { secretReplaced } = store.value
    if (secretReplaced !== undefined)
      this.#tell(request, warning('ATTN0362', `${secretReplaced}: a new key was made, and what was kept is built anew`))
    try {
      return await provideFrom(store.value, request)
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      return this.#without(request, error.message)
    }
  }

  #without<T>(request: Request<T>, why: string): Promise<Outcome<T>> {
    const hint = 'the environment variable ATTNC_CACHE_DIR names another folder'
    this.#tell(request, warning('ATTN0360', `nothing that is built can be kept for later: ${why}`, hint))
    return withoutCache(request)
  }

  /** Once in a process. */
  #tell({ warn }: Pick<Request<unknown>, 'warn'>, what: Problem): void {
    if (!this.#told.has(what.code)) warn(what)
    this.#told.add(what.code)
  }
}

const shared = new Map<string, Cache>()

/** One for the process and its environment: what is wrong with it is said once. */
export function sharedCache(): Cache {
  const places = findPlaces()
  const key = JSON.stringify(places ?? null)
  const cache = shared.get(key) ?? new Cache(places)
  shared.set(key, cache)
  return cache
}

/** Builds, uses, forgets. */
export async function withoutCache<T>({ build, use }: Work<T>): Promise<Outcome<T>> {
  const loose = new Loose()
  try {
    const built = await build(loose)
    return built.ok ? await use(loose) : built
  } finally {
    loose.remove()
  }
}

export function tryOpen(places: Places | undefined): Checked<Store> {
  if (!places) return faulty('nothing says where the home folder is')
  try {
    return openStore(places)
  } catch (error) {
    return faulty(`${places.cache}: ${reasonOf(error)}`)
  }
}
