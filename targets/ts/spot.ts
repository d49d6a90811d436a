/** A place in a kernel's text while it is printed, and how values, indices and elements are spelled there. */
import { invariant } from '../../compiler/invariant.ts'
import type { Buffer, KernelExpr, Load, Program } from '../../compiler/kernel.ts'
import {
  atom,
  type Code,
  choice,
  deepest,
  inside,
  invoke,
  join,
  printExpr,
  tightness,
  type Words,
} from '../expression.ts'
import type { Names } from '../names.ts'
import type { Define, Facts } from '../nests/item.ts'
import { isWithin, type Path, type Place } from '../nests/place.ts'
import { isWhole } from '../nests/whole.ts'
import { liesOn, simplify } from '../ranges.ts'
import type { Block } from './block.ts'
import { constant, kernelSpellings, plus, smallest, times } from './words.ts'

/** The names under which a program's kernels find their arguments. */
export interface ArgumentNames {
  readonly buffers: ReadonlyMap<string, string>
  readonly sizes: ReadonlyMap<string, string>
  readonly params: ReadonlyMap<string, string>
}

/** One kernel while it is printed. */
export interface Sheet {
  readonly program: Program
  readonly facts: Facts
  readonly places: ReadonlyMap<string, Place>
  readonly names: Names
  readonly given: ArgumentNames
  readonly used: Set<string> // arguments that the text reads
  readonly arrays: ReadonlyMap<string, string> // names of arrays by value
  readonly locals: Map<string, Code> // names of consts by value
  readonly word: string // the name of the place where bf16 is converted
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
}

const zero = atom('0')
const one = atom('1')

export const print = (e: KernelExpr, spot: Spot): Code => printExpr(simplify(e, spot.sheet.program), wordsAt(spot))

function wordsAt(spot: Spot): Words {
  return {
    constant,
    value: ({ name }) => valueAt(name, spot),
    index: ({ axis, of }) => indexAt(axis, of, spot),
    size: ({ axis }) => sizeOf(axis, spot.sheet),
    param: ({ name }) => argument(spot.sheet.given.params.get(name), spot.sheet),
    ops: kernelSpellings,
    prepare: (args) => hoistFixed(args, spot),
  }
}

/** What does not change in the innermost loops, beside something that does, is worked out outside of them. */
function hoistFixed(args: readonly Code[], { block }: Spot): readonly Code[] {
  const level = deepest(args)
  return args.map((arg) => block.known(arg) ?? (arg.level < level ? block.hoist(arg) : arg))
}

function argument(name: string | undefined, sheet: Sheet): Code {
  invariant(name !== undefined, `${sheet.program.name} has an argument without a name`)
  sheet.used.add(name)
  return atom(name)
}

export function sizeOf(axis: string, sheet: Sheet): Code {
  const fixed = sheet.program.sizes[axis]
  return fixed === undefined ? argument(sheet.given.sizes.get(axis), sheet) : atom(String(fixed))
}

function indexAt(axis: string, of: 'element' | 'first' | 'last', spot: Spot): Code {
  const at = spot.axes.get(axis)
  invariant(at, `axis ${axis} has no index here`)
  if (of === 'first' || at.single) return at.first
  if (of === 'last') return join('-', tightness.sum, plus(at.first, at.count), one)
  invariant(at.inner, `axis ${axis} has no element here`)
  return plus(at.first, at.inner)
}

/** A value: its own name, an element of its array, or what it stands for. */
export function valueAt(name: string, spot: Spot): Code {
  const { facts, places, locals } = spot.sheet
  if (isWhole(name, spot)) return atom('true')
  const source = facts.inlined.has(name) ? facts.defines.get(name) : undefined
  if (source) return sourceAt(source, spot)
  const local = locals.get(name)
  const place = places.get(name)
  if (local && (!place?.stored || isWithin(spot.path, place.path))) return local
  const { storage, text, level } = elementAt(name, spot)
  return storage === 'bool' ? { text: `${text} !== 0`, tight: tightness.equality, level } : atom(`${text}!`, level)
}

export function sourceAt({ from }: Define, spot: Spot): Code {
  if (from.kind === 'load') return loadAt(from, spot)
  const code = print(from.expr, spot)
  if (from.kind !== 'mask' || !from.full || spot.flags.get(from.full) === false) return code
  return join('||', tightness.or, valueAt(from.full, spot), code)
}

/** The element of a value's array at this place. */
export function elementAt(
  name: string,
  spot: Spot,
): { readonly storage: string; readonly text: string; readonly level: number } {
  const { sheet } = spot
  const [array, stored] = [sheet.arrays.get(name), sheet.places.get(name)?.stored]
  invariant(array !== undefined && stored, `${name} is read where it is not in scope`)
  const indices = stored.map(({ axis }) => spot.axes.get(axis)?.inner ?? missing(axis, name))
  const sizes = stored.map(({ axis }) => atom(String(sheet.facts.extents.get(axis))))
  const wishes = stored.map(({ axis }) => `${axis}Tile`)
  const column = isRows(name, sheet) ? indices.pop() : undefined
  const at = address(indices, sizes, wishes, spot)
  const element = { storage: sheet.facts.values.get(name)?.type ?? 'f32', level: spot.block.level }
  if (!column) return { ...element, text: `${array}[${at.text}]` }
  const row = atom(`${array}[${at.text}]!`, at.level)
  const rowAxes = stored.slice(0, -1).map(({ axis }) => axis)
  const named = column.level > at.level ? spot.block.hoist(row, `${name}_${rowAxes.join('')}`) : row
  return { ...element, text: `${named.text}[${column.text}]` }
}

