/** A product of tiles: a call of the form that fits how they lie, else loops. */
import type { Value } from '../../compiler/kernel.ts'
import type { Product } from '../nests/item.ts'
import { openAxis } from './print.ts'
import { countOf, elementAt, isRows, type Spot } from './spot.ts'

export function printProduct(item: Product, spot: Spot): void {
  spot.block.line(`// ${equation(item)}`)
  if (!printCall(item, spot)) printLoops(item, spot)
}

function equation({ to, left, right, over, fresh }: Product): string {
  const of = (value: Value): string => `${value.name}[${value.axes.map(({ axis }) => axis).join(', ')}]`
  return `${of(to)} ${fresh ? '=' : '+='} the sum over ${over} of ${of(left)} * ${of(right)}`
}

/** Whether a value lies in rows over these two axes. */
function isMatrix(value: Value, row: string, column: string, { sheet }: Spot): boolean {
  const stored = sheet.places.get(value.name)?.stored?.map(({ axis }) => axis)
  return isRows(value.name, sheet) && stored?.join() === `${row},${column}`
}

/** The blocked forms, for tiles over two axes. Without weights, factors may change places. */
function printCall(item: Product, spot: Spot): boolean {
  const { to, left, right, over, weighted, fresh } = item
  const [row, column] = spot.sheet.places.get(to.name)?.stored?.map(({ axis }) => axis) ?? []
  if (!row || !column || !isMatrix(to, row, column, spot)) return false
  const orders = weighted
    ? [[left, right]]
    : [
        [left, right],
        [right, left],
      ] // prettier-ignore
  for (const [a, b] of orders as [Value, Value][]) {
    if (!isMatrix(a, row, over, spot)) continue
    if (isMatrix(b, column, over, spot) && fresh && !weighted) {
      spot.block.line(call('multiplyRows', [to, a, b], [row, column, over], spot))
      return true
    }
    if (!isMatrix(b, over, column, spot)) continue
    if (fresh) spot.block.line(`fillTile(${arrayOf(to, spot)}, 0)`)
    printSum(item, [to, a, b], [row, column, over], spot)
    return true
  }
  return false
}

const arrayOf = (value: Value, { sheet }: Spot): string => sheet.arrays.get(value.name) ?? ''

function call(name: string, tiles: readonly Value[], counts: readonly string[], spot: Spot): string {
  const args = [...tiles.map((value) => arrayOf(value, spot)), ...counts.map((axis) => countOf(axis, spot).text)]
  return `${name}(${args.join(', ')})`
}

/** Weights of 0 need care only where what they are multiplied with is not finite. */
function printSum({ weighted, full, right, over }: Product, tiles: Value[], counts: string[], spot: Spot): void {
  const plain = call('addMultiples', tiles, counts, spot)
  if (!weighted) return spot.block.line(plain)
  const test = call('allFinite', [right], [over, counts[1]!], spot)
  const known = full === undefined ? undefined : spot.sheet.locals.get(full)?.text
  spot.block.either(
    known ? `${known} || ${test}` : test,
    (block) => block.line(plain),
    (block) => block.line(call('addWeighted', tiles, counts, spot)),
  )
}

/** One element after the other, for tiles that lie in any way. */
function printLoops({ to, left, right, over, weighted, fresh }: Product, spot: Spot): void {
  const name = spot.sheet.names.reuse('sum')
  const element = (value: Value, at: Spot): string => `${elementAt(value.name, at).text}!`
  const addOne = (at: Spot): void => {
    const add = `${name} += ${element(left, at)} * ${element(right, at)}`
    at.block.line(weighted ? `if (${element(left, at)} !== 0) ${add}` : add)
  }
  const innermost = (at: Spot): void => {
    at.block.line(`let ${name} = 0`)
    openAxis(over, '', {}, at, addOne)
    at.block.line(fresh ? `${elementAt(to.name, at).text} = ${name}` : `${element(to, at)} += ${name}`)
  }
  const axes = spot.sheet.places.get(to.name)?.stored ?? []
  const nested = axes.reduceRight<(at: Spot) => void>(
    (inside, { axis }) =>
      (at) =>
        openAxis(axis, '', {}, at, inside),
    innermost,
  )
  nested(spot)
}
