/** What can be called without being defined: elementary functions and folds. */

import type { Span } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import { call, type Expr, random } from '../ir.ts'
import type { Op } from '../ops.ts'
import { meet } from './axes.ts'
import { type Env, isPoison, poison, report } from './context.ts'
import { agree, apply, applyFloat, applyNumber, areNumbers, type Operand } from './operators.ts'
import type { FoldName } from './reductions.ts'

/** Folds, by the number of arguments they take. */
export const folds: Readonly<Record<FoldName, readonly number[]>> = {
  sum: [1],
  max: [1],
  min: [1],
  mean: [1],
  var: [1],
  any: [1],
  all: [1],
  logsumexp: [1],
  count: [0, 1],
  cumsum: [1],
  cumsum_back: [1],
  cummax: [1],
}
export const isFold = (name: string): name is FoldName => Object.hasOwn(folds, name)
export const isScan = (name: FoldName): boolean => name === 'cumsum' || name === 'cumsum_back' || name === 'cummax'

interface Builtin {
  readonly arity: readonly [least: number, most: number]
  readonly apply: (env: Env, name: string, args: readonly Operand[], span: Span) => Expr
}

const float = (op: Op, arity = 1): Builtin => ({
  arity: [arity, arity],
  apply: (env, name, args, span) => applyFloat(env, `'${name}'`, op, args, span),
})
const number = (op: Op, least = 1, most = least): Builtin => ({
  arity: [least, most],
  apply: (env, name, [first, ...rest], span) => {
    if (!first) return poison
    if (rest.length === 0) return applyNumber(env, `'${name}'`, op, [first], span)
    return rest.reduce(
      (a, b) => applyNumber(env, `'${name}'`, op, [{ value: a, span: first.span }, b], span),
      first.value,
    )
  },
})

export const builtins: Readonly<Record<string, Builtin>> = {
  exp: float('exp'),
  exp2: float('exp2'),
  expm1: float('expm1'),
  log: float('log'),
  log2: float('log2'),
  log1p: float('log1p'),
  sqrt: float('sqrt'),
  rsqrt: float('rsqrt'),
  tanh: float('tanh'),
  sin: float('sin'),
  cos: float('cos'),
  atan2: float('atan2', 2),
  erf: float('erf'),
  floor: float('floor'),
  ceil: float('ceil'),
  round: float('round'),
  abs: number('abs'),
  sign: number('sign'),
  min: number('min', 2, 64),
  max: number('max', 2, 64),
  stop_gradient: number('stop_gradient'),
  straight_through: number('straight_through', 2),
  clamp: { arity: [3, 3], apply: clamp },
  int: { arity: [1, 1], apply: toInteger },
  random: { arity: [1, 5], apply: drawRandom },
}

/** min(max(x, lo), hi) */
function clamp(env: Env, name: string, args: readonly Operand[], span: Span): Expr {
  if (!areNumbers(env, `'${name}'`, args)) return poison
  const [x, lo, hi] = agree(args.map(({ value }) => value))
  return x && lo && hi ? apply(env, 'min', [apply(env, 'max', [x, lo], span), hi], span) : poison
}

function toInteger(env: Env, name: string, args: readonly Operand[], span: Span): Expr {
  const [x] = args
  if (!x || !areNumbers(env, `'${name}'`, args)) return poison
  return x.value.type === 'i32' ? x.value : call('int', [x.value], span)
}

/** A seed and up to four counters, all i32. */
function drawRandom(env: Env, name: string, args: readonly Operand[], span: Span): Expr {
  if (!areNumbers(env, `'${name}'`, args)) return poison
  const wrong = args.filter(({ value }) => value.type !== 'i32')
  for (const arg of wrong) report(env, errors.integerExpected(arg.span, "'random'"))
  if (wrong.length > 0) return poison
  const [seed, ...counters] = meet(
    env.context.axes,
    args.map(({ value }) => value),
  )
  return seed && !isPoison(seed) ? random(seed, counters, span) : poison
}
