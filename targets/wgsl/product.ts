/** A product of tiles: each invocation has a patch of rows and columns, and reads an element once for all of the patch. */
import type { Value } from '../../compiler/kernel.ts'
import { atom, type Code, inside, tightness } from '../expression.ts'
import type { Product } from '../nests/item.ts'
import { atRow, columnAt, existence, mappingOf, rowAt, rowOf } from './elements.ts'
import { along } from './print.ts'
import { keep, plus, type Spot, times, valueAt } from './sheet.ts'

/** Rows and columns that an invocation works on at a time. */
const patch = { rows: 4, columns: 4 }

const names = (value: Value): readonly string[] => value.axes.map(({ axis }) => axis)
const range = (n: number): readonly number[] => Array.from({ length: n }, (_, k) => k)

interface Place {
  readonly spot: Spot // at a row or a column
  readonly tests: readonly string[]
  readonly n: Code
}

export function printProduct(item: Product, axes: readonly string[], spot: Spot): void {
  const { to, left, right, over, fresh } = item
  const of = (value: Value): string => `${value.name}[${names(value).join(', ')}]`
  spot.block.line(`// ${of(to)} ${fresh ? '=' : '+='} the sum over ${over} of ${of(left)} * ${of(right)}`)
  const mapping = mappingOf(axes, spot)
  const inner = (at: Spot, r: Code, c: Code, rows: number, columns: number): void =>
    at.block.scope((block) => printPatch(item, axes, { ...at, block }, r, c, rows, columns))
  chunks(mapping.rowsEach, patch.rows, 'r', spot, (atRows, r, rows) =>
    chunks(mapping.columnsEach, patch.columns, 'c', atRows, (at, c, columns) => inner(at, r, c, rows, columns)),
  )
}

/** Goes over `count` in steps of at most `most`, which divide it if possible. */
function chunks(
  count: number,
  most: number,
  wish: string,
  spot: Spot,
  fill: (at: Spot, first: Code, size: number) => void,
): void {
  const size =
    range(most)
      .map((n) => most - n)
      .find((n) => count % n === 0) ?? 1
  if (size === count) return fill(spot, atom('0'), size)
  const name = spot.sheet.names.reuse(`${wish}0`)
  spot.block.braces(`for (var ${name} = 0; ${name} < ${count}; ${name} += ${size})`, (block) =>
    fill({ ...spot, block }, atom(name), size),
  )
}

function printPatch(
  item: Product,
  axes: readonly string[],
  spot: Spot,
  r: Code,
  c: Code,
  rowCount: number,
  columnCount: number,
): void {
  const { to, left, right, over, weighted, fresh } = item
  const mapping = mappingOf(axes, spot)
  const [rowAxes, columnAxes] = [axes.slice(0, -1), axes.slice(-1)]
  const rows = range(rowCount).map((k): Place => {
    const n = plus(r, atom(String(k)))
    const at = named(atRow(rowAxes, rowAt(mapping, apart(n)), spot), rowAxes, k)
    const isAlone = rowAxes.length === 0 && mapping.down > 1
    const tests = isAlone ? [`${rowOf(mapping)} == 0`] : existence(rowAxes, mapping.down * mapping.rowsEach, at)
    return { spot: at, tests, n }
  })
  const columns = range(columnCount).map((k): Place => {
    const n = plus(c, atom(String(k)))
    const at = named(atRow(columnAxes, columnAt(mapping, apart(n)), spot), columnAxes, k)
    return { spot: at, tests: existence(columnAxes, mapping.across * mapping.columnsEach, at), n }
  })
  const sums = rows.map((_, i) => columns.map((__, j) => spot.sheet.names.reuse(`sum${i}_${j}`)))
  for (const name of sums.flat()) spot.block.line(`var ${name} = 0.0;`)
  const merge = (row: Place, column: Place): Spot => ({
    ...spot,
    axes: new Map([...row.spot.axes, ...columnAxes.map((axis) => [axis, column.spot.axes.get(axis)!] as const)]),
    own: plus(times(apart(row.n), atom(String(mapping.columnsEach))), column.n),
  })
  along(over, 'up', spot, (inner) => {
    const codeOf = operands([left, right], rowAxes, columnAxes, rows, columns, inner, over)
    rows.forEach((row, i) => {
      columns.forEach((column, j) => {
        const [a, b] = [left, right].map((value) => codeOf(value, i, j, merge(row, column)))
        const text = `${inside(a!, tightness.product)} * ${inside(b!, tightness.product + 1)}`
        const added = weighted ? `select(${text}, 0.0, ${inside(a!, tightness.sum)} == 0.0)` : text
        inner.block.line(`${sums[i]![j]} += ${added};`)
      })
    })
  })
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      const at = merge(row, column)
      const write = (place: Spot): void => {
        const total = atom(sums[i]![j]!)
        keep(to.name, fresh ? total : plus(valueAt(to.name, place), total), place)
      }
      const tests = [...row.tests, ...column.tests]
      if (tests.length === 0) write(at)
      else spot.block.braces(`if (${tests.join(' && ')})`, (block) => write({ ...at, block }))
    })
  })
}

const apart = (code: Code): Code => (code.tight < tightness.product ? atom(`(${code.text})`) : code)

/** Places of a patch get names with their numbers. */
function named(spot: Spot, axes: readonly string[], k: number): Spot {
  const places = new Map(spot.axes)
  for (const axis of axes) {
    const outer = places.get(axis)
    if (!outer?.inner) continue
    const name = spot.sheet.names.reuse(`${axis}At${k}`)
    spot.block.line(`let ${name} = ${outer.inner.text};`)
    places.set(axis, { ...outer, inner: atom(name) })
  }
  return { ...spot, axes: places }
}

/** Elements of the operands in one round: those that vary with rows or with columns alone are read first, once. */
function operands(
  values: readonly Value[],
  rowAxes: readonly string[],
  columnAxes: readonly string[],
  rows: readonly Place[],
  columns: readonly Place[],
  inner: Spot,
  over: string,
): (value: Value, i: number, j: number, at: Spot) => Code {
  const has = (value: Value, axes: readonly string[]): boolean => names(value).some((axis) => axes.includes(axis))
  const within = (place: Spot): Spot => ({
    ...place,
    block: inner.block,
    axes: new Map([...place.axes, [over, inner.axes.get(over)!]]),
  })
  const read = (value: Value, places: readonly Place[], wish: string): readonly Code[] =>
    places.map((place, k) => {
      const name = inner.sheet.names.reuse(`${wish}${k}`)
      inner.block.line(`let ${name} = ${valueAt(value.name, within(place.spot)).text};`)
      return atom(name)
    })
  const known = new Map(
    values.map((value, n) => {
      const [byRow, byColumn] = [has(value, rowAxes), has(value, columnAxes)]
      const wish = n === 0 ? 'a' : 'b'
      if (byRow && byColumn) return [value, undefined] as const
      const codes = byRow ? read(value, rows, wish) : read(value, byColumn ? columns : columns.slice(0, 1), wish)
      return [value, (i: number, j: number) => codes[byRow ? i : byColumn ? j : 0]!] as const
    }),
  )
  return (value, i, j, at) => known.get(value)?.(i, j) ?? valueAt(value.name, within(at))
}
