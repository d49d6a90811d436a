/** Instructions of PTX, one by one, against what the ISA says of them. References are exact: whole numbers of any size. */
import { describe, expect, test } from 'vitest'
import { evaluate, runPtx, type Type, type Value } from './ptx-kernel.ts'
import { type Mode, roundExactly } from './round-exactly.ts'

const pairs = <T>(values: readonly T[]): [T, T][] => values.flatMap((a) => values.map((b): [T, T] => [a, b]))
const words = [0, 1, -1, 2, 7, -7, 255, 65535, 65536, -65536, 123456789, -987654321, 2147483647, -2147483648]
const wides = [
  0n,
  1n,
  -1n,
  3n,
  4294967295n,
  4294967296n,
  -4294967297n,
  2n ** 53n + 1n,
  123456789012345678n,
  -(2n ** 63n),
  2n ** 63n - 1n,
]
const big = (x: Value): bigint => BigInt(x)
const cut = (type: Type, x: bigint): Value => {
  const bits = type.endsWith('64') ? 64 : 32
  const value = type.startsWith('s') ? BigInt.asIntN(bits, x) : BigInt.asUintN(bits, x)
  return bits === 64 ? value : Number(value)
}
const as = (type: Type, x: Value): bigint => BigInt(cut(type, big(x)))

describe('integers', () => {
  const operations: Readonly<Record<string, (a: bigint, b: bigint, bits: bigint) => bigint>> = {
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    'mul.lo': (a, b) => a * b,
    'mul.hi': (a, b, bits) => (a * b) >> bits,
    min: (a, b) => (a < b ? a : b),
    max: (a, b) => (a > b ? a : b),
    div: (a, b) => a / b,
    rem: (a, b) => a % b,
  }
  const types = ['s32', 'u32', 's64', 'u64'] as const
  test.each(types.flatMap((type) => Object.keys(operations).map((name) => [name, type] as const)))(
    '%s.%s',
    (name, type) => {
      const all: Value[] = type.endsWith('64') ? wides : words
      const rows = pairs(all).filter(([, b]) => !/div|rem/.test(name) || (b !== 0 && b !== 0n))
      const got = evaluate(`${name}.${type} d, a, b`, [type, type, type], rows)
      const bits = type.endsWith('64') ? 64n : 32n
      expect(got).toEqual(rows.map(([a, b]) => cut(type, operations[name]!(as(type, a), as(type, b), bits))))
    },
  )
  test.each(['s32', 'u32'] as const)('mul.wide and mad.wide of %s', (type) => {
    const wide = type === 's32' ? 's64' : 'u64'
    const rows = pairs(words).map(([a, b], n): Value[] => [a, b, wides[n % wides.length]!])
    const product = ([a, b]: readonly Value[]): bigint => as(type, a!) * as(type, b!)
    expect(
      evaluate(
        `mul.wide.${type} d, a, b`,
        [wide, type, type],
        rows.map((row) => row.slice(0, 2)),
      ),
    ).toEqual(rows.map((row) => cut(wide, product(row))))
    expect(evaluate(`mad.wide.${type} d, a, b, c`, [wide, type, type, wide], rows)).toEqual(
      rows.map((row) => cut(wide, product(row) + big(row[2]!))),
    )
    expect(
      evaluate(
        `mad.lo.${type} d, a, b, c`,
        [type, type, type, type],
        rows.map(([a, b]) => [a!, b!, 77]),
      ),
    ).toEqual(rows.map((row) => cut(type, product(row) + 77n)))
  })
  test.each(['s32', 'u32', 's64', 'u64'] as const)('shifts of %s, also by more than there are bits', (type) => {
    const all: Value[] = type.endsWith('64') ? wides : words
    const rows = all.flatMap((a) => [0, 1, 31, 32, 33, 63, 64, 200].map((by): Value[] => [a, by]))
    const bits = type.endsWith('64') ? 64 : 32
    const left = evaluate(`shl.b${bits} d, a, b`, [type, type, 'u32'], rows)
    expect(left).toEqual(rows.map(([a, by]) => cut(type, as(type, a!) << big(by!))))
    const right = evaluate(`shr.${type} d, a, b`, [type, type, 'u32'], rows)
    expect(right).toEqual(rows.map(([a, by]) => cut(type, as(type, a!) >> big(by!))))
  })
  test('neg, abs, not', () => {
    for (const [type, all] of [
      ['s32', words],
      ['s64', wides],
    ] as const) {
      const rows = all.map((a): Value[] => [a])
      const bits = type.slice(1)
      expect(evaluate(`neg.${type} d, a`, [type, type], rows)).toEqual(all.map((a) => cut(type, -big(a))))
      expect(evaluate(`abs.${type} d, a`, [type, type], rows)).toEqual(
        all.map((a) => cut(type, big(a) < 0n ? -big(a) : big(a))),
      )
      expect(evaluate(`not.b${bits} d, a`, [type, type], rows)).toEqual(all.map((a) => cut(type, ~big(a))))
    }
  })
})

