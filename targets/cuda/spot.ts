/** A place in a kernel's text while it is printed, and how values, indices and elements of buffers are spelled there. */
import { invariant } from '../../compiler/invariant.ts'
import type { KernelExpr, Load, Program } from '../../compiler/kernel.ts'
import type { Block } from '../block.ts'
import {
  argument,
  bufferOf,
  type ElementWords,
  elementOf,
  indicesOf,
  minus,
  one,
  plus,
  sizeOf,
  times,
  zero,
} from '../c-elements.ts'
import type { GivenNames } from '../c-lengths.ts'
import { constant } from '../c-words.ts'
import { atom, type Code, join, printExpr, tightness, type Words } from '../expression.ts'
import type { Names } from '../names.ts'
import type { Define, Facts } from '../nests/item.ts'
import { isWithin, type Path, type Place } from '../nests/place.ts'
import { isWhole } from '../nests/whole.ts'
import { simplify } from '../ranges.ts'
import { spellings } from './words.ts'

/** An array of a value's elements: `axes` outermost first. `own`: each thread has one of its own. */
export interface ArrayOf {
  readonly name: string
  readonly axes: readonly string[]
  readonly own: boolean
}

export const elementWords: ElementWords = {
  largest: 'num::largest',
  smallest: 'num::smallest',
  fromHalf: 'ptx::fromHalf',
  fromBrain: 'ptx::fromBrain',
  toHalf: 'ptx::toHalf',
  toBrain: 'ptx::toBrain',
}

/** One kernel while it is printed. */
export interface Sheet {
  readonly program: Program
  readonly facts: Facts
  readonly places: ReadonlyMap<string, Place>
  readonly names: Names
  readonly given: GivenNames
  readonly used: Set<string> // arguments that the text reads
  readonly arrays: ReadonlyMap<string, ArrayOf>
  readonly locals: Map<string, Code> // names of consts by value
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
  readonly axes: ReadonlyMap<string, AxisSpot>
  readonly flags: ReadonlyMap<string, boolean> // uniform values that a branch around this place has decided
  readonly writesAlone?: boolean // all threads do this, and one writes what it makes
  /** How a value is spelled here, if not by its name or its array. */
  readonly spelled?: (name: string, spot: Spot) => Code | undefined
}

export const print = (e: KernelExpr, spot: Spot): Code => printExpr(simplify(e, spot.sheet.program), wordsAt(spot))

export function wordsAt(spot: Spot): Words {
  return {
    constant,
    value: ({ name }) => valueAt(name, spot),
    index: ({ axis, of }) => indexAt(axis, of, spot),
    size: ({ axis }) => sizeOf(axis, spot.sheet),
    param: ({ name }) => argument(spot.sheet.given.params.get(name), spot.sheet),
    ops: spellings,
  }
}

function indexAt(axis: string, of: 'element' | 'first' | 'last', spot: Spot): Code {
  const at = spot.axes.get(axis)
  invariant(at, `axis ${axis} has no index here`)
  if (of === 'first' || at.single) return at.first
  if (of === 'last') return minus(plus(at.first, at.count), one)
  invariant(at.inner, `axis ${axis} has no element here`)
  return plus(at.first, at.inner)
}

/** A value: its own name, an element of its array, or what it stands for. */
export function valueAt(name: string, spot: Spot): Code {
  const { facts, places, locals } = spot.sheet
  if (isWhole(name, spot)) return atom('true')
  const own = spot.spelled?.(name, spot)
  if (own) return own
  const source = facts.inlined.has(name) ? facts.defines.get(name) : undefined
  if (source) return sourceAt(source, spot)
  const local = locals.get(name)
  const place = places.get(name)
  if (local && (!place?.stored || isWithin(spot.path, place.path))) return local
  return elementAt(name, spot)
}

export function sourceAt({ from }: Define, spot: Spot): Code {
  if (from.kind === 'load') return loadAt(from, spot)
  const code = print(from.expr, spot)
  if (from.kind !== 'mask' || !from.full || spot.flags.get(from.full) === false) return code
  return join('||', tightness.or, valueAt(from.full, spot), code)
}

export const extentOf = (axis: string, { facts }: Sheet): number => facts.extents.get(axis) ?? 1

/** The element of a value's array at this place. */
export function elementAt(name: string, spot: Spot): Code {
  const { sheet } = spot
  const array = sheet.arrays.get(name)
  invariant(array, `${name} is read where it is not in scope`)
  const offset = array.axes.reduce<Code>((sum, axis) => {
    const inner = spot.axes.get(axis)?.inner
    invariant(inner, `${name} is read outside a loop over ${axis}`)
    return sum.text === '0' ? inner : plus(times(sum, atom(String(extentOf(axis, sheet)))), inner)
  }, zero)
  return atom(`${array.name}[${offset.text}]`)
}

/** Puts an element into a value's array. */
export const keep = (name: string, code: Code, spot: Spot): void =>
  write(`${elementAt(name, spot).text} = ${code.text};`, spot)

/** A statement that writes to memory which others read. */
export const write = (statement: string, { block, writesAlone }: Spot): void =>
  block.line(writesAlone ? `if (threadIdx.x == 0) ${statement}` : statement)

// Buffers

export function loadAt(load: Load, spot: Spot): Code {
  const named = bufferOf(load.buffer, spot.sheet)
  const codes = indicesOf(load.index, named.buffer).map((e) => print(e, spot))
  return elementOf(load, named, codes, spot.sheet, elementWords)
}

/** The spot inside a loop over the elements of an axis. */
export function inLoop(spot: Spot, node: object, axis: string, block: Block, inner: Code): Spot {
  const outer = spot.axes.get(axis) ?? { single: false, first: zero, count: sizeOf(axis, spot.sheet), inner: undefined }
  const axes = new Map(spot.axes).set(axis, { ...outer, inner })
  return { ...spot, block, axes, path: [...spot.path, node] }
}

export const countOf = (axis: string, spot: Spot): Code => spot.axes.get(axis)?.count ?? sizeOf(axis, spot.sheet)
