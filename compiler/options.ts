/** What is fixed when kernels are made of an attention, whatever the target, and what may be asked for. */
import type { Attention } from './attention.ts'
import { featureAxes } from './check/axes.ts'
import type { ReadImport } from './check/imports.ts'
import { maxWidth } from './check/settings.ts'
import { groupSizes } from './group-sizes.ts'

export const dtypes = ['f32', 'f16', 'bf16'] as const
export const precisions = ['accurate', 'fast'] as const
export const planKinds = ['auto', 'materialised'] as const
export const rowCounts = ['many', 'few'] as const

export interface StageOptions {
  readonly dtype?: (typeof dtypes)[number] // of float inputs without a declared type, and of results with a feature axis; default f32
  readonly precision?: (typeof precisions)[number] // of elementary functions, where a target has a choice; default: the source's, else accurate
  readonly sizes?: Lengths // compile-time lengths; default d = e = 64, others from the first check line
  readonly tile?: Lengths
  readonly results?: readonly string[] // default: all; of a compilation also `weight` and `score`, as [b, h, i, j]
  readonly splits?: number // parts of the streamed axis, merged by a second kernel; default 1
  readonly plan?: (typeof planKinds)[number]
  readonly rows?: (typeof rowCounts)[number] // of a head's queries in a call; few: heads that share keys are computed together; default many
  readonly group?: number // threads of a block or invocations of a workgroup, where a target has such; default: as many as the target finds good for a tile
  readonly readImport?: ReadImport
}
type Lengths = Readonly<Record<string, number>>

const tokenAxes = ['i', 'j'] // a tile along them may be asked of any source
const most = { length: 65_536, tile: 1024, splits: 1024 }

/** A call of the compiler with options that make no sense. */
export class OptionError extends RangeError {
  override readonly name = 'OptionError'
  readonly option:
    | keyof StageOptions
    | 'target'
    | 'shape'
    | 'library'
    | 'torch'
    | 'simd'
    | 'features'
    | 'limits'
    | 'resources'
  readonly unknown: Unknown | undefined

  constructor(option: OptionError['option'], message: string, unknown?: Unknown) {
    super(message)
    this.option = option
    this.unknown = unknown
  }
}
/** A name that the option gives, where there are others. */
export interface Unknown {
  readonly name: string
  readonly known: readonly string[]
}

/** Throws an `OptionError` unless the options fit these attentions; a caller in JavaScript may have given anything. */
export function checkOptions(options: StageOptions, attentions: readonly Attention[]): void {
  const { dtype, precision, plan, rows, sizes = {}, tile = {}, splits = 1, group, results } = options
  const axes = attentions.flatMap((attention) => attention.axes.map(({ name }) => name))
  checkChoice('dtype', dtype, dtypes)
  checkChoice('precision', precision, precisions)
  checkChoice('plan', plan, planKinds)
  checkChoice('rows', rows, rowCounts)
  checkLengths('sizes', sizes, axes, (axis) => (featureAxes.includes(axis) ? maxWidth : most.length))
  checkLengths('tile', tile, [...tokenAxes, ...axes], () => most.tile)
  checkNumber('splits', 'splits', splits, most.splits)
  if (group !== undefined && !groupSizes.some((size) => size === group))
    throw new OptionError('group', `group is one of ${groupSizes.join(', ')}, not ${String(group)}`)
  checkResults(results, attentions)
}

function checkChoice(option: keyof StageOptions, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value))
    throw new OptionError(option, `${option} is one of ${choices.join(', ')}, not ${String(value)}`)
}

function checkLengths(
  option: 'sizes' | 'tile',
  lengths: Lengths,
  known: readonly string[],
  mostOf: (axis: string) => number,
): void {
  if (typeof lengths !== 'object' || lengths === null)
    throw new OptionError(option, `${option} gives axes their lengths, as { d: 64 }`)
  for (const [name, length] of Object.entries(lengths)) {
    if (!known.includes(name)) {
      const text = `${option} names the axis ${name}, and no attention of the source has it`
      throw new OptionError(option, text, { name, known: [...new Set(known)] })
    }
    checkNumber(option, `${option === 'sizes' ? 'size' : option}(${name})`, length, mostOf(name))
  }
}

function checkNumber(option: keyof StageOptions, what: string, value: number, largest: number): void {
  if (!Number.isInteger(value) || value < 1 || value > largest)
    throw new OptionError(
      option,
      `${what} is fixed when code is generated, to 1 at least and ${largest} at most; it cannot be ${String(value)}`,
    )
}

function checkResults(results: readonly string[] | undefined, attentions: readonly Attention[]): void {
  if (results === undefined) return
  if (!Array.isArray(results) || results.length === 0)
    throw new OptionError('results', 'results names one result at least')
  const known = [...new Set(attentions.flatMap((attention) => attention.results.map(({ name }) => name)))]
  const name = results.find((result) => !known.includes(result))
  if (name !== undefined)
    throw new OptionError('results', `there is no result ${String(name)}; there are ${known.join(', ')}`, {
      name,
      known,
    })
}
