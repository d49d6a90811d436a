/** Which elements of a tile are whose: a grid of invocations lies over rows and columns, again and again until all is covered. */

/** The invocations that work on a tile together. */
export interface Group {
  readonly size: number
  readonly quads: ReadonlySet<string> // axes whose elements belong to quads: four invocations each, the first of which writes
}

/** The least invocations of a group. */
export const leastGroup = 64

export const perQuad = 4

export interface Mapping {
  readonly rows: number // elements
  readonly columns: number
  readonly by: 'local' | 'quad' // whose elements they are
  readonly across: number // invocations or quads side by side
  readonly down: number
  readonly rowsEach: number // elements of one of them
  readonly columnsEach: number
}

const powerFrom = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)))

/** @param extents  of the axes, the last one being the columns */
export function mapElements(axes: readonly string[], extents: readonly number[], { size, quads }: Group): Mapping {
  const by = quads.has(axes.join()) ? 'quad' : 'local'
  const many = by === 'quad' ? size / perQuad : size
  const widest = 2 ** Math.floor(Math.log2(many) / 2) // columns, where there are as many columns of elements
  const columns = extents.at(-1) ?? 1
  const rows = extents.slice(0, -1).reduce((product, extent) => product * extent, 1)
  const least = Math.min(many / widest, powerFrom(rows))
  const across = Math.min(many / least, powerFrom(columns))
  const down = many / across
  return { rows, columns, by, across, down, rowsEach: Math.ceil(rows / down), columnsEach: Math.ceil(columns / across) }
}

export const elementsEach = ({ rowsEach, columnsEach }: Mapping): number => rowsEach * columnsEach
