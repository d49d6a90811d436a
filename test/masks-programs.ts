/** Random masks with data, and what their elements are: an evaluator of its own, one pair at a time. */
import fc from 'fast-check'
import { elementary } from '../compiler/elementary.ts'
import { at, call, type Expr, f32, i32, index, input, param, size } from '../compiler/ir.ts'
import type { ScalarLaunch as MaskLaunch } from '../compiler/masks/scalar-run.ts'

export const [i, j] = [index('i'), index('j')]

/** How a kernel rounds literals and the results of operations. */
export interface Rounding {
  readonly literal: (x: number) => number
  readonly operation: (x: number) => number
}
const exactly = (x: number): number => x
/** f64 as in TypeScript; f32; f32 whose operations are fused, so that what is between them is not rounded. */
export const roundings: readonly (Rounding & { readonly ofClasses: (x: number) => number })[] = [
  { literal: exactly, operation: exactly, ofClasses: exactly },
  { literal: Math.fround, operation: Math.fround, ofClasses: Math.fround },
  { literal: Math.fround, operation: exactly, ofClasses: Math.fround },
]

/** The value of a pointwise `e`. */
export function valueAt(
  e: Expr,
  place: Readonly<Record<string, number>>,
  launch: MaskLaunch,
  rounding: Rounding,
): number {
  const of = (x: Expr): number => valueAt(x, place, launch, rounding)
  const length = (axis: string): number => launch.sizes[axis]!
  switch (e.kind) {
    case 'const':
      return e.type === 'f32' ? rounding.literal(Number(e.value)) : Number(e.value)
    case 'index':
      return place[e.axis]!
    case 'size':
      return length(e.axis)
    case 'param':
      return Number(launch.params[e.name])
    case 'input': {
      const { axes, data } = launch.inputs[e.name]!
      return data[axes.reduce((offset, axis) => offset * length(axis) + place[axis]!, 0)]!
    }
    case 'call': {
      const [x = 0, y = 0, z = 0] = e.args.map(of)
      const out = elementary(
        e.op,
        e.args.map((arg) => arg.type),
      )(x, y, z)
      return e.type === 'f32' ? rounding.operation(out) : out
    }
    case 'at': {
      const there = { ...place }
      for (const { axis, index, outside } of e.places) {
        const asked = of(index)
        const n = length(axis)
        if (n === 0 || (outside === 'zero' && (asked < 0 || asked >= n))) return 0
        there[axis] = Math.max(0, Math.min(n - 1, asked))
      }
      return valueAt(e.of, there, launch, rounding)
    }
    default:
      throw new Error(`no pointwise ${e.kind}`)
  }
}

/** Whether a place is admitted; each is evaluated once. */
export function admission(
  mask: Expr,
  launch: MaskLaunch,
  rounding: Rounding,
): (h: number, i: number, j: number) => boolean {
  const known = new Map<string, boolean>()
  return (h, i, j) => {
    const key = `${h} ${i} ${j}`
    const out = known.get(key) ?? valueAt(mask, { ...launch.single, h, i, j }, launch, rounding) === 1
    known.set(key, out)
    return out
  }
}

const inputs = {
  doc: input('doc', 'i32', ['b', 'j']),
  pos: input('pos', 'f32', ['b', 'j']),
  hub: input('hub', 'bool', ['b', 'j']),
  table: input('table', 'i32', ['t']),
  row: input('row', 'i32', ['h', 'i']),
  len: input('len', 'i32', ['b']),
  pair: input('pair', 'bool', ['i', 'j']),
}
const huge = [2 ** 31 - 1, -(2 ** 31), 2 ** 30, 65536, -46341]

const place = fc.constantFrom<'clamp' | 'zero'>('clamp', 'zero')
const number = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -4, max: 9 }) },
  { weight: 1, arbitrary: fc.constantFrom(...huge) },
)

