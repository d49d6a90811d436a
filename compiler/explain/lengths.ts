/** The lengths that a page is drawn and counted for, and data for the tensors that its masks read. */
import type { Attention, Axis, InputDecl } from '../attention.ts'
import { type Params, resolveParams, resolveSizes, type Sizes } from '../interpret.ts'
import { nodesOf } from '../ir.ts'
import { OptionError } from '../options.ts'
import { own } from '../own.ts'

/** Makes up what a caller would give. */
export interface Draw {
  readonly input: (input: InputDecl, sizes: Sizes, params: Params) => Drawn
  readonly params: (attention: Attention, sizes: Sizes) => Params // those without a default
}
export interface Drawn {
  readonly data: ArrayLike<number> // in memory order; bool as 0 and 1
  readonly about: string // `in order`
}
export interface Lengths {
  readonly sizes: Sizes
  readonly params: Params
  /** Axes that are longer here than in the check line; without one, axes whose length was chosen. */
  readonly scaled: readonly string[]
  readonly isChecked: boolean
}

/** Tiles along the longer of the token axes, unless a shape is asked for. */
const tilesShown = 16

/**
 * Asked for, else fixed in the code, else as in the first check line; there, the axes that tokens are counted along are scaled up
 * together to lengths at which tiles show something.
 */
export function chooseLengths(
  a: Attention,
  fixed: Sizes,
  asked: Sizes,
  tile: (axis: string) => number,
  draw: Draw | undefined,
): Lengths {
  checkShape(a, asked)
  const checked = a.checks[0]?.sizes ?? {}
  const free = a.axes.filter(isFree).map(({ name }) => name)
  const given = pick({ ...checked, ...fixed, ...asked }, free)
  const roots = [...new Set(['i', 'j'].map((axis) => rootOf(axis, a)))].filter(
    (axis) => axis !== undefined && own(asked, axis) === undefined,
  ) as readonly string[]
  const before = resolved(a, given)
  const longest = Math.max(1, ...['i', 'j'].map((axis) => own(before.sizes, axis) ?? 1))
  const factor = Math.max(1, (tilesShown * tile('j')) / longest)
  const scaled = roots.filter((axis) => factor > 1 && (own(before.sizes, axis) ?? 1) > 1)
  const longer = scaled.map((axis) => [axis, scaledLength(axis, own(before.sizes, axis) ?? 1, factor, tile)] as const)
  const sizes = resolved(a, { ...given, ...Object.fromEntries(longer) }).sizes
  const unmet = Object.keys(asked).find((axis) => own(sizes, axis) !== asked[axis])
  if (unmet !== undefined)
    throw new OptionError('shape', `size(${unmet}) follows from other lengths, and is ${sizes[unmet]}`)
  const params = resolveParams(a, sizes, draw?.params(a, sizes) ?? {})
  const ordered = Object.fromEntries(a.axes.map(({ name }) => [name, own(sizes, name) ?? 0]))
  return { sizes: ordered, params: params.ok ? params.value : {}, scaled, isChecked: a.checks.length > 0 }
}

const isFree = ({ length }: Axis): boolean => length.kind === 'input' || length.kind === 'divides'
const pick = (sizes: Sizes, axes: readonly string[]): Sizes =>
  Object.fromEntries(Object.entries(sizes).filter(([axis]) => axes.includes(axis)))

/** Whole tiles of tokens; of what tokens are computed from, any number. */
const scaledLength = (axis: string, length: number, factor: number, tile: (axis: string) => number): number =>
  axis === 'i' || axis === 'j' ? Math.ceil((length * factor) / tile(axis)) * tile(axis) : Math.round(length * factor)

/** The axis whose length decides that of `axis`, if a caller chooses it. */
function rootOf(axis: string, a: Attention): string | undefined {
  const found = a.axes.find(({ name }) => name === axis)
  if (!found || found.time === 'compile') return undefined
  const { length } = found
  if (length.kind === 'input') return axis
  if (length.kind === 'like') return rootOf(length.of, a)
  if (length.kind !== 'fixed') return undefined
  const read = nodesOf(length.value).flatMap((e) => (e.kind === 'size' ? [e.axis] : []))
  return read.map((name) => rootOf(name, a)).find((root) => root !== undefined)
}

function resolved(a: Attention, sizes: Sizes): { readonly sizes: Sizes } {
  const found = resolveSizes(a, { sizes, fill: (axis) => (axis === 'b' || axis === 'h' ? 1 : 4) })
  if (found.ok) return { sizes: found.value }
  throw new OptionError('shape', found.problems.map(({ message }) => message).join('; '))
}

function checkShape(a: Attention, asked: Sizes): void {
  const known = a.axes.map(({ name }) => name)
  const name = Object.keys(asked).find((axis) => !known.includes(axis))
  if (name !== undefined)
    throw new OptionError('shape', `the shape names the axis ${name}, and ${a.name} has none`, { name, known })
}
