import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DeclaredRange, InputDecl, ParamDecl } from '../compiler/attention.ts'
import { anything, contains, range } from '../compiler/interval.ts'
import { bool, call, type Expr, f32, i32, index, input, param, reduce, size } from '../compiler/ir.ts'
import type { Op } from '../compiler/ops.ts'
import { assumedMagnitude, createRanges, isBounded, isNonNegative, isPositive } from '../compiler/range.ts'
import { noSpan } from '../grammar/source.ts'
import { type Rounding, valueAt } from './masks-programs.ts'

const within = (lo: number, hi: number): DeclaredRange => ({ lo: f32(lo), hi: f32(hi) })
const paramDecl = (name: string, type: 'i32' | 'f32', declared?: DeclaredRange): ParamDecl => ({
  name,
  type,
  default: undefined,
  time: 'run',
  range: declared,
  span: noSpan,
})
const inputDecl = (name: string, declared?: DeclaredRange): InputDecl => ({
  name,
  axes: ['j'],
  type: 'f32',
  storage: undefined,
  range: declared,
  indexes: undefined,
  span: noSpan,
})

const bounds: Readonly<Record<string, readonly [number, number]>> = {
  a: [-2, 3],
  b: [0, 2],
  c: [-5, -1],
  m: [-3, 4],
  n: [1, 5],
}
const params = Object.entries(bounds).map(([name, [lo, hi]]) =>
  paramDecl(name, name < 'm' ? 'f32' : 'i32', within(lo, hi)),
)
const attention = { params, inputs: [inputDecl('x'), inputDecl('p', within(0, 4))] }
const [x, p, a, b] = [input('x', 'f32', ['j']), input('p', 'f32', ['j']), param('a', 'f32'), param('b', 'f32')]
const ranges = createRanges({ attention, sizes: { d: 8 } })

const expressions = fc.letrec<{ real: Expr; integer: Expr; bool: Expr }>((tie) => {
  const [real, integer, condition] = [tie('real'), tie('integer'), tie('bool')]
  const of = (ops: readonly Op[], ...args: readonly fc.Arbitrary<Expr>[]): fc.Arbitrary<Expr> =>
    fc.tuple(fc.constantFrom(...ops), fc.tuple(...args)).map(([op, list]) => call(op, list))
  return {
    real: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Expr>(a, b, param('c', 'f32'), f32(0), f32(1.5), f32(-1)),
      of(
        [
          'neg',
          'abs',
          'sign',
          'floor',
          'ceil',
          'round',
          'exp',
          'exp2',
          'expm1',
          'log',
          'log1p',
          'sqrt',
          'rsqrt',
          'tanh',
          'sin',
          'erf',
          'sigmoid',
          'softplus',
        ],
        real,
      ),
      of(['add', 'sub', 'mul', 'div', 'min', 'max', 'mod', 'idiv', 'logaddexp', 'atan2', 'pow'], real, real),
      of(
        ['pow'],
        real,
        fc.integer({ min: -3, max: 4 }).map((n) => i32(n)),
      ),
      of(['float'], integer),
      of(['select'], condition, real, real),
    ),
    integer: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Expr>(param('m', 'i32'), param('n', 'i32'), i32(0), i32(-3), i32(2 ** 30)),
      of(['neg', 'abs', 'sign'], integer),
      of(['add', 'sub', 'mul', 'idiv', 'mod', 'min', 'max'], integer, integer),
      of(['select'], condition, integer, integer),
    ),
    bool: fc.oneof(
      { depthSize: 'small' },
      of(['lt', 'le', 'eq', 'ne'], real, real),
      of(['lt', 'le', 'eq', 'ne'], integer, integer),
      of(['and', 'or'], condition, condition),
      of(['not'], condition),
    ),
  }
})

/** Of a value in f64 from one in real arithmetic. */
const slack = (bound: number): number => (Number.isFinite(bound) ? 1e-9 * Math.abs(bound) + 1e-9 : 0)

test('random expressions stay in their range', () => {
  const values = fc.record({
    a: fc.double(unit()),
    b: fc.double(unit()),
    c: fc.double(unit()),
    m: fc.nat(7),
    n: fc.nat(4),
  })
  fc.assert(
    fc.property(
      fc.oneof(expressions.real, expressions.integer),
      fc.array(values, { minLength: 8, maxLength: 8 }),
      (e, samples) => {
        const { lo, hi } = ranges(e)
        for (const at of samples) {
          const given = Object.fromEntries(Object.entries(at).map(([name, t]) => [name, spread(name, t)]))
          const value = valueAt(e, {}, { sizes: {}, params: given, inputs: {}, single: {} }, unsigned)
          if (Number.isNaN(value)) continue
          expect(value).toBeGreaterThanOrEqual(lo - slack(lo))
          expect(value).toBeLessThanOrEqual(hi + slack(hi))
        }
      },
    ),
    { numRuns: 1500 },
  )
})
/** Ranges know no -0. */
const unsigned: Rounding = { literal: (v) => v, operation: (v) => v + 0 }
function unit(): fc.DoubleConstraints {
  return { min: 0, max: 1, noNaN: true }
}
function spread(name: string, t: number): number {
  const [lo, hi] = bounds[name]!
  return name < 'm' ? lo + t * (hi - lo) : lo + t
}

