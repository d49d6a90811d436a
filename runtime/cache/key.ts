/** The name of an entry: a hash of everything that determines what is built. */
import { createHash } from 'node:crypto'
import { basename, dirname, relative, resolve } from 'node:path'
import type { ReadImport } from '../../compiler/check/imports.ts'
import type { StageOptions } from '../../compiler/options.ts'
import type { SourceFile } from '../../grammar/source.ts'
import type { Simd } from '../../targets/target.ts'
import { generatorHash } from './generator.ts'

/** What was asked for by which file, and what came: the same text may import other files elsewhere. */
interface Import {
  readonly from: SourceFile
  readonly path: string
  readonly to: SourceFile | { readonly problem: string }
}

export interface RecordedImports {
  readonly read: ReadImport
  readonly imports: readonly Import[]
}

export function recordImports(read: ReadImport): RecordedImports {
  const imports: Import[] = []
  return {
    imports,
    read: (from, path) => {
      const to = read(from, path)
      imports.push({ from, path, to })
      return to
    },
  }
}

/** All that a caller fixes, defaults included. */
type KeyedOptions = ReturnType<typeof keyedOptions>

interface Given extends Omit<StageOptions, 'readImport'> {
  readonly target: string
  readonly threads?: boolean
  readonly library?: boolean
  readonly simd?: Simd
}

/** Every option has to be named here, or the type checker complains. */
export const keyedOptions = (options: Given) => {
  const {
    target,
    threads = false,
    library = false,
    simd = 'auto',
    dtype = 'f32',
    precision,
    sizes = {},
    tile = {},
    results,
    splits = 1,
    plan = 'auto',
    rows = 'many',
  } = options
  const keyed = { target, threads, library, simd, dtype, precision, sizes, tile, results, splits, plan, rows }
  return keyed satisfies { readonly [Name in keyof Required<Given>]: unknown }
}

/** For people: types and lengths, and what is not as usual. */
export function showOptions({ dtype, precision, sizes, tile, splits, plan, rows, simd }: KeyedOptions): string {
  const list = (lengths: Readonly<Record<string, number>>): readonly string[] =>
    Object.entries(lengths).map(([axis, length]) => `${axis}=${length}`)
  const tiles = list(tile).map((one) => `tile ${one}`)
  const rest = [
    precision ?? [],
    splits === 1 ? [] : `splits=${splits}`,
    plan === 'auto' ? [] : plan,
    rows === 'many' ? [] : `${rows} rows`,
    simd === 'auto' ? [] : `simd ${simd}`,
  ]
  return [dtype, ...list(sizes), ...tiles, ...rest.flat()].join(' ')
}

export interface KeyParts {
  readonly main: SourceFile
  readonly imports: readonly Import[]
  readonly options: KeyedOptions
  readonly machine: readonly string[] // what else determines what is built: versions of tools, the processor
}

/** Undefined: it cannot be known which compiler this is, so nothing can be found again. */
export function keyOf({ main, imports, options, machine }: KeyParts): string | undefined {
  const generator = generatorHash()
  if (generator === undefined) return undefined
  const place = (file: SourceFile): string => relative(resolve(dirname(main.path)), resolve(file.path))
  const edges = imports.map(({ from, path, to }) => [place(from), path, 'problem' in to ? null : place(to)])
  const texts = new Map(imports.flatMap(({ to }) => ('problem' in to ? [] : [[place(to), to.text] as const])))
  const sources = [[basename(main.path), main.text], edges, [...texts]]
  const parts = [1, generator, sources, sorted(options), machine]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
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
