/** A place in a kernel's text while it is printed, and how values, indices and elements of buffers are spelled there. */
import { invariant } from '../../compiler/invariant.ts'
import type { ElementType } from '../../compiler/ir.ts'
import type { Buffer, KernelExpr, Load, Program } from '../../compiler/kernel.ts'
import { atom, type Code, inside, invoke, join, printExpr, tightness, type Words } from '../expression.ts'
import type { Names } from '../names.ts'
import type { Define, Facts, Item } from '../nests/item.ts'
import { liesOn, simplify } from '../ranges.ts'
import type { Block } from './block.ts'
import type { Home, Room } from './homes.ts'
import type { Group } from './mapping.ts'
import type { Offer } from './offer.ts'
import { constant, decidedBy, spellings } from './words.ts'

/** The names under which a program's kernels find what they are given. */
export interface GivenNames {
  readonly sizes: ReadonlyMap<string, string>
  readonly params: ReadonlyMap<string, string>
}

/** One kernel while it is printed. */
export interface Sheet {
  readonly program: Program
  readonly facts: Facts
  readonly offer: Offer
  readonly group: Group
  readonly joint: ReadonlySet<Item> // folds that are shared out among a quad
  readonly homes: ReadonlyMap<string, Home>
  readonly names: Names
  readonly given: GivenNames
  readonly buffers: ReadonlyMap<string, string> // names of bindings
  readonly rooms: Readonly<Record<Room, string>> // names of arrays
  readonly registers: ReadonlyMap<string, string> // names of what is an invocation's own
  readonly uniforms: Map<string, Code>
  readonly told: Set<ElementType> // types of numbers that one invocation tells the others
  readonly shared: ReadonlyMap<string, string> // names of bindings that hold several buffers, by buffer
  readonly used: Set<string> // buffers that the text reads or writes
}

/** `first` and `count`: of the current tile, or of the whole axis. `inner`: the place within it. */
export interface AxisSpot {
  readonly single: boolean
  readonly first: Code
  readonly count: Code
  readonly inner: Code | undefined
}
export interface Spot {
  readonly sheet: Sheet
  readonly block: Block
  readonly axes: ReadonlyMap<string, AxisSpot>
  readonly locals: Map<string, Code> // of the elements at hand
  readonly own: Code | undefined // which of its elements an invocation is at
}

const zero = atom('0')
const one = atom('1')
const { sum, product, equality, order, and } = tightness

export const print = (e: KernelExpr, spot: Spot): Code => printExpr(simplify(e, spot.sheet.program), wordsAt(spot))

const wordsAt = (spot: Spot): Words => ({
  constant,
  value: ({ name }) => valueAt(name, spot),
  index: ({ axis, of }) => indexAt(axis, of, spot),
  size: ({ axis }) => sizeOf(axis, spot.sheet),
  param: ({ name, type }) => {
    const member = atom(`given.${spot.sheet.given.params.get(name)}`)
    return type === 'bool' ? join('!=', equality, member, zero) : member
  },
  ops: spellings,
})

export function sizeOf(axis: string, { program, given }: Sheet): Code {
  const fixed = program.sizes[axis]
  return atom(fixed === undefined ? `given.${given.sizes.get(axis)}` : String(fixed))
}

export const plus = (a: Code, b: Code): Code => (a.text === '0' ? b : b.text === '0' ? a : join('+', sum, a, b))
export const minus = (a: Code, b: Code): Code => join('-', sum, a, b)
export const times = (a: Code, b: Code): Code =>
  a.text === '1' || b.text === '0' ? b : b.text === '1' || a.text === '0' ? a : join('*', product, a, b)

function indexAt(axis: string, of: 'element' | 'first' | 'last', spot: Spot): Code {
  const at = spot.axes.get(axis)
  invariant(at, `axis ${axis} has no index here`)
  if (of === 'first' || at.single) return at.first
  if (of === 'last') return minus(plus(at.first, at.count), one)
  invariant(at.inner, `axis ${axis} has no element here`)
  return plus(at.first, at.inner)
}

export const countOf = (axis: string, spot: Spot): Code => spot.axes.get(axis)?.count ?? sizeOf(axis, spot.sheet)

/** The spot at one element of an axis. */
export function atElement(spot: Spot, axis: string, inner: Code): Spot {
  const outer = spot.axes.get(axis) ?? { single: false, first: zero, count: sizeOf(axis, spot.sheet), inner: undefined }
  return { ...spot, axes: new Map(spot.axes).set(axis, { ...outer, inner }) }
}

