/** A place in a kernel's text while it is printed, and how values, indices and elements of buffers are spelled there. */
import { invariant } from '../../compiler/invariant.ts'
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelExpr, Load, Program } from '../../compiler/kernel.ts'
import type { Block } from '../block.ts'
import {
  addressOf,
  argument,
  bufferOf,
  type ElementWords,
  elementOf,
  indicesOf,
  isSafe,
  minus,
  one,
  plus,
  sizeOf,
  times,
  zero,
} from '../c-elements.ts'
import type { GivenNames } from '../c-lengths.ts'
import { atom, type Code, inside, join, printExpr, tightness, type Words } from '../expression.ts'
import type { Names } from '../names.ts'
import type { Define, Facts } from '../nests/item.ts'
import { isWithin, type Path, type Place } from '../nests/place.ts'
import { isWhole } from '../nests/whole.ts'
import { simplify } from '../ranges.ts'
import { diagonal, diagonalValue } from './diagonal.ts'
import { spellingsAt } from './exponent.ts'
import { hoistCall, hoistValue } from './hoist.ts'
import { constant, isWide, widen } from './words.ts'

export type { GivenNames }

export const elementWords: ElementWords = {
  largest: 'vec::largest',
  smallest: 'vec::smallest',
  fromHalf: 'vec::fromHalf',
  fromBrain: 'vec::fromBrain',
  toHalf: 'vec::toHalf',
  toBrain: 'vec::toBrain',
}

/** The largest or smallest elements of a product for each row, in an array over the lane axis. */
export interface Extreme {
  readonly op: 'max' | 'min'
  readonly array: string
}

/** One kernel while it is printed. */
export interface Sheet {
  readonly program: Program
  readonly facts: Facts
  readonly places: ReadonlyMap<string, Place>
  readonly names: Names
  readonly given: GivenNames
  readonly used: Set<string> // arguments that the text reads
  readonly arrays: ReadonlyMap<string, string> // names of arrays by value
  readonly extremes: ReadonlyMap<string, Extreme> // what products find beside what they give, by value
  readonly locals: Map<string, Code> // names of consts by value
  readonly lane: string | undefined // the axis whose places lie in the lanes of vectors
  readonly diagonals: Map<string, Diagonals> // arrays of what only distances tell apart
  readonly hoisted: Map<Block, Map<string, Code>> // names of what does not change in the loops that a block is around, by its text
}

/** An array with a value for each diagonal of a tile. */
export interface Diagonals {
  readonly type: ElementType
  readonly length: number
}

/** `first` and `count`: of the current tile, or of the whole axis. `inner`: the place within it, inside a loop over it. */
export interface AxisSpot {
  readonly single: boolean
  readonly first: Code
  readonly count: Code
  readonly inner: Code | undefined
}
export interface Spot {
  readonly sheet: Sheet
  readonly block: Block
  readonly path: Path
  readonly outside: readonly Spot[] // the places before each loop of the path
  readonly axes: ReadonlyMap<string, AxisSpot>
  readonly flags: ReadonlyMap<string, boolean> // uniform values that a branch around this place has decided
  readonly alongDiagonal?: boolean // no element of the tile has this place: values of pairs are worked out from their definitions
  /** Set for one lane at a time: the lane within the vector that `inner` of the lane axis begins, if it is in one. */
  readonly oneLane: { readonly at: Code } | undefined
}

export const print = (e: KernelExpr, spot: Spot): Code => printExpr(simplify(e, spot.sheet.program), wordsAt(spot))

function wordsAt(spot: Spot): Words {
  return {
    constant,
    value: ({ name }) => valueAt(name, spot),
    index: ({ axis, of }) => indexAt(axis, of, spot),
    size: ({ axis }) => sizeOf(axis, spot.sheet),
    param: ({ name }) => argument(spot.sheet.given.params.get(name), spot.sheet),
    whole: (e) => hoistCall(e, spot) ?? diagonal(e, spot),
    ops: spellingsAt(spot),
  }
}

function indexAt(axis: string, of: 'element' | 'first' | 'last', spot: Spot): Code {
  const at = spot.axes.get(axis)
  invariant(at, `axis ${axis} has no index here`)
  if (of === 'first' || at.single) return at.first
  if (of === 'last') return minus(plus(at.first, at.count), one)
  invariant(at.inner, `axis ${axis} has no element here`)
  const index = plus(at.first, at.inner)
  if (axis !== spot.sheet.lane) return index
  return spot.oneLane ? plus(index, spot.oneLane.at) : atom(`vec::iota(${index.text})`, 1)
}

