/**
 * Whether a kernel fits tensor cores, and how: rows of its tile belong to the warps of a block, a value of rows and columns lies in
 * fragments, one of rows in registers, and what is loaded for products in tiles of shared memory.
 */
import {
  type Buffer,
  type IndexRef,
  type Kernel,
  type KernelExpr,
  type Load,
  type Program,
  type Value,
  valueRef,
} from '../../../compiler/kernel.ts'
import { everyItem, type Facts, type Item, type Product, type Repeat, refs, valuesIn } from '../../nests/item.ts'
import { normalize } from '../../nests/normalize.ts'
import { isFoldOfRows, isScalarLoop } from './scalar.ts'

/** A tile that products read, with neighbours along `minor` next to each other in memory. */
export interface TileOf {
  readonly value: Value
  readonly load: Load
  readonly buffer: Buffer
  readonly major: string
  readonly minor: string
  readonly rows: number // whole fragments
  readonly columns: number
}

export interface Layout {
  readonly kernel: Kernel
  readonly row: string
  readonly tile: number // rows of a block
  readonly warps: number
  readonly groups: number // of 16 rows, that a warp has
  readonly items: readonly Item[]
  readonly facts: Facts
  readonly tiles: ReadonlyMap<string, TileOf>
  readonly type: 'Half' | 'Brain'
}

export const ceilTo = (n: number, step: number): number => Math.ceil(n / step) * step

/** Columns of fragments along an axis, in whole pairs of 8. */
export const columnsOf = (axis: string, { extents }: Pick<Facts, 'extents'>): number =>
  ceilTo(extents.get(axis) ?? 1, 16)

export type Form = 'uniform' | 'row' | 'column' | 'fragment' | 'other'
export function formOf(value: Pick<Value, 'axes'>, row: string): Form {
  const others = value.axes.filter(({ axis }) => axis !== row)
  if (value.axes.length === 0) return 'uniform'
  if (others.length === 0) return 'row'
  if (others.length > 1) return 'other'
  return others.length === value.axes.length ? 'column' : 'fragment'
}
/** The axis of columns. */
export const columnOf = (value: Pick<Value, 'axes'>, row: string): string =>
  value.axes.find(({ axis }) => axis !== row)?.axis ?? ''

/** undefined: the kernel does not fit. */
export function layOutFragments(kernel: Kernel, program: Program, given: Facts): Layout | undefined {
  const tiled = kernel.grid.filter(({ tile }) => tile !== undefined)
  const [only] = tiled
  if (only?.tile === undefined || tiled.length > 1) return undefined
  const { axis: row, tile } = only
  const items = sumWeights(normalize(kernel).items)
  const all = everyItem(items)
  const tiles = new Map(
    all.flatMap((item) => {
      const found = item.kind === 'define' ? tileOf(item.to, item.from, all, row, given, program) : undefined
      return found ? [[found.value.name, found] as const] : []
    }),
  )
  const types = new Set([...tiles.values()].map(({ buffer }) => buffer.storage))
  const [storage] = types
  if (types.size !== 1 || (storage !== 'f16' && storage !== 'bf16')) return undefined
  const inlined = new Set(
    all.flatMap((item) => (item.kind === 'define' && isWrittenOut(item.to, item.from.kind, row) ? [item.to.name] : [])),
  )
  const facts = { ...given, inlined }
  if (!all.every((item) => fits(item, row, tiles, facts)) || !items.every(isAtTop)) return undefined
  const warps = Math.min(4, Math.ceil(tile / 16))
  const groups = Math.ceil(tile / (16 * warps))
  return { kernel, row, tile, warps, groups, items, facts, tiles, type: storage === 'f16' ? 'Half' : 'Brain' }
}

/** Sums of what a mask admits as sums of what it has put 0 into elsewhere, where products need that, too. */
function sumWeights(items: readonly Item[]): readonly Item[] {
  const weights = new Map<string, Value>()
  return items.map((item): Item => {
    if (item.kind === 'repeat') return { ...item, body: sumWeights(item.body) }
    if (item.kind === 'define' && item.from.kind === 'expr' && item.from.expr.kind === 'call') {
      const { op, args } = item.from.expr
      const [mask, of, other] = args
      const isZero = other?.kind === 'const' && other.value === 0
      if (op === 'select' && mask?.kind === 'value' && of?.kind === 'value' && isZero)
        weights.set(`${mask.name} ${of.name}`, item.to)
    }
    if (item.kind !== 'fold' || item.op !== 'sum' || item.of.kind !== 'value') return item
    const own = weights.get(`${item.where} ${item.of.name}`)
    return own ? { ...item, of: valueRef(own), where: undefined } : item
  })
}

/** Columns and masks of rows are spelled where they are used; the compiler finds what is computed twice. */
function isWrittenOut(to: Value, kind: 'expr' | 'load' | 'mask', row: string): boolean {
  const form = formOf(to, row)
  return form === 'fragment' ? to.type !== 'f32' && kind !== 'mask' : kind === 'mask' || form === 'column'
}

/** Loops over tiles stand side by side: none is within another loop. */
const isAtTop = (item: Item): boolean =>
  item.kind !== 'repeat' || everyItem([...item.head, ...item.body]).every((inner) => !isOverTiles(inner))
