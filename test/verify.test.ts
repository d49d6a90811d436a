import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { storageRounding } from '../compiler/arithmetic.ts'
import type { Attention } from '../compiler/attention.ts'
import { interpret } from '../compiler/interpret.ts'
import { analyze } from '../index.ts'
import { drawInputs, drawParams, randomNumbers } from '../runtime/draw.ts'
import { done } from '../runtime/problem.ts'
import { type Inputs, runners, type Scalars } from '../runtime/runners.ts'
import { bf16round, roundTo, type Tensor } from '../runtime/tensor.ts'
import { isKey, isQuery, isValue, keyAxis, type Role } from '../runtime/verify/roles.ts'
import { completeSizes, coveringShapes, edgeLengths, inOnePart, type Shape } from '../runtime/verify/shapes.ts'
import { type Verification, verifyAttention } from '../runtime/verify/verify.ts'

function attentionOf(text: string): Attention {
  const module = analyze({ path: 'test.attn', text })
  const [attention] = module.ok ? module.value.attentions : []
  if (!attention)
    throw new Error(module.ok ? 'no attention' : module.diagnostics.map(({ message }) => message).join('\n'))
  return attention
}

const causal = attentionOf(`attention causal {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k) / sqrt(size(d))
  mask      = j <= i + size(j) - size(i)
  normalize = softmax[j](score)
}`)
const rectified = attentionOf(`attention rectified {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = relu(score)
}`)
const skipping = attentionOf(`attention skipping {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  mask      = not dot(q, k) <= 0
  normalize = dot(q, k)
}`)
const varied = attentionOf(`attention varied {
  axis  g divides h, m
  input q[b, h, i, d], k[b, g, j, d], v[b, g, j, e], hub[b, j]: bool
  input decay[h]: f32 in [0.5, 1], text[b, j]: i32 in [2, 5], bias[h, m]: f32, bucket[b, i]: i32
  param width: i32 in [3, 4]
  param slope
  score     = decay * dot(q, k) + bias[m = bucket] + slope
  mask      = hub or text == 3 or abs(i - j) <= width
  normalize = sigmoid(score)
}`)

const sizesOf = (attention: Attention, wanted: Readonly<Record<string, number>>): Shape['sizes'] => {
  const sizes = completeSizes(attention, wanted, 1)
  if (!sizes.ok) throw new Error(sizes.findings[0]?.message)
  return sizes.value
}

describe('random inputs', () => {
  const sizes = sizesOf(varied, { b: 2, h: 4, g: 2, i: 40, j: 50, d: 8, e: 8, m: 6 })

  test('are the same for a seed, and do not move when others are added', () => {
    const options = { seed: 3, dtype: 'f32' } as const
    const [a, b] = [drawInputs(varied, sizes, options), drawInputs(varied, sizes, options)]
    expect(a).toEqual(b)
    const causalSizes = sizesOf(causal, { b: 2, h: 4, i: 40, j: 50, d: 8, e: 8 })
    expect(drawInputs(causal, causalSizes, options).q).toEqual(a.q)
    expect(drawInputs(varied, sizes, { ...options, seed: 4 }).q).not.toEqual(a.q)
  })

  test('keep to declared ranges, to the axis that they index, and to their types', () => {
    const { decay, text, bucket, hub, q } = drawInputs(varied, sizes, { seed: 5, dtype: 'f16' })
    const values = (tensor: Tensor | undefined): readonly number[] => [...new Set(tensor?.data)].sort((x, y) => x - y)
    expect(values(decay).every((x) => x >= 0.5 && x <= 1)).toBe(true)
    expect(values(text)).toEqual([2, 3, 4, 5])
    expect(values(bucket)).toEqual([0, 1, 2, 3, 4, 5])
    expect(values(hub)).toEqual([0, 1])
    expect(q?.storage).toBe('f16')
    expect(values(q).every((x) => Math.f16round(x) === x)).toBe(true)
    const { width, slope } = drawParams(varied, sizes, 0, {})
    expect([3, 4]).toContain(width)
    expect(slope).toBe(Math.fround(Number(slope)))
  })

  test('are normal where nothing is declared', () => {
    const { normal } = randomNumbers(1, 'x')
    const drawn = Array.from({ length: 20_000 }, normal)
    const mean = drawn.reduce((a, b) => a + b) / drawn.length
    const variance = drawn.reduce((a, b) => a + b * b, 0) / drawn.length
    const beyond2 = drawn.filter((x) => Math.abs(x) > 2).length / drawn.length
    expect([Math.abs(mean) < 0.03, Math.abs(variance - 1) < 0.05, Math.abs(beyond2 - 0.0455) < 0.008]).toEqual([
      true,
      true,
      true,
    ])
  })

  test('are rounded to bf16 once', () => {
    expect([1.00390625, 1.01171875, 1 + 2 ** -8 + 2 ** -40, 3.39e38, 3.4e38, 2 ** -134, -0].map(bf16round)).toEqual([
      ...[1, 1.015625, 1.0078125, 3.3895313892515355e38, Infinity, 0, -0],
    ])
    expect(Number.isNaN(roundTo.bf16(Number.NaN))).toBe(true)
  })
})

