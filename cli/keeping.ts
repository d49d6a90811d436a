import { Cache } from '../runtime/cache/cache.ts'
import { findPlaces } from '../runtime/cache/places.ts'
import type { Finding } from '../runtime/problem.ts'
import type { Keeping } from '../runtime/runners.ts'

/** The cache unless `--no-cache`; what it has to say goes with the command's other findings. */
export const keeping = ({ cache = true }: { readonly cache?: boolean }, findings: Finding[]): Keeping => ({
  cache: cache ? new Cache(findPlaces()) : undefined,
  warn: (warning) => void findings.push(warning),
})
