/** Loops over tiles, single indices and rounds, which all threads of a block walk together. */
import type { TileLoop } from '../../compiler/kernel.ts'
import type { Block } from '../block.ts'
import { sizeOf } from '../c-elements.ts'
import { atom, type Code } from '../expression.ts'
import type { LoopNode, Node } from '../nests/nest.ts'
import { type AxisSpot, print, type Spot, valueAt } from './spot.ts'

type Fill = (nodes: readonly Node[], spot: Spot) => void

export function printLoop(node: LoopNode, spot: Spot, fill: Fill): void {
  const { over } = node.item.loop
  const { names } = spot.sheet
  if (over.kind === 'tiles') return printTiles(node, over, spot, fill)
  if (over.kind === 'members') {
    const name = names.reuse(over.axis)
    const size = sizeOf(over.axis, spot.sheet).text
    const up = `for (int32_t ${name} = 0; ${name} < ${size}; ++${name})`
    const head = over.direction === 'up' ? up : `for (int32_t ${name} = ${size} - 1; ${name} >= 0; --${name})`
    return spot.block.braces(head, (block) =>
      printRound(node, spot, block, { [over.axis]: singleAt(atom(name)) }, fill),
    )
  }
  const [round, rounds] = [names.fresh('round'), names.fresh('rounds')]
  spot.block.line(`const int32_t ${rounds} = ${print(over.count, spot).text};`)
  spot.block.braces(`for (int32_t ${round} = 0; ${round} < ${rounds}; ++${round})`, (block) =>
    printRound(node, spot, block, {}, fill),
  )
}

export const singleAt = (at: Code): AxisSpot => ({ single: true, first: at, count: atom('1'), inner: undefined })

/** The elements that a loop walks: from `start` to `end`, both with names. */
export function printBounds(
  { axis, from, to }: TileLoop,
  spot: Spot,
): { readonly start: string; readonly end: string } {
  const { names } = spot.sheet
  const [start, end] = [names.fresh(`${axis}Start`), names.fresh(`${axis}End`)]
  const size = sizeOf(axis, spot.sheet).text
  spot.block.line(
    `const int32_t ${start} = ${from ? `num::largest(${print(from, spot).text}, 0)` : '0'};`,
    `const int32_t ${end} = ${to ? `num::smallest(${print(to, spot).text}, ${size})` : size};`,
  )
  return { start, end }
}

/** The elements from the start to the end, each tile as far as the next multiple of its size. */
function printTiles(node: LoopNode, over: TileLoop, spot: Spot, fill: Fill): void {
  const { axis, tile, direction } = over
  const { names } = spot.sheet
  const [first, count] = [names.reuse(`${axis}0`), names.reuse(`${axis}Count`)]
  spot.block.line(`// axis ${axis} in tiles of ${tile}${direction === 'up' ? '' : ', from the end'}`)
  const { start, end } = printBounds(over, spot)
  const rest = `${tile} - ${first} % ${tile}`
  const last = `${start} < ${end} ? ${end} - 1 - (${end} - 1) % ${tile} : -1`
  const at = names.reuse(`${axis}Tile`)
  const head =
    direction === 'up'
      ? `for (int32_t ${first} = ${start}; ${first} < ${end}; ${first} += ${rest})`
      : `for (int32_t ${at} = ${last}; ${at} >= ${start} - ${start} % ${tile}; ${at} -= ${tile})`
  spot.block.braces(head, (block) => {
    if (direction === 'up') block.line(`const int32_t ${count} = num::smallest(${rest}, ${end} - ${first});`)
    else
      block.line(
        `const int32_t ${first} = num::largest(${at}, ${start});`,
        `const int32_t ${count} = num::smallest(${at} + ${tile}, ${end}) - ${first};`,
      )
    const tiled = { single: false, first: atom(first), count: atom(count), inner: undefined }
    printRound(node, spot, block, { [axis]: tiled }, fill)
  })
}

/** A round: its head, what it skips, its body. */
function printRound(
  node: LoopNode,
  spot: Spot,
  block: Block,
  axes: Readonly<Record<string, AxisSpot>>,
  fill: Fill,
): void {
  const inner = { ...spot, block, path: [...spot.path, node], axes: new Map([...spot.axes, ...Object.entries(axes)]) }
  fill(node.head, inner)
  const { over } = node.item.loop
  if (over.kind === 'tiles' && over.skip) block.line(`if (${valueAt(over.skip, inner).text}) continue;`)
  fill(node.body, inner)
}
