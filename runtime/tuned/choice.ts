/** A choice that was tuned, as options of the compiler and of a call. */
import type { Attention } from '../../compiler/attention.ts'
import { groupSizes } from '../../compiler/group-sizes.ts'
import type { StageOptions } from '../../compiler/options.ts'

/** By name: `tile.AXIS`, `splits`, `rows`, `group`, `threads`; and by the name of a feature, whether it is used. */
export type Choice = Readonly<Record<string, number | string>>

export interface Fixed extends Pick<StageOptions, 'splits' | 'rows' | 'group'> {
  readonly tile: Readonly<Record<string, number>>
  readonly without?: readonly string[] // features of the device that are not used
}

const tilePrefix = 'tile.'
/** Features that a choice may leave out, and what it says of them. */
const features = ['subgroups']
export const uses = ['no', 'yes'] as const

/** What is fixed when code is generated. Splits `by length` are what few rows have by themselves. */
export function optionsOf(choice: Choice): Fixed {
  const without = features.filter((name) => choice[name] === 'no')
  const tiles = Object.entries(choice).filter(([name]) => name.startsWith(tilePrefix))
  return {
    tile: Object.fromEntries(tiles.map(([name, value]) => [name.slice(tilePrefix.length), Number(value)])),
    ...(typeof choice.splits === 'number' ? { splits: choice.splits } : {}),
    ...(choice.rows === 'few' || choice.rows === 'many' ? { rows: choice.rows } : {}),
    ...(typeof choice.group === 'number' ? { group: choice.group } : {}),
    ...(without.length > 0 ? { without } : {}),
  }
}

/** What the compiler is asked for, with a choice: tiles that were asked for win. */
export function withChoice<Options extends StageOptions & { readonly features?: readonly string[] }>(
  options: Options,
  { tile, without = [], ...fixed }: Fixed,
): Options {
  const left = options.features?.filter((name) => !without.includes(name))
  return { ...options, ...fixed, tile: { ...tile, ...options.tile }, ...(left ? { features: left } : {}) }
}

/** Of a call. */
export const threadsOf = (choice: Choice): number | undefined =>
  typeof choice.threads === 'number' ? choice.threads : undefined

/** Without what the source pins, what the caller asked for, and axes that there are not: these win. */
export function withoutPinned(choice: Choice, attention: Attention, given: StageOptions): Choice {
  const known = ['i', 'j', ...attention.axes.map(({ name }) => name)]
  return Object.fromEntries(
    Object.entries(choice).filter(([name]) => {
      if (name === 'splits') return given.splits === undefined
      if (name === 'rows') return given.rows === undefined
      if (name === 'group') return given.group === undefined
      if (!name.startsWith(tilePrefix)) return true
      const axis = name.slice(tilePrefix.length)
      return known.includes(axis) && attention.tile[axis] === undefined && given.tile?.[axis] === undefined
    }),
  )
}

const isBetween = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most

/** Whether this can be asked of the compiler: a file may hold anything. */
export const isChoice = (x: unknown): x is Choice =>
  typeof x === 'object' &&
  x !== null &&
  Object.entries(x).every(([name, value]) => {
    if (name === 'rows') return value === 'many' || value === 'few'
    if (name === 'splits') return value === 'by length' || isBetween(value, 1024)
    if (name === 'threads') return isBetween(value, 256)
    if (name === 'group') return groupSizes.some((size) => size === value)
    if (features.includes(name)) return uses.some((word) => word === value)
    return /^tile\.[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) && isBetween(value, 1024)
  })

export const showChoice = (choice: Choice): string =>
  Object.keys(choice)
    .sort()
    .map((name) => `${name}=${choice[name]}`)
    .join(' ')
