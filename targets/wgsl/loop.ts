/** Loops over tiles, single indices and rounds: every invocation of a group goes through them alike. */
import type { TileLoop } from '../../compiler/kernel.ts'
import { atom, type Code } from '../expression.ts'
import type { Barriers } from './barriers.ts'
import type { Block } from './block.ts'
import type { LoopStep } from './phases.ts'
import { printSteps } from './print.ts'
import { type AxisSpot, print, type Spot, sizeOf, valueAt } from './sheet.ts'

type Axes = Readonly<Record<string, AxisSpot>>

export function printLoop(step: LoopStep, spot: Spot, barriers: Barriers): void {
  const { over } = step.item.loop
  const { names } = spot.sheet
  if (over.kind === 'tiles') return printTiles(step, over, spot, barriers)
  if (over.kind === 'members') {
    const name = names.fresh(over.axis)
    const size = sizeOf(over.axis, spot.sheet).text
    const head =
      over.direction === 'up'
        ? `for (var ${name} = 0; ${name} < ${size}; ${name}++)`
        : `for (var ${name} = ${size} - 1; ${name} >= 0; ${name}--)`
    return spot.block.braces(head, (block) => fill(step, spot, block, { [over.axis]: singleAt(atom(name)) }, barriers))
  }
  const [round, rounds] = [names.fresh('round'), names.fresh('rounds')]
  spot.block.line(`let ${rounds} = ${print(over.count, spot).text};`)
  spot.block.braces(`for (var ${round} = 0; ${round} < ${rounds}; ${round}++)`, (block) =>
    fill(step, spot, block, {}, barriers),
  )
}

export const singleAt = (at: Code): AxisSpot => ({ single: true, first: at, count: atom('1'), inner: undefined })

/** The elements from the start to the end, each tile as far as the next multiple of its size. */
function printTiles(
  step: LoopStep,
  { axis, tile, from, to, direction }: TileLoop,
  spot: Spot,
  barriers: Barriers,
): void {
  const { names } = spot.sheet
  const [first, count] = [names.fresh(`${axis}0`), names.fresh(`${axis}Count`)]
  const [start, end] = [names.fresh(`${axis}Start`), names.fresh(`${axis}End`)]
  const size = sizeOf(axis, spot.sheet).text
  spot.block.line(
    `// axis ${axis} in tiles of ${tile}${direction === 'up' ? '' : ', from the end'}`,
    `let ${start} = ${from ? `max(${print(from, spot).text}, 0)` : '0'};`,
    `let ${end} = ${to ? `min(${print(to, spot).text}, ${size})` : size};`,
  )
  const rest = `${tile} - ${first} % ${tile}`
  const at = names.fresh(`${axis}Tile`)
  const last = `select(-1, ${end} - 1 - (${end} - 1) % ${tile}, ${start} < ${end})`
  const head =
    direction === 'up'
      ? `for (var ${first} = ${start}; ${first} < ${end}; ${first} += ${rest})`
      : `for (var ${at} = ${last}; ${at} >= ${start} - ${start} % ${tile}; ${at} -= ${tile})`
  spot.block.braces(head, (block) => {
    if (direction === 'up') block.line(`let ${count} = min(${rest}, ${end} - ${first});`)
    else block.line(`let ${first} = max(${at}, ${start});`, `let ${count} = min(${at} + ${tile}, ${end}) - ${first};`)
    const own = { single: false, first: atom(first), count: atom(count), inner: undefined }
    fill(step, spot, block, { [axis]: own }, barriers)
  })
}

/** A round: its head, what it skips, its body. */
function fill({ item, head, body }: LoopStep, spot: Spot, block: Block, axes: Axes, barriers: Barriers): void {
  const inner = { ...spot, block, axes: new Map([...spot.axes, ...Object.entries(axes)]) }
  printSteps(head, inner, barriers)
  const { over } = item.loop
  if (over.kind === 'tiles' && over.skip) block.line(`if (${valueAt(over.skip, inner).text}) { continue; }`)
  printSteps(body, inner, barriers)
}
