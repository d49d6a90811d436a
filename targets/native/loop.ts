/** Loops over tiles, single indices and rounds. */
import type { TileLoop } from '../../compiler/kernel.ts'
import type { Block } from '../block.ts'
import { sizeOf } from '../c-elements.ts'
import { atom, type Code } from '../expression.ts'
import type { LoopNode } from '../nests/nest.ts'
import { printNodes } from './print.ts'
import { type AxisSpot, print, type Spot, valueAt } from './sheet.ts'

export function printLoop(node: LoopNode, spot: Spot): void {
  const { over } = node.item.loop
  const { names } = spot.sheet
  if (over.kind === 'tiles') return printTiles(node, over, spot)
  if (over.kind === 'members') {
    const name = names.reuse(over.axis)
    const size = sizeOf(over.axis, spot.sheet).text
    const up = `for (int32_t ${name} = 0; ${name} < ${size}; ++${name})`
    const head = over.direction === 'up' ? up : `for (int32_t ${name} = ${size} - 1; ${name} >= 0; --${name})`
    return spot.block.braces(head, (block) => fill(node, spot, block, { [over.axis]: singleAt(atom(name)) }))
  }
  const [round, rounds] = [names.fresh('round'), names.fresh('rounds')]
  spot.block.line(`const int32_t ${rounds} = ${print(over.count, spot).text};`)
  spot.block.braces(`for (int32_t ${round} = 0; ${round} < ${rounds}; ++${round})`, (block) =>
    fill(node, spot, block, {}),
  )
}

export const singleAt = (at: Code): AxisSpot => ({ single: true, first: at, count: atom('1'), inner: undefined })

/** The elements from the start to the end, each tile as far as the next multiple of its size. */
function printTiles(node: LoopNode, { axis, tile, from, to, direction }: TileLoop, spot: Spot): void {
  const { names } = spot.sheet
  const [first, count] = [names.reuse(`${axis}0`), names.reuse(`${axis}Count`)]
  const [start, end] = [names.fresh(`${axis}Start`), names.fresh(`${axis}End`)]
  const size = sizeOf(axis, spot.sheet).text
  spot.block.line(
    `// axis ${axis} in tiles of ${tile}${direction === 'up' ? '' : ', from the end'}`,
    `const int32_t ${start} = ${from ? `vec::largest(${print(from, spot).text}, 0)` : '0'};`,
    `const int32_t ${end} = ${to ? `vec::smallest(${print(to, spot).text}, ${size})` : size};`,
  )
  const rest = `${tile} - ${first} % ${tile}`
  const last = `${start} < ${end} ? ${end} - 1 - (${end} - 1) % ${tile} : -1`
  const at = names.reuse(`${axis}Tile`)
  const head =
    direction === 'up'
      ? `for (int32_t ${first} = ${start}; ${first} < ${end}; ${first} += ${rest})`
      : `for (int32_t ${at} = ${last}; ${at} >= ${start} - ${start} % ${tile}; ${at} -= ${tile})`
  spot.block.braces(head, (block) => {
    if (direction === 'up') block.line(`const int32_t ${count} = vec::smallest(${rest}, ${end} - ${first});`)
    else
      block.line(
        `const int32_t ${first} = vec::largest(${at}, ${start});`,
        `const int32_t ${count} = vec::smallest(${at} + ${tile}, ${end}) - ${first};`,
      )
    fill(node, spot, block, {
      [axis]: { single: false, first: atom(first), count: atom(count), inner: undefined },
    })
  })
}

/** A round: its head, what it skips, its body. */
function fill(node: LoopNode, spot: Spot, block: Block, axes: Readonly<Record<string, AxisSpot>>): void {
  const inner = {
    ...spot,
    block,
    path: [...spot.path, node],
    outside: [...spot.outside, spot],
    axes: new Map([...spot.axes, ...Object.entries(axes)]),
  }
  printNodes(node.head, inner)
  const { over } = node.item.loop
  if (over.kind === 'tiles' && over.skip) block.line(`if (${valueAt(over.skip, inner).text}) continue;`)
  printNodes(node.body, inner)
}
