/** What integer expressions can be, whatever the launch: where they cannot wrap, and indices that are known to lie on their axis. */
import { elementary } from '../compiler/elementary.ts'
import { type KernelCall, type KernelExpr, kernelConst, type Program } from '../compiler/kernel.ts'
import type { Op } from '../compiler/ops.ts'

/** The longest axis that generated code accepts: the sum of two lengths is below 2^31. */
export const longestAxis = 2 ** 30 - 1

type Interval = readonly [number, number]
const anyInteger: Interval = [-(2 ** 31), 2 ** 31 - 1]

/** What an i32 expression can be; of the outermost operation, before it wraps. */
function interval(e: KernelExpr): Interval {
  if (e.kind === 'const') return [Number(e.value), Number(e.value)]
  if (e.kind === 'index' || e.kind === 'size') return [0, longestAxis]
  if (e.kind !== 'call') return anyInteger
  const [a, b] = e.args.map((arg) => inRange(interval(arg)))
  return (a && b && intervals[e.op]?.(a, b)) ?? anyInteger
}

const intervals: Readonly<Partial<Record<Op, (a: Interval, b: Interval) => Interval | undefined>>> = {
  add: (a, b) => [a[0] + b[0], a[1] + b[1]],
  sub: (a, b) => [a[0] - b[1], a[1] - b[0]],
  mul: (a, b) => {
    const products = a.flatMap((x) => b.map((y) => x * y))
    return [Math.min(...products), Math.max(...products)]
  },
  min: (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1])],
  max: (a, b) => [Math.max(a[0], b[0]), Math.max(a[1], b[1])],
  idiv: (a, b) => (a[0] >= 0 && b[0] > 0 ? [0, a[1]] : undefined),
  mod: (_, b) => (b[0] > 0 ? [0, b[1] - 1] : undefined),
}

/** An operand has wrapped, if it had to. */
const inRange = (x: Interval): Interval => (x[0] >= anyInteger[0] && x[1] <= anyInteger[1] ? x : anyInteger)
/** Whether an i32 result is known not to wrap. */
export const staysInRange = (e: KernelExpr): boolean => inRange(interval(e)) !== anyInteger
/** Quotients and remainders of numbers that are not negative, by what is not 0. */
export const isPlain = ({ args }: KernelCall): boolean => {
  const [a, b] = args.map((arg) => inRange(interval(arg)))
  return a !== undefined && b !== undefined && a[0] >= 0 && b[0] > 0
}
/** Whether an index is known to lie on an axis of this length. */
export const liesOn = (e: KernelExpr, length: number): boolean => {
  const [low, high] = inRange(interval(e))
  return low >= 0 && high < length
}

/** With lengths that are known, and integers of constants worked out. */
export function simplify(e: KernelExpr, program: Program): KernelExpr {
  const length = e.kind === 'size' ? program.sizes[e.axis] : undefined
  if (length !== undefined) return kernelConst(length, 'i32')
  if (e.kind !== 'call') return e
  const args = e.args.map((arg) => simplify(arg, program))
  const values = args.flatMap((arg) => (arg.kind === 'const' ? [Number(arg.value)] : []))
  if (e.type === 'f32' || values.length !== args.length || args.some(({ type }) => type === 'f32'))
    return { ...e, args }
  const [a, b, c] = values
  const value = elementary(
    e.op,
    args.map(({ type }) => type),
  )(a!, b!, c!)
  return kernelConst(e.type === 'bool' ? value !== 0 : value, e.type)
}