describe('covering shapes', () => {
  const shapes = coveringShapes(causal, 8)
  const kinds = (length: number): string => (length <= 1 ? 'hardly any' : length <= 8 ? 'one tile' : 'several')
  const pairs = <T>(f: (shape: Shape) => T): ReadonlySet<string> =>
    new Set(shapes.map((shape) => JSON.stringify(f(shape))))

  test('are few, and have every edge length on both sides', () => {
    expect(shapes.length).toBe(12)
    for (const axis of ['i', 'j'])
      expect(new Set(shapes.map(({ sizes }) => sizes[axis]))).toEqual(new Set(edgeLengths(8)))
  })

  test('meet in every pair', () => {
    expect(pairs(({ sizes }) => [kinds(sizes.i!), kinds(sizes.j!)]).size).toBe(9)
    expect(pairs(({ sizes, dtype }) => [sizes.d, dtype]).size).toBe(6)
    expect(pairs(({ sizes }) => [sizes.d, sizes.j]).size).toBe(12)
  })

  test('respect what axes have to do with each other', () => {
    for (const { sizes } of coveringShapes(varied, 8)) expect(sizes.h! % sizes.g!).toBe(0)
  })
})

const float64 = { ...runners.ts!.arithmetic, storage: { out: storageRounding.f32 } }

/** The definition itself as a target, stored as f32, with something done to it. */
async function verifyWith(
  damage: (out: Tensor, inputs: Inputs) => unknown,
  probes = true,
  attention = causal,
): Promise<Verification> {
  const sizes = sizesOf(attention, { b: 1, h: 2, i: 17, j: 21, d: 8, e: 4 })
  const call = (inputs: Inputs, params: Scalars): Inputs => {
    const { out } = interpret(attention, { inputs, sizes, params })
    const tensor: Tensor = { storage: 'f32', shape: out!.shape, data: Float32Array.from(out!.value) }
    damage(tensor, inputs)
    return { out: tensor }
  }
  const build = async () => done({ arithmetic: float64, prices: [], call })
  const shapes: readonly Shape[] = [{ sizes, dtype: 'f32', schedules: [inOnePart({ i: 8, j: 8 })] }]
  const report = await verifyAttention(attention, { shapes, seed: 0, probes, params: {}, build })
  if (!report.ok) throw new Error(report.findings[0]?.message)
  return report.value
}

