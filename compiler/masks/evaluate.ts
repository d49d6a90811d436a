/** Runs the scalar code of a mask's classes, to draw them and to test them. */
import { elementary } from '../elementary.ts'
import { InternalError } from '../invariant.ts'
import type { Expr } from '../ir.ts'
import type { KernelExpr, Load, Reduce, Statement } from '../kernel.ts'
import type { RangeFacts } from '../range.ts'
import { createClassify, type MaskClasses } from './classify.ts'

export interface MaskInput {
  readonly axes: readonly string[] // in memory order
  readonly data: ArrayLike<number> // bool as 0 and 1
}
export interface MaskLaunch {
  readonly sizes: Readonly<Record<string, number>>
  readonly params: Readonly<Record<string, number | boolean>>
  readonly inputs: Readonly<Record<string, MaskInput>>
  readonly single: Readonly<Record<string, number>> // indices of the axes that are not tiled: b, h
  readonly round?: (x: number) => number // after each f32 operation: `Math.fround` for a kernel in f32; f64 if absent
}
/** First and last index of the current tile, by axis. */
export type Tiles = Readonly<Record<string, readonly [first: number, last: number]>>

export type TileClass = 'empty' | 'full' | 'partial'

/** The class of each tile, rows of tiles of `row` by columns of tiles of `column`. A loop's bounds make a tile empty as well. */
export function tileClasses(
  mask: Expr,
  facts: RangeFacts,
  launch: MaskLaunch,
  tile: { readonly i: number; readonly j: number },
): readonly (readonly TileClass[])[] {
  let names = 0
  const classes = createClassify(facts)(mask, { row: 'i', column: 'j', fresh: (base) => `${base}${names++}` })
  const [rows, columns] = [tilesOf(launch.sizes.i ?? 0, tile.i), tilesOf(launch.sizes.j ?? 0, tile.j)]
  return rows.map((row) =>
    columns.map((column) => classOf(evaluateClasses(classes, { i: row, j: column }, launch), column)),
  )
}

export interface Evaluated {
  readonly full: boolean
  readonly empty: boolean
  readonly from: number | undefined
  readonly to: number | undefined
}

export function evaluateClasses(classes: MaskClasses, tiles: Tiles, launch: MaskLaunch): Evaluated {
  const run = createRun(tiles, launch)
  for (const statement of [...classes.before, ...classes.inside]) run.define(statement)
  const number = (e: KernelExpr | undefined): number | undefined => e && run.value(e, {})
  const { full, empty, from, to } = classes
  return { full: number(full) === 1, empty: number(empty) === 1, from: number(from), to: number(to) }
}

function classOf({ full, empty, from, to }: Evaluated, [first, last]: readonly [number, number]): TileClass {
  const outside = (from !== undefined && last < from) || (to !== undefined && first >= to)
  if (empty || outside) return 'empty'
  return full ? 'full' : 'partial'
}

export const tilesOf = (size: number, tile: number): readonly (readonly [number, number])[] =>
  Array.from({ length: Math.ceil(size / tile) }, (_, n) => [n * tile, Math.min(size, (n + 1) * tile) - 1] as const)

type Place = Readonly<Record<string, number>>

interface Run {
  readonly define: (statement: Statement) => void
  readonly value: (e: KernelExpr, place: Place) => number
}

function createRun(tiles: Tiles, launch: MaskLaunch): Run {
  const values = new Map<string, (place: Place) => number>()
  const known = <T>(value: T | undefined, name: string): T => {
    if (value === undefined) throw new InternalError(`the classes of a mask read '${name}', which has no value`)
    return value
  }

  const rounded = (e: KernelExpr, x: number): number => (e.type === 'f32' && launch.round ? launch.round(x) : x)

  function value(e: KernelExpr, place: Place): number {
    switch (e.kind) {
      case 'const':
        return rounded(e, Number(e.value))
      case 'value':
        return known(values.get(e.name), e.name)(place)
      case 'index':
        if (e.of === 'element') return known(place[e.axis] ?? launch.single[e.axis], e.axis)
        return known(tiles[e.axis], e.axis)[e.of === 'first' ? 0 : 1]
      case 'size':
        return known(launch.sizes[e.axis], e.axis)
      case 'param':
        return Number(known(launch.params[e.name], e.name))
      case 'call': {
        const [x = 0, y = 0, z = 0] = e.args.map((arg) => value(arg, place))
        return rounded(
          e,
          elementary(
            e.op,
            e.args.map((arg) => arg.type),
          )(x, y, z),
        )
      }
    }
  }

  function load({ buffer, index }: Load, place: Place): number {
    const { axes, data } = known(launch.inputs[buffer], buffer)
    let at = 0
    for (const axis of axes) {
      const size = known(launch.sizes[axis], axis)
      if (size === 0) return 0
      at = at * size + Math.max(0, Math.min(size - 1, value(known(index[axis], axis), place)))
    }
    return known(data[at], buffer)
  }

  function fold({ op, of, over, to }: Reduce, place: Place): number {
    const [first, last] = tiles[over] ?? [0, known(launch.sizes[over], over) - 1]
    let out = known(starts[op], op)
    for (let n = first; n <= last; n++) {
      const x = value(of, { ...place, [over]: n })
      out = elementary(op === 'any' ? 'or' : op === 'all' ? 'and' : op === 'min' ? 'min' : 'max', [to.type])(out, x, 0)
    }
    return out
  }

  function define(statement: Statement): void {
    if (statement.kind === 'map')
      values.set(
        statement.to.name,
        once((place) => value(statement.expr, place), statement.to.axes.length),
      )
    else if (statement.kind === 'load') values.set(statement.to.name, (place) => load(statement, place))
    else if (statement.kind === 'reduce')
      values.set(
        statement.to.name,
        once((place) => fold(statement, place), statement.to.axes.length),
      )
    else throw new InternalError(`the classes of a mask hold a ${statement.kind}`)
  }
  return { define, value }
}

/** A value without axes is computed once. */
function once(make: (place: Place) => number, axes: number): (place: Place) => number {
  if (axes > 0) return make
  let value: number | undefined
  return (place) => {
    value ??= make(place)
    return value
  }
}

const starts: Partial<Record<Reduce['op'], number>> = { any: 0, all: 1, min: Infinity, max: -Infinity }
