import { describe, expect, test } from 'vitest'
import type { Attention } from '../compiler/attention.ts'
import {
  evaluateScalar,
  interpret,
  type Launch,
  resolveParams,
  resolveSizes,
  type Tensor,
} from '../compiler/interpret.ts'
import { at, bool, type Expr, f32, i32, index, input, random, scan, size, spread } from '../compiler/ir.ts'
import { drawInputs } from './draw.ts'
import * as program from './ir-programs.ts'
import {
  add,
  attend,
  attention,
  call2,
  causal,
  declareAxis,
  declareInput,
  div,
  exp,
  fold,
  k,
  le,
  log,
  mul,
  score,
  softmax,
  sub,
  v,
} from './ir-programs.ts'

const sizes = { b: 1, h: 2, i: 5, j: 9, d: 4, e: 3 }
const inputs = drawInputs(sizes, 1)

/** The result `out` of `expr`. */
const run = (expr: Expr, launch: Partial<Launch> = {}, more: Partial<Attention> = {}) => {
  const outcome = interpret({ ...attention({ out: expr }), ...more }, { inputs, ...launch }).out
  if (!outcome) throw new Error('no out')
  return outcome
}

/** Scores of head `h`, row `i`, by plain loops. */
function row(h: number, i: number, launch = inputs, s = sizes): number[] {
  return Array.from({ length: s.j }, (_, j) => {
    let sum = 0
    for (let d = 0; d < s.d; d += 1)
      sum += launch.q.data[(h * s.i + i) * s.d + d]! * launch.k.data[(h * s.j + j) * s.d + d]!
    return sum * Math.fround(1 / Math.sqrt(s.d))
  })
}
const admitted = (i: number) => (j: number) => j <= i + sizes.j - sizes.i
const valueAt = (h: number, j: number, e: number, data = inputs.v.data) => data[(h * sizes.j + j) * sizes.e + e]!

/** `sum_j weight(row)[j] v[j]` for all heads, rows and features, by plain loops over admitted keys. */
function expectedOut(weights: (s: number[], h: number, i: number) => number[], mask = admitted): number[] {
  const out: number[] = []
  for (let h = 0; h < sizes.h; h += 1)
    for (let i = 0; i < sizes.i; i += 1) {
      const keys = [...Array(sizes.j).keys()].filter(mask(i))
      const s = row(h, i)
      const w = weights(
        keys.map((j) => s[j]!),
        h,
        i,
      )
      for (let e = 0; e < sizes.e; e += 1) out.push(keys.reduce((sum, j, n) => sum + w[n]! * valueAt(h, j, e), 0))
    }
  return out
}
const rows = (f: (s: number[], h: number, i: number) => number, mask = admitted): number[] => {
  const out: number[] = []
  for (let h = 0; h < sizes.h; h += 1)
    for (let i = 0; i < sizes.i; i += 1)
      out.push(
        f(
          row(h, i).filter((_, j) => mask(i)(j)),
          h,
          i,
        ),
      )
  return out
}
const near = (got: ArrayLike<number>, want: readonly number[], digits = 12) => {
  expect(got.length).toBe(want.length)
  for (const [n, x] of want.entries()) expect(got[n], `element ${n}`).toBeCloseTo(x, digits)
}
const plainSoftmax = (s: number[]) => {
  const e = s.map(Math.exp)
  return e.map((x) => x / e.reduce((a, b) => a + b))
}

