/** The name of an entry: a hash of everything that determines what is built. */
import { createHash } from 'node:crypto'
import type { StageOptions } from '../../compiler/options.ts'
import type { Simd } from '../../targets/target.ts'
import { generatorHash } from './generator.ts'
import { contentOf, type Sources, shownPaths } from './sources.ts'

/** All that a caller fixes, defaults included. */
type KeyedOptions = ReturnType<typeof keyedOptions>

interface Given extends Omit<StageOptions, 'readImport'> {
  readonly target: string
  readonly threads?: boolean
  readonly library?: boolean
  readonly torch?: boolean
  readonly simd?: Simd
  readonly features?: readonly string[]
  readonly limits?: Readonly<Record<string, number>>
}

/** Every option has to be named here, or the type checker complains. */
export const keyedOptions = (options: Given) => {
  const {
    target,
    threads = false,
    library = false,
    torch = false,
    simd = 'auto',
    features = [],
    limits = {},
    dtype = 'f32',
    precision,
    sizes = {},
    tile = {},
    results,
    splits = 1,
    plan = 'auto',
    rows = 'many',
    group,
  } = options
  const keyed = {
    target,
    threads,
    library,
    torch,
    simd,
    features,
    limits,
    dtype,
    precision,
    sizes,
    tile,
    results,
    splits,
    plan,
    rows,
    group,
  }
  return keyed satisfies { readonly [Name in keyof Required<Given>]: unknown }
}

/** For people: types and lengths, and what is not as usual. */
export function showOptions({
  dtype,
  precision,
  sizes,
  tile,
  splits,
  plan,
  rows,
  group,
  simd,
  features,
  limits,
}: KeyedOptions): string {
  const list = (lengths: Readonly<Record<string, number>>): readonly string[] =>
    Object.entries(lengths).map(([axis, length]) => `${axis}=${length}`)
  const tiles = list(tile).map((one) => `tile ${one}`)
  const rest = [
    precision ?? [],
    splits === 1 ? [] : `splits=${splits}`,
    plan === 'auto' ? [] : plan,
    rows === 'many' ? [] : `${rows} rows`,
    group === undefined ? [] : `groups of ${group}`,
    simd === 'auto' ? [] : `simd ${simd}`,
    features,
    list(limits),
  ]
  return [dtype, ...list(sizes), ...tiles, ...rest.flat()].join(' ')
}

/**
 * Of a source that was built.
 *
 * @param machine  what else determines what is built: versions of tools, the processor
 * @returns undefined: it cannot be known which compiler this is, so nothing can be found again
 */
export const keyOf = (sources: Sources, options: KeyedOptions, machine: readonly string[]): string | undefined =>
  hashOf('built', contentOf(sources), sorted(options), machine)

/** Of a source that was checked: what is known of it says where it stands, so that its path counts. */
export const checkedKeyOf = (sources: Sources): string | undefined =>
  hashOf('checked', contentOf(sources), shownPaths(sources))

/** Of something that this compiler makes of the parts. */
export function hashOf(...parts: readonly unknown[]): string | undefined {
  const generator = generatorHash()
  if (generator === undefined) return undefined
  return createHash('sha256')
    .update(JSON.stringify([1, generator, ...parts]))
    .digest('hex')
}

/** Objects as lists of their members by name, so that the order in which they were written does not matter. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)])
}
