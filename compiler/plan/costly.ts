/** Which elements take long to compute, beside the multiply-add that they enter. */

import { type Expr, nodesOf } from '../ir.ts'
import type { Op } from '../ops.ts'

/** More than ten operations each, on every target. */
const functions: ReadonlySet<Op> = new Set<Op>([
  'exp',
  'exp2',
  'expm1',
  'log',
  'log2',
  'log1p',
  'pow',
  'tanh',
  'sin',
  'cos',
  'erf',
  'sigmoid',
  'softplus',
  'atan2',
  'logaddexp',
])

/**
 * Whether elements of `x` at one place of a token axis take a function each, or a fold over features, that no features of that place
 * share, or rest on one that they share: a norm is a walk of its own over the features before any of them.
 */
export function isCostly(x: Expr, token: string, isOpen: (axis: string) => boolean): boolean {
  if ((x.kind !== 'call' && x.kind !== 'reduce') || !hasFeatures(x)) return false
  const all = nodesOf(x)
  const isOfFeatures = (e: Expr): boolean =>
    e.kind === 'reduce' && e.over.every((axis) => !shared.has(axis) && !isOpen(axis))
  const isElsewhere = (e: Expr): boolean => e.kind === 'reduce' && !isOfFeatures(e)
  if (all.some((e) => e.kind === 'bound' || e.kind === 'scan' || e.kind === 'solve' || isElsewhere(e))) return false
  return all.some((e) => e.axes.includes(token) && ((isFunction(e) && hasFeatures(e)) || isOfFeatures(e)))
}
const hasFeatures = (e: Expr): boolean => e.axes.some((axis) => !shared.has(axis))

/** The functions that `x` takes, each once. */
export const functionsIn = (x: Expr): readonly Op[] => [
  ...new Set(nodesOf(x).flatMap((e) => (e.kind === 'call' && isFunction(e) ? [e.op] : []))),
]

const isFunction = (e: Expr): boolean =>
  e.kind === 'call' && functions.has(e.op) && !(e.op === 'pow' && e.args[1]?.type === 'i32')
/** Axes along which blocks lie, and tokens. */
const shared: ReadonlySet<string> = new Set(['b', 'h', 'i', 'j'])
