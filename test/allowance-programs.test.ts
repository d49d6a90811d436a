import { describe, expect, test } from 'vitest'
import { type Arithmetic, float32 } from '../compiler/arithmetic.ts'
import { interpret, resolveParams, type Tensor } from '../compiler/interpret.ts'
import { at, call, type Expr, f32, i32, index, input, scan } from '../compiler/ir.ts'
import { stabilise } from '../compiler/stable-forms.ts'
import { verdict } from '../compiler/verdict.ts'
import { drawInputs, normal, uniform } from './draw.ts'
import {
  add,
  attend,
  attention,
  causal,
  declareAxis,
  declareInput,
  div,
  entropy,
  eq,
  exp,
  float,
  fold,
  log,
  lt,
  max,
  min,
  mul,
  neg,
  power,
  score,
  select,
  sinkhorn,
  softmax,
  sparsemax,
  sqrt,
  standardInputs,
  sub,
  talkingHeads,
  zScore,
} from './ir-programs.ts'
import { roundedAt, type Setting } from './rounding-evaluator.ts'

const arithmetic: Arithmetic = {
  ...float32,
  functions: Object.fromEntries(
    (
      [
        'exp',
        'log',
        'log1p',
        'expm1',
        'tanh',
        'sigmoid',
        'softplus',
        'logaddexp',
        'rsqrt',
        'erf',
        'sin',
        'cos',
      ] as const
    ).map((op) => [op, { relative: 4 }]),
  ),
}
const one = f32(1)
const at_ = (e: Expr, offset: number, outside: 'clamp' | 'zero') =>
  at(e, [{ axis: 'j', index: add(index('j'), i32(offset)), outside }])
const top = eq(score, fold('max', 'j', score, causal))
const logits = neg(call('softplus', [score]))
const gate = input('gate', 'f32', ['b', 'h', 'i'])

/** Programs of many kinds; each is run with and without large scores. */
const programs: Readonly<Record<string, Expr>> = {
  softmax: attend(softmax(score, causal), causal),
  'softmax of softmax': attend(softmax(softmax(score, causal), causal), causal),
  entropy: entropy(score, causal),
  'z-score': attend(zScore(score, causal), causal),
  power: attend(power(score, 3, causal), causal),
  clipped: attend(min(max(sub(mul(f32(1.2), softmax(score, causal)), f32(0.1)), f32(0)), one), causal),
  sparsemax: attend(sparsemax(score, causal), causal),
  sinkhorn: attend(sinkhorn(score, 3)),
  'hard top': attend(select(top, exp(mul(score, f32(0.1))), f32(0)), causal),
  'stick-breaking': attend(
    mul(call('sigmoid', [score]), exp(sub(fold('sum', 'j', logits, causal), scan('cumsum', 'j', logits, causal)))),
    causal,
  ),
  smoothed: attend(div(add(at_(softmax(score), -1, 'zero'), at_(softmax(score), 1, 'clamp')), f32(3)), causal),
  threshold: attend(select(lt(fold('mean', 'j', score, causal), score), score, f32(0)), causal),
  gated: mul(call('sigmoid', [gate]), attend(softmax(mul(score, call('tanh', [gate])), causal), causal)),
  decay: attend(mul(score, call('pow', [f32(0.9), sub(index('i'), index('j'))])), causal),
  'running maximum': attend(exp(sub(score, scan('cummax', 'j', score, causal))), causal),
  'two norms': attend(
    div(score, add(sqrt(fold('sum', 'j', mul(score, score), causal)), fold('max', 'j', call('abs', [score]), causal))),
    causal,
  ),
  'weights of columns': attend(div(exp(score), add(fold('sum', 'i', exp(score)), fold('sum', 'j', exp(score))))),
  'soft rank': attend(call('logaddexp', [score, log(add(one, exp(float(sub(index('j'), index('i'))))))]), causal),
  'talking heads': attend(talkingHeads(score, causal), causal),
}

const sizes = { b: 1, h: 2, i: 4, j: 13, d: 4, e: 2, a: 2 }
const more = [declareInput('gate', ['b', 'h', 'i']), declareInput('pre', ['a', 'h']), declareInput('post', ['a', 'h'])]

function runOnce(expr: Expr, seed: number, factor: number) {
  const program = attention({ out: expr }, more, [declareAxis('a', { kind: 'like', of: 'h' })])
  const next = uniform(seed + 7)
  const mix = (): Tensor => normal([2, 2], next)
  const inputs = { ...drawInputs(sizes, seed, factor), gate: normal([1, 2, 4], next), pre: mix(), post: mix() }
  const outcome = interpret(program, { inputs, arithmetic }).out!
  const params = resolveParams(program, sizes)
  const inputAxes = Object.fromEntries([...standardInputs, ...more].map(({ name, axes }) => [name, axes]))
  const setting: Setting = {
    sizes,
    params: params.ok ? params.value : {},
    inputs,
    inputAxes,
    next,
    memo: new Map(),
    bound: {},
  }
  const [stable] = stabilise([expr])
  const strides = outcome.shape.map((_, k) => outcome.shape.slice(k + 1).reduce((a, b) => a * b, 1))
  const got = Float64Array.from(outcome.value, (_, n) =>
    roundedAt(
      stable!,
      Object.fromEntries(outcome.axes.map((axis, k) => [axis, Math.floor(n / strides[k]!) % outcome.shape[k]!])),
      setting,
    ),
  )
  return { outcome, got }
}

describe.each(Object.keys(programs))('%s', (name) => {
  test.each([1, 8])('in float32 is right, scores times %i', (factor) => {
    let [judged, lost, ambiguous] = [0, 0, 0]
    let largest = 0
    for (let seed = 0; seed < 12; seed += 1) {
      const { outcome, got } = runOnce(programs[name]!, seed, factor)
      const found = verdict(got, outcome)
      expect(['right', 'not verified'], `seed ${seed}: ${JSON.stringify(found)}`).toContain(found.status)
      judged += found.elements
      lost += found.notVerified
      ambiguous += found.ambiguous
      largest = Math.max(largest, found.largest)
    }
    console.log(
      `${name} x${factor}: largest ${largest.toFixed(2)}, not verified ${lost} of ${judged}, ambiguous ${ambiguous}`,
    )
    expect(lost / judged).toBeLessThan(0.02)
  })
})
