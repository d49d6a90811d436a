/** The elements that a patch of a product reads in one round of its sum. */
import type { KernelExpr, Value } from '../../compiler/kernel.ts'
import { atom, type Code } from '../expression.ts'
import {
  addressOf,
  atElement,
  bufferOf,
  indicesOf,
  isHalf,
  offsetIn,
  perWord,
  plus,
  print,
  type Spot,
  sizeOf,
  times,
  valueAt,
} from './sheet.ts'

/** A row or a column of a patch. */
export interface Place {
  readonly spot: Spot
  readonly tests: readonly string[] // what must hold for it to exist
  readonly n: Code // which of an invocation's own it is
}

export const varies = (value: Value, axes: readonly string[]): boolean =>
  value.axes.some(({ axis }) => axes.includes(axis))

type CodeOf = (value: Value, i: number, j: number, at: Spot) => Code

/**
 * Prints where the operands begin, and returns what prints the reads of a round: elements that vary with rows or with columns
 * alone are read first, once.
 */
export function operands(
  values: readonly Value[],
  rowAxes: readonly string[],
  columnAxes: readonly string[],
  rows: readonly Place[],
  columns: readonly Place[],
  spot: Spot,
  over: string,
): (inner: Spot) => CodeOf {
  const within = (place: Spot, inner: Spot): Spot => ({
    ...place,
    block: inner.block,
    axes: new Map([...place.axes, [over, inner.axes.get(over)!]]),
  })
  const known = values.map((value, n) => {
    const [byRow, byColumn] = [varies(value, rowAxes), varies(value, columnAxes)]
    if (byRow && byColumn) return undefined
    const places = byRow ? rows : byColumn ? columns : columns.slice(0, 1)
    const wish = n === 0 ? 'a' : 'b'
    const readers = places.map((place, k) => reader(value, place, `${wish}${k}`, spot, over))
    return { value, readers, isAt: (i: number, j: number): number => (byRow ? i : byColumn ? j : 0) }
  })
  return (inner) => {
    const codes = known.map((one) => one?.readers.map((read) => read(inner)))
    return (value, i, j, at) => {
      const n = values.indexOf(value)
      return codes[n]?.[known[n]!.isAt(i, j)] ?? valueAt(value.name, within(at, inner))
    }
  }

  function reader(value: Value, place: Place, wish: string, outer: Spot, along: string): (inner: Spot) => Code {
    const line = lineAt(value.name, along, place.spot)
    const name = outer.sheet.names.reuse(wish)
    const first = line && outer.sheet.names.reuse(`${wish}First`)
    if (line) outer.block.line(`let ${first} = ${line.first.text};`)
    return (inner) => {
      const at = line && plus(atom(first!), times(inner.axes.get(along)!.inner!, line.stride))
      const text =
        line && at ? line.read(`${line.array}[${at.text}]`) : valueAt(value.name, within(place.spot, inner)).text
      inner.block.line(`let ${name} = ${text};`)
      return atom(name)
    }
  }
}

/** Words of an array: where the first one of an axis lies, and how far apart they are. */
interface Line {
  readonly array: string
  readonly first: Code
  readonly stride: Code
  readonly read: (word: string) => string // a word as a number
}

const asItIs = (word: string): string => word

/** The elements of a value along an axis, if they lie in an array as they are. */
function lineAt(name: string, along: string, spot: Spot): Line | undefined {
  const { facts, homes, rooms } = spot.sheet
  const start = atElement(spot, along, atom('0'))
  const home = homes.get(name)
  if (home?.kind === 'tile' && home.room === 'tile') {
    const axes = [...(facts.values.get(name)?.axes ?? [])].map(({ axis }) => axis)
    axes.sort((a, b) => facts.order.indexOf(a) - facts.order.indexOf(b))
    const later = axes.slice(axes.indexOf(along) + 1)
    const stride = later.reduce((product, axis) => product * (facts.extents.get(axis) ?? 1), 1)
    const first = plus(atom(String(home.offset)), offsetIn(name, start))
    return axes.includes(along) ? { array: rooms.tile, first, stride: atom(String(stride)), read: asItIs } : undefined
  }
  return facts.inlined.has(name) ? lineInBuffer(name, along, start) : undefined
}

function lineInBuffer(name: string, along: string, start: Spot): Line | undefined {
  const { sheet } = start
  const from = sheet.facts.defines.get(name)?.from
  if (from?.kind !== 'load' || from.outside !== 'never' || sheet.shared.has(from.buffer)) return undefined
  const { buffer, text } = bufferOf(from.buffer, sheet)
  const indices = indicesOf(from.index, buffer)
  const at = indices.findIndex((e) => e.kind === 'index' && e.axis === along && e.of === 'element')
  const isApart = indices.every((e, n) => n === at || !mentions(e, along))
  const half = isHalf(buffer, sheet)
  if (buffer.storage === 'bool' || (perWord(buffer) > 1 && !half) || at < 0 || !isApart) return undefined
  const stride = buffer.axes
    .slice(at + 1)
    .reduce<Code>((product, axis) => times(product, sizeOf(axis, sheet)), atom('1'))
  const codes = indices.map((e) => print(e, start))
  return { array: text, first: addressOf(buffer, codes, sheet), stride, read: half ? (word) => `f32(${word})` : asItIs }
}

const mentions = (e: KernelExpr, axis: string): boolean =>
  (e.kind === 'index' && e.axis === axis) || (e.kind === 'call' && e.args.some((arg) => mentions(arg, axis)))
