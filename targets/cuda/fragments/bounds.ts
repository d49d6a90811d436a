/** How large a product's operand can be: what is known to fit 16 bits needs no test. */
import type { KernelExpr } from '../../../compiler/kernel.ts'
import type { Layout } from './layout.ts'
import { extremeOf, ofMaximum } from './statistics.ts'

type Known = Pick<Layout, 'facts' | 'items'>

/** An upper bound of |e|. */
export function largestOf(e: KernelExpr, layout: Known): number {
  const bound = (x: KernelExpr): number => largestOf(x, layout)
  if (e.kind === 'const') return Math.abs(Number(e.value))
  if (e.kind === 'value') {
    const from = layout.facts.defines.get(e.name)?.from
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
      return isReferred(a!, layout) ? 1 : Infinity
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
function isReferred(e: KernelExpr, layout: Known): boolean {
  const difference = writtenOut(e, layout)
  if (difference.kind !== 'call' || difference.op !== 'sub') return false
  const [x, guard] = difference.args
  const reference = guard?.kind === 'call' && guard.op === 'select' ? guard.args[1] : undefined
  if (reference?.kind !== 'value') return false
  const text = JSON.stringify(writtenOut(x!, layout))
  return ofMaximum(reference.name, layout).some((name) => {
    const extreme = extremeOf(name, layout)
    return extreme?.fold.op === 'max' && JSON.stringify(writtenOut(extreme.of, layout)) === text
  })
}

function writtenOut(e: KernelExpr, { facts }: Known): KernelExpr {
  const from = e.kind === 'value' ? facts.defines.get(e.name)?.from : undefined
  return from?.kind === 'expr' ? from.expr : e
}