/** A value: its own name, its place, or what it stands for. */
export function valueAt(name: string, spot: Spot): Code {
  const { facts, homes, uniforms } = spot.sheet
  const source = facts.inlined.has(name) ? facts.defines.get(name) : undefined
  if (source) return sourceAt(source, spot)
  const home = homes.get(name)
  const known = home?.kind === 'uniform' ? uniforms.get(name) : spot.locals.get(name)
  if (known) return known
  return placeAt(name, spot, facts.values.get(name)?.type === 'bool')
}

/** Where a value's element lies. `asTruth`: read as a bool, which shared words hold as 0 and 1. */
function placeAt(name: string, spot: Spot, asTruth: boolean): Code {
  const { homes, registers, rooms, facts } = spot.sheet
  const home = homes.get(name)
  if (home?.kind === 'own') {
    const register = registers.get(name)
    invariant(register !== undefined && spot.own, `${name} is read where it is not in scope`)
    return atom(home.size === 1 ? register : `${register}[${spot.own.text}]`)
  }
  invariant(home?.kind === 'tile', `${name} has no place`)
  const at = plus(atom(String(home.offset)), offsetIn(name, spot))
  const base = home.room === 'spill' || home.room === 'spillMark' ? plus(atom(`${home.room}First`), at) : at
  const word = atom(`${rooms[home.room]}[${base.text}]`)
  return asTruth && facts.values.get(name)?.type === 'bool' ? join('!=', equality, word, zero) : word
}

/** An element's number within its value's place. */
export function offsetIn(name: string, spot: Spot): Code {
  const { facts } = spot.sheet
  const axes = [...(facts.values.get(name)?.axes ?? [])].map(({ axis }) => axis)
  axes.sort((a, b) => facts.order.indexOf(a) - facts.order.indexOf(b))
  return axes.reduce<Code>((offset, axis) => {
    const inner = spot.axes.get(axis)?.inner
    invariant(inner, `${name} is read outside a loop over ${axis}`)
    return plus(times(offset, atom(String(facts.extents.get(axis) ?? 1))), inner)
  }, zero)
}

/** Puts an element into a value's place. */
export function keep(name: string, code: Code, spot: Spot): void {
  const home = spot.sheet.homes.get(name)
  const isTruth = home?.kind === 'tile' && spot.sheet.facts.values.get(name)?.type === 'bool'
  const text = isTruth ? `select(0, 1, ${code.text})` : code.text
  spot.block.line(`${placeAt(name, spot, false).text} = ${text};`)
}

export function sourceAt({ from }: Define, spot: Spot): Code {
  if (from.kind === 'load') return loadAt(from, spot)
  const code = print(from.expr, spot)
  if (from.kind !== 'mask' || !from.full) return code
  return decidedBy(valueAt(from.full, spot), code)
}

// Buffers

export function bufferOf(name: string, sheet: Sheet): { readonly buffer: Buffer; readonly text: string } {
  const buffer = sheet.program.buffers.find((b) => b.name === name)
  const text = sheet.buffers.get(name)
  invariant(buffer && text !== undefined, `there is no buffer ${name}`)
  sheet.used.add(name)
  return { buffer, text }
}

/** Elements in a word: tensors are stored densely, workspace in words. */
export const perWord = ({ storage, role }: Buffer): number =>
  storage === 'bool' ? (role === 'workspace' ? 1 : 4) : storage === 'f16' || storage === 'bf16' ? 2 : 1

export const indicesOf = (index: Load['index'], { axes, name }: Buffer): readonly KernelExpr[] =>
  axes.map((axis) => {
    const e = index[axis]
    invariant(e, `${name} is read without an index of ${axis}`)
    return e
  })

/** The number of an element in a dense buffer. */
export const addressOf = ({ axes }: Buffer, indices: readonly Code[], sheet: Sheet): Code =>
  indices.reduce<Code>((at, index, n) => plus(times(at, sizeOf(axes[n]!, sheet)), index), zero)

/** An index of the axis itself needs no test, nor one that is small enough by its form. */
const isSafe = (load: Load, e: KernelExpr, axis: string, program: Program): boolean =>
  load.outside === 'never' ||
  (e.kind === 'index' && e.axis === axis) ||
  liesOn(simplify(e, program), program.sizes[axis] ?? 0)

