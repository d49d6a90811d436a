/** The arrays of what rows can admit: targets/nests/band.ts. */
import type { TileLoop } from '../../compiler/kernel.ts'
import type { Band } from '../nests/band.ts'
import type { Facts } from '../nests/item.ts'
import { singleAt } from './loop.ts'
import { openAxis } from './print.ts'
import { print, type Spot } from './spot.ts'
import { plus } from './words.ts'

/** A band and the names of the arrays in which its bounds stand, by row. */
export interface NamedBand extends Band {
  readonly names: { readonly from: string; readonly to: string }
}

/** The arrays of its bounds. One that is never set leaves all columns in. */
export function bandLines({ row, to, names }: NamedBand, { extents }: Facts): readonly string[] {
  const made = `new Int32Array(${extents.get(row) ?? 1})`
  return [`const ${names.from} = ${made}`, `const ${names.to} = ${made}${to ? '' : '.fill(0x7fffffff)'}`]
}

/** Before the loop: the bounds of each row. */
export function printBand(loop: TileLoop, spot: Spot): void {
  const band = spot.sheet.bands.find((one) => one.loop === loop)
  const at = band && spot.axes.get(band.row)
  if (!band || !at) return
  spot.block.line(`// what rows can admit of ${loop.axis}`)
  openAxis(band.row, '', {}, spot, (inner) => {
    const index = inner.axes.get(band.row)?.inner ?? at.first
    const alone = { ...inner, axes: new Map(inner.axes).set(band.row, singleAt(plus(at.first, index))) }
    for (const end of ['from', 'to'] as const) {
      const bound = band[end]
      if (bound) inner.block.line(`${band.names[end]}[${index.text}] = ${print(bound, alone).text}`)
    }
  })
}
