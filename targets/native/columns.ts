/** Loops that only read, or only write, elements of a buffer for a vector of rows: many columns in one go. */
import type { Buffer, KernelExpr, Load } from '../../compiler/kernel.ts'
import { addressOf, argument, bufferOf, indicesOf, isSafe } from '../c-elements.ts'
import { atom } from '../expression.ts'
import type { Define, Put } from '../nests/item.ts'
import type { Nest } from '../nests/nest.ts'
import { countOf, inLoop, laneAxisOf, layoutOf, print, rowsLeft, type Spot, spotIn, strideIn } from './sheet.ts'
import { widen } from './words.ts'

/** Prints the loop as a call, if it is one over columns. */
export function printColumns({ axis, folds, nodes }: Nest, spot: Spot): boolean {
  const { lane, places } = spot.sheet
  const [line] = nodes
  const isInVector = lane !== undefined && !spot.oneLane && spot.axes.get(lane)?.inner !== undefined
  if (!isInVector || axis === lane || folds.length > 0 || nodes.length !== 1 || line?.kind !== 'line') return false
  const { item } = line
  if (item.kind === 'put') return storeColumns(item, axis, spot)
  if (item.kind !== 'define' || item.from.kind !== 'load') return false
  const place = places.get(item.to.name)
  return place?.stored !== undefined && !place.local && loadColumns(item, item.from, axis, spot)
}

function loadColumns({ to: { name } }: Define, load: Load, axis: string, spot: Spot): boolean {
  const { sheet } = spot
  const layout = layoutOf(name, sheet)
  const buffer = bufferOf(load.buffer, sheet)
  const given = indicesOf(load.index, buffer.buffer)
  const areSafe = given.every((e, n) => isSafe(load, e, buffer.buffer.axes[n]!, sheet.program))
  const from = areSafe ? firstColumn(given, buffer, axis, spot) : undefined
  if (!from || !layout.lanes || !layout.axes.includes(axis)) return false
  const to = spotIn(name, inColumn(axis, spot, '0'), (a) => (a === axis ? atom('0') : spot.axes.get(a)!.inner!))
  const counts = `${rowsLeft(spot)}, ${countOf(axis, spot).text}`
  spot.block.line(
    `vec::loadColumns(&${to.text}, ${strideIn(layout, axis)}, ${from.at}, ${from.row}, ${from.column}, ${counts});`,
  )
  askForNext(from, countOf(axis, spot).text, spot)
  return true
}

/** A worker takes the blocks from the last one on, so that the rows before these are wanted next. */
function askForNext(from: Column, columns: string, { sheet, axes, path, block }: Spot): void {
  const { lane, facts } = sheet
  const isOfBlock = !path.some((node) => 'kind' in node && node.kind === 'loop')
  const first = axes.get(lane ?? '')?.first.text
  const tile = facts.kernel.grid.find(({ axis }) => axis === lane)?.tile
  if (!isOfBlock || first === undefined || tile === undefined) return
  block.line(
    `if (${first} > 0) vec::askForRows(${from.at}, -${tile} * ${from.row}, ${from.row}, ${from.column}, ${columns});`,
  )
}

function storeColumns({ store }: Put, axis: string, spot: Spot): boolean {
  const buffer = bufferOf(store.buffer, spot.sheet)
  const to = firstColumn(indicesOf(store.index, buffer.buffer), buffer, axis, spot)
  if (!to || !store.axes.some((a) => a.axis === spot.sheet.lane)) return false
  const name = spot.sheet.names.reuse(axis)
  const value = widen(print(store.value, inColumn(axis, spot, name)), store.value.type)
  const counts = `${rowsLeft(spot)}, ${countOf(axis, spot).text}`
  spot.block.line(
    `vec::storeColumns(${to.at}, ${to.row}, ${to.column}, ${counts}, [&](int32_t ${name}) { return ${value.text}; });`,
  )
  return true
}

const inColumn = (axis: string, spot: Spot, inner: string): Spot => inLoop(spot, {}, axis, spot.block, atom(inner))

interface Column {
  readonly at: string
  readonly row: string
  readonly column: string
}

/** Where the first column lies, and the strides; undefined where lanes and columns do not follow an axis of the buffer each. */
function firstColumn(
  given: readonly KernelExpr[],
  { buffer, text }: { readonly buffer: Buffer; readonly text: string },
  axis: string,
  spot: Spot,
): Column | undefined {
  if (buffer.storage !== 'f32') return undefined
  const { sheet } = spot
  const first = inColumn(axis, spot, '0')
  const codes = given.map((e) => print(e, first))
  const lane = laneAxisOf(given, codes, first)
  const column = given.findIndex((e) => e.kind === 'index' && e.axis === axis && e.of === 'element')
  const others = given.filter((_, n) => n !== column)
  if (lane === undefined || column < 0 || others.some((e) => mentions(e, axis, spot))) return undefined
  const begin = given.map((e, n) => (n === lane ? print(e, { ...first, oneLane: { at: atom('0') } }) : codes[n]!))
  const strides = sheet.given.strides.get(buffer.name) ?? []
  return {
    at: `&${text}[${addressOf(buffer, begin, sheet).text}]`,
    row: argument(strides[lane], sheet).text,
    column: argument(strides[column], sheet).text,
  }
}

/** Whether an index changes along an axis, for all that is seen of it. */
function mentions(e: KernelExpr, axis: string, { sheet }: Spot): boolean {
  if (e.kind === 'index') return e.axis === axis
  if (e.kind === 'value') return sheet.facts.values.get(e.name)?.axes.some((a) => a.axis === axis) ?? true
  return e.kind === 'call' && e.args.some((arg) => mentions(arg, axis, { sheet } as Spot))
}