describe('bits', () => {
  test('prmt takes bytes of both words, and spreads signs', () => {
    const rows = [
      [0x33221100, 0x77665544, 0x3210],
      [0x33221100, 0x77665544, 0x7531],
      [0x80123456, 0x9abcdef0, 0xbfc8],
      [1, 2, 0x4444],
    ]
    expect(evaluate('prmt.b32 d, a, b, c', ['u32', 'u32', 'u32', 'u32'], rows)).toEqual([
      0x33221100, 0x77553311, 0xff_ff_ff_00, 0x02020202,
    ])
  })
  test('lop3 is any function of three bits', () => {
    for (const table of [0x80, 0xfe, 0x96, 0xe8, 0x1b, 0xca]) {
      const rows = [[0b11110000, 0b11001100, 0b10101010]]
      expect(
        evaluate(`lop3.b32 d, a, b, c, ${table}`, ['u32', 'u32', 'u32', 'u32'], rows).map((x) => Number(x) & 255),
      ).toEqual([table])
    }
  })
  test('bfe takes a field, with its sign', () => {
    const rows = [
      [0xf0, 4, 4],
      [0x70, 4, 4],
      [-1, 28, 8],
      [0x7fffffff, 28, 8],
      [5, 0, 0],
      [-2, 40, 3],
    ]
    expect(evaluate('bfe.u32 d, a, b, c', ['u32', 'u32', 'u32', 'u32'], rows)).toEqual([15, 7, 15, 7, 0, 0])
    expect(evaluate('bfe.s32 d, a, b, c', ['s32', 's32', 'u32', 'u32'], rows)).toEqual([-1, 7, -1, 7, 0, -1])
  })
  test('bfi puts a field', () => {
    const rows = [
      [0xf, 0, 4, 4],
      [0, -1, 8, 8],
      [-1, 0, 28, 8],
      [7, 9, 32, 4],
      [7, 9, 3, 0],
    ]
    expect(evaluate('bfi.b32 d, a, b, c, e', ['u32', 'u32', 'u32', 'u32', 'u32'], rows)).toEqual([
      0xf0, 0xffff00ff, 0xf0000000, 9, 9,
    ])
    expect(evaluate('bfi.b64 d, a, b, 32, 32', ['u64', 'u64', 'u64'], [[0x12345678n, 0x9abcdef0n]])).toEqual([
      0x123456789abcdef0n,
    ])
  })
  test('brev, clz, popc, bfind, shf', () => {
    const rows = [[0], [1], [-1], [0x00f0], [0x80000000]]
    expect(evaluate('brev.b32 d, a', ['u32', 'u32'], rows)).toEqual([0, 0x80000000, 0xffffffff, 0x0f000000, 1])
    expect(evaluate('clz.b32 d, a', ['u32', 'u32'], rows)).toEqual([32, 31, 0, 24, 0])
    expect(evaluate('popc.b32 d, a', ['u32', 'u32'], rows)).toEqual([0, 1, 32, 4, 1])
    expect(evaluate('bfind.s32 d, a', ['s32', 's32'], rows)).toEqual([-1, 0, -1, 7, 30])
    expect(evaluate('bfind.u32 d, a', ['s32', 'u32'], rows)).toEqual([-1, 0, 31, 7, 31])
    expect(
      evaluate(
        'shf.l.wrap.b32 d, a, b, c',
        ['u32', 'u32', 'u32', 'u32'],
        [
          [0x80000001, 0x12345678, 4],
          [1, 2, 36],
        ],
      ),
    ).toEqual([0x23456788, 0x20])
    expect(
      evaluate(
        'shf.r.clamp.b32 d, a, b, c',
        ['u32', 'u32', 'u32', 'u32'],
        [
          [0x80000001, 0x12345678, 4],
          [1, 2, 36],
        ],
      ),
    ).toEqual([0x88000000, 2])
  })
})