function loadAt(load: Load, spot: Spot): Code {
  const { sheet } = spot
  const { buffer, text } = bufferOf(load.buffer, sheet)
  const given = indicesOf(load.index, buffer)
  const codes = given.map((e) => print(e, spot))
  const sizes = buffer.axes.map((axis) => sizeOf(axis, sheet))
  const tested = given.flatMap((e, n) => (isSafe(load, e, buffer.axes[n]!, sheet.program) ? [] : [n]))
  const safe = codes.map((code, n) =>
    tested.includes(n) ? invoke('clamp', code, zero, invoke('max', minus(sizes[n]!, one), zero)) : code,
  )
  const element = widened(buffer, text, addressOf(buffer, safe, sheet), sheet)
  if (tested.length === 0) return element
  const tests = tested.map((n) =>
    load.outside === 'zero'
      ? join('&&', and, join('>=', order, codes[n]!, zero), join('<', order, codes[n]!, sizes[n]!))
      : join('>', order, sizes[n]!, zero),
  )
  const nothing = atom(buffer.storage === 'bool' ? 'false' : buffer.storage === 'i32' ? '0' : '0.0')
  return invoke(
    'select',
    nothing,
    element,
    tests.reduce((a, b) => join('&&', and, a, b)),
  )
}

/** Whether elements are f16 to the device: where it has that type, and the buffer does not share a binding with others. */
export const isHalf = ({ name, storage }: Buffer, { offer, shared }: Sheet): boolean =>
  storage === 'f16' && offer.halves && !shared.has(name)

/** The word of a buffer that others may write parts of at the same time. */
export const isAtomic = (buffer: Buffer, sheet: Sheet): boolean =>
  perWord(buffer) > 1 && sheet.facts.stored.has(buffer.name) && !isHalf(buffer, sheet)

/** A word of a buffer, which may begin within a binding. */
function wordOf({ name }: Buffer, text: string, n: Code, { shared }: Sheet): string {
  const binding = shared.get(name)
  return binding === undefined ? `${text}[${n.text}]` : `${binding}[${plus(atom(firstOf(text)), n).text}]`
}

/** The name of the place where a buffer begins within a binding. */
export const firstOf = (buffer: string): string => `${buffer}_first`

function widened(buffer: Buffer, text: string, at: Code, sheet: Sheet): Code {
  if (isHalf(buffer, sheet)) return atom(`f32(${wordOf(buffer, text, at, sheet)})`)
  const many = perWord(buffer)
  const isShared = sheet.shared.has(buffer.name)
  const wordAt = (n: Code): string => wordOf(buffer, text, n, sheet)
  if (many === 1) {
    const cast = buffer.storage === 'f32' ? 'f32' : 'i32'
    const word = atom(isShared ? `bitcast<${cast}>(${wordAt(at)})` : wordAt(at))
    return buffer.storage === 'bool' ? join('!=', equality, word, zero) : word
  }
  const place = inside(at, product)
  const word = wordAt(join('/', product, atom(place), atom(String(many))))
  const bits = `extractBits(${isAtomic(buffer, sheet) ? `atomicLoad(&${word})` : word}, u32(${place} % ${many}) * ${32 / many}u, ${32 / many}u)`
  if (buffer.storage === 'bool') return join('!=', equality, atom(bits), atom('0u'))
  return atom(`${buffer.storage === 'f16' ? 'fromHalf' : 'fromBrain'}(${bits})`)
}

/** Writes an element; of one that shares its word, the bits that are its own. */
export function storeAt(buffer: Buffer, text: string, at: Code, value: Code, spot: Spot): void {
  const { block, sheet } = spot
  // Which of two neighbours f16(x) takes is the device's to choose.
  if (isHalf(buffer, sheet))
    return block.line(`${wordOf(buffer, text, at, sheet)} = bitcast<vec2<f16>>(toHalf(${value.text})).x;`)
  const many = perWord(buffer)
  if (many === 1) {
    const word = buffer.storage === 'bool' ? `select(0, 1, ${value.text})` : value.text
    block.line(
      `${wordOf(buffer, text, at, sheet)} = ${sheet.shared.has(buffer.name) ? `bitcast<u32>(${word})` : word};`,
    )
    return
  }
  const place = sheet.names.reuse('place')
  const shift = sheet.names.reuse('shift')
  const bits =
    buffer.storage === 'bool'
      ? `select(0u, 1u, ${value.text})`
      : `${buffer.storage === 'f16' ? 'toHalf' : 'toBrain'}(${value.text})`
  block.line(
    `let ${place} = ${at.text};`,
    `let ${shift} = u32(${place} % ${many}) * ${32 / many}u;`,
    `atomicAnd(&${text}[${place} / ${many}], ~(${many === 2 ? '0xffffu' : '0xffu'} << ${shift}));`,
    `atomicOr(&${text}[${place} / ${many}], ${bits} << ${shift});`,
  )
}
