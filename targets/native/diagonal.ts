/** What only the distance between a row and a column tells apart is worked out once for each diagonal of a tile, and read from there. */
import { type KernelExpr, valueRef } from '../../compiler/kernel.ts'
import { one, plus } from '../c-elements.ts'
import { atom, type Code, tightness } from '../expression.ts'
import { isDiagonal } from '../nests/diagonal.ts'
import { isQuick } from '../nests/inline.ts'
import type { Define } from '../nests/item.ts'
import { isSame } from './hoist.ts'
import { lineOf, mostLanes, print, type Spot } from './sheet.ts'
import { widen } from './words.ts'

/** The vector of a value that is written out here, from its diagonals; undefined: write it out. */
export const diagonalValue = ({ to }: Define, spot: Spot): Code | undefined =>
  to.axes.length === 2 ? diagonal(valueRef(to), spot) : undefined

/** The same for a part of an expression. */
export function diagonal(e: KernelExpr, spot: Spot): Code | undefined {
  const { sheet, axes, oneLane } = spot
  const row = sheet.lane
  if (row === undefined || oneLane || spot.alongDiagonal || axes.get(row)?.inner === undefined) return undefined
  const column = [...axes].find(([axis, at]) => axis !== row && at.inner !== undefined && mentions(e, axis, spot))?.[0]
  if (column === undefined || !isDiagonal(e, row, column, sheet.facts)) return undefined
  if (costOf(e, spot) < leastCost) return undefined
  const there = placeFor(e, row, column, spot)
  const array = there && fillDiagonals(e, row, column, there)
  if (array === undefined) return undefined
  const [i, j] = [axes.get(row)!.inner!, axes.get(column)!]
  return atom(`vec::load(&scratch.${array}[${plus(i, j.count).text} - 1 - ${j.inner!.text}])`, 1)
}

/** As many simple operations as make a diagonal worth while. */
const leastCost = 6
const costOfFunction = 8
const simple: readonly string[] = ['abs', 'max', 'min', 'sign', 'floor', 'ceil', 'round', 'int']

/** Simple operations of an expression, about, through values that stand for others. */
function costOf(e: KernelExpr, spot: Spot): number {
  if (e.kind === 'value') {
    const define = spot.sheet.facts.defines.get(e.name)
    if (!define || define.to.axes.length === 0) return 0
    return define.from.kind === 'load' ? costOfFunction : costOf(define.from.expr, spot)
  }
  if (e.kind !== 'call') return 0
  const own = isQuick(e) || simple.includes(e.op) ? 1 : costOfFunction
  return e.args.reduce((sum, arg) => sum + costOf(arg, spot), own)
}

function mentions(e: KernelExpr, axis: string, spot: Spot): boolean {
  if (e.kind === 'index') return e.axis === axis && e.of === 'element'
  if (e.kind === 'value') return spot.sheet.facts.values.get(e.name)?.axes.some((a) => a.axis === axis) ?? false
  return e.kind === 'call' && e.args.some((arg) => mentions(arg, axis, spot))
}

/** The outermost place around this one that has the same tile of rows and columns, outside of the loops over its elements. */
function placeFor(e: KernelExpr, row: string, column: string, spot: Spot): Spot | undefined {
  const isOfTile = (there: Spot): boolean =>
    [row, column].every((axis) => {
      const [a, b] = [spot.axes.get(axis), there.axes.get(axis)]
      return b !== undefined && b.inner === undefined && a?.first.text === b.first.text && a.count.text === b.count.text
    })
  const there = spot.outside.find(isOfTile)
  return there && isKnownAt(e, row, column, spot, there) ? there : undefined
}

function isKnownAt(e: KernelExpr, row: string, column: string, here: Spot, there: Spot): boolean {
  const visit = (x: KernelExpr): boolean => {
    if (x.kind === 'index' && (x.axis === row || x.axis === column)) return true
    if (x.kind === 'call') return x.args.every(visit)
    const define = x.kind === 'value' ? here.sheet.facts.defines.get(x.name) : undefined
    if (!define || define.to.axes.length === 0) return isSame(x, here, there)
    return define.from.kind === 'load' ? Object.values(define.from.index).every(visit) : visit(define.from.expr)
  }
  return visit(e)
}

/** Fills an array with the values of a tile's diagonals, and gives its name: those of its last column, and of rows beyond the last. */
function fillDiagonals(e: KernelExpr, row: string, column: string, there: Spot): string {
  const { sheet, block } = there
  const known = sheet.hoisted.get(block) ?? new Map<string, Code>()
  sheet.hoisted.set(block, known)
  const key = `diagonals of ${row} and ${column}: ${JSON.stringify(e)}`
  const found = known.get(key)
  if (found) return found.text
  const array = sheet.names.fresh('diagonal')
  const columns = Math.ceil((sheet.facts.extents.get(column) ?? 1) / mostLanes) * mostLanes
  const length = lineOf(row, sheet) + columns
  sheet.diagonals.set(array, { type: e.type, length })
  known.set(key, atom(array))
  const [i, j] = [there.axes.get(row)!, there.axes.get(column)!]
  const count = { ...plus(i.count, j.count), text: `${plus(i.count, j.count).text} - 1`, tight: tightness.sum }
  const name = sheet.names.reuse(row)
  block.braces(`for (int32_t ${name} = 0; ${name} < ${count.text}; ${name} += vec::lanes)`, (inner) => {
    const axes = new Map(there.axes)
    axes.set(row, { ...i, count, inner: atom(name) })
    axes.set(column, { ...j, inner: { text: `(${j.count.text} - ${one.text})`, tight: tightness.atom, level: 0 } })
    const spot: Spot = {
      ...there,
      block: inner,
      axes,
      path: [...there.path, {}],
      outside: [...there.outside, there],
      alongDiagonal: true,
    }
    inner.line(`vec::store(&scratch.${array}[${name}], ${widen(print(e, spot), e.type).text});`)
  })
  return array
}
