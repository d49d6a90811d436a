/** Loops over tiles, single indices and rounds. */
import type { TileLoop } from '../../../compiler/kernel.ts'
import type { LoopNode } from '../../nests/nest.ts'
import type { Block } from './block.ts'
import * as codes from './code.ts'
import { add, type Code, code, constantOf, isLess, setLocal, subtract } from './code.ts'
import { printNodes } from './nodes.ts'
import { type AxisSpot, print, type Spot, sizeOf, valueAt } from './spot.ts'
import { highest, lowest } from './words.ts'

export function printLoop(node: LoopNode, spot: Spot): void {
  const { over } = node.item.loop
  const { block } = spot
  if (over.kind === 'tiles') return printTiles(node, over, spot)
  if (over.kind === 'rounds')
    return block.count('rounds', codes.zero, print(over.count, spot), 1, (_, inner) => fill(node, spot, inner, {}))
  const size = sizeOf(over.axis, spot.sheet)
  const round = (n: Code, inner: Block): void => fill(node, spot, inner, { [over.axis]: singleAt(n) })
  if (over.direction === 'up') return block.count('rounds', codes.zero, size, 1, round)
  block.count('rounds', codes.zero, size, 1, (n, inner) =>
    round(inner.keep(subtract(block.hoist(subtract(size, codes.one)), n)), inner),
  )
}

export const singleAt = (at: Code): AxisSpot => ({ single: true, first: at, count: codes.one, inner: undefined })

/** The elements from the start to the end, each tile as far as the next multiple of its size. */
function printTiles(node: LoopNode, { axis, tile, from, to, direction }: TileLoop, spot: Spot): void {
  const { block } = spot
  const size = sizeOf(axis, spot.sheet)
  const start = from ? block.hoist(highest(codes.zero, block.hoist(print(from, spot)))) : codes.zero
  const end = to ? block.hoist(lowest(block.hoist(print(to, spot)), size)) : size
  const length = codes.integer(tile)
  const past = (x: Code): Code => (constantOf(x) === 0 ? codes.zero : code('i32.rem_s', [x, length]))
  const open = (first: Code, count: Code, inner: Block): void =>
    fill(node, spot, inner, { [axis]: { single: false, first, count, inner: undefined } })
  block.when(isLess(start, end), (some) => {
    const last = some.keep(subtract(end, codes.one))
    const begin = direction === 'up' ? start : subtract(last, past(last))
    const place = some.variable(begin)
    const least = some.keep(subtract(start, past(start)))
    some.repeat('rounds', (inner) => {
      const at = { ...place, level: inner.level }
      if (direction === 'up') {
        const rest = from ? inner.keep(subtract(length, past(at))) : length
        open(at, inner.keep(lowest(rest, inner.keep(subtract(end, at)))), inner)
        inner.line(setLocal(place, add(at, rest)))
        return isLess(at, end)
      }
      const first = inner.keep(highest(at, start))
      open(first, inner.keep(subtract(inner.keep(lowest(inner.keep(add(at, length)), end)), first)), inner)
      inner.line(setLocal(place, subtract(at, length)))
      return code('i32.ge_s', [at, least])
    })
  })
}

/** A round: its head, what it skips, its body, in which carried values without axes change from round to round. */
function fill(node: LoopNode, spot: Spot, block: Block, axes: Readonly<Record<string, AxisSpot>>): void {
  const { locals } = spot.sheet
  const names = node.item.loop.carried.map(({ value }) => value.name)
  const before = names.map((name) => locals.get(name))
  names.forEach((name, n) => {
    const local = before[n]
    if (local) locals.set(name, { ...local, level: block.level })
  })
  const inner = { ...spot, block, path: [...spot.path, node], axes: new Map([...spot.axes, ...Object.entries(axes)]) }
  printNodes(node.head, inner)
  const { over } = node.item.loop
  const skip = over.kind === 'tiles' && over.skip ? valueAt(over.skip, inner) : undefined
  if (skip) block.when(codes.not(skip), (rest) => printNodes(node.body, { ...inner, block: rest }))
  else printNodes(node.body, inner)
  names.forEach((name, n) => {
    const local = before[n]
    if (local) locals.set(name, local)
  })
}