const isOverTiles = (item: Item): boolean => item.kind === 'repeat' && item.loop.over.kind === 'tiles'

function tileOf(
  value: Value,
  load: Load | { readonly kind: 'expr' | 'mask' },
  all: readonly Item[],
  row: string,
  facts: Facts,
  program: Program,
): TileOf | undefined {
  if (load.kind !== 'load' || load.outside !== 'never' || value.axes.length !== 2) return undefined
  const users = all.filter((item) => refs(item).includes(value.name))
  if (users.length === 0 || users.some(({ kind }) => kind !== 'product')) return undefined
  const buffer = program.buffers.find(({ name }) => name === load.buffer)
  if (!buffer || facts.stored.has(buffer.name) || buffer.role === 'workspace') return undefined
  const own = (e: KernelExpr | undefined): IndexRef | undefined =>
    e?.kind === 'index' && e.of === 'element' && value.axes.some(({ axis }) => axis === e.axis) ? e : undefined
  const minor = own(load.index[buffer.axes.at(-1) ?? ''])?.axis
  const major = value.axes.find(({ axis }) => axis !== minor)?.axis
  if (minor === undefined || major === undefined || minor === row) return undefined
  const others = Object.values(load.index).filter((e) => !own(e))
  const named = Object.values(load.index).flatMap((e) => own(e)?.axis ?? [])
  if (named.length !== 2 || new Set(named).size !== 2 || !others.every((e) => isUniform(e, value, facts)))
    return undefined
  const isWhole = value.axes.some(({ axis, extent }) => axis === minor && extent === 'whole')
  const width = program.sizes[minor] ?? 0
  if (!isWhole || width % 8 !== 0 || width === 0) return undefined
  return {
    value,
    load,
    buffer,
    major,
    minor,
    rows: ceilTo(facts.extents.get(major) ?? 1, 16),
    columns: ceilTo(width, 16),
  }
}

/** Whether an index is the same for all elements of a tile. */
const isUniform = (e: KernelExpr, value: Value, facts: Facts): boolean =>
  e.kind === 'index'
    ? !(e.of === 'element' && value.axes.some(({ axis }) => axis === e.axis))
    : valuesIn(e).every((name) => facts.values.get(name)?.axes.length === 0) &&
      (e.kind !== 'call' || e.args.every((arg) => isUniform(arg, value, facts)))

function fits(item: Item, row: string, tiles: ReadonlyMap<string, TileOf>, facts: Facts): boolean {
  switch (item.kind) {
    case 'define':
      return (
        tiles.has(item.to.name) ||
        (formOf(item.to, row) !== 'other' && !(item.from.kind === 'load' && facts.stored.has(item.from.buffer)))
      )
    case 'fold':
      return item.over === row
        ? isFoldOfRows(item, row, facts)
        : formOf(item.to, row) === 'row' && foldsFragment(item, row, facts)
    case 'product':
      return fitsProduct(item, row, tiles)
    case 'scale':
    case 'update':
      return isKept(item.to, row) && (item.kind === 'scale' || isPlaced(item.from, item.to, facts))
    case 'put':
      return ['row', 'fragment'].includes(formOf(item.store, row))
    case 'repeat':
      return isTileLoop(item, row) || isScalarLoop(item, row)
    default:
      return false
  }
}

/** What is carried from tile to tile. */
const isKept = (to: Value, row: string): boolean => {
  const form = formOf(to, row)
  return form === 'uniform' || form === 'row' || (form === 'fragment' && to.type === 'f32')
}
const isPlaced = (from: KernelExpr, to: Value, { values }: Facts): boolean =>
  valuesIn(from).every((name) =>
    (values.get(name)?.axes ?? []).every(({ axis }) => to.axes.some((a) => a.axis === axis)),
  )
const foldsFragment = (item: Extract<Item, { kind: 'fold' }>, row: string, { values }: Facts): boolean =>
  valuesIn(item.of).every((name) =>
    (values.get(name)?.axes ?? []).every(({ axis }) => axis === row || axis === item.over),
  )
const isTileLoop = ({ loop: { over } }: Repeat, row: string): boolean =>
  over.kind === 'tiles' && over.direction === 'up' && over.axis !== row

/** left[row, over] right[over, column], the left in a tile or a fragment, the right in a tile. */
function fitsProduct(product: Product, row: string, tiles: ReadonlyMap<string, TileOf>): boolean {
  const { to, over } = product
  const { a, b } = operandsOf(product, row)
  const [own, other] = [tiles.get(a.name), tiles.get(b.name)]
  if (formOf(to, row) !== 'fragment' || formOf(a, row) !== 'fragment' || !other) return false
  if (columnOf(a, row) !== over || (own && own.minor !== over)) return false
  const axes = [other.major, other.minor]
  return axes.includes(over) && axes.includes(columnOf(to, row))
}

/** The operands of a product as they stand: the left one has the rows. */
export function operandsOf({ left, right }: Product, row: string): { readonly a: Value; readonly b: Value } {
  return left.axes.some(({ axis }) => axis === row) ? { a: left, b: right } : { a: right, b: left }
}
