/** A place in a kernel while it is written, and how values, indices and elements of buffers are reached there. */
import type { StorageType } from '../../../compiler/attention.ts'
import { invariant, unreachable } from '../../../compiler/invariant.ts'
import type { ElementType } from '../../../compiler/ir.ts'
import type { Buffer, KernelExpr, Load, Program } from '../../../compiler/kernel.ts'
import type { Define, Facts } from '../../nests/item.ts'
import { isWithin, type Path, type Place } from '../../nests/place.ts'
import { isWhole } from '../../nests/whole.ts'
import { liesOn, simplify } from '../../ranges.ts'
import { type Block, sumApart, sumIn } from './block.ts'
import * as codes from './code.ts'
import { add, type Code, code, isSimple, isWide, multiply, subtract } from './code.ts'
import { fromBrain, fromHalf } from './functions.ts'
import type { Module } from './module.ts'
import { callVector, constant, highest, inLanes, laneOf, lowest, spellings, widen } from './words.ts'

/** Vectors hold four rows; two are worked on at a time. */
export const lanes = 4
export const rowsAtOnce = 8

/** One kernel while it is written. */
export interface Sheet {
  readonly program: Program
  readonly module: Module
  readonly facts: Facts
  readonly places: ReadonlyMap<string, Place>
  readonly given: Given
  readonly arrays: ReadonlyMap<string, number> // where the arrays of values begin in a worker's own memory, in bytes
  readonly locals: Map<string, Code> // names of values
  readonly lane: string | undefined // the axis whose places lie in the lanes of vectors
  moment: number // counts loads of what may change
}
/** What the kernels of a program are given. */
export interface Given {
  readonly own: Code // where the worker's own memory begins
  readonly buffers: ReadonlyMap<string, Code>
  readonly sizes: ReadonlyMap<string, Code>
  readonly params: ReadonlyMap<string, Code>
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
  /** Set for one lane at a time: the lane within the vector that `inner` of the lane axis begins. */
  readonly oneLane: number | undefined
}

export const siteOf = ({ block, sheet }: Spot) => ({ block, module: sheet.module })

/** What an expression gives here. What changes in fewer loops than what it stands beside is worked out outside of the others. */
export const print = (e: KernelExpr, spot: Spot): Code => printSimple(simplify(e, spot.sheet.program), spot)

function printSimple(e: KernelExpr, spot: Spot): Code {
  switch (e.kind) {
    case 'const':
      return constant(e)
    case 'value':
      return valueAt(e.name, spot)
    case 'index':
      return indexAt(e.axis, e.of, spot)
    case 'size':
      return sizeOf(e.axis, spot.sheet)
    case 'param':
      return argument(spot.sheet.given.params.get(e.name), spot.sheet)
    case 'call':
      return spellings[e.op](
        hoistFixed(
          e.args.map((arg) => printSimple(arg, spot)),
          spot,
        ),
        e,
        siteOf(spot),
      )
    default:
      return unreachable(e)
  }
}

function hoistFixed(args: readonly Code[], { block }: Spot): readonly Code[] {
  const level = args.reduce((most, arg) => Math.max(most, arg.level), 0)
  return args.map((arg) => (arg.level < level ? block.hoist(arg) : arg))
}

function argument(given: Code | undefined, { program }: Sheet): Code {
  invariant(given, `${program.name} lacks an argument`)
  return given
}

export function sizeOf(axis: string, sheet: Sheet): Code {
  const fixed = sheet.program.sizes[axis]
  return fixed === undefined ? argument(sheet.given.sizes.get(axis), sheet) : codes.integer(fixed)
}

/** Lanes past the end of a tile are those of its last row again: whatever is read for them exists. */
function indexAt(axis: string, of: 'element' | 'first' | 'last', spot: Spot): Code {
  const at = spot.axes.get(axis)
  invariant(at, `axis ${axis} has no index here`)
  if (of === 'first' || at.single) return at.first
  if (of === 'last') return subtract(add(at.first, at.count), codes.one)
  invariant(at.inner, `axis ${axis} has no element here`)
  const { sheet, block, oneLane } = spot
  if (axis !== sheet.lane) return add(at.first, at.inner)
  const last = block.hoist(subtract(at.count, codes.one))
  if (oneLane === 0) return add(at.first, at.inner)
  if (oneLane !== undefined) {
    const own = block.hoist(add(at.inner, codes.integer(oneLane)))
    return add(at.first, block.hoist(lowest(own, last)))
  }
  const lane = code('i32x4.add', [codes.splat(at.inner, 'i32'), block.constant(codes.words(0, 1, 2, 3))])
  const own = code('i32x4.min_s', [lane, codes.splat(last, 'i32')])
  return block.hoist(code('i32x4.add', [own, codes.splat(at.first, 'i32')]))
}

export const typeOf = (name: string, { facts }: Sheet): ElementType => facts.values.get(name)?.type ?? 'f32'
export const hasLanes = (name: string, { facts, lane }: Sheet): boolean =>
  facts.values.get(name)?.axes.some(({ axis }) => axis === lane) ?? false

