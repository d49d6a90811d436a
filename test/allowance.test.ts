import { describe, expect, test } from 'vitest'
import { type Arithmetic, float32, storageRounding } from '../compiler/arithmetic.ts'
import { interpret, type Launch, type Outcome } from '../compiler/interpret.ts'
import { at, type Expr, f32, i32, index, input, scan } from '../compiler/ir.ts'
import { stabilise } from '../compiler/stable-forms.ts'
import { verdict } from '../compiler/verdict.ts'
import { drawInputs, uniform } from './draw.ts'
import {
  abs,
  add,
  attend,
  attention,
  call2,
  causal,
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
  mul,
  neg,
  power,
  score,
  select,
  sigmoidOf,
  sinkhorn,
  softmax,
  sparsemax,
  sub,
  zScore,
} from './ir-programs.ts'
import * as simulate from './simulate-f32.ts'

const accurate: Arithmetic = {
  ...float32,
  functions: { exp: { relative: 2 }, log: { relative: 2 }, sigmoid: { relative: 4 } },
}
const programs = {
  softmax: attend(softmax(score)),
  lse: fold('logsumexp', 'j', score),
  entropy: entropy(score),
  sigmoid: attend(sigmoidOf(score)),
  zScore: attend(zScore(score)),
  power4: attend(power(score, 4)),
}
const simulated: Readonly<Record<keyof typeof programs, simulate.Simulated>> = {
  ...{ softmax: simulate.softmax, lse: simulate.logsumexp, entropy: simulate.entropy },
  ...{ sigmoid: simulate.sigmoid, zScore: simulate.zScore, power4: simulate.power4 },
}
const names = Object.keys(programs) as (keyof typeof programs)[]

const sizesOf = (j: number) => ({ b: 1, h: 1, i: 2, j, d: 8, e: 2 })
type Drawn = ReturnType<typeof drawInputs>

/** One result over all rows, computed in float32. */
function simulateAll(program: simulate.Simulated, { q, k, v }: Drawn, machine: simulate.Machine): number[] {
  const lines = (tensor: Drawn['q']) => {
    const [width, data] = [tensor.shape.at(-1)!, Float32Array.from(tensor.data)]
    return Array.from({ length: data.length / width }, (_, n) => data.subarray(n * width, (n + 1) * width))
  }
  const scale = Math.fround(1 / Math.sqrt(q.shape.at(-1)!))
  const [keys, values] = [lines(k), lines(v)]
  return lines(q).flatMap((row) => [...program({ q: row, k: keys, v: values, scale }, machine)])
}

const judged = (inputs: Launch['inputs'], results: readonly string[] = names) =>
  interpret(attention(programs), { inputs, results, arithmetic: accurate })

describe.each([
  ['normal', 1],
  ['peaked', 12],
] as const)('float32 runs on %s scores', (kind, factor) => {
  test.each([65, 300])('of %i keys stay within both allowances', (n) => {
    const worst = Object.fromEntries(names.map((name) => [name, { largest: 0, medians: [] as number[], closest: 0 }]))
    for (let seed = 0; seed < 50; seed += 1) {
      const inputs = drawInputs(sizesOf(n), 1000 * n + seed, factor)
      const outcomes = judged(inputs)
      for (const name of names) {
        const got = simulateAll(simulated[name], inputs, { next: uniform(seed) })
        const { status, largest, median, worst: place, notVerified } = verdict(got, outcomes[name]!)
        expect(status, `${name}, seed ${seed}: ${JSON.stringify(place)}`).toBe('right')
        expect(notVerified, name).toBe(0)
        const entry = worst[name]!
        entry.largest = Math.max(entry.largest, largest)
        entry.medians.push(median)
        entry.closest = Math.max(
          entry.closest,
          ...got.map((x, k) => Math.abs(x - outcomes[name]!.value[k]!) / outcomes[name]!.hard![k]! || 0),
        )
      }
    }
    for (const [name, { largest, medians, closest }] of Object.entries(worst)) {
      const median = medians.toSorted((a, b) => a - b)[medians.length >> 1]!
      console.log(
        `${kind} n=${n} ${name}: measured/(6 expected) median ${median.toFixed(4)} largest ${largest.toFixed(2)}, measured/hard ${closest.toFixed(3)}`,
      )
      if (kind === 'normal') expect(median, name).toBeGreaterThan(0.001)
      expect(median, name).toBeLessThan(0.3)
    }
  })
})

