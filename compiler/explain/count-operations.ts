/**
 * Counts what is computed. A multiply-add is a product that is added to a sum; an operation is any other arithmetic with real numbers;
 * a function is an exponential, a root, a tangent and the like. Integers, conditions and choices between values are not counted.
 */
import { type Expr, nodesOf, type Reduce } from '../ir.ts'
import { factorsOf } from '../lower/forms.ts'
import { bare } from './notation.ts'

export interface Operations {
  readonly multiplyAdds: number
  readonly operations: number
  readonly functions: number
}
export const none: Operations = { multiplyAdds: 0, operations: 0, functions: 0 }
export const plus = (...all: readonly Operations[]): Operations => ({
  multiplyAdds: all.reduce((sum, x) => sum + x.multiplyAdds, 0),
  operations: all.reduce((sum, x) => sum + x.operations, 0),
  functions: all.reduce((sum, x) => sum + x.functions, 0),
})
export const times = (x: Operations, n: number): Operations => ({
  multiplyAdds: x.multiplyAdds * n,
  operations: x.operations * n,
  functions: x.functions * n,
})
/** A multiply-add is two. */
export const flopsOf = (x: Operations): number => 2 * x.multiplyAdds + x.operations + x.functions

const functions = new Set(
  'exp exp2 expm1 log log2 log1p sqrt rsqrt tanh sin cos erf sigmoid softplus atan2 logaddexp pow'.split(' '),
)
const uncounted = new Set('select float int stop_gradient straight_through random'.split(' '))

/** How many elements a value with these axes has where it is computed. */
export type ElementsOf = (axes: readonly string[]) => number

/** Every node below `roots` once for each of its elements; below a sum of products, the products are those of the sum. */
export function countNodes(
  roots: readonly Expr[],
  elementsOf: ElementsOf,
  isCounted: (e: Expr) => boolean,
): Operations {
  const products = new Set(nodesOf(...roots).flatMap((e) => (isSum(e) ? productsOf(e.of) : [])))
  const own = nodesOf(...roots).filter((e) => isCounted(e) && !products.has(e))
  return plus(...own.map((e) => times(costOf(e), elementsOf(e.kind === 'reduce' ? innerAxes(e) : e.axes))))
}
const isSum = (e: Expr): e is Reduce => e.kind === 'reduce' && e.op === 'sum'
const innerAxes = (e: Reduce): readonly string[] => [...new Set([...e.of.axes, ...e.over])]

/** The multiplications that make up a product: its own and those of its factors that are products as well. */
function productsOf(e: Expr): readonly Expr[] {
  const of = bare(e)
  if (of.kind !== 'call' || of.op !== 'mul') return e === of ? [] : [e]
  return [e, of, ...of.args.flatMap(productsOf)]
}

function costOf(e: Expr): Operations {
  if (e.kind === 'scan') return { ...none, operations: 1 }
  if (e.kind === 'reduce') {
    if (e.type !== 'f32') return none
    if (e.op === 'sum' && factorsOf(e.of).length > 1) return { ...none, multiplyAdds: 1 }
    return e.op === 'logsumexp' ? { ...none, operations: 3, functions: 1 } : { ...none, operations: 1 }
  }
  if (e.kind !== 'call' || e.type !== 'f32' || uncounted.has(e.op)) return none
  const [, exponent] = e.args
  if (e.op === 'pow' && exponent?.kind === 'const' && Number.isInteger(exponent.value) && Number(exponent.value) <= 4)
    return { ...none, operations: Math.max(1, Math.abs(Number(exponent.value)) - 1) }
  return functions.has(e.op) ? { ...none, functions: 1 } : { ...none, operations: 1 }
}