/** A value: its own name, an element of its array, or what it stands for. */
export function valueAt(name: string, spot: Spot): Code {
  const { facts, places, locals } = spot.sheet
  if (isWhole(name, spot)) return codes.truth
  const source = facts.inlined.has(name) ? facts.defines.get(name) : undefined
  if (source) return sourceAt(source, spot)
  const local = locals.get(name)
  const place = places.get(name)
  if (!local || (place?.stored && !isWithin(spot.path, place.path))) return elementAt(name, spot)
  return spot.oneLane !== undefined && isWide(local) ? laneOf(local, spot.oneLane, typeOf(name, spot.sheet)) : local
}

export function sourceAt({ from }: Define, spot: Spot): Code {
  if (from.kind === 'load') return loadAt(from, spot)
  const own = print(from.expr, spot)
  if (from.kind !== 'mask' || !from.full || spot.flags.get(from.full) === false) return own
  const full = valueAt(from.full, spot)
  const site = siteOf(spot)
  return isWide(own) ? code('v128.or', [widen(full, 'bool', site), own]) : code('i32.or', [full, own])
}

// Arrays

/** A line of an array over the lane axis holds whole vectors, as many as products work on at a time. */
export const lineOf = (axis: string, { facts }: Sheet): number =>
  Math.ceil((facts.extents.get(axis) ?? 1) / rowsAtOnce) * rowsAtOnce

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
    sizes: [...sizes, isLine ? lineOf(sheet.lane, sheet) : lanes],
    lanes: true,
  }
}

/** Elements of an array, all of its lanes included. */
export const lengthOf = ({ sizes }: Layout): number => sizes.reduce((product, size) => product * size, 1)
/** Bytes from one place along an axis to the next. */
export const strideIn = ({ axes, sizes }: Layout, axis: string): number =>
  4 * sizes.slice(axes.indexOf(axis) + 1).reduce((product, size) => product * size, 1)

export interface Address {
  readonly at: Code
  readonly offset: number
}
/** Where an element of an array lies, at these places within the tiles. */
export function addressIn(name: string, spot: Spot, at: (axis: string) => Code): Address {
  const { sheet, block } = spot
  const offset = sheet.arrays.get(name)
  invariant(offset !== undefined, `${name} is read where it is not in scope`)
  const layout = layoutOf(name, sheet)
  const terms = layout.axes.map((axis) => multiply(at(axis), codes.integer(strideIn(layout, axis))))
  const { sum, constant } = sumApart(block, [sheet.given.own, ...terms])
  return { at: block.hoist(sum), offset: offset + constant }
}

export const innerOf = (axis: string, { axes }: Spot): Code => {
  const inner = axes.get(axis)?.inner
  invariant(inner, `read outside a loop over ${axis}`)
  return inner
}

/** A load of what may be stored to: no other is like it. */
const changing = (load: Code, { sheet, block }: Spot): Code => {
  sheet.moment += 1
  return { ...load, level: block.level, moment: sheet.moment }
}

/** The element of a value's array at this place. A truth is a word there, in lanes a mask. */
function elementAt(name: string, spot: Spot): Code {
  const { sheet, oneLane } = spot
  const type = typeOf(name, sheet)
  const { at, offset } = addressIn(name, spot, (axis) => innerOf(axis, spot))
  const isVector = layoutOf(name, sheet).lanes
  if (isVector && oneLane === undefined) return changing(code('v128.load', [at], [offset]), spot)
  const own = offset + (isVector ? 4 * (oneLane ?? 0) : 0)
  const element = changing(code(type === 'f32' ? 'f32.load' : 'i32.load', [at], [own]), spot)
  return type === 'bool' ? code('i32.ne', [element, codes.zero]) : element
}

/** Puts an element into a value's array. */
export function keep(name: string, value: Code, spot: Spot): void {
  const { sheet, oneLane, block } = spot
  const type = typeOf(name, sheet)
  const { at, offset } = addressIn(name, spot, (axis) => innerOf(axis, spot))
  const isVector = layoutOf(name, sheet).lanes
  if (isVector && oneLane === undefined)
    return block.line(code('v128.store', [at, widen(value, type, siteOf(spot))], [offset]))
  const own = offset + (isVector ? 4 * (oneLane ?? 0) : 0)
  const word = isVector && type === 'bool' ? code('i32.sub', [codes.zero, value]) : value
  block.line(code(type === 'f32' ? 'f32.store' : 'i32.store', [at, word], [own]))
}

// Buffers

export const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }

export function bufferOf(name: string, { program, given }: Sheet): { readonly buffer: Buffer; readonly base: Code } {
  const [buffer, base] = [program.buffers.find((b) => b.name === name), given.buffers.get(name)]
  invariant(buffer && base, `there is no buffer ${name}`)
  return { buffer, base }
}

export const indicesOf = (index: Load['index'], { axes, name }: Buffer): readonly KernelExpr[] =>
  axes.map((axis) => {
    const e = index[axis]
    invariant(e, `${name} is read without an index of ${axis}`)
    return e
  })

