/** A product of tiles: each invocation has a patch of rows and columns, and reads an element once for all of the patch. */
import type { Value } from '../../compiler/kernel.ts'
import { atom, type Code, inside, tightness } from '../expression.ts'
import type { Product } from '../nests/item.ts'
import { allOf, atRow, columnAt, existence, isExact, mappingOf, rowAt, rowOf } from './elements.ts'
import { operands, type Place, varies } from './operands.ts'
import { all, along } from './print.ts'
import { keep, plus, type Spot, times, valueAt } from './sheet.ts'

/** Rows and columns that an invocation works on at a time. */
const patch = { rows: 8, columns: 8 }

const names = (value: Value): readonly string[] => value.axes.map(({ axis }) => axis)
const range = (n: number): readonly number[] => Array.from({ length: n }, (_, k) => k)

export function printProduct(item: Product, axes: readonly string[], spot: Spot): void {
  const { to, left, right, over, fresh } = item
  const of = (value: Value): string => `${value.name}[${names(value).join(', ')}]`
  spot.block.line(`// ${of(to)} ${fresh ? '=' : '+='} the sum over ${over} of ${of(left)} * ${of(right)}`)
  const mapping = mappingOf(axes, spot)
  const inner = (at: Spot, r: Code, c: Code, rows: number, columns: number): void =>
    at.block.scope((block) => printPatch(item, axes, { ...at, block }, r, c, rows, columns))
  // Rows are worked on together for an operand that is the same in all of them, and so are columns.
  const isShared = (along: readonly string[]): boolean => [left, right].some((value) => !varies(value, along))
  const most = {
    rows: isShared(axes.slice(0, -1)) ? patch.rows : 1,
    columns: isShared(axes.slice(-1)) ? patch.columns : 1,
  }
  chunks(mapping.rowsEach, most.rows, 'r', spot, (atRows, r, rows) =>
    chunks(mapping.columnsEach, most.columns, 'c', atRows, (at, c, columns) => inner(at, r, c, rows, columns)),
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
  const enter = operands([left, right], rowAxes, columnAxes, rows, columns, spot, over)
  along(over, 'up', spot, all, (inner) => {
    const codeOf = enter(inner)
    rows.forEach((row, i) => {
      // Of a weight that is the same for all columns it is asked once whether it is 0: then no bit of a product is left.
      const isAlike = weighted && !varies(left, columnAxes) && columns.length > 1
      const bits = isAlike ? inner.sheet.names.reuse(`bits${i}`) : undefined
      if (bits !== undefined)
        inner.block.line(
          `let ${bits} = select(0xffffffffu, 0u, ${isZero(codeOf(left, i, 0, merge(row, columns[0]!)))});`,
        )
      columns.forEach((column, j) => {
        const [a, b] = [left, right].map((value) => codeOf(value, i, j, merge(row, column)))
        const text = `${inside(a!, tightness.product)} * ${inside(b!, tightness.product + 1)}`
        const kept = bits
          ? `bitcast<f32>(bitcast<u32>(${text}) & ${bits})`
          : weighted
            ? `select(${text}, 0.0, ${isZero(a!)})`
            : text
        inner.block.line(`${sums[i]![j]} += ${kept};`)
      })
    })
  })
  const needed = writeTests(to.name, axes, spot)
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      const at = merge(row, column)
      const write = (place: Spot): void => {
        const total = atom(sums[i]![j]!)
        keep(to.name, fresh ? total : plus(valueAt(to.name, place), total), place)
      }
      const tests = needed([...row.tests, ...column.tests])
      if (tests.length === 0) write(at)
      else spot.block.braces(`if (${allOf(tests)})`, (block) => write({ ...at, block }))
    })
  })
}

const isZero = (weight: Code): string => `${inside(weight, tightness.sum)} == 0.0`

/**
 * What must hold for a sum to be put away: nothing where every place that the patches cover is a place of its own. What lies past
 * the end of a tile is never read, and a branch for each sum costs software adapters most of the time in which they compile.
 */
function writeTests(to: string, axes: readonly string[], spot: Spot): (tests: readonly string[]) => readonly string[] {
  const isOwn = spot.sheet.homes.get(to)?.kind === 'own'
  const isAny = isOwn || isExact(mappingOf(axes, spot))
  return (tests) => (isAny ? [] : tests)
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
