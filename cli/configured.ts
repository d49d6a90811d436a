/** Options of `build` that a configuration gives; those of the command line go before it. */
import { relative } from 'node:path'
import { findConfigs } from '../integrations/find-config.ts'
import { done, type Outcome } from '../runtime/problem.ts'
import { writtenKinds } from './emitted.ts'
import type { Options } from './program.ts'

export interface ConfiguredOptions {
  readonly options: Options
  readonly files: readonly string[] // configurations that were read
}

/** As the options say: the nearest configuration, the one of `--config`, or with `--no-config` none. */
export async function configure(options: Options): Promise<Outcome<ConfiguredOptions>> {
  const { config: wanted = true } = options
  if (wanted === false || (wanted === true && findConfigs('.').length === 0)) return done({ options, files: [] })
  const { loadConfig, nearestConfig } = await import('../integrations/config.ts')
  const found = wanted === true ? await nearestConfig('.') : await loadConfig(wanted)
  if (!found.ok) return found
  const { config, files } = found.value
  const {
    target,
    out,
    dtype,
    precision,
    plan,
    rows,
    threads,
    features = [],
    limits = {},
    sizes = {},
    tile = {},
  } = config
  const writes = options.emit === undefined || writtenKinds.some((kind) => kind === options.emit?.split(',')[0])
  const given: Partial<Options> = {
    ...(target === undefined ? {} : { target: [target] }),
    ...(out === undefined || !writes ? {} : { out: relative('.', out) || '.' }),
    ...(dtype === undefined ? {} : { dtype }),
    ...(precision === undefined ? {} : { precision }),
    ...(plan === undefined ? {} : { plan }),
    ...(rows === undefined ? {} : { rows }),
    ...(threads ? { threads } : {}),
  }
  const lists = {
    size: merge(sizes, options.size),
    tile: merge(tile, options.tile),
    features: options.features?.length ? options.features : features,
    limits: merge(limits, options.limits ?? []),
  }
  return done({ options: { ...given, ...options, ...lists }, files })
}

/** Lengths of axes that the command line does not name. */
function merge(lengths: Readonly<Record<string, number>>, given: readonly string[]): readonly string[] {
  const named = new Set(given.flatMap((text) => text.split(',')).map((text) => text.split('=')[0]?.trim()))
  const rest = Object.entries(lengths).filter(([axis]) => !named.has(axis))
  return [...rest.map(([axis, length]) => `${axis}=${length}`), ...given]
}