/** Where the element at these indices lies: row by row, each row's place worked out in the outermost loop that has it. */
export function addressOf({ axes, storage }: Buffer, base: Code, indices: readonly Code[], spot: Spot): Code {
  const { block, sheet } = spot
  const bytes = codes.integer(bytesOf[storage])
  const sizes = axes.map((axis) => sizeOf(axis, sheet))
  const row = indices.slice(0, -1).reduce<Code>((at, index, n) => {
    const sum = sumIn(block, [at, index])
    return multiply(isSimple(sum) || sizes[n + 1]!.op === 'i32.const' ? sum : block.hoist(sum), sizes[n + 1]!)
  }, codes.zero)
  const last = indices.at(-1) ?? codes.zero
  return sumIn(block, [base, multiply(row, bytes), multiply(last, bytes)])
}

/** An index of the axis itself needs no test, nor one that is small enough by its form. */
const isSafe = ({ outside }: Load, e: KernelExpr, axis: string, program: Program): boolean =>
  outside === 'never' ||
  (e.kind === 'index' && e.axis === axis) ||
  liesOn(simplify(e, program), program.sizes[axis] ?? 0)

const loads = {
  f32: 'f32.load',
  i32: 'i32.load',
  bool: 'i32.load8_u',
  f16: 'i32.load16_u',
  bf16: 'i32.load16_u',
} as const

/** The element that a load reads, as it is stored; 0 where there is none. */
function storedAt(load: Load, buffer: Buffer, base: Code, spot: Spot): Code {
  const { sheet, block } = spot
  const given = indicesOf(load.index, buffer)
  const tests: Code[] = []
  const indices = given.map((e, n) => {
    const own = print(e, spot)
    if (isSafe(load, e, buffer.axes[n]!, sheet.program)) return own
    const [index, size] = [block.hoist(own), sizeOf(buffer.axes[n]!, sheet)]
    const last = block.hoist(highest(codes.zero, block.hoist(subtract(size, codes.one))))
    const clamped = block.hoist(highest(codes.zero, block.hoist(lowest(index, last))))
    tests.push(load.outside === 'zero' ? code('i32.lt_u', [index, size]) : code('i32.gt_s', [size, codes.zero]))
    return clamped
  })
  const plain = code(loads[buffer.storage], [addressOf(buffer, base, indices, spot)], [0])
  const loaded = sheet.facts.stored.has(load.buffer) ? changing(plain, spot) : plain
  const element = buffer.storage === 'bool' ? code('i32.ne', [loaded, codes.zero]) : loaded
  const [first, ...rest] = tests
  if (!first) return element
  const nothing = buffer.storage === 'f32' ? codes.float(0) : codes.zero
  return codes.select(
    rest.reduce((a, b) => code('i32.and', [a, b]), first),
    element,
    nothing,
  )
}

/** Whether what an expression gives differs from lane to lane. */
function hasLanesIn(e: KernelExpr, spot: Spot): boolean {
  const { sheet, axes } = spot
  if (e.kind === 'index') return e.axis === sheet.lane && e.of === 'element' && axes.get(e.axis)?.single === false
  if (e.kind === 'value') return hasLanes(e.name, sheet)
  return e.kind === 'call' && e.args.some((arg) => hasLanesIn(arg, spot))
}

function loadAt(load: Load, spot: Spot): Code {
  const { buffer, base } = bufferOf(load.buffer, spot.sheet)
  const { storage } = buffer
  const { lane, module } = spot.sheet
  const [name, half] = storage === 'f16' ? (['fromHalf', fromHalf] as const) : (['fromBrain', fromBrain] as const)
  const isHalf = storage === 'f16' || storage === 'bf16'
  const convert = (bits: Code): Code => callVector(name, half, [bits], { block: spot.block, module })
  if (spot.oneLane !== undefined || lane === undefined || !Object.values(load.index).some((e) => hasLanesIn(e, spot))) {
    const element = storedAt(load, buffer, base, spot)
    return isHalf ? laneOf(convert(codes.splat(element, 'i32')), 0, 'f32') : element
  }
  const each = [0, 1, 2, 3].map((n) => storedAt(load, buffer, base, { ...spot, oneLane: n }))
  const type = storage === 'f32' ? 'f32' : storage === 'bool' ? 'bool' : 'i32'
  return isHalf ? convert(inLanes(each, 'i32')) : inLanes(each, type)
}

/** The spot inside a loop over the elements of an axis. */
export function inLoop(spot: Spot, node: object, axis: string, block: Block, inner: Code): Spot {
  const outer = spot.axes.get(axis) ?? {
    ...{ single: false, first: codes.zero },
    ...{ count: sizeOf(axis, spot.sheet), inner: undefined },
  }
  return { ...spot, block, axes: new Map(spot.axes).set(axis, { ...outer, inner }), path: [...spot.path, node] }
}

export const countOf = (axis: string, spot: Spot): Code => spot.axes.get(axis)?.count ?? sizeOf(axis, spot.sheet)
