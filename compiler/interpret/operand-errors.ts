/** What the factors of a product of matrices lose when they are rounded to the type that the product takes. */
import type { Expr, Reduce } from '../ir.ts'
import { dense, mapValues, single, stridesOver, walk } from './array.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { isRepresentable } from './names.ts'
import type { Sums } from './sum-errors.ts'

/** Adds that to a sum, product by product, if it is a product of matrices. */
export function addOperandErrors(
  { e, shape: kept, bound, size, variance }: Sums,
  part: Context,
  state: ErrorState,
): void {
  const { roundoff, smallest, exact = roundoff } = state.arithmetic.operand
  const { domain } = e
  if (roundoff === 0 || !isContraction(e) || e.of.kind !== 'call') return
  const [p, q] = e.of.args.map((arg) => {
    const over = (f: (x: number, b: number) => number) =>
      mapValues(arg.axes, shapeOf(part, arg.axes), [evaluate(arg, part), errorOf(arg, part, state).hard], f)
    const lost = (x: number, b: number) =>
      b === 0 && isOperand(x, exact, smallest) ? 0 : roundoff * Math.abs(x) + smallest / 2
    return { own: over(lost), reach: over((x, b) => Math.abs(x) + b) }
  })
  if (!p || !q) return
  const axes = [...e.axes, ...e.over]
  const inside = domain ? evaluate(domain, part) : single(1)
  const open = domain ? errorOf(domain, part, state).hard : single(0)
  const operands = [dense(e.axes, kept, bound), p.own, q.own, inside, open]
  const strides = operands.map((value) => stridesOver(value, axes))
  walk(
    shapeOf(part, axes),
    strides,
    operands.map((value) => value.offset),
    (at, count, step) => {
      for (let n = 0; n < count; n += 1) {
        if (inside.data[at[3]! + n * step[3]!] === 0 && open.data[at[4]! + n * step[4]!] === 0) continue
        const t = at[0]! + n * step[0]!
        const i = at[1]! + n * step[1]!
        const j = at[2]! + n * step[2]!
        const left = p.own.data[i]! * q.reach.data[j]!
        const right = q.own.data[j]! * p.reach.data[i]!
        const both = left + right + p.own.data[i]! * q.own.data[j]!
        bound[t]! += both
        size[t]! += both
        variance[t]! += (left * left + right * right) / 3
      }
    },
  )
}

const isOperand = (x: number, roundoff: number, smallest: number): boolean =>
  isRepresentable(x, roundoff) && Number.isInteger(x / smallest)

/** A sum of products of two factors that each vary over an axis that the other lacks: what a target computes as a product of matrices. */
export function isContraction(e: Reduce): boolean {
  if (e.op !== 'sum' || e.of.kind !== 'call' || e.of.op !== 'mul' || e.of.type !== 'f32') return false
  const [x, y] = e.of.args
  const own = (a: Expr, b: Expr) => a.axes.some((axis) => !b.axes.includes(axis) && !e.over.includes(axis))
  return x !== undefined && y !== undefined && own(x, y) && own(y, x)
}