const hasLanes = (name: string, { facts, lane }: Sheet): boolean =>
  facts.values.get(name)?.axes.some(({ axis }) => axis === lane) ?? false

/** A value: its own name, an element of its array, or what it stands for. */
export function valueAt(name: string, spot: Spot): Code {
  const { facts, places, locals } = spot.sheet
  if (isWhole(name, spot)) return atom('true')
  const isWrittenOut = facts.inlined.has(name) || (spot.alongDiagonal && (facts.values.get(name)?.axes.length ?? 0) > 0)
  const source = isWrittenOut ? facts.defines.get(name) : undefined
  if (source) return hoistValue(source, spot) ?? diagonalValue(source, spot) ?? sourceAt(source, spot)
  const local = locals.get(name)
  const place = places.get(name)
  if (local && (!place?.stored || isWithin(spot.path, place.path))) return laneOf(local, name, spot)
  return elementAt(name, spot)
}

/** Of a vector with a name, one lane where one is asked for. */
function laneOf(local: Code, name: string, { oneLane, sheet }: Spot): Code {
  if (!oneLane || !isWide(local)) return local
  const lane = atom(`${local.text}[${oneLane.at.text}]`)
  return sheet.facts.values.get(name)?.type === 'bool' ? join('!=', tightness.equality, lane, zero) : lane
}

export function sourceAt({ from }: Define, spot: Spot): Code {
  if (from.kind === 'load') return loadAt(from, spot)
  const code = print(from.expr, spot)
  if (from.kind !== 'mask' || !from.full || spot.flags.get(from.full) === false) return code
  const full = valueAt(from.full, spot)
  return isWide(code) ? join('|', tightness.bits, widen(full, 'bool'), code) : join('||', tightness.or, full, code)
}

/** Lines of an array over the lane axis are as long as its tile, in whole vectors of any machine; 16 lanes at the most. */
export const mostLanes = 16
export const lineOf = (axis: string, { facts }: Sheet): number =>
  Math.ceil((facts.extents.get(axis) ?? 1) / mostLanes) * mostLanes

export interface Layout {
  readonly axes: readonly string[] // outermost first, the lane axis last
  readonly sizes: readonly number[]
  readonly lanes: boolean // whether each element has lanes
}

/** How an array's elements lie: those of the lane axis next to each other. */
export function layoutOf(name: string, sheet: Sheet): Layout {
  const stored = sheet.places.get(name)?.stored?.map(({ axis }) => axis) ?? []
  const axes = stored.filter((axis) => axis !== sheet.lane)
  const sizes = axes.map((axis) => sheet.facts.extents.get(axis) ?? 1)
  if (!hasLanes(name, sheet)) return { axes, sizes, lanes: false }
  const isLine = sheet.lane !== undefined && stored.includes(sheet.lane)
  return {
    axes: isLine ? [...axes, sheet.lane] : axes,
    sizes: [...sizes, isLine ? lineOf(sheet.lane, sheet) : mostLanes],
    lanes: true,
  }
}

/** Elements from one place along an axis to the next. */
export const strideIn = ({ axes, sizes }: Layout, axis: string): number =>
  sizes.slice(axes.indexOf(axis) + 1).reduce((product, size) => product * size, 1)

/** `array[...]` with its first lane, at these places within the tiles. */
export function spotIn(name: string, spot: Spot, at: (axis: string) => Code): Code {
  const { sheet } = spot
  const array = sheet.arrays.get(name)
  invariant(array !== undefined, `${name} is read where it is not in scope`)
  const layout = layoutOf(name, sheet)
  const offset = layout.axes.reduce<Code>(
    (sum, axis) => plus(sum, times(at(axis), atom(String(strideIn(layout, axis))))),
    zero,
  )
  return atom(`scratch.${array}[${offset.text}]`)
}

const innerOf = (axis: string, spot: Spot): Code => {
  const inner = spot.axes.get(axis)?.inner
  invariant(inner, `read outside a loop over ${axis}`)
  return inner
}

/** The element of a value's array at this place. */
function elementAt(name: string, spot: Spot): Code {
  const { sheet, oneLane } = spot
  const isBool = sheet.facts.values.get(name)?.type === 'bool'
  if (!layoutOf(name, sheet).lanes) return spotIn(name, spot, (axis) => innerOf(axis, spot))
  if (!oneLane) return atom(`vec::load(&${spotIn(name, spot, (axis) => innerOf(axis, spot)).text})`, 1)
  const element = withLane(
    spotIn(name, spot, (axis) => innerOf(axis, spot)),
    oneLane.at,
  )
  return isBool ? join('!=', tightness.equality, element, zero) : element
}