describe('normalizers against closed forms', () => {
  test('softmax, causal', () => near(run(attend(softmax(score, causal), causal)).value, expectedOut(plainSoftmax)))
  test('softmax over all keys', () =>
    near(
      run(attend(softmax(score))).value,
      expectedOut(plainSoftmax, () => () => true),
    ))
  test('sigmoid', () => {
    const weight = div(f32(1), add(f32(1), exp(program.neg(score))))
    near(
      run(attend(weight, causal)).value,
      expectedOut((s) => s.map((x) => 1 / (1 + Math.exp(-x)))),
    )
  })
  test('z-score', () => {
    const z = (s: number[]) => {
      const mean = s.reduce((a, b) => a + b) / s.length
      const sd = Math.sqrt(s.reduce((a, b) => a + (b - mean) ** 2, 0) / s.length)
      return s.map((x) => (x - mean) / (sd + 0.001))
    }
    near(run(attend(program.zScore(score, causal), causal)).value, expectedOut(z))
  })
  test('ALiBi', () => {
    const slopes: Tensor = { data: [0.5, 0.25], shape: [2] }
    const biased = sub(score, mul(input('slope', 'f32', ['h']), program.float(sub(index('i'), index('j')))))
    const more = { inputs: [...program.standardInputs, declareInput('slope', ['h'])] }
    const want = expectedOut((s, h, i) => plainSoftmax(s.map((x, j) => x - slopes.data[h]! * (i - j))))
    near(run(attend(softmax(biased, causal), causal), { inputs: { ...inputs, slope: slopes } }, more).value, want)
  })
  test('a sink in the denominator', () => {
    const e = exp(score)
    const weight = div(e, add(fold('sum', 'j', e, causal), exp(f32(0.5))))
    near(
      run(attend(weight, causal)).value,
      expectedOut((s) => s.map((x) => Math.exp(x) / (s.reduce((a, y) => a + Math.exp(y), 0) + Math.exp(0.5)))),
    )
  })
  test('logsumexp and entropy', () => {
    near(
      run(fold('logsumexp', 'j', score, causal)).value,
      rows((s) => Math.log(s.reduce((a, x) => a + Math.exp(x), 0))),
    )
    near(
      run(program.entropy(score, causal)).value,
      rows((s) => -plainSoftmax(s).reduce((a, p) => a + p * Math.log(p), 0)),
    )
  })
  test('sparsemax by solve, against sorting', () => {
    const bySorting = (s: number[]) => {
      const sorted = s.toSorted((a, b) => b - a)
      let [sum, tau] = [0, 0]
      sorted.forEach((x, n) => {
        sum += x
        if (1 + (n + 1) * x > sum) tau = (sum - 1) / (n + 1)
      })
      return s.map((x) => Math.max(x - tau, 0))
    }
    near(run(attend(program.sparsemax(score, causal), causal)).value, expectedOut(bySorting), 5)
  })
  test('sinkhorn by repeat', () => {
    const want: number[] = []
    for (let h = 0; h < sizes.h; h += 1) {
      const s = Array.from({ length: sizes.i }, (_, i) => row(h, i))
      const lse = (x: number[]) => Math.log(x.reduce((a, y) => a + Math.exp(y), 0))
      let u = s.map(() => 0)
      let w = s[0]!.map(() => 0)
      for (let n = 0; n < 3; n += 1) {
        u = s.map((r) => -lse(r.map((x, j) => x + w[j]!)))
        w = w.map((_, j) => -lse(s.map((r, i) => r[j]! + u[i]!)))
      }
      for (const [i, r] of s.entries())
        for (let e = 0; e < sizes.e; e += 1)
          want.push(r.reduce((a, x, j) => a + Math.exp(x + u[i]! + w[j]!) * valueAt(h, j, e), 0))
    }
    near(run(attend(program.sinkhorn(score, 3))).value, want)
  })
  test('talking heads read other heads with at', () => {
    const mix = { pre: { data: [1, 0.5, -0.25, 2], shape: [2, 2] }, post: { data: [0.5, 1, 2, -1], shape: [2, 2] } }
    const more = {
      axes: [...attention({}).axes, declareAxis('a', { kind: 'like', of: 'h' })],
      inputs: [...program.standardInputs, declareInput('pre', ['a', 'h']), declareInput('post', ['a', 'h'])],
    }
    const want = expectedOut((_, h, i) => {
      const keep = (s: number[]) => s.filter((_x, j) => admitted(i)(j))
      const p = [0, 1].map((a) =>
        plainSoftmax(keep(row(0, i)).map((x, n) => mix.pre.data[a]! * x + mix.pre.data[2 + a]! * keep(row(1, i))[n]!)),
      )
      return p[0]!.map((x, n) => mix.post.data[h]! * x + mix.post.data[2 + h]! * p[1]![n]!)
    })
    near(run(attend(program.talkingHeads(score, causal), causal), { inputs: { ...inputs, ...mix } }, more).value, want)
  })
})

