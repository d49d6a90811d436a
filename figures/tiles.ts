/** Which tiles of a mask are skipped, run whole, or tested pair by pair. */
import { listed } from '../compiler/explain/layout.ts'
import type { Picture, Unpictured } from '../compiler/explain/picture.ts'
import type { TileClass } from '../compiler/masks/evaluate.ts'
import { captionOf, textWidth } from './caption.ts'
import { cellsPath, type Figure, type Grid, round, type Shape, shape, text } from './shape.ts'

const kinds: readonly TileClass[] = ['full', 'partial', 'empty']
const meanings: Readonly<Record<TileClass, string>> = {
  full: 'full: no mask code',
  partial: 'partial: each pair is tested',
  empty: 'empty: skipped',
}

/**
 * @param mask   null: all pairs are admitted
 * @param width  in pixels, of the whole figure
 */
export function drawTiles(name: string, mask: Picture | Unpictured | null, width = 480): Figure {
  const title = `Tiles of the mask of ${name}`
  if (mask === null) return saying(title, 'All pairs are admitted: every tile is full, and no mask is computed.', width)
  if ('unknown' in mask) return saying(title, `Which tiles are skipped depends on ${listed(mask.unknown)}.`, width)
  const about = tilesAbout(mask)
  const grid = gridOf(mask, width)
  const bottom = grid.y + grid.rows * grid.cell
  const legend = drawLegend(mask, bottom + 24, width)
  const caption = captionOf(about, bottom + 50 + legend.height, width)
  return {
    width,
    height: bottom + 50 + legend.height + caption.height,
    title,
    about,
    grid,
    shapes: [...drawAxes(mask, grid), ...drawCells(mask.cells, grid), ...legend.shapes, ...caption.shapes],
  }
}

/** The cells alone, in a square: for a gallery. */
export function drawThumbnail(name: string, cells: Picture['cells'], side: number): Figure {
  const [rows, columns] = [cells.length, cells[0]?.length ?? 0]
  const cell = side / Math.max(rows, columns, 1)
  const grid = { x: (side - columns * cell) / 2, y: (side - rows * cell) / 2, cell, rows, columns }
  return { width: side, height: side, title: `Mask of ${name}`, about: '', grid, shapes: drawCells(cells, grid) }
}

export function saying(title: string, what: string, width: number): Figure {
  const caption = captionOf(what, 22, width)
  return { width, height: 30 + caption.height, title, about: what, shapes: caption.shapes }
}

function gridOf({ cells, lengths, cell, row }: Picture, width: number): Grid {
  const [rows, columns] = [cells.length, cells[0]?.length ?? 0]
  const widest = Math.max(textWidth(String(Math.max(0, lengths[0] - cell[0]))), textWidth(`${row} ↓`))
  const x = Math.ceil(widest) + 12
  const side = Math.min((width - x - 4) / Math.max(columns, 1), 420 / Math.max(rows, 1), 28)
  return { x, y: 40, cell: round(side), rows, columns }
}

/** Numbers of the first rows and columns of some tiles, each axis with its name. */
function drawAxes({ row, column, cell, lengths }: Picture, grid: Grid): readonly Shape[] {
  const { x, y, rows, columns } = grid
  const below = ticks(columns, grid.cell, textWidth(String(lengths[1])) + 14).map((n) =>
    text(round(x + n * grid.cell), y - 8, String(n * cell[1]), { class: 'quiet small' }),
  )
  const beside = ticks(rows, grid.cell, 15).map((n) =>
    text(x - 8, round(y + n * grid.cell + Math.min(grid.cell, 14) * 0.5 + 4), String(n * cell[0]), {
      class: 'quiet small',
      'text-anchor': 'end',
    }),
  )
  const names = [
    text(x, y - 24, `${column} →`, { class: 'strong small' }),
    text(x - 8, y - 8, `${row} ↓`, { class: 'strong small', 'text-anchor': 'end' }),
  ]
  return [...names, ...below, ...beside]
}
const ticks = (cells: number, side: number, room: number): readonly number[] => {
  const step = [1, 2, 4, 8, 16, 32, 64].find((n) => n * side >= room) ?? 64
  return Array.from({ length: Math.ceil(cells / step) }, (_, n) => n * step)
}

function drawCells(cells: Picture['cells'], grid: Grid): readonly Shape[] {
  const gap = grid.cell > 6 ? 1 : 0
  const of = (kind: TileClass) =>
    cells.flatMap((line, r) => line.flatMap((one, c) => (one === kind ? [[r, c] as const] : [])))
  const [full, partial, empty] = [of('full'), of('partial'), of('empty')]
  const filled = (places: Places, name: string): readonly Shape[] =>
    places.length > 0 ? [shape('path', { class: name, d: cellsPath(places, grid, gap) })] : []
  return [
    ...filled(full, 'full'),
    ...filled(partial, 'partial'),
    ...(partial.length > 0 ? [shape('path', { class: 'hatch', d: hatches(partial, grid, gap) })] : []),
    ...(empty.length > 0 ? [shape('path', { class: 'empty', d: dots(empty, grid) })] : []),
  ]
}
type Places = readonly (readonly [row: number, column: number])[]

/** One stroke from corner to corner: partial tiles are told without their colour. */
const hatches = (places: Places, { x, y, cell }: Grid, gap: number): string =>
  places
    .map(([row, column]) => {
      const side = round(cell - gap - 2)
      return `M${round(x + column * cell + 1)} ${round(y + row * cell + 1 + side)}l${side} ${round(-side)}`
    })
    .join('')

const dots = (places: Places, grid: Grid): string => {
  const side = Math.max(1, Math.min(2.5, grid.cell * 0.2))
  return places
    .map(([row, column]) => {
      const at = (n: number, from: number): number => round(from + (n + 0.5) * grid.cell - side / 2)
      return `M${at(column, grid.x)} ${at(row, grid.y)}h${side}v${side}h${-side}z`
    })
    .join('')
}

function drawLegend({ counts }: Picture, top: number, width: number) {
  const all = Math.max(1, counts.empty + counts.partial + counts.full)
  const shapes: Shape[] = []
  let [x, y] = [4, top]
  for (const kind of kinds) {
    const label = `${meanings[kind]}, ${Math.round((100 * counts[kind]) / all)} %`
    const room = 18 + textWidth(label) + 18
    if (x > 4 && x + room > width) [x, y] = [4, y + 20]
    shapes.push(...drawCells([[kind]], { x, y: y - 10, cell: 12, rows: 1, columns: 1 }))
    shapes.push(text(x + 18, y, label, { class: 'small' }))
    x += room
  }
  return { shapes, height: y - top }
}

function tilesAbout({ row, column, lengths, cell, counts, fixed, drawn }: Picture): string {
  const coarse = counts.isCoarse ? ', each several of the kernel' : ''
  const all = counts.empty + counts.partial + counts.full
  const isTile = cell[0] === counts.tile[row] && cell[1] === counts.tile[column]
  const made = drawn.map((one) => `${one.name} (${one.about})`)
  return [
    `${row} = ${lengths[0]}, ${column} = ${lengths[1]}: ${all} tiles of ${counts.tile[row]} by ${counts.tile[column]}${coarse};`,
    `${counts.full} are full, ${counts.partial} partial, ${counts.empty} empty.`,
    ...(isTile ? [] : [`A cell here is ${cell[0]} by ${cell[1]}.`]),
    ...(fixed.length > 0 ? [`For ${listed(fixed.map((axis) => `${axis} = 0`))}.`] : []),
    ...(made.length > 0 ? [`Made up: ${listed(made)}.`] : []),
  ].join(' ')
}
