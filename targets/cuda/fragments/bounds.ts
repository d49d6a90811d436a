/** How large a product's operand can be: what is known to fit 16 bits needs no test. */
import type { KernelExpr } from '../../../compiler/kernel.ts'
import type { Facts } from '../../nests/item.ts'
import { everyItem, type Fold, type Item } from '../../nests/item.ts'

/** An upper bound of |e|. */
export function largestOf(e: KernelExpr, facts: Facts, items: readonly Item[]): number {
  const bound = (x: KernelExpr): number => largestOf(x, facts, items)
  if (e.kind === 'const') return Math.abs(Number(e.value))
  if (e.kind === 'value') {
    const from = facts.defines.get(e.name)?.from
    return from?.kind === 'expr' ? bound(from.expr) : Infinity
  }
  if (e.kind !== 'call') return Infinity
  const [a, b, c] = e.args
  switch (e.op) {
    case 'sigmoid':
    case 'tanh':
    case 'sin':
    case 'cos':
    case 'erf':
      return 1
    case 'exp':
    case 'exp2':
      return isReferred(a!, facts, items) ? 1 : Infinity
    case 'mul':
      return bound(a!) * bound(b!)
    case 'add':
    case 'sub':
      return bound(a!) + bound(b!)
    case 'neg':
    case 'abs':
      return bound(a!)
    case 'min':
    case 'max':
      return Math.max(bound(a!), bound(b!))
    case 'select':
      return Math.max(bound(b!), bound(c!))
    default:
      return Infinity
  }
}

/** x - reference, where the reference is at least the largest of x: the sum of the program's own guard, a maximum and what it has been. */
function isReferred(e: KernelExpr, facts: Facts, items: readonly Item[]): boolean {
  const from = e.kind === 'value' ? facts.defines.get(e.name)?.from : undefined
  const difference = from?.kind === 'expr' ? from.expr : e
  if (difference.kind !== 'call' || difference.op !== 'sub') return false
  const [x, guard] = difference.args
  const fold = foldOf(guard!, facts, items)
  return fold !== undefined && fold.op === 'max' && JSON.stringify(fold.of) === JSON.stringify(x)
}

/** The fold in `select(finite(m), m, 0)` with `m = max(what it was, the fold)`. */
export function foldOf(guard: KernelExpr, facts: Facts, items: readonly Item[]): Fold | undefined {
  if (guard.kind !== 'call' || guard.op !== 'select') return undefined
  const [, reference] = guard.args
  if (reference?.kind !== 'value') return undefined
  const from = facts.defines.get(reference.name)?.from
  if (from?.kind !== 'expr' || from.expr.kind !== 'call' || from.expr.op !== 'max') return undefined
  const names = from.expr.args.flatMap((arg) => (arg.kind === 'value' ? [arg.name] : []))
  return everyItem(items).find((item): item is Fold => item.kind === 'fold' && names.includes(item.to.name))
}