describe('planted faults', () => {
  test.each(['dropped term', 'doubled rescale', 'tail off by one', 'half precision sum'] as const)(
    '%s is found',
    (fault) => {
      const inputs = drawInputs(sizesOf(65), 5)
      const outcomes = judged(inputs)
      for (const name of names) {
        const usesProduct = name !== 'lse' && name !== 'entropy'
        const usesExp = name === 'softmax' || name === 'lse' || name === 'entropy'
        const affects = fault === 'doubled rescale' ? usesExp : fault === 'half precision sum' || usesProduct
        if (!affects) continue
        const got = simulateAll(simulated[name], inputs, { next: uniform(1), fault })
        expect(['wrong', 'more than rounding'], name).toContain(verdict(got, outcomes[name]!).status)
      }
    },
  )
  test('NaN, infinities and empty results', () => {
    const outcome: Outcome = {
      axes: ['i'],
      shape: [3],
      value: Float64Array.of(1, Number.NaN, -Infinity),
      hard: Float64Array.of(0.1, Number.NaN, 0),
      expected: Float64Array.of(0.05, 0, 0),
    }
    expect(verdict([1.05, Number.NaN, -Infinity], outcome).status).toBe('right')
    expect(verdict([1, 0, -Infinity], outcome)).toMatchObject({ status: 'wrong', worst: { place: { i: 1 } } })
    expect(verdict([1, Number.NaN, Infinity], outcome).status).toBe('wrong')
    expect(verdict([1, Number.NaN, -3e38], outcome).status).toBe('wrong')
    expect(verdict([Number.NaN, Number.NaN, -Infinity], outcome).status).toBe('wrong')
    expect(verdict([1.09, Number.NaN, -Infinity], { ...outcome, expected: Float64Array.of(0.01, 0, 0) }).status).toBe(
      'more than rounding',
    )
    expect(
      verdict([1], { ...outcome, shape: [1], value: Float64Array.of(1), hard: Float64Array.of(Infinity) }),
    ).toMatchObject({ status: 'not verified', notVerified: 1 })
    expect(
      verdict([], {
        axes: ['i'],
        shape: [0],
        value: new Float64Array(),
        hard: new Float64Array(),
        expected: new Float64Array(),
      }).status,
    ).toBe('right')
  })
})

/** `expr` over one input x[j]. */
const onLine = (data: readonly number[], expr: Expr, arithmetic: Arithmetic = float32): Outcome => {
  const program = { ...attention({ out: expr }), inputs: [declareInput('x', ['j'])] }
  const sizes = { b: 1, h: 1, i: 2, d: 1, e: 1 }
  const outcome = interpret(program, { inputs: { x: { data, shape: [data.length] } }, sizes, arithmetic }).out
  if (!outcome) throw new Error('no out')
  return outcome
}
const x = input('x', 'f32', ['j'])
const u = 2 ** -24

