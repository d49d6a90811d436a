/** The picture of a mask: two characters a tile. */
import { displayWidth } from '../../grammar/display.ts'
import type { TileClass } from '../masks/evaluate.ts'
import { listed, pageWidth, wrap } from './layout.ts'
import type { Picture, TileCounts, Unpictured } from './picture.ts'

const signs: Readonly<Record<TileClass, string>> = { full: '██', partial: '▒▒', empty: '· ' }
const width = pageWidth - 2

export function printMask(mask: Picture | Unpictured | null): readonly string[] {
  if (mask === null) return ['All pairs are admitted: every tile is full, and no mask is computed.']
  if ('unknown' in mask) return wrap(`Which tiles are skipped depends on ${listed(mask.unknown)}.`, width, 2)
  const { row, column, lengths, cell, cells, counts } = mask
  const labels = cells.map((_, n) => String(n * cell[0]))
  const left = Math.max(0, ...labels.map(displayWidth), displayWidth(row))
  const head = `${row.padStart(left)}  ${column} = 0 to ${lengths[1] - 1}`
  return [
    ...printCounts(mask, counts),
    '',
    head,
    ...cells.map((line, n) => `${(labels[n] ?? '').padStart(left)}  ${line.map((kind) => signs[kind]).join('')}`),
    '',
    `██ full: no mask code   ▒▒ partial: each pair is tested   ·  empty: skipped`,
  ]
}

function printCounts({ row, column, cell, fixed, drawn }: Picture, counts: TileCounts): readonly string[] {
  const all = counts.empty + counts.partial + counts.full
  const coarse = counts.isCoarse ? ', each several of the kernel,' : ''
  const tile = `${counts.tile[row]} by ${counts.tile[column]}${coarse}`
  const share = (n: number): string => `${n} (${all === 0 ? 0 : Math.round((100 * n) / all)} %)`
  const sum = `Of ${all} tiles of ${tile}${coarse === '' ? ',' : ''} ${share(counts.full)} are full, ${share(counts.partial)} partial and ${share(counts.empty)} empty.`
  const isTile = cell[0] === counts.tile[row] && cell[1] === counts.tile[column]
  const scale = isTile ? '' : ` A cell of the picture is ${cell[0]} by ${cell[1]}.`
  const which = fixed.length > 0 ? ` For ${listed(fixed.map((axis) => `${axis} = 0`))}.` : ''
  const data = drawn.length > 0 ? ` Made up: ${listed(drawn.map(({ name, about }) => `${name} (${about})`))}.` : ''
  return wrap(sum + scale + which + data, width, 2)
}
