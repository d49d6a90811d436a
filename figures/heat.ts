/** An attention map: the weight of each pair of a query and a key, as a shade. */
import { listed } from '../compiler/explain/layout.ts'
import { captionOf, textWidth } from './caption.ts'
import { cellsPath, type Figure, type Grid, round, type Shape, shape, text } from './shape.ts'
import { shades } from './style.ts'

/** The weights of one head. */
export interface AttentionMap {
  readonly row: string
  readonly column: string
  readonly lengths: readonly [rows: number, columns: number]
  readonly values: ArrayLike<number> // rows after each other
  readonly admitted?: ArrayLike<number> | undefined // 0: the mask leaves the pair out; undefined: nobody has asked
  readonly fixed: readonly string[] // `h = 0`
  readonly made: string // of which tensors it is
}

export function drawHeat(name: string, map: AttentionMap, width = 480): Figure {
  const { row, lengths } = map
  const scale = scaleOf(map.values)
  const x = Math.ceil(Math.max(textWidth(String(lengths[0])), textWidth(row))) + 12
  const cell = round(Math.min((width - x - 4) / Math.max(1, lengths[1]), 420 / Math.max(1, lengths[0]), 28))
  const grid: Grid = { x, y: 40, cell, rows: lengths[0], columns: lengths[1] }
  const bottom = grid.y + grid.rows * cell
  const legend = drawScale(scale, grid.x, bottom + 18, Math.min(260, width - x - 90))
  const about = aboutOf(map, scale)
  const caption = captionOf(about, bottom + 66, width)
  return {
    width,
    height: bottom + 72 + caption.height,
    title: `Attention map of ${name}`,
    about,
    grid,
    shapes: [...drawAxes(map, grid), ...drawShades(map, grid, scale), ...legend, ...caption.shapes],
  }
}

interface Scale {
  readonly low: number
  readonly high: number
  readonly most: number // what has the last shade, whatever its sign
  readonly isCut: boolean // whether there is more
  readonly areFinite: boolean
}

/** A few large weights, as those of first rows are, would leave all others pale: one in fifty has the last shade. */
const largest = 0.02

function scaleOf(values: ArrayLike<number>): Scale {
  const finite = Array.from(values).filter(Number.isFinite)
  const sizes = finite.flatMap((x) => (x === 0 ? [] : [Math.abs(x)])).sort((x, y) => y - x)
  const [low, high] = [Math.min, Math.max].map((of) => finite.reduce((x, y) => of(x, y), 0)) as [number, number]
  const most = sizes[Math.floor(sizes.length * largest)] ?? 0
  return { low, high, most, isCut: (sizes[0] ?? 0) > most, areFinite: finite.length === values.length }
}

/** Small weights are most: shades go with the square root. */
function shadeOf(x: number, { most }: Scale): string | undefined {
  if (!Number.isFinite(x)) return 'bad'
  if (x === 0 || most === 0) return undefined
  const n = Math.min(shades, Math.max(1, Math.ceil(Math.sqrt(Math.abs(x) / most) * shades)))
  return `${x < 0 ? 'down' : 'up'}${n}`
}

/** One path for each shade. */
function drawShades({ values }: AttentionMap, grid: Grid, scale: Scale): readonly Shape[] {
  const places = new Map<string, (readonly [number, number])[]>()
  for (let n = 0; n < grid.rows * grid.columns; n++) {
    const shade = shadeOf(values[n] ?? 0, scale)
    if (shade === undefined) continue
    const all = places.get(shade) ?? []
    all.push([Math.floor(n / grid.columns), n % grid.columns])
    places.set(shade, all)
  }
  const [width, height] = [grid.columns * grid.cell, grid.rows * grid.cell].map(round) as [number, number]
  const gap = grid.cell >= 12 ? 1 : 0
  const frame = { x: grid.x - 0.5, y: grid.y - 0.5, width: width + 1, height: height + 1 }
  return [
    shape('rect', { class: 'outside', ...frame }),
    ...[...places].map(([name, cells]) =>
      shape('path', { class: name, d: cellsPath(cells, grid, gap), 'shape-rendering': 'crispEdges' }),
    ),
    shape('rect', { class: 'frame', ...frame }),
  ]
}

function drawAxes({ row, column, lengths }: AttentionMap, { x, y, cell }: Grid): readonly Shape[] {
  const end = { class: 'quiet small', 'text-anchor': 'end' }
  const beside = placesAt(lengths[0], cell, 18)
  const below = placesAt(lengths[1], cell, textWidth(String(lengths[1])) + 12)
  return [
    text(x, y - 24, `${column} →`, { class: 'strong small' }),
    text(x - 8, y - 8, `${row} ↓`, { class: 'strong small', 'text-anchor': 'end' }),
    ...below.map((n) => text(round(x + n * cell), y - 8, String(n), { class: 'quiet small' })),
    ...beside.map((n) => text(x - 8, round(y + n * cell + Math.min(cell, 14) * 0.5 + 4), String(n), end)),
  ]
}

/** Round numbers that have `room` for their labels. */
function placesAt(length: number, cell: number, room: number): readonly number[] {
  const step = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].find((n) => n * cell >= room) ?? 1024
  return Array.from({ length: Math.ceil(length / step) }, (_, n) => n * step)
}

function drawScale(scale: Scale, x: number, y: number, width: number): readonly Shape[] {
  const from = scale.low < 0 ? -shades : 0
  const steps = Array.from({ length: shades - from + 1 }, (_, n) => from + n).filter((n) => n !== 0)
  const side = round(width / steps.length)
  const boxes = steps.map((n, k) =>
    shape('rect', {
      class: n < 0 ? `down${-n}` : `up${n}`,
      x: round(x + k * side),
      y,
      width: side,
      height: 10,
      'shape-rendering': 'crispEdges',
    }),
  )
  const right = round(x + steps.length * side)
  const label = (at: number, content: string, anchor: string): Shape =>
    text(at, y + 24, content, { class: 'quiet small', 'text-anchor': anchor })
  const middle = (share: number): number => round(right - (1 - share) * shades * side)
  const end = `${scale.isCut ? '≥ ' : ''}${number(scale.most)}`
  return [
    ...boxes,
    label(x, scale.low < 0 ? `${scale.isCut ? '≤ ' : ''}${number(-scale.most)}` : '0', 'start'),
    ...(scale.low < 0 ? [label(middle(0), '0', 'middle')] : [label(middle(0.5), number(scale.most / 4), 'middle')]),
    label(right, end, 'end'),
  ]
}

export const number = (x: number): string => String(Number(x.toPrecision(3))).replace('-', '−')

function aboutOf({ row, column, lengths, fixed, made }: AttentionMap, scale: Scale): string {
  const which = [`${row} = ${lengths[0]}`, `${column} = ${lengths[1]}`, ...fixed].join(', ')
  const range = `weights from ${number(scale.low)} to ${number(scale.high)}, shaded by their square root`
  const bad = scale.areFinite ? '' : ' Some are infinite or NaN.'
  return `${which}: ${range}.${bad} ${made}`.trim()
}

/** Of what it is, in words. */
export const madeOf = (how: string, names: readonly string[]): string =>
  names.length === 0 ? '' : `Made up: ${listed(names)}, ${how}.`
