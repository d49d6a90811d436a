/** Loops over tiles, single indices and rounds. */
import type { TileLoop } from '../../compiler/kernel.ts'
import { atom, type Code } from '../expression.ts'
import type { LoopNode } from '../nests/nest.ts'
import type { Block } from './block.ts'
import { printNodes } from './print.ts'
import { type AxisSpot, print, type Spot, sizeOf, valueAt } from './spot.ts'
import { largest, smallest } from './words.ts'

export function printLoop(node: LoopNode, spot: Spot): void {
  const { over } = node.item.loop
  if (over.kind === 'tiles') printTiles(node, over, spot)
  else if (over.kind === 'members') {
    const name = spot.sheet.names.reuse(over.axis)
    const size = sizeOf(over.axis, spot.sheet).text
    const up = `for (let ${name} = 0; ${name} < ${size}; ${name}++)`
    const head = over.direction === 'up' ? up : `for (let ${name} = ${size} - 1; ${name} >= 0; ${name}--)`
    spot.block.loop(over.axis, head, (block) =>
      fill(node, spot, block, { [over.axis]: singleAt(atom(name, block.level)) }),
    )
  } else {
    const name = spot.sheet.names.fresh('round')
    const count = spot.block.hoist(print(over.count, spot), 'rounds')
    spot.block.loop('round', `for (let ${name} = 0; ${name} < ${count.text}; ${name}++)`, (block) =>
      fill(node, spot, block, {}),
    )
  }
}

export const singleAt = (at: Code): AxisSpot => ({ single: true, first: at, count: atom('1'), inner: undefined })

/** The elements from the start to the end, each tile as far as the next multiple of its size. */
function printTiles(node: LoopNode, over: TileLoop, spot: Spot): void {
  const { axis, tile, from, to, direction } = over
  const size = sizeOf(axis, spot.sheet)
  const end = to ? spot.block.keep(smallest(print(to, spot), size), `${axis}End`) : size
  const start = from && spot.block.keep(largest(print(from, spot), atom('0')), `${axis}Start`)
  const { head, lines } = (direction === 'up' ? walkUp : walkDown)(axis, tile, start?.text, end.text, spot)
  spot.block.loop(
    axis,
    head,
    (block) => {
      block.line(...lines)
      const { names } = spot.sheet
      const [first, count] = [names.reuse(`${axis}0`), names.reuse(`${axis}Count`)]
      const at = { single: false, first: atom(first, block.level), count: atom(count, block.level), inner: undefined }
      fill(node, spot, block, { [axis]: at })
    },
    `axis ${axis} in tiles of ${tile}${direction === 'up' ? '' : ', from the end'}`,
  )
}

interface Walk {
  readonly head: string
  readonly lines: readonly string[]
}
type Print = (axis: string, tile: number, start: string | undefined, end: string, spot: Spot) => Walk

const walkUp: Print = (axis, tile, start, end, { sheet: { names } }) => {
  const [first, count] = [names.reuse(`${axis}0`), names.reuse(`${axis}Count`)]
  const rest = start ? `${tile} - ${first} % ${tile}` : `${tile}`
  const head = `for (let ${first} = ${start ?? '0'}; ${first} < ${end}; ${first} += ${rest})`
  return { head, lines: [`const ${count} = Math.min(${rest}, ${end} - ${first})`] }
}

const walkDown: Print = (axis, tile, start, end, { sheet: { names } }) => {
  const [first, count] = [names.reuse(`${axis}0`), names.reuse(`${axis}Count`)]
  const at = start ? names.reuse(`${axis}Tile`) : first
  const last = `${start ?? '0'} < ${end} ? ${end} - 1 - (${end} - 1) % ${tile} : -1`
  const least = start ? `${start} - (${start} % ${tile})` : '0'
  const head = `for (let ${at} = ${last}; ${at} >= ${least}; ${at} -= ${tile})`
  if (!start) return { head, lines: [`const ${count} = Math.min(${tile}, ${end} - ${first})`] }
  const begin = `const ${first} = Math.max(${at}, ${start})`
  return { head, lines: [begin, `const ${count} = Math.min(${at} + ${tile}, ${end}) - ${first}`] }
}

/** The current tile; its `count` ends with the axis. */
export function tileAt(axis: string, tile: number, first: string, block: Block, { sheet }: Spot): AxisSpot {
  const name = sheet.names.reuse(`${axis}Count`)
  const size = sizeOf(axis, sheet)
  block.line(`const ${name} = Math.min(${tile}, ${size.text} - ${first})`)
  return { single: false, first: atom(first, block.level), count: atom(name, block.level), inner: undefined }
}

/** The body, in which carried values without axes change from round to round. */
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
  if (over.kind === 'tiles' && over.skip) block.line(`if (${valueAt(over.skip, inner).text}) continue`)
  printNodes(node.body, inner)
  names.forEach((name, n) => {
    const local = before[n]
    if (local) locals.set(name, local)
  })
}