const numbers = [
  0,
  -0,
  1,
  -1,
  1.5,
  2 ** -126,
  2 ** -149,
  -(2 ** -140),
  1 + 2 ** -23,
  16777215,
  3.4028234663852886e38,
  -1e-30,
  0.1,
  Math.PI,
  -1e20,
  Infinity,
  -Infinity,
  NaN,
].map(Math.fround)
const modes: readonly Mode[] = ['rn', 'rz', 'rm', 'rp']

describe('f32', () => {
  test.each(modes)('sums and products are rounded as %s says', (mode) => {
    const rows = pairs(numbers)
    for (const [name, sign] of [
      ['add', 1],
      ['sub', -1],
    ] as const) {
      const want = rows.map(([a, b]) =>
        roundExactly(
          [
            [a, 1],
            [sign * b, 1],
          ],
          mode,
        ),
      )
      expect(evaluate(`${name}.${mode}.f32 d, a, b`, ['f32', 'f32', 'f32'], rows)).toEqual(want)
    }
    expect(evaluate(`mul.${mode}.f32 d, a, b`, ['f32', 'f32', 'f32'], rows)).toEqual(
      rows.map(([a, b]) => roundExactly([[a, b]], mode)),
    )
  })
  test.each(modes)('fma is rounded once, as %s says', (mode) => {
    const near = [1 + 2 ** -12, 1 - 2 ** -13, 2 ** -24, -(2 ** -25), 1 + 2 ** -23, 3, 4097, -4097].map(Math.fround)
    const rows = pairs(near).flatMap(([a, b]) => [...near, ...numbers].map((c) => [a, b, c]))
    const got =
      rows.length > 0
        ? chunks(rows, 512).flatMap((some) =>
            evaluate(`fma.${mode}.f32 d, a, b, c`, ['f32', 'f32', 'f32', 'f32'], some),
          )
        : []
    expect(got).toEqual(
      rows.map(([a, b, c]) =>
        roundExactly(
          [
            [a!, b!],
            [c!, 1],
          ],
          mode,
        ),
      ),
    )
  })
  test('where the sum of an f64 would be halfway, what it lost decides', () => {
    const rows = [
      [1 + 2 ** -23, 1 + 2 ** -23, 2 ** -60],
      [2 ** -12, 1 + 2 ** -12, 1],
      [4097, 4097, -(2 ** -50)],
      [16777215, 16777215, 2 ** 25],
    ]
    expect(evaluate('fma.rn.f32 d, a, b, c', ['f32', 'f32', 'f32', 'f32'], rows)).toEqual(
      rows.map(([a, b, c]) =>
        roundExactly(
          [
            [a!, b!],
            [c!, 1],
          ],
          'rn',
        ),
      ),
    )
  })
  test('quotients, reciprocals and roots', () => {
    const rows = pairs(numbers)
    expect(evaluate('div.rn.f32 d, a, b', ['f32', 'f32', 'f32'], rows)).toEqual(
      rows.map(([a, b]) => Math.fround(a / b)),
    )
    expect(
      evaluate(
        'sqrt.rn.f32 d, a',
        ['f32', 'f32'],
        numbers.map((a) => [a]),
      ),
    ).toEqual(numbers.map((a) => Math.fround(Math.sqrt(a))))
    expect(
      evaluate(
        'rcp.rn.f32 d, a',
        ['f32', 'f32'],
        numbers.map((a) => [a]),
      ),
    ).toEqual(numbers.map((a) => Math.fround(1 / a)))
  })
  test('ftz takes and gives 0 for subnormal numbers; sat ends at 0 and 1', () => {
    const rows = [
      [2 ** -140, 1],
      [-(2 ** -100), 2 ** -40],
      [2 ** -126, 0.5],
      [3, 4],
      [-3, 4],
      [NaN, 1],
    ]
    expect(evaluate('mul.ftz.f32 d, a, b', ['f32', 'f32', 'f32'], rows)).toEqual([0, -0, 0, 12, -12, NaN])
    expect(evaluate('mul.sat.f32 d, a, b', ['f32', 'f32', 'f32'], rows.slice(3))).toEqual([1, 0, 0])
  })
  test('min and max pass NaN over, or with .NaN keep it', () => {
    const rows = [
      [1, 2],
      [NaN, 2],
      [1, NaN],
      [-0, 0],
      [NaN, NaN],
    ]
    expect(evaluate('min.f32 d, a, b', ['f32', 'f32', 'f32'], rows)).toEqual([1, 2, 1, -0, NaN])
    expect(evaluate('max.f32 d, a, b', ['f32', 'f32', 'f32'], rows)).toEqual([2, 2, 1, 0, NaN])
    expect(evaluate('max.NaN.f32 d, a, b', ['f32', 'f32', 'f32'], rows)).toEqual([2, NaN, NaN, 0, NaN])
  })
  test('neg, abs and copysign change signs', () => {
    const rows = [[0], [-1], [Infinity]]
    expect(evaluate('neg.f32 d, a', ['f32', 'f32'], rows)).toEqual([-0, 1, -Infinity])
    expect(evaluate('abs.f32 d, a', ['f32', 'f32'], rows)).toEqual([0, 1, Infinity])
    expect(
      evaluate(
        'copysign.f32 d, a, b',
        ['f32', 'f32', 'f32'],
        [
          [-1, 3],
          [1, -0],
        ],
      ),
    ).toEqual([-3, 0])
  })
  test('approximations are within the errors that the ISA states', () => {
    const points = Array.from({ length: 256 }, (_, n) => Math.fround(-20 + n * 0.157))
    const relative = (got: Value[], of: (x: number) => number): number =>
      Math.max(...got.map((y, n) => Math.abs(Number(y) / of(points[n]!) - 1)))
    const apply = (op: string): Value[] =>
      evaluate(
        `${op} d, a`,
        ['f32', 'f32'],
        points.map((x) => [x]),
      )
    expect(relative(apply('ex2.approx.ftz.f32'), (x) => 2 ** x)).toBeLessThan(2 ** -22)
    expect(relative(apply('tanh.approx.f32'), Math.tanh)).toBeLessThan(2 ** -11)
    expect(relative(apply('rcp.approx.ftz.f32'), (x) => 1 / x)).toBeLessThanOrEqual(2 ** -23)
    expect(evaluate('ex2.approx.ftz.f32 d, a', ['f32', 'f32'], [[-Infinity], [-130], [200], [NaN]])).toEqual([
      0,
      0,
      Infinity,
      NaN,
    ])
    expect(evaluate('lg2.approx.f32 d, a', ['f32', 'f32'], [[0], [8], [-1]])).toEqual([-Infinity, 3, NaN])
  })
})

