/** The kernels that fill tables of tiles: one element of the grid for each tile, then a walk along the tiles. */

import { createNames } from '../fresh-names.ts'
import type { Expr } from '../ir.ts'
import {
  indexRef,
  type Kernel,
  type KernelExpr,
  kernelCall,
  type Loop,
  type Statement,
  type Store,
  type Value,
  valueRef,
} from '../kernel.ts'
import type { Op } from '../ops.ts'
import { createElements } from './elements.ts'
import { float, int, no, scalar, yes } from './scalar.ts'
import type { Table, TileFold } from './tables.ts'

/** Tables of equal axes, each tile of the column by itself. */
export function foldKernel(
  name: string,
  tables: readonly Table[],
  sizes: Readonly<Record<string, number>>,
  number: (e: Expr) => number,
): Kernel {
  const [{ column, tile, tiles, buffer }] = tables as readonly [Table]
  const body: Statement[] = []
  const newName = createNames()
  const { element } = createElements(
    {
      extent: (axis) => (axis === column ? 'tile' : undefined),
      tile: (axis) => (axis === column ? tile : undefined),
      sizes,
      newName,
      number,
    },
    (load) => body.push(load),
  )
  for (const table of tables) {
    const to: Value = { name: newName(table.name), type: table.of.type, axes: [] }
    body.push({ kind: 'reduce', to, of: element(table.of), over: column, op: table.op, where: undefined })
    body.push(store(table, valueRef(to), tileIndex(column, tile)))
  }
  return {
    kind: 'kernel',
    name,
    doc: `what masks read of each tile of ${column}`,
    grid: [...singlesOf(buffer.axes, tiles), { axis: column, tile }],
    body,
  }
}

/** Where the current tile of an axis stands among its tiles. */
export const tileIndex = (axis: string, tile: number): KernelExpr => scalar('idiv', indexRef(axis, 'first'), int(tile))

/** Running extremes of equal axes. */
export function runningKernel(name: string, tables: readonly Table[]): Kernel {
  const [{ column, tiles, buffer }] = tables as readonly [Table]
  const newName = createNames()
  return {
    kind: 'kernel',
    name,
    doc: `extremes over the tiles of ${column} up to each one, or from it on`,
    grid: singlesOf(buffer.axes, tiles),
    body: tables.map((table) => walk(table, newName)),
  }
}

function walk(table: Table, newName: (base: string) => string): Loop {
  const { running, op, of, tiles } = table
  const named = (base: string): Value => ({ name: newName(base), type: of.type, axes: [] })
  const source = running?.of
  const [carried, entry, next] = [named(table.name), named(source?.name ?? ''), named('next')]
  return {
    kind: 'loop',
    over: { kind: 'members', axis: tiles, direction: running?.direction ?? 'up' },
    carried: [{ value: carried, initial: identity(op, of), next: next.name }],
    body: [
      {
        kind: 'load',
        to: entry,
        buffer: source?.buffer.name ?? '',
        index: indexOf(table, indexRef(tiles)),
        outside: 'never',
      },
      { kind: 'map', to: next, expr: kernelCall(joins[op], valueRef(carried), valueRef(entry)) },
      store(table, valueRef(next), indexRef(tiles)),
    ],
  }
}

const joins: Readonly<Record<TileFold, Op>> = { min: 'min', max: 'max', any: 'or', all: 'and' }

function identity(op: TileFold, { type }: Expr): KernelExpr {
  if (op === 'any') return no
  if (op === 'all') return yes
  const least = op === 'max'
  if (type === 'i32') return int(least ? -(2 ** 31) : 2 ** 31 - 1)
  return float(least ? -Infinity : Infinity)
}

const store = (table: Table, value: KernelExpr, at: KernelExpr): Store => ({
  kind: 'store',
  buffer: table.buffer.name,
  index: indexOf(table, at),
  value,
  axes: [],
})

/** The entry of tile `at`. */
export const indexOf = ({ buffer, tiles }: Table, at: KernelExpr): Readonly<Record<string, KernelExpr>> =>
  Object.fromEntries(buffer.axes.map((axis) => [axis, axis === tiles ? at : indexRef(axis)]))

const singlesOf = (axes: readonly string[], tiles: string): Kernel['grid'] =>
  axes.filter((axis) => axis !== tiles).map((axis) => ({ axis, tile: undefined }))
