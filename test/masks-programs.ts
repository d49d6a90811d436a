/** Random masks with data, and what their elements are: an evaluator of its own, one pair at a time. */
import fc from 'fast-check'
import { elementary } from '../compiler/elementary.ts'
import { at, call, type Expr, f32, i32, index, input, param, reduce, size } from '../compiler/ir.ts'
import type { ScalarLaunch as MaskLaunch } from '../compiler/masks/scalar-run.ts'

export const [i, j] = [index('i'), index('j')]

/** How a kernel rounds literals and params, and the results of operations. */
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
      return e.type === 'f32' ? rounding.literal(Number(launch.params[e.name])) : Number(launch.params[e.name])
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
    case 'reduce': {
      const [axis] = e.over
      const all = Array.from({ length: length(axis!) }, (_, n) =>
        valueAt(e.of, { ...place, [axis!]: n }, launch, rounding),
      )
      return Number(e.op === 'any' ? all.includes(1) : !all.includes(0))
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
  seen: input('seen', 'bool', ['h', 'j']),
  slope: input('slope', 'f32', ['h']),
  blocks: input('blocks', 'bool', ['h', 'r', 'c']),
  list: input('list', 'i32', ['r', 't']),
}
/** The block that a place of axis lies in, for tiles that divide it and for others. */
const block = (axis: Expr): fc.Arbitrary<Expr> => fc.constantFrom(2, 4, 3).map((by) => call('idiv', [axis, i32(by)]))
const blocks: fc.Arbitrary<Expr> = fc.tuple(block(i), block(j)).map(([r, c]) =>
  at(inputs.blocks, [
    { axis: 'r', index: r, outside: 'clamp' },
    { axis: 'c', index: c, outside: 'zero' },
  ]),
)
const listed: fc.Arbitrary<Expr> = block(i).map((r) => at(inputs.list, [{ axis: 'r', index: r, outside: 'clamp' }]))
const huge = [2 ** 31 - 1, -(2 ** 31), 2 ** 30, 65536, -46341]

const place = fc.constantFrom<'clamp' | 'zero'>('clamp', 'zero')
const number = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -4, max: 9 }) },
  { weight: 1, arbitrary: fc.constantFrom(...huge) },
)

const trees = fc.letrec<{ leaf: Expr; integer: Expr; float: Expr; bool: Expr }>((tie) => {
  const [integer, float, bool] = [tie('integer'), tie('float'), tie('bool')]
  const binary = (ops: readonly Parameters<typeof call>[0][], a: fc.Arbitrary<Expr>, b = a): fc.Arbitrary<Expr> =>
    fc.tuple(fc.constantFrom(...ops), a, b).map(([op, x, y]) => call(op, [x, y]))
  const unary = (ops: readonly Parameters<typeof call>[0][], a: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc.tuple(fc.constantFrom(...ops), a).map(([op, x]) => call(op, [x]))
  const select = (a: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> => fc.tuple(bool, a, a).map((args) => call('select', args))
  const gather = (of: Expr, axis: string): fc.Arbitrary<Expr> =>
    fc.tuple(integer, place).map(([index, outside]) => at(of, [{ axis, index, outside }]))
  const quantifier =
    (op: 'any' | 'all') =>
    (of: Expr): Expr =>
      reduce(op, ['t'], of)
  const quantified = (of: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc.tuple(fc.constantFrom<'any' | 'all'>('any', 'all'), of).map(([op, x]) => quantifier(op)(x))
  const moved = (of: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc
      .tuple(of, integer, place, fc.constantFrom('i', 'j'))
      .map(([x, index, outside, axis]) => at(x, [{ axis, index, outside }]))
  return {
    leaf: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<Expr>(i, j) },
      { weight: 3, arbitrary: number.map((n) => i32(n)) },
      fc.constantFrom<Expr>(size('i'), size('j'), param('w', 'i32'), inputs.doc, inputs.row, inputs.len),
      fc.constantFrom<Expr>(inputs.doc, index('h'), index('t')),
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
      fc.constantFrom<Expr>(inputs.pos, inputs.slope, param('alpha', 'f32'), f32(0.1), f32(-2), f32(0)),
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
      fc.constantFrom<Expr>(inputs.hub, inputs.pair, inputs.seen),
      gather(inputs.hub, 'j'),
      blocks,
      quantified(bool),
      fc.tuple(listed, block(j)).map((sides) => quantifier('any')(call('eq', sides))),
      { weight: 2, arbitrary: binary(['and', 'or'], bool) },
      unary(['not'], bool),
      select(bool),
      moved(bool),
    ),
  }
}).bool
export const masks: fc.Arbitrary<Expr> = trees.map((mask) =>
  mask.axes.includes('t') ? reduce('any', ['t'], mask) : mask,
)

/** Lengths 0 to 9; documents in any order; NaN and infinities among the floats. */
export const launches: fc.Arbitrary<MaskLaunch> = fc
  .record({
    sizes: fc.record({
      i: fc.nat(9),
      j: fc.nat(9),
      t: fc.nat(3),
      r: fc.nat(5),
      c: fc.nat(5),
      b: fc.constant(1),
      h: fc.integer({ min: 1, max: 3 }),
    }),
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
      { minLength: 60, maxLength: 60 },
    ),
    isSorted: fc.boolean(),
    floats: fc.array(
      fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom(0, 0.1, 0.5, 2, -3, 1, 4) },
        { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, 3e38) },
      ),
      { minLength: 12, maxLength: 12 },
    ),
    bits: fc.array(fc.nat(1), { minLength: 200, maxLength: 200 }),
  })
  .map(({ sizes, w, alpha, integers, isSorted, floats, bits }) => {
    const order = (data: readonly number[]): readonly number[] => (isSorted ? data.toSorted((x, y) => x - y) : data)
    return {
      sizes,
      params: { w, alpha },
      single: { b: 0, h: sizes.h - 1 },
      inputs: {
        doc: { axes: ['b', 'j'], data: order(integers.slice(0, 9)) },
        row: { axes: ['h', 'i'], data: integers.slice(9, 36) },
        table: { axes: ['t'], data: integers.slice(36, 39) },
        len: { axes: ['b'], data: integers.slice(39, 40) },
        list: { axes: ['r', 't'], data: integers.slice(40, 55) },
        pos: { axes: ['b', 'j'], data: order(floats.slice(0, 9)).map(Math.fround) },
        slope: { axes: ['h'], data: floats.slice(9).map(Math.fround) },
        hub: { axes: ['b', 'j'], data: bits.slice(0, 9) },
        pair: { axes: ['i', 'j'], data: bits.slice(9, 90) },
        seen: { axes: ['h', 'j'], data: bits.slice(90, 117) },
        blocks: { axes: ['h', 'r', 'c'], data: bits.slice(117, 192) },
      },
    }
  })