describe('comparisons', () => {
  const values = [0, -0, 1, NaN, -Infinity]
  const tests: Readonly<Record<string, (a: number, b: number) => boolean>> = {
    eq: (a, b) => a === b,
    ne: (a, b) => a < b || a > b,
    lt: (a, b) => a < b,
    le: (a, b) => a <= b,
    gt: (a, b) => a > b,
    ge: (a, b) => a >= b,
    equ: (a, b) => !(a < b || a > b),
    neu: (a, b) => a !== b,
    ltu: (a, b) => !(a >= b),
    leu: (a, b) => !(a > b),
    gtu: (a, b) => !(a <= b),
    geu: (a, b) => !(a < b),
    num: (a, b) => !(Number.isNaN(a) || Number.isNaN(b)),
    nan: (a, b) => Number.isNaN(a) || Number.isNaN(b),
  }
  test.each(Object.keys(tests))('setp.%s.f32, also of NaN', (name) => {
    const rows = pairs(values)
    expect(evaluate(`setp.${name}.f32 d, a, b`, ['pred', 'f32', 'f32'], rows)).toEqual(
      rows.map(([a, b]) => Number(tests[name]!(a, b))),
    )
  })
  test('of integers, with and without sign, of 32 and 64 bits', () => {
    const rows = pairs(words)
    expect(evaluate('setp.lt.s32 d, a, b', ['pred', 's32', 's32'], rows)).toEqual(rows.map(([a, b]) => Number(a < b)))
    expect(evaluate('setp.hi.u32 d, a, b', ['pred', 'u32', 'u32'], rows)).toEqual(
      rows.map(([a, b]) => Number(a >>> 0 > b >>> 0)),
    )
    expect(evaluate('setp.ge.s64 d, a, b', ['pred', 's64', 's64'], pairs(wides))).toEqual(
      pairs(wides).map(([a, b]) => Number(a >= b)),
    )
    expect(evaluate('setp.lo.u64 d, a, b', ['pred', 'u64', 'u64'], pairs(wides))).toEqual(
      pairs(wides).map(([a, b]) => Number(BigInt.asUintN(64, a) < BigInt.asUintN(64, b))),
    )
  })
  test('joined with a predicate, in both results, and chosen by', () => {
    const join = 'setp.gt.s32 %p1, b, 0; setp.lt.and.s32 d|%p2, a, 5, %p1'
    expect(
      evaluate(
        join,
        ['pred', 's32', 's32'],
        [
          [1, 1],
          [1, 0],
          [9, 1],
        ],
      ),
    ).toEqual([1, 0, 0])
    expect(
      evaluate(
        `${join}; mov.pred d, %p2`,
        ['pred', 's32', 's32'],
        [
          [1, 1],
          [1, 0],
          [9, 1],
        ],
      ),
    ).toEqual([0, 0, 1])
    expect(
      evaluate('setp.gt.s32 %p1, a, 0; selp.f32 d, 0f40000000, 0fBF800000, %p1', ['f32', 's32'], [[1], [0]]),
    ).toEqual([2, -1])
    expect(
      evaluate(
        'setp.gt.s32 %p1, a, 0; setp.gt.s32 %p2, a, 5; not.pred %p3, %p2; and.pred d, %p1, %p3',
        ['pred', 's32'],
        [[1], [9], [-1]],
      ),
    ).toEqual([1, 0, 0])
  })
})

