/** Elements at their own extreme: `x == max x`, `x >= max x`, `x == min x`, `x <= min x`. */
import type { Expr } from '../ir.ts'

export interface Extreme {
  readonly x: Expr
  readonly kind: 'max' | 'min'
  readonly domain: Expr | undefined
}

/** `c` as such a condition over `stream`, if it is one. Expressions are interned. */
export function extremeOf(c: Expr, stream: string): Extreme | undefined {
  if (c.kind !== 'call' || (c.op !== 'eq' && c.op !== 'le')) return undefined
  const [a, b] = c.args as [Expr, Expr]
  if (c.op === 'le') return at(b, a, 'max', stream) ?? at(a, b, 'min', stream)
  return at(a, b, undefined, stream) ?? at(b, a, undefined, stream)
}
function at(x: Expr, fold: Expr, kind: 'max' | 'min' | undefined, stream: string): Extreme | undefined {
  if (fold.kind !== 'reduce' || fold.of !== x || fold.over.join() !== stream) return undefined
  if (fold.op !== 'max' && fold.op !== 'min') return undefined
  return kind === undefined || kind === fold.op ? { x, kind: fold.op, domain: fold.domain } : undefined
}

/** The conditions that hold together where `e` does. */
export const conditionsOf = (e: Expr): readonly Expr[] =>
  e.kind === 'call' && e.op === 'and' ? e.args.flatMap(conditionsOf) : e.kind === 'const' && e.value === true ? [] : [e]
