import { describe, expect, test } from 'vitest'
import { elementary } from '../compiler/elementary.ts'
import type { ElementType } from '../compiler/ir.ts'

import type { Op } from '../compiler/ops.ts'
import { verifyProgram } from '../compiler/verify-kernel.ts'
import { fromStored } from '../runtime/stored.ts'
import { recordOf } from '../runtime/tensor.ts'
import { compare } from './compare-program.ts'
import { operandRows, operationPrograms, operations } from './op-programs.ts'
import { softmaxProgram } from './ts-programs.ts'
import { admitted, columns, gathered, materialised, rounds } from './ts-shapes.ts'
import { buildWgsl, withAdapter } from './wgsl-build.ts'

const missing = await withAdapter()

const tiles = { ti: 8, tj: 8 }
const widths = [1, 3, 16, 64, 72]
const softmaxes = widths.flatMap((d, n) =>
  [false, true].map((causal) => ({
    ...softmaxProgram({ d, e: widths[(n + 1) % widths.length]!, ...tiles, causal }),
    name: `s${d}${causal ? 'c' : ''}`,
  })),
)
const shapes = [
  materialised(3),
  rounds(),
  gathered(),
  { ...gathered('bf16'), name: 'pick16' },
  { ...gathered('f16'), name: 'pickhalf' },
  columns(2),
  admitted(),
]

test('the programs are well formed', () => {
  for (const one of [...softmaxes, ...shapes]) expect(verifyProgram(one)).toEqual([])
})

describe.skipIf(missing !== undefined)('launched', { timeout: 60_000 }, () => {
  test.each(softmaxes.map((one) => [one.name, one] as const))('%s at every edge', async (_, one) => {
    const loaded = await buildWgsl(one.name, [one])
    for (const [i, j] of [
      [0, 5],
      [5, 0],
      [1, 1],
      [7, 8],
      [8, 9],
      [9, 7],
      [19, 20],
    ] as const) // prettier-ignore
      await compare(loaded, one, { b: 1, h: 2, i, j })
  })
  test('axes may be called as variables of kernels are', async () => {
    const plain = softmaxProgram({ d: 16, e: 32, ...tiles, causal: true })
    const names = { d: 'r', e: 'c', i: 'running', j: 'sum0_0' }
    const text = Object.entries(names).reduce(
      (all, [from, to]) => all.replaceAll(`"${from}"`, `"${to}"`),
      JSON.stringify({ ...plain, sizes: {} }),
    )
    const renamed = { ...JSON.parse(text), sizes: { r: 16, c: 32 }, name: 'renamed' }
    await compare(await buildWgsl('renamed', [renamed]), renamed, { b: 1, h: 2, running: 11, sum0_0: 19 })
  })
  test('a place that is not admitted harms nobody', async () => {
    const v = Array.from({ length: 12 * 16 }, (_, n) => (n % 7) - 3)
    for (let e = 0; e < 16; e++) v[9 * 16 + e] = [Number.NaN, Infinity, -Infinity][e % 3]!
    const one = softmaxes.find(({ name }) => name === 's3c')!
    const { out } = await compare(await buildWgsl('s3c', [one]), one, { b: 1, h: 1, i: 12, j: 12 }, { v })
    expect(out!.data.slice(0, 9 * 16).every(Number.isFinite)).toBe(true)
    expect(out!.data.slice(9 * 16).some(Number.isFinite)).toBe(false)
  })
  const lengths = {
    kept: [
      { i: 1, j: 1 },
      { i: 3, j: 5 },
      { i: 0, j: 2 },
    ],
    again: [
      { i: 1, j: 1 },
      { i: 3, j: 5 },
      { i: 5, j: 9 },
    ],
    mixed: [
      { i: 1, j: 1, x: 9 },
      { i: 5, j: 9, x: 9 },
      { i: 8, j: 4, x: 9 },
    ],
    some: [
      { i: 1, j: 1 },
      { i: 9, j: 5 },
      { i: 12, j: 13 },
    ],
    pick: [
      { j: 9, p: 3 },
      { j: 5, p: 1 },
      { j: 4, p: 0 },
      { j: 0, p: 3 },
    ],
  } // prettier-ignore
  const given = {
    table: [-5, -1, 0, 1, 2, 3, 4, 2147483647, -2147483648],
    doc: [0, 0, 1, 1, 1, 2, 2, 5, 5],
  }
  test.each(shapes.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const loaded = await buildWgsl(name, [one])
    const params = one.params.some((param) => param.name === 'scale') ? { scale: 0.7 } : {}
    for (const sizes of lengths[name.replace(/16|half/, '') as keyof typeof lengths])
      await compare(loaded, one, sizes, given, params)
  })
})