describe('conversions', () => {
  const halfway = [-2.5, -1.5, -0.5, -0.25, 0.5, 1.5, 2.5, 3.7, 1e20, -1e20, Infinity, -Infinity, NaN]
  const even = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))
  const wholes = { rni: even, rzi: Math.trunc, rmi: Math.floor, rpi: Math.ceil }
  const within = (x: number, low: number, high: number): number =>
    Number.isNaN(x) ? 0 : Math.min(high, Math.max(low, x)) + 0
  test.each(['rni', 'rzi', 'rmi', 'rpi'] as const)(
    'to integers by %s; what is too large becomes the largest, NaN 0',
    (mode) => {
      const rows = halfway.map((x) => [x])
      const whole = halfway.map(wholes[mode])
      expect(evaluate(`cvt.${mode}.s32.f32 d, a`, ['s32', 'f32'], rows)).toEqual(
        whole.map((x) => within(x, -(2 ** 31), 2 ** 31 - 1)),
      )
      expect(evaluate(`cvt.${mode}.u32.f32 d, a`, ['u32', 'f32'], rows)).toEqual(
        whole.map((x) => within(x, 0, 2 ** 32 - 1)),
      )
      expect(evaluate(`cvt.${mode}.f32.f32 d, a`, ['f32', 'f32'], rows)).toEqual(whole.map(Math.fround))
    },
  )
  test('from integers', () => {
    expect(
      evaluate(
        'cvt.rn.f32.s32 d, a',
        ['f32', 's32'],
        words.map((a) => [a]),
      ),
    ).toEqual(words.map(Math.fround))
    const hard = [2n ** 53n + 1n, 2n ** 24n + 1n, (2n ** 24n + 1n) * 2n ** 30n + 1n, -(2n ** 63n), 2n ** 63n - 1n]
    expect(
      evaluate(
        'cvt.rn.f32.s64 d, a',
        ['f32', 's64'],
        hard.map((a) => [a]),
      ),
    ).toEqual(
      hard.map((a) =>
        roundExactly(
          [
            [Number(a >> 32n), 2 ** 32],
            [Number(a & 0xffffffffn), 1],
          ],
          'rn',
        ),
      ),
    )
    expect(
      evaluate(
        'cvt.rn.f64.s64 d, a',
        ['f64', 's64'],
        hard.map((a) => [a]),
      ),
    ).toEqual(hard.map(Number))
  })
  test('between integers of other widths', () => {
    const rows = [[-1], [200], [65535], [-32769]]
    expect(evaluate('cvt.s64.s32 d, a', ['s64', 's32'], rows)).toEqual([-1n, 200n, 65535n, -32769n])
    expect(evaluate('cvt.u64.u32 d, a', ['u64', 'u32'], rows)).toEqual([0xffffffffn, 200n, 65535n, 4294934527n])
    expect(evaluate('cvt.s32.s8 d, a', ['s32', 's32'], rows)).toEqual([-1, -56, -1, -1])
    expect(evaluate('cvt.u32.u8 d, a', ['u32', 's32'], rows)).toEqual([255, 200, 255, 255])
    expect(evaluate('cvt.sat.s8.s32 d, a', ['s32', 's32'], rows)).toEqual([-1, 127, 127, -128])
    expect(evaluate('cvt.u32.u64 d, a', ['u32', 'u64'], [[2n ** 32n + 5n]])).toEqual([5])
    expect(evaluate('cvt.s64.s32 d, a', ['s64', 'u64'], [[2n ** 32n + 2n ** 31n]])).toEqual([-(2n ** 31n)])
  })
  const reals = [
    0,
    -0,
    1,
    65504,
    65519,
    65520,
    1e-8,
    2 ** -25,
    2 ** -25 + 2 ** -40,
    0.1,
    -1 / 3,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    Infinity,
    NaN,
  ].map(Math.fround)
  const halfOf = (bits: Value): number => new Float16Array(Uint16Array.of(Number(bits)).buffer)[0]!
  test('to f16 and back', () => {
    const rows = reals.map((x) => [x])
    expect(evaluate('cvt.rn.f16.f32 d, a', ['b16', 'f32'], rows).map(halfOf)).toEqual([...new Float16Array(reals)])
    const every = Array.from({ length: 512 }, (_, n) => (n * 131) & 0xffff)
    expect(
      evaluate(
        'cvt.f32.f16 d, a',
        ['f32', 'b16'],
        every.map((x) => [x]),
      ),
    ).toEqual(every.map(halfOf))
    expect(evaluate('cvt.rz.f16.f32 d, a', ['b16', 'f32'], [[65519], [1e9], [0.1], [-0.1]]).map(halfOf)).toEqual([
      65504, 65504, 0.0999755859375, -0.0999755859375,
    ])
    const packed = evaluate('cvt.rn.f16x2.f32 d, a, b', ['u32', 'f32', 'f32'], [[1, 2]])
    expect([halfOf(Number(packed[0]) >>> 16), halfOf(Number(packed[0]) & 0xffff)]).toEqual([1, 2]) // the first is the upper one
  })
  test('to bf16: the upper half, ties to even', () => {
    const rows = [[1], [1 + 2 ** -8], [1 + 3 * 2 ** -8], [-1e-40], [NaN]]
    expect(evaluate('cvt.rn.bf16.f32 d, a', ['b16', 'f32'], rows)).toEqual([0x3f80, 0x3f80, 0x3f82, 0x8001, 0x7fff])
  })
})