/** Whether a value is kept as rows: numbers over two axes or more, the last of them along a row. */
export const isRows = (name: string, { facts, places }: Sheet): boolean =>
  facts.values.get(name)?.type === 'f32' && (places.get(name)?.stored?.length ?? 0) > 1

function missing(axis: string, name: string): never {
  invariant(false, `${name} is read outside a loop over ${axis}`)
}

/** Row-major; what does not change in the innermost loops gets a name outside of them. */
export function address(
  indices: readonly Code[],
  sizes: readonly Code[],
  wishes: readonly string[],
  { block }: Spot,
): Code {
  let at = indices[0] ?? zero
  for (let n = 1; n < indices.length; n++) {
    const row = times(at, sizes[n]!)
    const index = indices[n]!
    at = plusFlat(index.level > row.level ? block.hoist(row, wishes[n - 1]!) : row, index)
  }
  return at
}

export const rowNames = ({ axes }: Buffer): readonly string[] => axes.map((axis) => `${axis}Row`)

/** A sum of exact integers needs no parentheses on its right. */
const plusFlat = (a: Code, b: Code): Code =>
  a.text === '0' || b.text === '0'
    ? plus(a, b)
    : {
        text: `${inside(a, tightness.sum)} + ${inside(b, tightness.sum)}`,
        tight: tightness.sum,
        level: deepest([a, b]),
      }

export function bufferOf(name: string, sheet: Sheet): { readonly buffer: Buffer; readonly text: string } {
  const buffer = sheet.program.buffers.find((b) => b.name === name)
  invariant(buffer, `there is no buffer ${name}`)
  return { buffer, text: argument(sheet.given.buffers.get(name), sheet).text }
}

function loadAt(load: Load, spot: Spot): Code {
  const { buffer, text } = bufferOf(load.buffer, spot.sheet)
  const sizes = buffer.axes.map((axis) => sizeOf(axis, spot.sheet))
  const given = buffer.axes.map((axis) => load.index[axis] ?? missing(axis, load.to.name))
  const safe = given.map((e, n) => load.outside === 'never' || staysInside(e, buffer.axes[n]!, spot.sheet.program))
  const indices = given.map((e, n) => (safe[n] ? print(e, spot) : outsider(e, sizes[n]!, load, spot)))
  const at = address(indices, sizes, rowNames(buffer), spot)
  const level = spot.sheet.facts.stored.has(load.buffer) ? spot.block.level : deepest([at, ...indices])
  const mayBeEmpty = load.outside === 'clamp' && safe.includes(false)
  const element = widened(buffer, mayBeEmpty ? `(${text}[${at.text}] ?? 0)` : `${text}[${at.text}]!`, spot.sheet, level)
  if (load.outside !== 'zero' || !safe.includes(false)) return element
  const tests = indices.flatMap((index, n) => (safe[n] ? [] : [within(index, sizes[n]!)]))
  const nothing = atom(buffer.storage === 'bool' ? 'false' : '0')
  return choice(
    tests.reduce((a, b) => join('&&', tightness.and, a, b)),
    element,
    nothing,
  )
}

/** An index of the axis itself needs no test, nor one that is small enough by its form. */
const staysInside = (e: KernelExpr, axis: string, program: Program): boolean =>
  (e.kind === 'index' && e.axis === axis) || liesOn(simplify(e, program), program.sizes[axis] ?? 0)

function outsider(e: KernelExpr, size: Code, load: Load, spot: Spot): Code {
  const index = print(e, spot)
  if (load.outside === 'zero') return spot.block.keep(index, `${load.to.name}At`)
  const last = join('-', tightness.sum, size, one)
  return invoke('Math.max', zero, smallest(index, last))
}

const within = (index: Code, size: Code): Code =>
  join('&&', tightness.and, join('>=', tightness.order, index, zero), join('<', tightness.order, index, size))

function widened(buffer: Buffer, element: string, { word }: Sheet, level: number): Code {
  if (buffer.storage === 'bool') return { text: `${element} !== 0`, tight: tightness.equality, level }
  return atom(buffer.storage === 'bf16' ? `fromBf16(${element}, ${word})` : element, level)
}

/** What is written to an array or buffer of this storage for a value. */
export function rounded(storage: string, code: Code, { word }: Sheet): string {
  if (storage === 'bool') return `${inside(code, tightness.or)} ? 1 : 0`
  return storage === 'bf16' ? `toBf16(${code.text}, ${word})` : code.text
}

/** The spot inside a loop over the elements of an axis. */
export function inLoop(spot: Spot, node: object, axis: string, block: Block, inner: Code): Spot {
  const outer = spot.axes.get(axis) ?? { single: false, first: zero, count: sizeOf(axis, spot.sheet), inner: undefined }
  const axes = new Map(spot.axes).set(axis, { ...outer, inner })
  return { ...spot, block, axes, path: [...spot.path, node] }
}

export const countOf = (axis: string, spot: Spot): Code => spot.axes.get(axis)?.count ?? sizeOf(axis, spot.sheet)
