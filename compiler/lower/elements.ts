/** Elements of buffers, each by itself: those of a tile of tokens together where a machine has a use for it. */
import type { ResultDecl } from '../attention.ts'
import type { Expr } from '../ir.ts'
import { indexRef, type Kernel } from '../kernel.ts'
import { tokensOf } from '../plan/walks.ts'
import { createLowering, type LoweringContext } from './lowering.ts'
import { NotLowered } from './scopes.ts'

/** Undefined where the elements have no token axis alone beside features of known lengths, or need buffers on their way. */
export function lowerTogether(to: ResultDecl, e: Expr, tile: number, context: LoweringContext): Kernel | undefined {
  const [row, ...more] = tokensOf(to.axes)
  if (row === undefined || more.length > 0) return undefined
  const grid = to.axes.filter((axis) => context.sizes[axis] === undefined || axis === 'b' || axis === 'h')
  const outside = grid.filter((axis) => axis !== row)
  const lowering = createLowering(
    context,
    [e],
    new Map([...outside.map((axis) => [axis, 'single'] as const), [row, 'tile']]),
  )
  try {
    const value = lowering.lower(e)
    const index = Object.fromEntries(to.axes.map((axis) => [axis, indexRef(axis)]))
    lowering.emit({ kind: 'store', buffer: to.name, index, value, axes: lowering.valueAxes(to.axes) })
  } catch (error) {
    if (error instanceof NotLowered) return undefined
    throw error
  }
  return {
    kind: 'kernel',
    name: to.name,
    doc: `${to.name}, tiles of ${row}`,
    grid: [...outside.map((axis) => ({ axis, tile: undefined })), { axis: row, tile }],
    body: lowering.scopes[0]?.statements ?? [],
  }
}