describe('rules', () => {
  const hard = (data: readonly number[], expr: Expr) => [...onLine(data, expr).hard!]
  const third = div(x, f32(3))

  test('exact operations have no error', () => {
    expect(hard([1, 2, 3], add(x, x))).toEqual([0, 0, 0])
    expect(hard([1, -2, 3], max(abs(x), neg(x)))).toEqual([0, 0, 0])
    expect(hard([1, 2, 3], fold('max', 'j', x))).toEqual([0])
  })
  test('one rounding each', () => {
    const bounds = hard([1, 2, 5], third)
    for (const [k, b] of bounds.entries()) expect(b / ([1, 2, 5][k]! / 3)).toBeCloseTo(u, 12)
    expect(hard([0.1], f32(0.1))[0]).toBeCloseTo(0.1 * u, 15)
  })
  test('subtracting equal inexact numbers keeps their absolute errors', () => {
    expect(hard([1], sub(third, div(f32(1), f32(3))))[0]! / u).toBeCloseTo(2 / 3, 5)
  })
  test('a denominator that may be 0 bounds nothing', () => {
    expect(hard([1], div(f32(1), sub(third, div(f32(1), f32(3)))))).toEqual([Infinity])
    expect(onLine([0, 1], div(f32(1), x))).toMatchObject({
      value: Float64Array.of(Infinity, 1),
      hard: expect.objectContaining({ 0: 0 }),
    })
  })
  test('a real power is bounded down to a base of 0', () => {
    const base = max(sub(third, f32(1)), f32(0))
    expect(Math.max(...hard([3, 2, 6], call2('pow', base, f32(1.5))))).toBeLessThan(1e-6)
    expect(hard([3], call2('pow', base, f32(-1.5)))).toEqual([Infinity])
  })
  test('infinities and NaN that are certain are exact', () => {
    expect(hard([-Infinity, Number.NaN], exp(x))).toEqual([0, Number.NaN])
    expect(hard([-Infinity, 1], fold('logsumexp', 'j', x))[0]).toBeLessThan(1e-5)
    expect(hard([-Infinity, -Infinity], fold('logsumexp', 'j', x))).toEqual([0])
    expect(hard([Infinity, 1], sub(x, x))).toEqual([Number.NaN, 0])
    expect(hard([-Infinity, 2], sub(x, fold('max', 'j', x)))).toEqual([0, 0])
    expect(hard([1e38], mul(x, f32(10)))).toEqual([Infinity])
    expect(hard([1, Infinity], fold('sum', 'j', x))).toEqual([0])
  })
  test('nothing of a place outside the domain enters', () => {
    const first = eq(index('j'), i32(0))
    expect(hard([2, Number.NaN, Infinity], fold('sum', 'j', third, first))[0]! / u).toBeCloseTo(2 / 3, 5)
    expect(hard([2, Number.NaN, Infinity], fold('max', 'j', third, first))[0]! / u).toBeCloseTo(2 / 3, 5)
    // The operand's 2/3, and of one term: 8 of exp, 1 of the sum, 2/3 of the reference that is added.
    expect(hard([2, Number.NaN, Infinity], fold('logsumexp', 'j', third, first))[0]! / u).toBeCloseTo(9 + 4 / 3, 5)
    expect(hard([2, Number.NaN, 4], scan('cumsum', 'j', third, first)).map((b) => b / u / (2 / 3))).toEqual(
      [1, 1, 1].map((b) => expect.closeTo(b, 4)),
    )
  })
  test('the error of a reference cancels', () => {
    const shifted = (shift: Expr) => div(exp(sub(score, shift)), fold('sum', 'j', exp(sub(score, shift))))
    const inputs = drawInputs(sizesOf(30), 3)
    const coarse = fold('mean', 'j', mul(score, f32(0.3))) // inexact, shared by the row
    const run = (weight: Expr) => interpret(attention({ out: attend(weight) }), { inputs, arithmetic: accurate }).out!
    const [plain, moved] = [run(softmax(score)), run(shifted(mul(coarse, f32(100 / 3))))]
    expect(moved.expected![0]! / plain.expected![0]!).toBeLessThan(8)
    expect(moved.hard![0]! / plain.hard![0]!).toBeGreaterThan(1)
  })
  test('what is stored is rounded once more', () => {
    const half = { ...float32, storage: { out: storageRounding.f16 } }
    expect(onLine([1], third, half).hard![0]! * 3 * 2 ** 11).toBeCloseTo(1, 2)
    expect(onLine([70000], third, half).hard![0]).toBeLessThan(30)
    expect(onLine([7e5], third, half).hard![0]).toBe(Infinity)
  })
  test('operands of a product of matrices are rounded unless they fit', () => {
    const f16 = { ...float32, operand: { roundoff: 2 ** -11, smallest: 2 ** -24 } }
    const inputs = drawInputs(sizesOf(30), 3)
    const rounded = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => [name, { shape, data: Array.from(data, Math.f16round) }]),
    )
    const run = (given: Launch['inputs'], arithmetic: Arithmetic) =>
      interpret(attention({ out: score }), { inputs: given, arithmetic }).out!.hard![0]!
    expect(run(inputs, f16)).toBeGreaterThan(100 * run(inputs, float32))
    expect(run(rounded, f16)).toBe(run(rounded, float32))
  })
  test('a price is added where it is due', () => {
    const inputs = drawInputs(sizesOf(30), 3)
    const program = attention({ out: score })
    const [plain, dearer] = [[], [{ node: score, amount: f32(1) }]].map(
      (prices) => interpret(program, { inputs, arithmetic: accurate, prices }).out!,
    )
    expect(dearer!.hard![0]).toBeCloseTo(plain!.hard![0]! + 1, 5)
    expect(dearer!.expected![0]).toBeCloseTo(1 / Math.sqrt(3), 5)
  })
})