describe('f16', () => {
  const bitsOf = (x: number): number => new Uint16Array(Float16Array.of(x).buffer)[0]!
  const halfOf = (bits: Value): number => new Float16Array(Uint16Array.of(Number(bits)).buffer)[0]!
  test('is rounded once', () => {
    const values = [0, 1, -1.5, 0.1, 2 ** -24, 65504, 1 + 2 ** -10, 3.1, -(2 ** -14)].map((x) => halfOf(bitsOf(x)))
    const rows = pairs(values).flatMap(([a, b]) => [0, 1, 2 ** -24, -3].map((c) => [a, b, c]))
    const bits = rows.map((row) => row.map(bitsOf))
    const got = (op: string) => evaluate(op, ['b16', 'b16', 'b16', 'b16'], bits).map(halfOf)
    expect(got('add.f16 d, a, b')).toEqual(rows.map(([a, b]) => new Float16Array([a! + b!])[0]))
    expect(got('mul.f16 d, a, b')).toEqual(rows.map(([a, b]) => new Float16Array([a! * b!])[0]))
    expect(got('fma.rn.f16 d, a, b, c')).toEqual(rows.map(([a, b, c]) => new Float16Array([a! * b! + c!])[0]))
  })
  test('works in pairs', () => {
    const pair = (low: number, high: number): number => (bitsOf(low) | (bitsOf(high) << 16)) >>> 0
    expect(
      evaluate('fma.rn.f16x2 d, a, b, c', ['u32', 'u32', 'u32', 'u32'], [[pair(1, 2), pair(3, 4), pair(5, -6)]]),
    ).toEqual([pair(8, 2)])
    expect(evaluate('neg.f16x2 d, a', ['u32', 'u32'], [[pair(1, -2)]])).toEqual([pair(-1, 2)])
  })
})

