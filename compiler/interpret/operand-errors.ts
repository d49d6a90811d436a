/** What the factors of a product of matrices lose when they are rounded to the type that the product takes. */
import { type Expr, type Reduce, unionAxes } from '../ir.ts'
import { expand } from './array.ts'
import { type Context, shapeOf } from './context.ts'
import { type ErrorState, errorOf } from './errors.ts'
import { evaluate } from './evaluate.ts'
import { isRepresentable } from './names.ts'

/** Of each product, flat over the body's axes; undefined if the sum is no product of matrices. */
export function operandErrors(
  e: Reduce,
  part: Context,
  state: ErrorState,
): { readonly hard: Float64Array; readonly variance: Float64Array } | undefined {
  const { roundoff, smallest } = state.arithmetic.operand
  if (roundoff === 0 || !isContraction(e) || e.of.kind !== 'call') return undefined
  const axes = unionAxes(e.axes, e.over)
  const shape = shapeOf(part, axes)
  const factors = e.of.args.map((arg) => {
    const b = expand(errorOf(arg, part, state).hard, axes, shape)
    const x = expand(evaluate(arg, part), axes, shape)
    const own = x.map((value, k) =>
      b[k] === 0 && isOperand(value, roundoff, smallest) ? 0 : roundoff * Math.abs(value) + smallest / 2,
    )
    return { own, reach: x.map((value, k) => Math.abs(value) + b[k]!) }
  })
  const [p, q] = factors
  if (!p || !q) return undefined
  const term = (k: number, f: (x: number, y: number) => number) => f(p.own[k]! * q.reach[k]!, q.own[k]! * p.reach[k]!)
  return {
    hard: p.own.map((own, k) => term(k, (x, y) => x + y) + own * q.own[k]!),
    variance: p.own.map((_, k) => term(k, (x, y) => (x * x + y * y) / 3)),
  }
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