describe('relations', () => {
  const fold = (op: 'sum' | 'max' | 'min' | 'logsumexp', of: Expr, domain?: Expr): Expr => reduce(op, ['j'], of, domain)
  const exp = call('exp', [call('sub', [x, fold('max', x)])])
  const norm = call('sqrt', [fold('sum', call('mul', [x, x]))])
  const unitVector = (name: string): Expr => {
    const v = input(name, 'f32', ['j', 'd'])
    return call('div', [v, call('add', [call('sqrt', [reduce('sum', ['d'], call('mul', [v, v]))]), f32(1e-6)])])
  }
  test.each<[string, Expr, number, number]>([
    ['x - max x', call('sub', [x, fold('max', x)]), -Infinity, 0],
    ['x - logsumexp x', call('sub', [x, fold('logsumexp', x)]), -Infinity, 0],
    ['x - min x', call('sub', [x, fold('min', x)]), 0, Infinity],
    ['exp(x - max x)', exp, 0, 1],
    ['softmax', call('div', [exp, fold('sum', exp)]), 0, 1],
    ['p / (sum p + 1)', call('div', [p, call('add', [fold('sum', p), f32(1)])]), 0, 1],
    ['x / |x|', call('div', [x, norm]), -1, 1],
    ['x x', call('mul', [x, x]), 0, Infinity],
    ['dot of unit vectors', reduce('sum', ['d'], call('mul', [unitVector('q'), unitVector('k')])), -1, 1],
    ['size', size('j'), 0, 2 ** 31 - 1],
    ['index of a fixed axis', index('d'), 0, 7],
    ['tanh', call('mul', [f32(50), call('tanh', [x])]), -50, 50],
    ['clamp', call('min', [call('max', [x, f32(-1)]), f32(2)]), -1, 2],
  ])('%s', (_, e, lo, hi) => {
    expect(ranges(e)).toEqual(range(lo, hi))
  })

  test('of a fold hold where its domain does', () => {
    const mask = call('le', [index('j'), index('i')])
    const difference = call('sub', [x, fold('max', x, mask)])
    expect(ranges(difference)).toEqual(anything)
    expect(createRanges({ attention, holds: [mask] })(difference)).toEqual(range(-Infinity, 0))
    expect(ranges(fold('sum', call('exp', [difference]), mask)).lo).toBe(0)
    expect(ranges(call('select', [mask, difference, f32(0)]))).toEqual(range(-Infinity, 0))
    expect(ranges(fold('max', difference, bool(true)))).toEqual(anything)
  })
})

test('conditions refine their branches', () => {
  const positive = call('lt', [f32(0), x])
  const inverse = call('select', [positive, x, f32(1)])
  expect(isPositive(ranges(inverse))).toBe(true)
  expect(isNonNegative(ranges(call('select', [positive, f32(0), call('neg', [x])])))).toBe(true)
  const stablemax = call('select', [
    call('le', [f32(0), x]),
    call('add', [x, f32(1)]),
    call('div', [f32(1), call('sub', [f32(1), x])]),
  ])
  expect(isBounded(ranges(stablemax), 0, Infinity)).toBe(true)
  // A condition on this place says nothing of the places that a fold sees.
  expect(ranges(call('select', [positive, reduce('min', ['d'], input('x', 'f32', ['d'])), f32(0)])).lo).toBe(-Infinity)
})

test('unknown scores are assumed to be of ordinary size, if asked', () => {
  const score = call('mul', [x, param('unknown', 'f32')])
  const assumed = createRanges({ attention: { ...attention, score }, assumed: true })
  expect(assumed(score)).toEqual(range(-assumedMagnitude.hi, assumedMagnitude.hi))
  expect(assumed(call('abs', [score]))).toEqual(assumedMagnitude)
  const capped = call('mul', [f32(50), call('tanh', [x])])
  expect(createRanges({ attention: { ...attention, score: capped }, assumed: true })(capped)).toEqual(range(-50, 50))
  expect(contains(anything, ranges(score))).toBe(true)
})