describe('warps', () => {
  const store = (register: string): string => `
  mul.wide.u32 %rd4, %r1, 4;
  add.s64 %rd4, %rd2, %rd4;
  st.global.u32 [%rd4], ${register};`
  const lanes = (body: string): number[] => [...new Int32Array(runPtx(`${body}${store('%r5')}`, { bytes: 128 }))]
  test.each([
    ['bfly', 5, 31, (l: number) => l ^ 5],
    ['up', 3, 0, (l: number) => (l < 3 ? l : l - 3)],
    ['down', 3, 31, (l: number) => (l > 28 ? l : l + 3)],
    ['idx', 7, 31, () => 7],
    ['bfly', 1, 0x1c1f, (l: number) => l ^ 1],
    ['down', 2, 0x181f, (l: number) => (l % 8 > 5 ? l : l + 2)],
  ] as const)('shfl.%s by %i within %i', (mode, by, within, want) => {
    const got = lanes(`shfl.sync.${mode}.b32 %r5|%p1, %r1, ${by}, ${within}, -1;`)
    expect(got).toEqual(Array.from({ length: 32 }, (_, l) => want(l)))
  })
  test('shfl says which lanes got the value of another', () => {
    const got = lanes('shfl.sync.up.b32 %r5|%p1, %r1, 3, 0, -1; selp.b32 %r5, 1, 0, %p1;')
    expect(got).toEqual(Array.from({ length: 32 }, (_, l) => Number(l >= 3)))
  })
  test('votes, reductions and matches', () => {
    expect(lanes('setp.lt.u32 %p1, %r1, 3; vote.sync.ballot.b32 %r5, %p1, -1;')[9]).toBe(7)
    expect(lanes('setp.lt.u32 %p1, %r1, 3; vote.sync.any.pred %p2, %p1, -1; selp.b32 %r5, 1, 0, %p2;')[9]).toBe(1)
    expect(lanes('setp.lt.u32 %p1, %r1, 3; vote.sync.all.pred %p2, !%p1, -1; selp.b32 %r5, 1, 0, %p2;')[9]).toBe(0)
    expect(lanes('redux.sync.add.s32 %r5, %r1, -1;')[0]).toBe(496)
    expect(lanes('and.b32 %r2, %r1, 3; match.any.sync.b32 %r5, %r2, -1;')[1]).toBe(0x22222222)
  })
  test('of a block vote at a barrier', () => {
    const words = (body: string): number[] => [
      ...new Int32Array(runPtx(`${body}${store('%r5')}`, { bytes: 256, threads: 64 })),
    ]
    const one = 'setp.eq.u32 %p1, %r1, 40;'
    expect(new Set(words(`${one} bar.red.or.pred %p2, 0, %p1; selp.b32 %r5, 1, 0, %p2;`))).toEqual(new Set([1]))
    expect(new Set(words(`${one} bar.red.and.pred %p2, 0, %p1; selp.b32 %r5, 1, 0, %p2;`))).toEqual(new Set([0]))
    expect(new Set(words(`${one} bar.red.popc.u32 %r5, 0, !%p1;`))).toEqual(new Set([63]))
  })
  test('part at branches, and come together again', () => {
    const body = `
  mov.u32 %r5, 0;
  mov.u32 %r6, %r1;
LOOP:
  setp.eq.u32 %p1, %r6, 0;
  @%p1 bra DONE;
  and.b32 %r7, %r6, 1;
  setp.eq.u32 %p2, %r7, 0;
  @%p2 bra EVEN;
  add.u32 %r5, %r5, 100;
EVEN:
  add.u32 %r5, %r5, 1;
  sub.u32 %r6, %r6, 1;
  bra.uni LOOP;
DONE:
  activemask.b32 %r8;
  setp.ne.u32 %p3, %r8, -1;
  @%p3 mov.u32 %r5, -1;`
    expect(lanes(body)).toEqual(Array.from({ length: 32 }, (_, n) => n + 100 * Math.ceil(n / 2)))
  })
  test('jump by tables', () => {
    const body = `
  and.b32 %r2, %r1, 1;
TABLE: .branchtargets A, B;
  brx.idx %r2, TABLE;
A:
  mov.u32 %r5, 10;
  bra.uni END;
B:
  mov.u32 %r5, 20;
END:`
    expect(lanes(body).slice(0, 4)).toEqual([10, 20, 10, 20])
  })
})

