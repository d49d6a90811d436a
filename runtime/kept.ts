/** Values that take long to compute, kept in the cache for other processes as V8 serializes them. */
import { deserialize, serialize } from 'node:v8'
import type { About } from './cache/manifest.ts'
import { done, type Outcome } from './problem.ts'
import type { Keeping } from './runners.ts'

const fileName = 'value.v8'

/**
 * What was kept under a key, or what `make` gives, which then is kept if it succeeded. Without a key it is made. A value that was
 * kept is a copy: its objects are shared as before, and are no others' objects.
 */
export async function kept<T>(
  key: string | undefined,
  about: About,
  make: () => Promise<Outcome<T>>,
  { cache, warn }: Keeping,
): Promise<Outcome<T>> {
  if (!cache || key === undefined) return make()
  return cache.provide({
    key,
    about,
    warn,
    build: async (staging) => {
      const made = await make()
      if (made.ok) staging.write(fileName, serialize(made.value))
      return made
    },
    use: async (made) => done(deserialize(made.read(fileName)) as T),
  })
}
