/** Stretches of columns, and how they are joined. */
import { type KernelExpr, sizeRef } from '../kernel.ts'
import type { NumbersContext } from './numbers.ts'
import { int, max, min } from './scalar.ts'

/** Columns outside of [from, to) are not in it. Undefined: no bound on this side. */
export interface Stretch {
  readonly from: KernelExpr | undefined
  readonly to: KernelExpr | undefined
}
export const everything: Stretch = { from: undefined, to: undefined }

type Join = (a: KernelExpr, b: KernelExpr) => KernelExpr
const tighter = (a: KernelExpr | undefined, b: KernelExpr | undefined, join: Join): KernelExpr | undefined =>
  a && b ? join(a, b) : (a ?? b)
const wider = (a: KernelExpr | undefined, b: KernelExpr | undefined, join: Join): KernelExpr | undefined =>
  a && b ? join(a, b) : undefined
export const both = (a: Stretch, b: Stretch): Stretch => ({
  from: tighter(a.from, b.from, max),
  to: tighter(a.to, b.to, min),
})
export const either = (a: Stretch, b: Stretch): Stretch => ({
  from: wider(a.from, b.from, min),
  to: wider(a.to, b.to, max),
})

export const columnSize = ({ column, sizes }: NumbersContext): KernelExpr => {
  const fixed = sizes[column]
  return fixed === undefined ? sizeRef(column) : int(fixed)
}
