import type { Outcome } from './problem.ts'

/** As `make`, once for each key; what came to nothing is tried again when it is asked for again. */
export function remembering<Options, T>(
  keyOf: (options: Options) => string,
  make: (options: Options) => Promise<Outcome<T>>,
): (options: Options) => Promise<Outcome<T>> {
  const known = new Map<string, Promise<Outcome<T>>>()
  return (options) => {
    const key = keyOf(options)
    const found = known.get(key)
    if (found) return found
    const made = make(options)
    known.set(key, made)
    const forget = (): unknown => known.delete(key)
    made.then(({ ok }) => ok || forget(), forget)
    return made
  }
}
