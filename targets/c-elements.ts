/** Arguments of kernels, and elements of their buffers, as targets in C++ spell them. */
import { invariant } from '../compiler/invariant.ts'
import type { Buffer, KernelExpr, Load, Program } from '../compiler/kernel.ts'
import type { GivenNames } from './c-lengths.ts'
import { atom, type Code, choice, deepest, inside, invoke, join, tightness } from './expression.ts'
import { liesOn, simplify } from './ranges.ts'

/** What a kernel is given, while it is printed. */
export interface Arguments {
  readonly program: Program
  readonly given: GivenNames
  readonly used: Set<string> // arguments that the text reads
}

/** The functions that a target's headers have for elements. */
export interface ElementWords {
  readonly largest: string
  readonly smallest: string
  readonly fromHalf: string
  readonly fromBrain: string
  readonly toHalf: string
  readonly toBrain: string
}

export const zero = atom('0')
export const one = atom('1')

export function argument(name: string | undefined, { program, used }: Arguments): Code {
  invariant(name !== undefined, `${program.name} has an argument without a name`)
  used.add(name)
  return atom(name)
}

export function sizeOf(axis: string, given: Arguments): Code {
  const fixed = given.program.sizes[axis]
  return fixed === undefined ? argument(given.given.sizes.get(axis), given) : atom(String(fixed))
}

/** `a + b` of numbers that do not wrap. */
export const plus = (a: Code, b: Code): Code =>
  a.text === '0' ? b : b.text === '0' ? a : join('+', tightness.sum, a, b)
export const minus = (a: Code, b: Code): Code => join('-', tightness.sum, a, b)
export const times = (a: Code, b: Code): Code =>
  a.text === '1' || b.text === '0' ? b : b.text === '1' || a.text === '0' ? a : join('*', tightness.product, a, b)

export interface NamedBuffer {
  readonly buffer: Buffer
  readonly text: string
}

export function bufferOf(name: string, given: Arguments): NamedBuffer {
  const buffer = given.program.buffers.find((b) => b.name === name)
  invariant(buffer, `there is no buffer ${name}`)
  return { buffer, text: argument(given.given.buffers.get(name), given).text }
}

/** The element of a buffer at these indices. */
export function addressOf({ name }: Buffer, indices: readonly Code[], given: Arguments): Code {
  const strides = given.given.strides.get(name) ?? []
  const terms = indices.map((index, n) => times(index, index.text === '0' ? one : argument(strides[n], given)))
  return terms.reduce(plus, zero)
}

export const indicesOf = (index: Load['index'], { axes, name }: Buffer): readonly KernelExpr[] =>
  axes.map((axis) => {
    const e = index[axis]
    invariant(e, `${name} is read without an index of ${axis}`)
    return e
  })

/** An index of the axis itself needs no test, nor one that is small enough by its form. */
export const isSafe = (load: Load, e: KernelExpr, axis: string, program: Program): boolean =>
  load.outside === 'never' ||
  (e.kind === 'index' && e.axis === axis) ||
  liesOn(simplify(e, program), program.sizes[axis] ?? 0)

/**
 * The element that a load reads, with tests where its indices may lie outside. `codes`: the indices, spelled. `read`: how a target
 * reads from an address, and what it has in place of an element that does not exist; by itself one element.
 */
export function elementOf(
  load: Load,
  { buffer, text }: NamedBuffer,
  codes: readonly Code[],
  given: Arguments,
  words: ElementWords,
  read: Reading = (at) => ({ element: widened(buffer, `${text}[${at.text}]`, words), nothing: nothingOf(buffer) }),
): Code {
  const sizes = buffer.axes.map((axis) => sizeOf(axis, given))
  const indices = indicesOf(load.index, buffer)
  const tested = indices.flatMap((e, n) => (isSafe(load, e, buffer.axes[n]!, given.program) ? [] : [n]))
  const clamped = codes.map((code, n) =>
    tested.includes(n) && load.outside === 'clamp'
      ? invoke(words.largest, zero, invoke(words.smallest, code, minus(sizes[n]!, one)))
      : code,
  )
  const { element, nothing } = read(addressOf(buffer, clamped, given))
  if (tested.length === 0) return element
  const isInside = (n: number): Code => join('<', tightness.order, codes[n]!, sizes[n]!)
  const tests = tested.map((n) =>
    load.outside === 'zero'
      ? join('&&', tightness.and, join('>=', tightness.order, codes[n]!, zero), isInside(n))
      : join('>', tightness.order, sizes[n]!, zero),
  )
  const guarded = choice(
    tests.reduce((a, b) => join('&&', tightness.and, a, b)),
    element,
    nothing,
  )
  return { ...guarded, level: deepest([element]) }
}

type Reading = (address: Code) => { readonly element: Code; readonly nothing: Code }
const nothingOf = ({ storage }: Buffer): Code => atom(storage === 'bool' ? 'false' : storage === 'i32' ? '0' : '0.0f')

function widened({ storage }: Buffer, element: string, words: ElementWords): Code {
  if (storage === 'bool') return join('!=', tightness.equality, atom(element), zero)
  if (storage === 'f16') return atom(`${words.fromHalf}(${element})`)
  return atom(storage === 'bf16' ? `${words.fromBrain}(${element})` : element)
}

/** What is written to a buffer of this storage. */
export function narrowed({ storage }: Buffer, code: Code, words: ElementWords): string {
  if (storage === 'bool') return `${inside(code, tightness.or)} ? 1 : 0`
  if (storage === 'f16') return `${words.toHalf}(${code.text})`
  return storage === 'bf16' ? `${words.toBrain}(${code.text})` : code.text
}