describe('nodes', () => {
  const line = (data: number[], expr: Expr, type: 'f32' | 'i32' | 'bool' = 'f32') => [
    ...run(
      expr,
      { inputs: { x: { data, shape: [data.length] } }, sizes: { i: 3, b: 1, h: 1, d: 1, e: 1 } },
      { inputs: [declareInput('x', ['j'], { type })] },
    ).value,
  ]
  const x = input('x', 'f32', ['j'])
  const odd = program.eq(call2('mod', index('j'), i32(2)), i32(1))

  test('running folds keep a value at every place, admitted or not', () => {
    expect(line([1, 2, 3, 4], scan('cumsum', 'j', x))).toEqual([1, 3, 6, 10])
    expect(line([1, 2, 3, 4], scan('cumsum', 'j', x, odd))).toEqual([0, 2, 2, 6])
    expect(line([1, 2, 3, 4], scan('cumsum_back', 'j', x, odd))).toEqual([6, 6, 4, 4])
    expect(line([3, 1, Number.NaN, 5], scan('cummax', 'j', x, odd))).toEqual([-Infinity, 1, 1, 5])
  })
  test('a gather clamps or gives zero', () => {
    const before = (outside: 'clamp' | 'zero') => at(x, [{ axis: 'j', index: sub(index('j'), i32(1)), outside }])
    expect(line([5, 6, 7], before('clamp'))).toEqual([5, 5, 6])
    expect(line([5, 6, 7], before('zero'))).toEqual([0, 5, 6])
    expect(line([], at(x, [{ axis: 'j', index: index('i'), outside: 'clamp' }]))).toEqual([0, 0, 0])
  })
  test('a reduction inside a gather sees the place it is read at', () => {
    const before = fold('sum', 'j', x, le(index('j'), index('i')))
    expect(line([1, 2, 4], at(before, [{ axis: 'i', index: i32(1), outside: 'clamp' }]))).toEqual([3])
  })
  test("a reduction's own axis is not reached from outside", () => {
    const share = div(x, fold('sum', 'j', x))
    expect(line([1, 2, 5], at(share, [{ axis: 'j', index: i32(2), outside: 'clamp' }]))).toEqual([0.625])
  })
  test('reductions over nothing', () => {
    const none = bool(false)
    const over = (op: Parameters<typeof fold>[0], of: Expr = x) => line([1, 2], fold(op, 'j', of, none))[0]
    expect([over('sum'), over('mean'), over('count', bool(true)), over('max'), over('min'), over('logsumexp')]).toEqual(
      [0, 0, 0, -Infinity, Infinity, -Infinity],
    )
    expect([over('any', bool(true)), over('all', bool(false))]).toEqual([0, 1])
  })
  test('nothing outside the domain enters, NaN and infinities included', () => {
    const even = program.eq(call2('mod', index('j'), i32(2)), i32(0))
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      expect(line([1, bad, 3, bad], fold('sum', 'j', x, even))).toEqual([4])
      expect(line([1, bad, 3, bad], fold('max', 'j', x, even))).toEqual([3])
      expect(line([0, bad, 0, bad], fold('logsumexp', 'j', x, even))[0]).toBeCloseTo(Math.log(2), 14)
    }
    expect(line([1, Number.NaN], fold('max', 'j', x))).toEqual([Number.NaN])
    expect(line([1, Number.NaN], fold('min', 'j', x))).toEqual([Number.NaN])
    expect(line([Infinity, 1], fold('logsumexp', 'j', x))).toEqual([Infinity])
    expect(line([-Infinity, -Infinity], fold('logsumexp', 'j', x))).toEqual([-Infinity])
    expect(line([-Infinity, 1, Number.NaN], fold('logsumexp', 'j', x))).toEqual([Number.NaN])
  })
  test('a body without the reduced axis counts once for each place', () => {
    expect(line([1, 2, 3], fold('sum', 'j', f32(2)))).toEqual([6])
    expect(line([1, 2, 3], fold('count', 'j', bool(true), le(index('j'), index('i'))))).toEqual([1, 2, 3])
  })
  test('i32 sums wrap', () => {
    expect(line([2 ** 31 - 1, 1], fold('sum', 'j', input('x', 'i32', ['j'])), 'i32')).toEqual([-(2 ** 31)])
  })
  test('random is uniform and the same for the same counters', () => {
    const draws = line(Array(1000).fill(0), random(i32(7), [index('j')]))
    expect(draws).toEqual(line(Array(1000).fill(0), random(i32(7), [index('j')])))
    expect(draws.reduce((a, b) => a + b) / 1000).toBeCloseTo(0.5, 1)
  })
})

