/** What one operation rounds. */
import type { Arithmetic } from '../arithmetic.ts'
import type { Call } from '../ir.ts'
import type { Op } from '../ops.ts'
import { isRepresentable } from './names.ts'

const roundless: readonly string[] = [
  'neg',
  'abs',
  'sign',
  'floor',
  'ceil',
  'round',
  'int',
  'min',
  'max',
  'stop_gradient',
  'straight_through',
  'idiv',
]
const correctlyRounded: readonly string[] = ['add', 'sub', 'mul', 'div', 'sqrt', 'float', 'mod']

/** Of one operation, in units of roundoff. */
export interface Rounding {
  readonly relative: number | ((x: number, y: number) => number)
  readonly absolute: number
  readonly exactWhereRepresentable: boolean
  readonly roundoff: number
  readonly tiny: number
  readonly largest: number
}

/** An operation that nothing is said of is within 4 ulp, that is 8 units. */
export function roundingOf(e: Call, arithmetic: Arithmetic): Rounding {
  const { roundoff, tiny, largest, functions } = arithmetic
  const exactWhereRepresentable = e.op === 'add' || e.op === 'sub' || e.op === 'mul'
  const rounding = { exactWhereRepresentable, roundoff, tiny, largest }
  if (roundless.includes(e.op) || e.type !== 'f32') return { relative: 0, absolute: 0, ...rounding }
  const { relative = correctlyRounded.includes(e.op) ? 1 : 8, absolute = 0 } = functions[e.op] ?? {}
  const factors = e.op === 'pow' && e.args[1]?.type === 'i32' // a plan may multiply instead
  const most = (x: number, n: number): number =>
    Math.max(typeof relative === 'number' ? relative : relative(x, n), Math.abs(n))
  return { relative: factors ? most : relative, absolute, ...rounding }
}

/** Is a result of 0 an underflow, so that a number of another range would not have it? */
export function vanishes(op: Op, x: number, y: number): boolean {
  if (op === 'exp' || op === 'exp2' || op === 'sigmoid' || op === 'softplus') return x !== -Infinity
  if (op === 'mul') return x !== 0 && y !== 0
  if (op === 'div') return x !== 0 && Number.isFinite(y)
  return op === 'pow' && x !== 0 && Number.isFinite(x) && Number.isFinite(y)
}

/** The rounding of the operation itself: none where its result is a number of the format anyway. */
export function ownRounding(
  value: number,
  image: number,
  unit: number,
  { absolute, roundoff, tiny, exactWhereRepresentable }: Rounding,
): number {
  if (unit === 0) return 0
  if (image === 0 && (value === 0 ? absolute === 0 : exactWhereRepresentable && isRepresentable(value, roundoff)))
    return 0
  return (unit * Math.abs(value) + absolute) * roundoff + tiny
}

/** The bound of an infinity or NaN whose operands have bounds bx and by: NaN for a NaN that is certain. */
export function boundOfInfinite(value: number, bx: number, by: number, image: number): number {
  const certain = bx === 0 && by === 0
  if (Number.isNaN(value)) return Number.isNaN(bx) || Number.isNaN(by) || certain ? Number.NaN : Infinity
  return certain || image === 0 ? 0 : Infinity
}
