/**
 * Elements of buffers, each by itself: those of a tile of tokens together where a machine has a use for it, and those of pairs in tiles
 * of rows, past which tiles of columns go.
 */
import type { ResultDecl } from '../attention.ts'
import type { Expr } from '../ir.ts'
import { indexRef, type Kernel } from '../kernel.ts'
import { tokensOf } from '../plan/walks.ts'
import { createLowering, type Lowering, type LoweringContext } from './lowering.ts'
import { NotLowered } from './scopes.ts'

/** Tokens of a block: of rows without columns, and of each axis of pairs. */
interface ElementTiles {
  readonly together: number
  readonly of: (axis: string) => number
}

/** Undefined where the elements have no token axis beside features of known lengths, or need buffers on their way. */
export function lowerTogether(
  to: ResultDecl,
  e: Expr,
  tiles: ElementTiles,
  context: LoweringContext,
): Kernel | undefined {
  const [row, column] = tokensOf(to.axes)
  if (row === undefined) return undefined
  const grid = to.axes.filter((axis) => context.sizes[axis] === undefined || axis === 'b' || axis === 'h')
  const outside = grid.filter((axis) => axis !== row && axis !== column)
  const lowering = createLowering(
    context,
    [e],
    new Map([...outside.map((axis) => [axis, 'single'] as const), [row, 'tile']]),
  )
  try {
    if (column === undefined) storeElements(to, e, lowering)
    else passColumns(to, e, column, tiles.of(column), lowering)
  } catch (error) {
    if (error instanceof NotLowered) return undefined
    throw error
  }
  return {
    kind: 'kernel',
    name: to.name,
    doc: `${to.name}: tiles of ${row}${column === undefined ? '' : ` stay, tiles of ${column} pass by`}`,
    grid: [
      ...outside.map((axis) => ({ axis, tile: undefined })),
      { axis: row, tile: column === undefined ? tiles.together : tiles.of(row) },
    ],
    body: lowering.scopes[0]?.statements ?? [],
  }
}

function storeElements(to: ResultDecl, e: Expr, lowering: Lowering): void {
  const value = lowering.lower(e)
  const index = Object.fromEntries(to.axes.map((axis) => [axis, indexRef(axis)]))
  lowering.emit({ kind: 'store', buffer: to.name, index, value, axes: lowering.valueAxes(to.axes) })
}

function passColumns(to: ResultDecl, e: Expr, axis: string, tile: number, lowering: Lowering): void {
  const { scope } = lowering.nested(new Map([[axis, 'tile']]), () => storeElements(to, e, lowering))
  const walk = { kind: 'tiles', axis, tile, from: undefined, to: undefined, direction: 'up' } as const
  lowering.emit({
    kind: 'loop',
    over: { ...walk, head: [], skip: undefined },
    carried: [],
    body: scope.statements,
  })
}