describe('verify', () => {
  test('passes the definition, with every probe that applies', async () => {
    const report = await verifyWith(() => {})
    expect(report).toMatchObject({ verdict: 'right', failures: [], rejected: [] })
    expect(report.cases).toBeGreaterThan(14)
    const more = await verifyWith(() => {}, true, varied)
    expect(more).toMatchObject({ verdict: 'right', failures: [] })
    expect(more.cases).toBe(report.cases + 2) // bools that admit nothing, ends of ranges
  })

  test('finds one element that is off by a little', async () => {
    const report = await verifyWith(({ data }) => void data.set([data[7]! * (1 + 2 ** -21)], 7), false)
    expect(report).toMatchObject({
      verdict: 'wrong',
      worst: { deviation: { result: 'out', place: { b: 0, h: 0, i: 1, e: 3 } } },
    })
  })

  test('finds a NaN, an infinity and a zero that should be none', async () => {
    for (const bad of [Number.NaN, Infinity, 0])
      expect(await verifyWith(({ data }) => data.fill(bad, 40, 41), false)).toMatchObject({ verdict: 'wrong' })
  })

  test('finds by probes what random inputs do not show', async () => {
    const leak = ({ data }: Tensor, { v }: Inputs): void => {
      if (v?.data.some(Number.isNaN)) data.fill(Number.NaN) // a masked NaN reaches rows that do not admit it
    }
    expect(await verifyWith(leak, false)).toMatchObject({ verdict: 'right' })
    const report = await verifyWith(leak)
    expect(report).toMatchObject({ verdict: 'wrong', failures: [{ at: { probe: 'a NaN value' } }] })
  })

  test('lets a target skip what is not finite where its weight is 0, and nowhere else', async () => {
    const sizes = sizesOf(rectified, { b: 1, h: 2, i: 17, j: 21, d: 8, e: 4 })
    const skip = ({ data }: Tensor, inputs: Inputs): void => {
      const { out } = interpret(skipping, { inputs, sizes })
      data.set(out?.value ?? [])
    }
    expect(await verifyWith(skip, true, rectified)).toMatchObject({ verdict: 'right', failures: [] })
    const drop = (out: Tensor): void => out.data.set(out.data.map((x) => (Number.isFinite(x) ? x : 0)))
    const { verdict, failures } = await verifyWith(drop, true, rectified)
    expect(verdict).toBe('wrong')
    expect(failures.map(({ at }) => at.probe)).toEqual(expect.arrayContaining(['a NaN value', 'an infinite value']))
  })
})

describe('roles', () => {
  const paged = attentionOf(`attention paged {
    axis  m, p, t, r
    axis  j = size(m) * size(t)
    input q[b, h, i, d], k[p, t, h, d], v[p, t, h, e], table[b, m]: i32, far[r, d], gain[e], own_k[h, d]
    view  kj = k[p = table[m = j div size(t)], t = j % size(t)]
    view  vj = v[p = table[m = j div size(t)], t = j % size(t)]
    score     = dot(q, kj) + dot(q, far[r = min(abs(i - j), size(r) - 1)]) + dot(q, own_k)
    normalize = softmax[j](score)
    output    gain * sum[j](weight * vj)
  }`)
  const named = (role: Role, attention: Attention): readonly string[] =>
    attention.inputs.filter((input) => role(input, attention)).map(({ name }) => name)

  test.each([causal, varied])('of $name', (attention) => {
    expect([isQuery, isKey, isValue].map((role) => named(role, attention))).toEqual([['q'], ['k'], ['v']])
    expect(attention.inputs.slice(1, 3).map((input) => keyAxis(input, attention))).toEqual(['j', 'j'])
  })

  test('follow what j indexes: slots of pages are keys, tables and gains are none', () => {
    expect([isQuery, isKey, isValue].map((role) => named(role, paged))).toEqual([['q'], ['k'], ['v']])
    expect(paged.inputs.slice(1, 3).map((input) => keyAxis(input, paged))).toEqual(['t', 't'])
  })
})

test('the examples of the repository are read', () => {
  for (const name of ['softmax', 'causal']) {
    const text = readFileSync(new URL(`../examples/${name}.attn`, import.meta.url), 'utf8')
    expect(attentionOf(text).checks.length).toBeGreaterThan(0)
  }
})