describe('discontinuities', () => {
  const third = div(x, f32(3))
  test('a comparison that is too close allows both outcomes', () => {
    const chosen = select(lt(third, f32(1)), f32(5), f32(7))
    const { value, hard, ambiguous } = onLine([1, 3, 3.0000001, 9], chosen)
    expect([...value]).toEqual([5, 7, 7, 7])
    expect(hard!.map(Math.round)).toEqual(Float64Array.of(0, 2, 2, 0))
    expect([...ambiguous!]).toEqual([0, 1, 1, 0])
  })
  test('logic knows which operand decides', () => {
    const close = lt(third, f32(1))
    const chosen = (c: Expr) => [...onLine([3], select(c, f32(1), f32(0))).ambiguous!]
    expect(chosen(call2('and', close, lt(x, f32(0))))).toEqual([0])
    expect(chosen(call2('or', close, lt(f32(0), x)))).toEqual([0])
    expect(chosen(call2('and', close, lt(f32(0), x)))).toEqual([1])
  })
  test('the winner is never in doubt', () => {
    const hardTop = select(eq(third, fold('max', 'j', third)), f32(1), f32(0))
    expect([...onLine([1, 5, 2], hardTop).ambiguous!]).toEqual([0, 0, 0])
    expect([...onLine([1, 5, 5.0000001], hardTop).ambiguous!]).toEqual([0, 1, 1])
  })
  test('a rounding near a half and an index made of it', () => {
    const near = call2('add', third, f32(0))
    const rounded = select(lt(f32(0), x), add(f32(0), { ...call2('add', near, f32(0.5)) }), f32(0))
    expect(onLine([3], rounded).ambiguous![0]).toBe(0)
    const floor = floorOf(third)
    expect([...onLine([1, 3], floor).hard!]).toEqual([0, 1])
    const read = at(x, [{ axis: 'j', index: intOf(third), outside: 'clamp' }])
    expect([...onLine([1, 3], read).hard!]).toEqual([0, Infinity])
  })
  test('an integer made of floats of integers is not in doubt: targets tabulate it', () => {
    const place = intOf(div(float(index('j')), f32(3)))
    const read = at(x, [{ axis: 'j', index: place, outside: 'clamp' }])
    const { value, hard } = onLine([10, 11, 12, 13], read)
    expect([...value]).toEqual([10, 10, 10, 11])
    expect([...hard!]).toEqual([0, 0, 0, 0])
  })
  test('the ends of a solve move with the bound of its function', () => {
    const inputs = drawInputs(sizesOf(20), 8)
    const { out } = interpret(attention({ out: sparsemax(score) }), { inputs, arithmetic: accurate })
    expect(out!.hard!.every((b) => b > 0 || b === 0)).toBe(true)
    expect(Math.max(...out!.hard!)).toBeLessThan(1e-4)
    expect(Math.max(...out!.expected!)).toBeLessThan(1e-5)
  })
})

const floorOf = (e: Expr): Expr => call1('floor', e)
const intOf = (e: Expr): Expr => call1('int', e)
const call1 = (op: Parameters<typeof call2>[0], e: Expr): Expr =>
  ({ ...call2(op, e, e), kind: 'call', op, args: [e] }) as Expr

test('errors of a loop do not grow without reason', () => {
  const inputs = drawInputs({ ...sizesOf(9), i: 7 }, 8)
  const [few, many] = [2, 12].map(
    (rounds) => interpret(attention({ out: attend(sinkhorn(score, rounds)) }), { inputs, arithmetic: accurate }).out!,
  )
  expect(Math.max(...many!.expected!)).toBeLessThan(20 * Math.max(...few!.expected!))
})