describe('rows', () => {
  test('an empty row gives 0, and -inf as its logsumexp', () => {
    const none = le(index('j'), sub(index('i'), i32(2)))
    const out = run(attend(softmax(score, none), none)).value
    expect([...out.slice(0, 2 * sizes.e)]).toEqual(Array(2 * sizes.e).fill(0))
    expect([...run(fold('logsumexp', 'j', score, none)).value.slice(0, 2)]).toEqual([-Infinity, -Infinity])
    expect(out.every(Number.isFinite)).toBe(true)
  })
  test.each(['b', 'h', 'i', 'j', 'd', 'e'] as const)('size(%s) = 0', (axis) => {
    const empty = { ...sizes, [axis]: 0 }
    const out = run(attend(softmax(score, causal), causal), { inputs: drawInputs(empty, 2) })
    expect(out.value.length).toBe(['b', 'h', 'i', 'e'].includes(axis) ? 0 : 30)
    if (axis === 'j') expect(out.value.every((x) => x === 0)).toBe(true)
  })
  test('a NaN stays in the rows that admit it', () => {
    const data = Float32Array.from(inputs.v.data)
    data[valueIndex(0, 6, 1)] = Number.NaN // key 6: admitted from row 2 on
    const bad = Float32Array.from(inputs.k.data)
    bad[(sizes.j + 8) * sizes.d] = Number.NaN // head 1, key 8: the last row only
    const launch = { inputs: { ...inputs, v: { ...inputs.v, data }, k: { ...inputs.k, data: bad } } }
    const out = run(attend(softmax(score, causal), causal), launch).value
    const nan = [...out.keys()].filter((n) => Number.isNaN(out[n]!))
    expect(nan).toEqual([7, 10, 13, 27, 28, 29])
  })
  const valueIndex = (h: number, j: number, e: number) => (h * sizes.j + j) * sizes.e + e
})

describe('large arrays in parts', () => {
  const programs: Readonly<Record<string, Expr>> = {
    softmax: attend(softmax(score, causal), causal),
    entropy: program.entropy(score, causal),
    sparsemax: attend(program.sparsemax(score, causal), causal),
    sinkhorn: attend(program.sinkhorn(score, 2)),
    shifted: attend(at(softmax(score, causal), [{ axis: 'i', index: sub(index('i'), i32(1)), outside: 'zero' }])),
    scanned: attend(scan('cumsum', 'j', score, causal), causal),
    columns: fold('sum', 'i', spread(softmax(score, causal), ['i', 'j'])),
  }
  test.each(Object.keys(programs))('%s is the same for every budget', (name) => {
    const whole = run(programs[name]!).value
    for (const budget of [1, 10, 50, 200]) near(run(programs[name]!, { budget }).value, [...whole])
  })
})

