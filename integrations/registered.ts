/** What a module of `attnc/register` waits for: its source, compiled or found in the cache. */
import { AttncError, openSource, prepare } from '../node.ts'
import { attempt } from '../runtime/attempt.ts'
import { emitWarning, valueOrThrow } from '../runtime/attnc-error.ts'
import { sharedCache, withoutCache } from '../runtime/cache/cache.ts'
import { keyedOptions, keyOf, showOptions } from '../runtime/cache/key.ts'
import type { Work } from '../runtime/cache/provide.ts'
import { gatherSources } from '../runtime/cache/sources.ts'
import { importModule } from '../runtime/load-ts.ts'
import { done } from '../runtime/problem.ts'
import { type Asked, codeOf } from './module.ts'
import { configuredOptions } from './options.ts'

type Exports = Readonly<Record<string, unknown>>

const fileName = 'module.js'

/** The exports of a source. Throws an `AttncError`. */
export async function importSource({ path, query }: Asked): Promise<Exports> {
  const { options } = valueOrThrow(await configuredOptions({}))
  const source = valueOrThrow(openSource(path))
  const { target = 'ts', dts: _, ...rest } = options
  const fixed = { ...rest, target: query === 'wgsl' ? 'wgsl' : target }
  const prepared = await attempt(() => prepare(source.file, { ...fixed, readImport: source.readImport }))
  if (!prepared.ok) throw new AttncError(prepared.findings)
  const { programs, emit } = prepared.value
  for (const warning of prepared.warnings) emitWarning(warning)
  const work: Work<Exports> = {
    build: async (staging) => {
      staging.write(fileName, codeOf({ query, target: fixed.target, programs, files: await emit() }))
      return done(undefined)
    },
    use: async (made) => done(await importModule(new TextDecoder().decode(made.read(fileName)))),
  }
  const keyed = keyedOptions(fixed)
  const sources = gatherSources(source.file, source.readImport)
  const key = sources && keyOf(sources, keyed, ['module', query])
  const cache = sharedCache()
  if (key === undefined || cache === undefined) return valueOrThrow(await withoutCache(work))
  const about = { source: path, target: fixed.target, options: showOptions(keyed) }
  return valueOrThrow(await cache.provide({ ...work, key, about, warn: emitWarning }))
}
