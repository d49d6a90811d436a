/** Elements at their own extreme: `x == max x`, `x >= max x`, `x == min x`, `x <= min x`. */
import type { Expr } from '../ir.ts'

export interface Extreme {
  readonly x: Expr
  readonly kind: 'max' | 'min'
  readonly domain: Expr | undefined
  readonly stream: string
}

/** `c` as such a condition over one of `streams`, if it is one. Expressions are interned. */
export function extremeOf(c: Expr, streams: readonly string[]): Extreme | undefined {
  if (c.kind !== 'call' || (c.op !== 'eq' && c.op !== 'le')) return undefined
  const [a, b] = c.args as [Expr, Expr]
  if (c.op === 'le') return at(b, a, 'max', streams) ?? at(a, b, 'min', streams)
  return at(a, b, undefined, streams) ?? at(b, a, undefined, streams)
}
function at(x: Expr, fold: Expr, kind: 'max' | 'min' | undefined, streams: readonly string[]): Extreme | undefined {
  if (fold.kind !== 'reduce' || fold.of !== x || x.type !== 'f32') return undefined // references are real numbers
  const stream = streams.find((axis) => fold.over.join() === axis)
  if (stream === undefined) return undefined
  if (fold.op !== 'max' && fold.op !== 'min') return undefined
  return kind === undefined || kind === fold.op ? { x, kind: fold.op, domain: fold.domain, stream } : undefined
}

/** The conditions that hold together where `e` does, each once. */
export const conditionsOf = (e: Expr): readonly Expr[] => [...new Set(conjunctsOf(e))]
const conjunctsOf = (e: Expr): readonly Expr[] =>
  e.kind === 'call' && e.op === 'and' ? e.args.flatMap(conjunctsOf) : e.kind === 'const' && e.value === true ? [] : [e]
