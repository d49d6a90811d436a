import { elementary } from './elementary.ts'
import type { Expr } from './ir.ts'
import { own } from './own.ts'

/** The value of an expression of constants and known lengths, such as that of `axis r = 2 * size(d)`; undefined if it has other parts. */
export function knownScalar(e: Expr, sizes: Readonly<Record<string, number>>): number | undefined {
  if (e.kind === 'const') return Number(e.value)
  if (e.kind === 'size') return own(sizes, e.axis)
  if (e.kind !== 'call') return undefined
  const args = e.args.map((arg) => knownScalar(arg, sizes))
  const [x, y = 0, z = 0] = args
  if (x === undefined || args.includes(undefined)) return undefined
  const value = elementary(
    e.op,
    e.args.map((arg) => arg.type),
  )(x, y, z)
  return Number(value)
}
