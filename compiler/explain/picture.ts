/** Which tiles of a mask are skipped, run whole or tested pair by pair: what the kernel's own classes say of given lengths. */
import type { Attention } from '../attention.ts'
import { type Expr, nodesOf } from '../ir.ts'
import { type TileCell, type TileClass, tileCells } from '../masks/evaluate.ts'
import type { MaskInput, ScalarLaunch } from '../masks/scalar-run.ts'
import { own } from '../own.ts'
import type { Draw, Drawn, Lengths } from './lengths.ts'

export interface TileCounts {
  readonly tile: Readonly<Record<string, number>>
  readonly isCoarse: boolean // larger than the kernel's, since there would be too many
  readonly empty: number
  readonly partial: number
  readonly full: number
  readonly live: number // pairs that loops visit
}
/** Rows of cells; a cell is one tile, or a square of them whose class holds for all. */
export interface Picture {
  readonly row: string
  readonly column: string
  readonly lengths: readonly [rows: number, columns: number]
  readonly cell: readonly [rows: number, columns: number] // in elements
  readonly cells: readonly (readonly TileClass[])[]
  readonly counts: TileCounts
  readonly drawn: readonly { readonly name: string; readonly about: string }[] // tensors that were made up
  readonly fixed: readonly string[] // axes of which it shows index 0
}
export interface Unpictured {
  readonly unknown: readonly string[] // what the classes depend on
}

const mostCells = 32
const fewestCells = 8
/** Tiles that are counted one by one. */
const mostTiles = 2 ** 16
/** Elements of a tensor that is made up. */
const mostElements = 2 ** 22

export interface Classifier {
  readonly cells: (
    mask: Expr,
    row: string,
    column: string,
    tile: Readonly<Record<string, number>>,
    at?: Readonly<Record<string, number>>, // of the other axes; default 0
  ) => readonly (readonly TileCell[])[]
  readonly unknownIn: (mask: Expr) => readonly string[]
  readonly drawn: (mask: Expr) => Picture['drawn']
}

/** Runs the classes of masks on data that `draw` makes up; without it, masks that read tensors have no picture. */
export function createClassifier(
  a: Attention,
  fixed: Lengths['sizes'],
  { sizes, params }: Lengths,
  draw: Draw | undefined,
): Classifier {
  const made = new Map<string, MaskInput & Pick<Drawn, 'about'>>()
  const find = (name: string): MaskInput | undefined => {
    const input = a.inputs.find((one) => one.name === name)
    const elements = (input?.axes ?? []).reduce((n, axis) => n * (own(sizes, axis) ?? 1), 1)
    if (!made.has(name) && input && draw && elements <= mostElements)
      made.set(name, { axes: input.axes, ...draw.input(input, sizes, params) })
    return made.get(name)
  }
  const readBy = (mask: Expr): readonly string[] => [
    ...new Set(nodesOf(mask).flatMap((e) => (e.kind === 'input' ? [e.name] : []))),
  ]
  const unknownIn = (mask: Expr): readonly string[] => [
    ...readBy(mask).filter((name) => find(name) === undefined),
    ...nodesOf(mask).flatMap((e) => (e.kind === 'param' && own(params, e.name) === undefined ? [e.name] : [])),
    ...nodesOf(mask).flatMap((e) => (e.kind === 'bound' ? ['values of an earlier pass'] : [])),
  ]
  const drawn: Classifier['drawn'] = (mask) =>
    readBy(mask).map((name) => ({ name, about: made.get(name)?.about ?? '' }))
  const classified = new Map<Expr, Map<string, ReturnType<Classifier['cells']>>>()
  /** Made once for a page, which both draws and counts tiles. */
  const cells: Classifier['cells'] = (mask, row, column, tile, at = {}) => {
    const known = classified.get(mask) ?? new Map<string, ReturnType<Classifier['cells']>>()
    const single = { ...singles(sizes), ...at }
    const key = JSON.stringify([row, tile[row], column, tile[column], mask.axes.map((axis) => single[axis])])
    const launch: ScalarLaunch = { sizes, params, inputs: Object.fromEntries(made), single }
    const found = known.get(key) ?? tileCells(mask, { attention: a, sizes: fixed }, launch, tile, row, column)
    classified.set(mask, known.set(key, found))
    return found
  }
  return { cells, unknownIn, drawn }
}
const singles = (sizes: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.keys(sizes).map((axis) => [axis, 0]))

export function drawMask(
  mask: Expr,
  { sizes }: Lengths,
  tile: (axis: string) => number,
  classifier: Classifier,
): Picture | Unpictured {
  const [row, column] = ['i', 'j']
  const unknown = [...new Set(classifier.unknownIn(mask))]
  if (unknown.length > 0) return { unknown }
  const lengths = [own(sizes, row) ?? 0, own(sizes, column) ?? 0] as const
  const cell = cellsOf(lengths, [tile(row), tile(column)])
  return {
    row,
    column,
    lengths,
    cell,
    cells: classifier
      .cells(mask, row, column, { [row]: cell[0], [column]: cell[1] })
      .map((line) => line.map(({ kind }) => kind)),
    counts: countTiles(mask, row, column, sizes, tile, classifier),
    drawn: classifier.drawn(mask),
    fixed: mask.axes.filter((axis) => axis !== row && axis !== column),
  }
}

/** Tiles, doubled along an axis until a page holds all cells; where there are few along both, halved until there is something to see. */
function cellsOf(lengths: readonly [number, number], tiles: readonly [number, number]): readonly [number, number] {
  const [rows, columns] = lengths.map((length, k) => {
    let cell = tiles[k] ?? 1
    while (Math.ceil(length / cell) > mostCells) cell *= 2
    return cell
  }) as [number, number]
  let halvings = 1
  const most = (): number =>
    Math.max(Math.ceil((lengths[0] * halvings) / rows), Math.ceil((lengths[1] * halvings) / columns))
  while (most() < Math.min(fewestCells, Math.max(...lengths))) halvings *= 2
  return [Math.max(1, Math.floor(rows / halvings)), Math.max(1, Math.floor(columns / halvings))]
}

/** Of the kernel's tiles, or of larger ones where there are too many. */
export function countTiles(
  mask: Expr,
  row: string,
  column: string,
  sizes: Readonly<Record<string, number>>,
  tile: (axis: string) => number,
  classifier: Classifier,
  at?: Readonly<Record<string, number>>,
): TileCounts {
  const lengths: readonly [number, number] = [own(sizes, row) ?? 0, own(sizes, column) ?? 0]
  let size: readonly [number, number] = [tile(row), tile(column)]
  while (Math.ceil(lengths[0] / size[0]) * Math.ceil(lengths[1] / size[1]) > mostTiles)
    size = [size[0] * 2, size[1] * 2]
  const used = { [row]: size[0], [column]: size[1] }
  const cells = classifier.cells(mask, row, column, used, at)
  const height = (n: number): number => Math.min(size[0], lengths[0] - n * size[0])
  const count = (kind: TileClass): number => cells.flat().filter((one) => one.kind === kind).length
  const live = cells.reduce((sum, line, n) => sum + height(n) * line.reduce((all, one) => all + one.columns, 0), 0)
  const isCoarse = size[0] !== tile(row)
  return { tile: used, isCoarse, empty: count('empty'), partial: count('partial'), full: count('full'), live }
}
