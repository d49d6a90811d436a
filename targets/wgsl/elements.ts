/** Loops over the elements that are an invocation's own. */
import { atom, type Code } from '../expression.ts'
import { extentsOf } from './homes.ts'
import { type Mapping, mapElements } from './mapping.ts'
import { atElement, countOf, plus, type Spot, times } from './sheet.ts'

export const mappingOf = (axes: readonly string[], spot: Spot): Mapping =>
  mapElements(axes, extentsOf(axes, spot.sheet.facts), spot.sheet.group)

/** The row or the column of an invocation's element number `n`: those of neighbours lie side by side. */
const placeOf = (start: string, step: number, n: Code): Code => plus(atom(start), times(n, atom(String(step))))

/** The invocation's row and column among those of its group. */
export const rowOf = ({ across, down, by }: Mapping): string =>
  down === 1 ? '0' : across === 1 ? by : `(${by} >> ${Math.log2(across)}u)`
export const columnOf = ({ across, down, by }: Mapping): string =>
  across === 1 ? '0' : down === 1 ? by : `(${by} & ${across - 1})`

export const rowAt = (mapping: Mapping, n: Code): Code => placeOf(rowOf(mapping), mapping.down, n)
export const columnAt = (mapping: Mapping, n: Code): Code => placeOf(columnOf(mapping), mapping.across, n)

/** The axes of rows at a row: the last of them runs fastest. */
export function atRow(axes: readonly string[], row: Code, spot: Spot): Spot {
  const extents = extentsOf(axes, spot.sheet.facts)
  return axes.reduce((at, axis, n) => {
    const below = extents.slice(n + 1).reduce((product, extent) => product * extent, 1)
    const over = below === 1 ? row : atom(`(${row.text}) / ${below}`)
    const isFirst = n === 0
    return atElement(at, axis, isFirst ? asAtom(over) : atom(`(${over.text}) % ${extents[n]}`))
  }, spot)
}

const asAtom = (code: Code): Code => (/^(\w+|\([^()]*\))$/.test(code.text) ? code : atom(`(${code.text})`))

/** What must hold for an element to exist; nothing where all that the mapping covers do. */
export function existence(axes: readonly string[], covered: number, spot: Spot): readonly string[] {
  const extents = extentsOf(axes, spot.sheet.facts)
  return axes.flatMap((axis, n) => {
    const inner = spot.axes.get(axis)?.inner?.text ?? '0'
    const count = countOf(axis, spot).text
    const extent = extents[n]!
    const isAll = count === String(extent)
    const overflows = n === 0 && covered > extents.reduce((product, e) => product * e, 1)
    return isAll && !overflows ? [] : [`${inner} < ${count}`]
  })
}

/** All of these comparisons: a branch for each costs software adapters much when they compile. */
export const allOf = (tests: readonly string[]): string =>
  tests.length === 1 ? tests[0]! : tests.map((test) => `(${test})`).join(' & ')

/** Whether every place that the mapping covers is a place in a tile: what is put there, past a tile's end, is never read. */
export const isExact = ({ rows, columns, across, down, rowsEach, columnsEach }: Mapping): boolean =>
  rows === down * rowsEach && columns === across * columnsEach

/**
 * Runs over all of an invocation's elements; `own` counts them.
 * @param isPure  whether what is done to an element stays in its place: columns past the end may be worked out as well then
 */
export function eachElement(axes: readonly string[], isPure: boolean, spot: Spot, fill: (inner: Spot) => void): void {
  const mapping = mappingOf(axes, spot)
  const rowAxes = axes.slice(0, -1)
  const columnAxes = axes.slice(-1)
  const { names } = spot.sheet
  const { rowsEach, columnsEach } = mapping
  loopOver(rowsEach, names.reuse('r'), spot, (outer, r) => {
    const atRows = withNames(atRow(rowAxes, rowAt(mapping, r), outer), rowAxes)
    const rowTests =
      rowAxes.length > 0
        ? existence(rowAxes, mapping.down * rowsEach, atRows)
        : mapping.down > 1
          ? [`${rowOf(mapping)} == 0`]
          : []
    when(rowTests, atRows, (inRow) =>
      loopOver(columnsEach, names.reuse('c'), inRow, (inner, c) => {
        const atColumn = withNames(atRow(columnAxes, columnAt(mapping, c), inner), columnAxes)
        const isAny = isPure && isExact(mapping)
        const tests = isAny ? [] : existence(columnAxes, mapping.across * columnsEach, atColumn)
        const own = plus(times(r, atom(String(columnsEach))), c)
        when(tests, { ...atColumn, own }, fill)
      }),
    )
  })
}

/** Runs over the places of all of an invocation's elements in step with all others; `tests`: what holds where there is an element. */
export function eachPlace(
  axes: readonly string[],
  spot: Spot,
  fill: (inner: Spot, tests: readonly string[]) => void,
): void {
  const mapping = mappingOf(axes, spot)
  const rowAxes = axes.slice(0, -1)
  const columnAxes = axes.slice(-1)
  const { names } = spot.sheet
  const { down, rowsEach, across, columnsEach } = mapping
  loopOver(rowsEach, names.reuse('r'), spot, (outer, r) =>
    loopOver(columnsEach, names.reuse('c'), outer, (inner, c) => {
      const atRows = withNames(atRow(rowAxes, rowAt(mapping, r), inner), rowAxes)
      const at = withNames(atRow(columnAxes, columnAt(mapping, c), atRows), columnAxes)
      const isAlone = rowAxes.length === 0 && down > 1
      const rowTests = isAlone ? [`${rowOf(mapping)} == 0`] : existence(rowAxes, down * rowsEach, at)
      const tests = [...rowTests, ...existence(columnAxes, across * columnsEach, at)]
      fill({ ...at, own: plus(times(r, atom(String(columnsEach))), c) }, tests)
    }),
  )
}

function loopOver(count: number, name: string, spot: Spot, fill: (inner: Spot, n: Code) => void): void {
  if (count === 1) return fill(spot, atom('0'))
  spot.block.braces(`for (var ${name} = 0; ${name} < ${count}; ${name}++)`, (block) =>
    fill({ ...spot, block }, atom(name)),
  )
}

/** Places within tiles get the names of their axes. */
export function withNames(spot: Spot, axes: readonly string[]): Spot {
  return axes.reduce((at, axis) => {
    const inner = at.axes.get(axis)?.inner
    if (!inner || /^\w+$/.test(inner.text)) return at
    const name = at.sheet.names.reuse(axis, `axis ${axis}`)
    at.block.line(`let ${name} = ${inner.text.replace(/^\(([^()]*)\)$/, '$1')};`)
    return atElement(at, axis, atom(name))
  }, spot)
}

function when(tests: readonly string[], spot: Spot, fill: (inner: Spot) => void): void {
  if (tests.length === 0) return fill(spot)
  spot.block.braces(`if (${allOf(tests)})`, (block) => fill({ ...spot, block }))
}
