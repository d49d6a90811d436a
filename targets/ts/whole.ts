import type { Nest } from '../nests/nest.ts'
import { flagOf } from '../nests/whole.ts'
import type { Block } from './block.ts'
import { type Spot, valueAt } from './spot.ts'

/** Prints a loop, with a branch around its two forms where there are two. */
export function inBothForms(nest: Nest, spot: Spot, print: (at: Spot) => void): void {
  const flag = flagOf(nest, spot)
  if (flag === undefined) return print(spot)
  const form = (decided: boolean) => (block: Block) =>
    print({ ...spot, block, flags: new Map(spot.flags).set(flag, decided) })
  spot.block.fork(valueAt(flag, spot).text, form(true), form(false))
}