test('stable forms', () => {
  const one = f32(1)
  const shape = (e: Expr): string =>
    e.kind === 'call' ? `${e.op}(${e.args.map(shape).join(', ')})` : e.kind === 'input' ? e.name : e.kind
  const stable = (e: Expr) => shape(stabilise([e])[0]!)
  expect(stable(log(add(one, exp(x))))).toBe('softplus(x)')
  expect(stable(log(add(exp(x), exp(neg(x)))))).toBe('logaddexp(x, neg(x))')
  expect(stable(log(add(x, one)))).toBe('log1p(x)')
  expect(stable(sub(exp(x), one))).toBe('expm1(x)')
  expect(stable(div(one, add(one, exp(neg(x)))))).toBe('sigmoid(x)')
  expect(stable(sub(fold('sum', 'j', x), scan('cumsum', 'j', x)))).toBe('at')
  expect(stabilise([score])[0]).toBe(score)
})

test('empty rows, lengths of 0, NaN and infinities in scores', () => {
  const none = lt(add(index('j'), i32(2)), index('i')) // rows 0 to 2 are empty
  const program = attention({ out: attend(softmax(score, none), none), lse: fold('logsumexp', 'j', score, none) })
  const sizes = { b: 1, h: 1, i: 5, j: 9, d: 4, e: 3 }
  const { out, lse } = interpret(program, { inputs: drawInputs(sizes, 1), arithmetic: accurate })
  expect([...out!.hard!.slice(0, 9)]).toEqual(Array(9).fill(0))
  expect([...lse!.hard!.slice(0, 3)]).toEqual([0, 0, 0])
  expect(out!.hard!.every((b) => b >= 0 && b < 1e-4)).toBe(true)
  for (const axis of ['i', 'j', 'd', 'e'] as const) {
    const { out: empty } = interpret(program, { inputs: drawInputs({ ...sizes, [axis]: 0 }, 1), arithmetic: accurate })
    expect(verdict(empty!.value, empty!).status, axis).toBe('right')
  }
  const inputs = drawInputs(sizes, 1)
  const bad = (x: number) => ({
    ...inputs,
    k: { ...inputs.k, data: Array.from(inputs.k.data, (y, n) => (n === 0 ? x : y)) },
  })
  const nan = interpret(program, { inputs: bad(Number.NaN), arithmetic: accurate }).out! // key 0: admitted by rows 3 and 4
  expect(nan.hard!.map((b, n) => Number(Number.isNaN(b) === n >= 9))).toEqual(new Float64Array(15).fill(1))
  const infinite = interpret(program, { inputs: bad(-Infinity), arithmetic: accurate }).lse!
  expect(infinite.hard!.every((b, n) => (Number.isFinite(infinite.value[n]!) ? b > 0 && b < 1e-4 : b === 0))).toBe(true)
})

test('parts give the same allowances as the whole', () => {
  const inputs = drawInputs({ b: 1, h: 2, i: 5, j: 9, d: 4, e: 3 }, 4)
  const program = attention({ out: attend(softmax(score, causal), causal), entropy: entropy(score, causal) })
  const whole = interpret(program, { inputs, arithmetic: accurate })
  for (const budget of [1, 20, 100]) {
    const parts = interpret(program, { inputs, arithmetic: accurate, budget })
    for (const [name, { hard, expected }] of Object.entries(whole)) {
      for (const [k, b] of hard!.entries()) expect(parts[name]!.hard![k]! / b).toBeCloseTo(1, 6)
      for (const [k, b] of expected!.entries()) expect(parts[name]!.expected![k]! / b).toBeCloseTo(1, 1)
    }
  }
})

test('time', () => {
  const inputs = drawInputs({ b: 1, h: 2, i: 33, j: 65, d: 16, e: 16 }, 4)
  const program = attention({ out: attend(softmax(score, causal), causal) })
  const times = Array.from({ length: 8 }, () => {
    const started = performance.now()
    interpret(program, { inputs, arithmetic: accurate })
    return performance.now() - started
  })
  console.log(
    `allowances at 33 x 65, d = e = 16: first ${times[0]!.toFixed(0)} ms, then ${Math.min(...times).toFixed(0)} ms`,
  )
})
