/** A product of tiles as a call: the two forms that are quick in TypeScript where they fit, else one with all strides. */
import type { Value } from '../../compiler/kernel.ts'
import { atom, type Code } from '../expression.ts'
import type { Product } from './item.ts'
import { openAxis } from './print.ts'
import { countOf, type Spot } from './spot.ts'
import { plus, times } from './words.ts'

interface Tile {
  readonly array: string
  readonly first: string
  readonly stride: (axis: string | undefined) => string // 0 where the axis is not in the tile
}
interface Form {
  readonly to: Tile
  readonly left: Tile
  readonly right: Tile
  readonly row: string | undefined
  readonly column: string | undefined
  readonly over: string
}

export function printProduct(item: Product, spot: Spot): void {
  const { to, left, right, over } = item
  spot.block.line(`// ${equation(item)}`)
  if (item.fresh) spot.block.line(`${spot.sheet.arrays.get(to.name)}.fill(0)`)
  const order = to.axes.map(({ axis }) => axis).sort((a, b) => rank(a, spot) - rank(b, spot))
  const row = order.findLast((axis) => has(left, axis) && !has(right, axis))
  const column = order.findLast((axis) => has(right, axis) && !has(left, axis))
  const outer = order.filter((axis) => axis !== row && axis !== column)
  const fill = (inner: Spot): void => {
    const [toTile, leftTile, rightTile] = [to, left, right].map((value) => tileOf(value, outer, inner)) as [
      Tile,
      Tile,
      Tile,
    ]
    printCall(item, { to: toTile, left: leftTile, right: rightTile, row, column, over }, inner)
  }
  const nested = outer.reduceRight<(at: Spot) => void>(
    (inside, axis) => (at) => openAxis(axis, '', {}, at, inside),
    fill,
  )
  nested(spot)
}

const has = (value: Value, axis: string): boolean => value.axes.some((a) => a.axis === axis)
const rank = (axis: string, { sheet }: Spot): number => sheet.facts.order.indexOf(axis)

function equation({ to, left, right, over, fresh }: Product): string {
  const of = (value: Value): string => `${value.name}[${value.axes.map(({ axis }) => axis).join(', ')}]`
  return `${of(to)} ${fresh ? '=' : '+='} the sum over ${over} of ${of(left)} * ${of(right)}`
}

function tileOf(value: Value, outer: readonly string[], spot: Spot): Tile {
  const axes = (spot.sheet.places.get(value.name)?.stored ?? []).map(({ axis }) => axis)
  const strides = axes.map((_, n) =>
    axes.slice(n + 1).reduce((size, a) => size * (spot.sheet.facts.extents.get(a) ?? 1), 1),
  )
  const stride = (axis: string | undefined): number => (axis === undefined ? 0 : (strides[axes.indexOf(axis)] ?? 0))
  const first = outer.reduce<Code>((sum, axis) => {
    const inner = spot.axes.get(axis)?.inner
    return inner && axes.includes(axis) ? plus(sum, times(inner, atom(String(stride(axis))))) : sum
  }, atom('0'))
  return { array: spot.sheet.arrays.get(value.name) ?? '', first: first.text, stride: (axis) => String(stride(axis)) }
}

function printCall({ weighted, full }: Product, form: Form, spot: Spot): void {
  const plain = quickForm(form, spot) ?? quickForm(turned(form), spot) ?? strided('addProducts', form, spot)
  if (!weighted) return spot.block.line(plain)
  const { right, over, column } = form
  const [step, rows, columns] = [right.stride(column), count(over, spot), count(column, spot)]
  const test = `allFinite(${right.array}, ${right.first}, ${right.stride(over)}, ${step}, ${rows}, ${columns})`
  const known = full === undefined ? undefined : spot.sheet.locals.get(full)?.text
  spot.block.either(
    known ? `${known} || ${test}` : test,
    (block) => block.line(plain),
    (block) => block.line(strided('addWeighted', form, spot)),
  )
}

const turned = (form: Form): Form => ({
  ...form,
  left: form.right,
  right: form.left,
  row: form.column,
  column: form.row,
})

/** The blocked forms: whole tiles whose rows are contiguous, along the sum in the left one. */
function quickForm({ to, left, right, row, column, over }: Form, spot: Spot): string | undefined {
  const whole = [to, left, right].every(({ first }) => first === '0')
  if (!whole || !row || !column || to.stride(column) !== '1' || left.stride(over) !== '1') return undefined
  const name =
    right.stride(over) === '1' ? 'addRowProducts' : right.stride(column) === '1' ? 'addColumnProducts' : undefined
  if (!name) return undefined
  const rightRow = right.stride(name === 'addRowProducts' ? column : over)
  const tiles = [to.array, to.stride(row), left.array, left.stride(row), right.array, rightRow]
  return `${name}(${[...tiles, ...[row, column, over].map((axis) => count(axis, spot))].join(', ')})`
}

function strided(name: string, { to, left, right, row, column, over }: Form, spot: Spot): string {
  const tiles = [
    [to.array, to.first, to.stride(row), to.stride(column)],
    [left.array, left.first, left.stride(row), left.stride(over)],
    [right.array, right.first, right.stride(column), right.stride(over)],
    [row, column, over].map((axis) => count(axis, spot)),
  ]
  return `${name}(${tiles.flat().join(', ')})`
}

const count = (axis: string | undefined, spot: Spot): string => (axis === undefined ? '1' : countOf(axis, spot).text)