/** What of an operation's results is further from the exact ones than it may be. */
async function faultsOf(
  op: Op,
  operands: readonly ElementType[],
  name: string,
  rows: readonly (readonly number[])[],
  units: (want: number, ...given: readonly number[]) => number,
): Promise<readonly string[]> {
  const one = operationPrograms.find((p) => p.name === name)!
  const loaded = await buildWgsl(name, [one])
  const inputs = recordOf(
    operands.map((type, n) => {
      const data = rows.map((row) => row[n]!)
      return [`x${n}`, fromStored({ data, shape: [rows.length] }, type)]
    }),
  )
  const out = (await loaded.call(one, inputs, {})).out!
  const reference = elementary(op, operands)
  return rows.flatMap((row, n) => {
    const [a, b, c, d, e] = operands.map((_, k) => inputs[`x${k}`]!.data[n]!)
    const exact = reference(a!, b!, c!, d, e)
    const want = out.storage === 'f32' ? Math.fround(exact) : exact
    const got = out.data[n]!
    const ulp = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(want))), -126) - 23)
    const near = Math.abs(got - exact) <= units(want, a!, b ?? 0) * ulp || (Math.abs(want) < 2 ** -126 && got === 0)
    return Object.is(got, want) || got === want || near ? [] : [`${op}(${row}) = ${got}, not ${want}`]
  })
}

describe.skipIf(missing !== undefined)('operations', () => {
  test.each(operations)('$name', async ({ op, operands, name }) => {
    expect(await faultsOf(op, operands, name, operandRows(operands), () => 4)).toEqual([])
  })

  // Functions are made of additions and multiplications, which every device rounds alike; 4 units are what verify is told.
  const spread = (low: number, high: number): readonly (readonly number[])[] =>
    Array.from({ length: 20_000 }, (_, n) => [Math.fround(low + ((high - low) * n) / 19_999)])
  test.each([
    ['exp', -87.3, 88.7],
    ['exp', -1, 1],
    ['exp2', -126, 127.9],
    ['log', 1e-6, 3],
    ['log', 1, 1e30],
    ['log1p', -0.99, 3],
    ['log1p', 1e-9, 1e-3],
    ['tanh', -3, 3],
    ['tanh', 3, 12],
    ['sigmoid', -86, 20],
    ['softplus', -80, 20],
    ['expm1', -2, 2],
    ['expm1', -20, 80],
    ['log2', 1e-6, 3],
    ['erf', -4, 4],
    ['sin', -10, 10],
    ['cos', -10, 10],
    ['sin', 1e4, 1e9],
  ] as const)('%s from %f to %f is within 4 units in the last place', async (op, low, high) => {
    expect((await faultsOf(op, ['f32'], `${op}_f32`, spread(low, high), () => 4)).slice(0, 5)).toEqual([])
  })
  test('powers', async () => {
    const rows = spread(0.01, 20).flatMap(([x], n) =>
      n % 20 === 0 ? [-30, -2.5, 0.3, 1, 7.7, 25].map((y) => [x!, y]) : [],
    )
    expect((await faultsOf('pow', ['f32', 'f32'], 'pow_f32_f32', rows, () => 4)).slice(0, 5)).toEqual([])
  })
})
