/** Which elements of a tile are whose: a grid of invocations lies over rows and columns, again and again until all is covered. */

/** The invocations of a group: what every device has. */
export const groupSize = 64
/** Columns of invocations, where there are as many columns of elements. */
const widest = 8

export interface Mapping {
  readonly rows: number // elements
  readonly columns: number
  readonly across: number // invocations side by side
  readonly down: number
  readonly rowsEach: number // elements of one invocation
  readonly columnsEach: number
}

const powerFrom = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)))

/** @param extents  of the axes, the last one being the columns */
export function mapElements(extents: readonly number[]): Mapping {
  const columns = extents.at(-1) ?? 1
  const rows = extents.slice(0, -1).reduce((product, extent) => product * extent, 1)
  const least = Math.min(groupSize / widest, powerFrom(rows))
  const across = Math.min(groupSize / least, powerFrom(columns))
  const down = groupSize / across
  return { rows, columns, across, down, rowsEach: Math.ceil(rows / down), columnsEach: Math.ceil(columns / across) }
}

export const elementsEach = ({ rowsEach, columnsEach }: Mapping): number => rowsEach * columnsEach