describe('lengths and params', () => {
  const grouped = {
    ...attention({ out: v }, [], [declareAxis('g', { kind: 'divides', of: 'h' })]),
    inputs: [declareInput('q', ['b', 'h', 'i', 'd']), declareInput('k', ['b', 'g', 'j', 'd'])],
  }
  test('two lengths that disagree name both tensors', () => {
    const resolved = resolveSizes(attention({ out: k }), {
      shapes: { q: [1, 2, 3, 64], k: [1, 2, 5, 32], v: [1, 2, 5, 8] },
    })
    expect(resolved).toMatchObject({
      ok: false,
      problems: [{ kind: 'disagree', axis: 'd', message: 'size(d) is 64 by q, but 32 by k' }],
    })
  })
  test('size(g) must divide size(h)', () => {
    const shapes = (g: number) => ({ q: [1, 6, 3, 4], k: [1, g, 5, 4] })
    expect(resolveSizes(grouped, { shapes: shapes(3), sizes: { e: 1 } }).ok).toBe(true)
    const bad = resolveSizes(grouped, { shapes: shapes(4), sizes: { e: 1 } })
    expect(bad).toMatchObject({
      ok: false,
      problems: [{ kind: 'not-divisible', message: 'size(g) = 4 (k) does not divide size(h) = 6 (q)' }],
    })
  })
  test('fixed, like and parts are computed, others chosen', () => {
    const axes = [
      declareAxis('m', { kind: 'fixed', value: program.call2('mul', size('d'), i32(3)) }),
      declareAxis('a', { kind: 'like', of: 'h' }),
      declareAxis('c', { kind: 'part', of: 'j', role: 'outer', by: i32(4) }),
      declareAxis('t', { kind: 'part', of: 'j', role: 'inner', by: i32(4) }),
      declareAxis('g', { kind: 'divides', of: 'h' }),
    ]
    const resolved = resolveSizes(attention({ out: v }, [], axes), { sizes: { h: 6, j: 9, d: 2 }, fill: () => 4 })
    expect(resolved).toEqual({ ok: true, value: { b: 4, h: 6, i: 4, j: 9, d: 2, e: 4, m: 6, a: 6, c: 3, t: 4, g: 3 } })
    expect(resolveSizes(attention({ out: v }), { sizes: { h: 6 } })).toMatchObject({ ok: false })
  })
  test('params take their defaults, rounded to f32', () => {
    expect(resolveParams(attention({ out: v }), { d: 3 })).toEqual({
      ok: true,
      value: { scale: Math.fround(1 / Math.sqrt(3)) },
    })
    expect(evaluateScalar(log(program.float(size('j'))), { j: 5 })).toBeCloseTo(Math.log(5), 15)
    const window = {
      ...attention({ out: v }),
      params: [{ ...program.scaleParam, name: 'window', type: 'i32' as const, default: undefined }],
    }
    expect(resolveParams(window, {}, { window: 2.5 })).toMatchObject({ ok: false, problems: [{ kind: 'wrong-param' }] })
    expect(resolveParams(window, {})).toMatchObject({ ok: false, problems: [{ kind: 'missing-param' }] })
  })
})

test('a whole head in time', () => {
  const large = { b: 1, h: 8, i: 256, j: 256, d: 64, e: 64 }
  const launch = { inputs: drawInputs(large, 3) }
  const started = performance.now()
  const out = run(attend(softmax(score, causal), causal), launch)
  console.log(`h = 8, N = 256, d = 64: ${Math.round(performance.now() - started)} ms`)
  expect(out.value.length).toBe(8 * 256 * 64)
})
