import type { Attention } from '../compiler/attention.ts'
import type { CompileOptions } from '../index.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { firstThatRuns, runners } from '../runtime/runners.ts'
import { unknownNames } from '../runtime/unknown-names.ts'
import { targets } from '../targets/index.ts'
import type { Simd } from '../targets/target.ts'
import { type DeviceOptions, parseDevice } from './device-options.ts'
import { all, parseChoice, parseLengths } from './options.ts'
import type { Options } from './program.ts'

export type Dtype = NonNullable<CompileOptions['dtype']>
export type Precision = NonNullable<CompileOptions['precision']>
export type PlanKind = NonNullable<CompileOptions['plan']>
export type Rows = NonNullable<CompileOptions['rows']>

/** What the options of `build`, `run` and `explain` fix; absent where they say nothing. */
export interface Choices {
  readonly target: string
  readonly dtype: Dtype | undefined
  readonly precision: Precision | undefined
  readonly plan: PlanKind | undefined
  readonly rows: Rows | undefined
  readonly threads: boolean
  readonly simd: Simd | undefined
  readonly device: DeviceOptions
  readonly sizes: Readonly<Record<string, number>>
  readonly tile: Readonly<Record<string, number>>
}

export async function parseChoices(options: Options): Promise<Outcome<Choices>> {
  const parsed = all<
    [
      readonly string[],
      Dtype | undefined,
      Precision | undefined,
      PlanKind | undefined,
      Rows | undefined,
      Simd | undefined,
      DeviceOptions,
      Choices['sizes'],
      Choices['tile'],
    ]
  >(
    parseTargets(options.target ?? ['auto']),
    optional(options.dtype, parseDtype),
    optional(options.precision, (value) => parseChoice('--precision', value, ['accurate', 'fast'] as const)),
    optional(options.plan, (value) => parseChoice('--plan', value, ['auto', 'materialised'] as const)),
    optional(options.rows, (value) => parseChoice('--rows', value, ['many', 'few'] as const)),
    optional(options.simd, parseSimd),
    parseDevice(options),
    parseLengths('--size', options.size ?? [], { least: 1, most: 65_536 }),
    parseLengths('--tile', options.tile ?? [], tileLengths),
  )
  if (!parsed.ok) return parsed
  const [[named = 'auto'], dtype, precision, plan, rows, simd, device, sizes, tile] = parsed.value
  const wide = ['d', 'e'].find((axis) => (sizes[axis] ?? 1) > maxWidth)
  if (wide) return failed(problem('ATTN0302', `--size ${wide}=${sizes[wide]}: feature widths are 1 to ${maxWidth}`))
  const target = named === 'auto' ? await firstThatRuns() : named
  return done({ target, dtype, precision, plan, rows, threads: options.threads === true, simd, device, sizes, tile })
}

const maxWidth = 512

/** A tile is held whole: a thousand rows of a thousand keys are more than any machine has at hand. */
export const tileLengths = { least: 1, most: 1024 }

export const parseSimd = (value: string): Outcome<Simd> => parseChoice('--simd', value, ['auto', 'wasm', 'none'])
export const parseDtype = (value: string): Outcome<Dtype> => parseChoice('--dtype', value, ['f32', 'f16', 'bf16'])

/** Names of targets; `auto` is the first that can run here. */
export function parseTargets(names: readonly string[]): Outcome<readonly string[]> {
  const known = ['auto', ...new Set([...Object.keys(targets), ...Object.keys(runners)])]
  return all<readonly string[]>(...names.map((name) => parseChoice('--target', name, known)))
}

export const optional = <T>(value: string | undefined, parse: (value: string) => Outcome<T>): Outcome<T | undefined> =>
  value === undefined ? done(undefined) : parse(value)

/** Axes of `--size`, `--tile` and `--shape` that no attention of the source has. */
export function checkAxes(
  attentions: readonly Attention[],
  ...given: readonly Readonly<Record<string, number>>[]
): Outcome<undefined> {
  const known = [...new Set(attentions.flatMap(({ axes }) => axes.map(({ name }) => name)))]
  const findings = unknownNames('ATTN0303', 'axis', new Set(given.flatMap((lengths) => Object.keys(lengths))), known)
  return findings.length > 0 ? failed(...findings) : done(undefined)
}

/** Without the members that say nothing: an absent option is not `undefined`. */
export function compileOptions(choices: Choices, readImport?: CompileOptions['readImport']): CompileOptions {
  const { target, dtype, precision, plan, rows, simd, device, sizes, tile } = choices
  return {
    target,
    ...(dtype === undefined ? {} : { dtype }),
    ...(precision === undefined ? {} : { precision }),
    ...(plan === undefined ? {} : { plan }),
    ...(rows === undefined ? {} : { rows }),
    ...(simd === undefined ? {} : { simd }),
    ...device,
    ...(choices.threads ? { threads: true } : {}),
    ...(Object.keys(sizes).length > 0 ? { sizes } : {}),
    ...(Object.keys(tile).length > 0 ? { tile } : {}),
    ...(readImport ? { readImport } : {}),
  }
}