export const masks = fc.letrec<{ leaf: Expr; integer: Expr; float: Expr; bool: Expr }>((tie) => {
  const [integer, float, bool] = [tie('integer'), tie('float'), tie('bool')]
  const binary = (ops: readonly Parameters<typeof call>[0][], a: fc.Arbitrary<Expr>, b = a): fc.Arbitrary<Expr> =>
    fc.tuple(fc.constantFrom(...ops), a, b).map(([op, x, y]) => call(op, [x, y]))
  const unary = (ops: readonly Parameters<typeof call>[0][], a: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc.tuple(fc.constantFrom(...ops), a).map(([op, x]) => call(op, [x]))
  const select = (a: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> => fc.tuple(bool, a, a).map((args) => call('select', args))
  const gather = (of: Expr, axis: string): fc.Arbitrary<Expr> =>
    fc.tuple(integer, place).map(([index, outside]) => at(of, [{ axis, index, outside }]))
  const moved = (of: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc
      .tuple(of, integer, place, fc.constantFrom('i', 'j'))
      .map(([x, index, outside, axis]) => at(x, [{ axis, index, outside }]))
  return {
    leaf: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<Expr>(i, j) },
      { weight: 3, arbitrary: number.map((n) => i32(n)) },
      fc.constantFrom<Expr>(size('i'), size('j'), param('w', 'i32'), inputs.doc, inputs.row, inputs.len),
    ),
    integer: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      { weight: 3, arbitrary: binary(['add', 'sub', 'mul'], integer) },
      binary(
        ['idiv', 'mod'],
        integer,
        fc.oneof(
          number.map((n) => i32(n)),
          integer,
        ),
      ),
      binary(['min', 'max'], integer),
      integer.map((x) => call('sub', [x, call('mod', [x, i32(3)])])),
      unary(['abs', 'neg', 'sign'], integer),
      select(integer),
      gather(inputs.doc, 'j'),
      gather(inputs.table, 't'),
      moved(integer),
      unary(
        ['int'],
        float.map((x) => call('min', [call('max', [x, f32(-1e6)]), f32(1e6)])),
      ),
    ),
    float: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Expr>(inputs.pos, param('alpha', 'f32'), f32(0.1), f32(-2), f32(0)),
      unary(['float'], integer),
      binary(['add', 'sub', 'mul', 'div'], float),
      binary(['min', 'max'], float),
      unary(['abs', 'neg', 'sqrt', 'floor', 'ceil', 'round', 'sign', 'exp', 'log'], float),
      gather(inputs.pos, 'j'),
      select(float),
    ),
    bool: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 4, arbitrary: binary(['lt', 'le', 'eq', 'ne'], integer) },
      { weight: 2, arbitrary: binary(['lt', 'le', 'eq', 'ne'], float) },
      fc.constantFrom<Expr>(inputs.hub, inputs.pair),
      gather(inputs.hub, 'j'),
      { weight: 2, arbitrary: binary(['and', 'or'], bool) },
      unary(['not'], bool),
      select(bool),
      moved(bool),
    ),
  }
}).bool

/** Lengths 0 to 9; documents in any order; NaN and infinities among the floats. */
export const launches: fc.Arbitrary<MaskLaunch> = fc
  .record({
    sizes: fc.record({ i: fc.nat(9), j: fc.nat(9), t: fc.nat(3), b: fc.constant(1), h: fc.constant(2) }),
    w: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -5, max: 12 }) },
      { weight: 1, arbitrary: fc.constantFrom(...huge) },
    ),
    alpha: fc.constantFrom(0.5, -1.5, 0, 3, Number.NaN, Infinity, 1e30),
    integers: fc.array(
      fc.oneof(
        { weight: 30, arbitrary: fc.integer({ min: -3, max: 9 }) },
        { weight: 1, arbitrary: fc.constantFrom(...huge) },
      ),
      { minLength: 40, maxLength: 40 },
    ),
    floats: fc.array(
      fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom(0, 0.1, 0.5, 2, -3, 1, 4) },
        { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, 3e38) },
      ),
      { minLength: 9, maxLength: 9 },
    ),
    bits: fc.array(fc.nat(1), { minLength: 100, maxLength: 100 }),
  })
  .map(({ sizes, w, alpha, integers, floats, bits }) => ({
    sizes,
    params: { w, alpha },
    single: { b: 0, h: 1 },
    inputs: {
      doc: { axes: ['b', 'j'], data: integers.slice(0, 9) },
      row: { axes: ['h', 'i'], data: integers.slice(9, 27) },
      table: { axes: ['t'], data: integers.slice(27, 30) },
      len: { axes: ['b'], data: integers.slice(30, 31) },
      pos: { axes: ['b', 'j'], data: floats.map(Math.fround) },
      hub: { axes: ['b', 'j'], data: bits.slice(0, 9) },
      pair: { axes: ['i', 'j'], data: bits.slice(9, 90) },
    },
  }))