function withLane({ text }: Code, at: Code): Code {
  if (at.text === '0') return atom(text)
  return atom(text.endsWith('[0]') ? `${text.slice(0, -3)}[${at.text}]` : `${text.slice(0, -1)} + ${at.text}]`)
}

/** Puts an element into a value's array. */
export function keep(name: string, code: Code, spot: Spot): void {
  const { sheet, oneLane, block } = spot
  const type = sheet.facts.values.get(name)?.type ?? 'f32'
  const at = spotIn(name, spot, (axis) => innerOf(axis, spot))
  if (!layoutOf(name, sheet).lanes) block.line(`${at.text} = ${code.text};`)
  else if (!oneLane) block.line(`vec::store(&${at.text}, ${widen(code, type).text});`)
  else
    block.line(
      `${withLane(at, oneLane.at).text} = ${type === 'bool' ? `${inside(code, tightness.or)} ? -1 : 0` : code.text};`,
    )
}

// Buffers

/** The number of rows from this vector on, which may be more than it has lanes. */
export function rowsLeft({ sheet, axes }: Spot): string {
  const at = axes.get(sheet.lane ?? '')
  return at?.inner && at.inner.text !== '0' ? `${at.count.text} - ${at.inner.text}` : (at?.count.text ?? '1')
}

/** The same place for one `lane` of a vector. */
export const inLane = (spot: Spot): Spot => ({ ...spot, oneLane: { at: atom('lane') } })

/** The one axis of a buffer that follows the lanes, if an element lies at the index of the lane axis itself along it. */
export function laneAxisOf(
  indices: readonly KernelExpr[],
  codes: readonly Code[],
  { sheet }: Spot,
): number | undefined {
  const wide = codes.flatMap((code, n) => (isWide(code) ? [n] : []))
  const [only] = wide
  const index = only === undefined ? undefined : indices[only]
  const isItself = index?.kind === 'index' && index.axis === sheet.lane && index.of === 'element'
  return wide.length === 1 && isItself ? only : undefined
}

function loadAt(load: Load, spot: Spot): Code {
  const named = bufferOf(load.buffer, spot.sheet)
  const { buffer, text } = named
  const given = indicesOf(load.index, buffer)
  const codes = given.map((e) => print(e, spot))
  if (!codes.some(isWide)) return elementOf(load, named, codes, spot.sheet, elementWords)
  const lane = laneAxisOf(given, codes, spot)
  const isPlain = buffer.storage === 'f32' || buffer.storage === 'i32'
  const areSafe = given.every((e, n) => isSafe(load, e, buffer.axes[n]!, spot.sheet.program))
  const rows = rowsLeft(spot)
  if (lane === undefined || !isPlain || !areSafe) {
    // What an index takes is worked out for all lanes at once; one of them then reads its own.
    // What an index takes is worked out for all lanes at once; each lane then reads its own.
    const captured = codes.map((code, n) => (isWide(code) ? `, index${n} = ${code.text}` : ''))
    const codesOfLane = codes.map((code, n) => (isWide(code) ? atom(`index${n}[lane]`) : code))
    const inner = elementOf(load, named, codesOfLane, spot.sheet, elementWords)
    return atom(`vec::gather(${rows}, [&${captured.join('')}](int lane) { return ${inner.text}; })`, 1)
  }
  const begin = given.map((e, n) => (n === lane ? print(e, { ...spot, oneLane: { at: zero } }) : codes[n]!))
  const stride = argument(spot.sheet.given.strides.get(buffer.name)?.[lane], spot.sheet)
  return atom(`vec::loadEvery(&${text}[${addressOf(buffer, begin, spot.sheet).text}], ${stride.text}, ${rows})`, 1)
}

/** The spot inside a loop over the elements of an axis. */
export function inLoop(spot: Spot, node: object, axis: string, block: Block, inner: Code): Spot {
  const outer = spot.axes.get(axis) ?? { single: false, first: zero, count: sizeOf(axis, spot.sheet), inner: undefined }
  const axes = new Map(spot.axes).set(axis, { ...outer, inner })
  return { ...spot, block, axes, path: [...spot.path, node], outside: [...spot.outside, spot] }
}

export const countOf = (axis: string, spot: Spot): Code => spot.axes.get(axis)?.count ?? sizeOf(axis, spot.sheet)