describe('memory', () => {
  test('atomic operations give what was there', () => {
    const body = `
  st.global.u32 [%rd2], 0;
  bar.sync 0;
  atom.global.add.u32 %r5, [%rd2], %r1;
  red.global.max.s32 [%rd2+4], 7;`
    const start = 'st.global.u32 [%rd2+4], 3;'
    expect([...new Int32Array(runPtx(start + body, { bytes: 8, threads: 64 }))]).toEqual([2016, 7])
    const swap = 'st.global.u32 [%rd2], 5; atom.global.cas.b32 %r5, [%rd2], 5, 9; st.global.u32 [%rd2+4], %r5;'
    expect([...new Int32Array(runPtx(`setp.ne.u32 %p1, %r1, 0; @%p1 ret; ${swap}`, { bytes: 8 }))]).toEqual([9, 5])
  })
  test('vectors, bytes, and what lies before and behind', () => {
    const input = Float32Array.of(1, 2, 3, 4).buffer
    const body =
      'ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1]; st.global.v2.f32 [%rd2+8], {%f4, %f1}; ld.global.u8 %h1, [%rd1+3]; st.global.v2.u8 [%rd2], {%h1, %h1};'
    const bytes = runPtx(body, { input, bytes: 16 })
    expect([...new Float32Array(bytes).subarray(2)]).toEqual([4, 1])
    expect([...new Uint8Array(bytes).subarray(0, 2)]).toEqual([0x3f, 0x3f])
  })
  test("a thread's own memory, and variables of a module, also by addresses that do not say which", () => {
    const body = `
  .local .align 4 .b8 own[8];
  mov.u64 %rd5, own;
  cvta.local.u64 %rd6, %rd5;
  st.u32 [%rd6+4], %r1;
  ld.local.u32 %r2, [%rd5+4];
  mov.u64 %rd7, table;
  ld.global.u32 %r3, [%rd7+4];
  add.u32 %r5, %r2, %r3;
  mul.wide.u32 %rd4, %r1, 4;
  add.s64 %rd4, %rd2, %rd4;
  st.u32 [%rd4], %r5;`
    const variables = '.global .align 4 .b8 table[8] = {1, 0, 0, 0, 44, 1};'
    expect([...new Int32Array(runPtx(body, { bytes: 128, variables }))]).toEqual(
      Array.from({ length: 32 }, (_, n) => n + 300),
    )
  })
})

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size))
}
