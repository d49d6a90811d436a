/** Attentions built by hand, for tests that come before the checker or must not rest on it. */

import type { Attention, Axis, InputDecl, ParamDecl, ResultDecl } from '../compiler/attention.ts'
import {
  at,
  bool,
  bound,
  call,
  constant,
  type Expr,
  f32,
  i32,
  index,
  input,
  param,
  reduce,
  repeat,
  size,
  solve,
  spread,
} from '../compiler/ir.ts'
import type { Op, ReduceOp } from '../compiler/ops.ts'
import { noSpan } from '../grammar/source.ts'

const op =
  (name: Op) =>
  (...args: readonly Expr[]): Expr =>
    call(name, args)
export const [add, sub, mul, div, pow] = [op('add'), op('sub'), op('mul'), op('div'), op('pow')]
export const [neg, exp, log, sqrt, abs, max, min] = [
  op('neg'),
  op('exp'),
  op('log'),
  op('sqrt'),
  op('abs'),
  op('max'),
  op('min'),
]
export const [le, lt, eq, ne, and, or, not, select, float] = [
  op('le'),
  op('lt'),
  op('eq'),
  op('ne'),
  op('and'),
  op('or'),
  op('not'),
  op('select'),
  op('float'),
]
export const call2 = (name: Op, x: Expr, y: Expr): Expr => call(name, [x, y])
export const fold = (name: ReduceOp, axis: string, of: Expr, domain?: Expr): Expr => reduce(name, [axis], of, domain)

export const q = input('q', 'f32', ['b', 'h', 'i', 'd'])
export const k = input('k', 'f32', ['b', 'h', 'j', 'd'])
export const v = input('v', 'f32', ['b', 'h', 'j', 'e'])
export const scale = param('scale', 'f32')
export const dot = (x: Expr, y: Expr): Expr => fold('sum', 'd', mul(x, y))
/** `dot(q, k) * scale` */
export const score = mul(dot(q, k), scale)
/** `j <= i + size(j) - size(i)`, over i and j */
export const causal = le(index('j'), sub(add(index('i'), size('j')), size('i')))
export const everything = bool(true)

export const softmax = (s: Expr, mask?: Expr): Expr => {
  const e = exp(sub(s, fold('max', 'j', s, mask)))
  return div(e, fold('sum', 'j', e, mask))
}
export const entropy = (s: Expr, mask?: Expr): Expr => {
  const p = softmax(s, mask)
  return neg(fold('sum', 'j', select(lt(f32(0), p), mul(p, log(p)), f32(0)), mask))
}
export const sigmoidOf = (s: Expr): Expr => call('sigmoid', [s])
export const zScore = (s: Expr, mask?: Expr): Expr => {
  const c = sub(s, fold('mean', 'j', s, mask))
  return div(c, add(sqrt(fold('mean', 'j', mul(c, c), mask)), f32(0.001)))
}
export const power = (s: Expr, n: number, mask?: Expr): Expr => {
  const p = pow(s, i32(n))
  return div(p, add(fold('sum', 'j', p, mask), f32(0.001)))
}
export const sparsemax = (s: Expr, mask?: Expr): Expr => {
  const t = bound('t', 'f32', ['b', 'h', 'i'])
  const high = fold('max', 'j', s, mask)
  const tau = solve(t, sub(high, f32(1)), high, sub(fold('sum', 'j', max(sub(s, t), f32(0)), mask), f32(1)))
  return max(sub(s, tau), f32(0))
}
export const sinkhorn = (s: Expr, rounds: number): Expr => {
  const [u, w] = [bound('u', 'f32', ['b', 'h', 'i']), bound('w', 'f32', ['b', 'h', 'j'])]
  const nextU = neg(fold('logsumexp', 'j', add(s, w)))
  const nextW = neg(fold('logsumexp', 'i', add(s, nextU)))
  const carried = [
    { variable: u, initial: f32(0), next: nextU },
    { variable: w, initial: f32(0), next: nextW },
  ]
  const loop = { count: i32(rounds), carried }
  return exp(add(add(s, repeat(loop, 0)), repeat(loop, 1)))
}
/** Heads mixed before and after the softmax by `pre[a, h]` and `post[a, h]`. */
export const talkingHeads = (s: Expr, mask: Expr): Expr => {
  const other = (x: Expr) => at(x, [{ axis: 'h', index: index('a'), outside: 'clamp' }])
  const mixed = fold('sum', 'a', mul(input('pre', 'f32', ['a', 'h']), other(s)))
  return fold('sum', 'a', mul(input('post', 'f32', ['a', 'h']), other(softmax(mixed, mask))))
}

/** `sum[j](weight * v)` over the mask's pairs, with weight 0 elsewhere. */
export const attend = (weight: Expr, mask?: Expr): Expr =>
  fold('sum', 'j', mul(spread(mask ? select(mask, weight, f32(0)) : weight, ['i', 'j']), v), mask)

const defaultAxes = (names: readonly string[]): readonly Axis[] =>
  names.map((name) => ({
    name,
    length: { kind: 'input' },
    time: name === 'd' || name === 'e' ? 'compile' : 'run',
    span: noSpan,
  }))

const declare = (name: string, axes: readonly string[], more: Partial<InputDecl> = {}): InputDecl => ({
  ...{ name, axes, type: 'f32', storage: undefined, range: undefined, indexes: undefined, span: noSpan },
  ...more,
})

export const standardInputs: readonly InputDecl[] = [
  declare('q', ['b', 'h', 'i', 'd']),
  declare('k', ['b', 'h', 'j', 'd']),
  declare('v', ['b', 'h', 'j', 'e']),
]

/** 1 / sqrt(size(d)) */
export const scaleParam: ParamDecl = {
  ...{ name: 'scale', type: 'f32', time: 'run', range: undefined, span: noSpan },
  default: div(constant(1, 'f32'), sqrt(float(size('d')))),
}

/** An attention with these results over q, k, v and `inputs`. */
export function attention(
  results: Readonly<Record<string, Expr>>,
  inputs: readonly InputDecl[] = [],
  axes: readonly Axis[] = [],
): Attention {
  const named = new Set(axes.map((axis) => axis.name))
  return {
    ...{
      name: 'program',
      doc: [],
      span: noSpan,
      score: undefined,
      mask: undefined,
      weight: undefined,
      tile: {},
      precision: undefined,
      calls: new Map(),
      names: new Map(),
      checks: [],
    },
    axes: [...defaultAxes(['b', 'h', 'i', 'j', 'd', 'e'].filter((name) => !named.has(name))), ...axes],
    inputs: [...standardInputs, ...inputs],
    params: [scaleParam],
    results: Object.entries(results).map(([name, expr]): ResultDecl => ({ name, expr, axes: expr.axes, span: noSpan })),
  }
}

export const declareInput = declare
export const declareAxis = (name: string, length: Axis['length']): Axis => ({ name, length, time: 'run', span: noSpan })
