import { describe, expect, test } from 'vitest'
import { emitStage } from '../index.ts'
import { attentionInputs, createNormal, define, distance, fileOf, run, tensor } from './run-source.ts'

const head =
  'input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]  score = dot(q, k) / sqrt(size(d))  mask = j <= i + size(j) - size(i)'
const attention = (body: string, more = ''): string => `${more}\nattention a { ${head} ${body} }`

/** Programs whose one-pass form follows from the text alone, with the state that must come out. */
const streaming: Record<string, { source: string; passes: number; state: RegExp[] }> = {
  softmax: {
    source: attention('normalize = softmax[j](score) output lse = logsumexp[j](score)'),
    passes: 1,
    state: [/running max of/, /exp\(/],
  },
  'softmax without a written maximum': {
    source: attention('normalize = exp(score) / sum[j](exp(score))'),
    passes: 1,
    state: [/running max of/],
  },
  entropy: {
    source: attention(
      'normalize = softmax[j](score) output entropy = -sum[j](if weight > 0 then weight * log(weight) else 0) output spread = sum[j](weight * v * v) - sum[j](weight * v) ^ 2',
    ),
    passes: 1,
    state: [/moment 1/],
  },
  sink: {
    source: attention('let z = 0.75 normalize = exp(score) / (sum[j](exp(score)) + exp(z))'),
    passes: 1,
    state: [/running max of/],
  },
  sigmoid: { source: attention('normalize = sigmoid(score - log(size(j)))'), passes: 1, state: [/sum\[j\]/] },
  'even power': {
    source: attention('normalize = score ^ 4 / (sum[j](score ^ 4) + 0.001)'),
    passes: 1,
    state: [/sum\[j\]/],
  },
  'odd power': {
    source: attention('normalize = score ^ 15 / (sum[j](score ^ 15) + 0.001)'),
    passes: 1,
    state: [/running max of \|/, /\^ 15/],
  },
  'z-score': {
    source: attention(
      'normalize = z_score[j](score)',
      'fn z_score[x](s) = { let c = s - mean[x](s); c / (sqrt(mean[x](c * c)) + 0.001) }',
    ),
    passes: 1,
    state: [/near the mean of/, /moment 2/],
  },
  'clipped softmax': {
    source: attention('normalize = clamp(1.1 * softmax[j](score) - 0.03, 0, 1)'),
    passes: 2,
    state: [/running max of/],
  },
  'mixture of temperatures': {
    source: attention('normalize = 0.75 * softmax[j](score) + 0.25 * softmax[j](score / 4)'),
    passes: 1,
    state: [/exp\(0\.25/],
  },
  'softmax of softmax': {
    source: attention('normalize = softmax[j](softmax[j](score))'),
    passes: 2,
    state: [/running max of/],
  },
  'hard maximum': {
    source: attention('normalize = if score >= max[j](score) then 1 else 0'),
    passes: 1,
    state: [/running max of/, /kept while r stays/],
  },
  'running sum from the end': {
    source: attention(
      'let rest = log_sigmoid(-score) normalize = sigmoid(score) * exp(sum[j](rest) - cumsum[j](rest))',
    ),
    passes: 1,
    state: [/from the end/, /exclusive running sum/],
  },
  'running sum': {
    source: attention('normalize = softmax[j](score - cumsum[j](softplus(score)))'),
    passes: 1,
    state: [/running sum/, /running max of/],
  },
  'two softmaxes': {
    source: attention('normalize = softmax[j](score) * softmax[i](score)'),
    passes: 2,
    state: [/column_max/, /rows of j/],
  },
  sinkhorn: {
    source: attention('normalize = sinkhorn[j, i](score, 3)'),
    passes: 3,
    state: [/rounds 3/, /becomes/],
  },
  'centred values': {
    source: attention('normalize = (score - mean[j](score)) / count[j]()'),
    passes: 1,
    state: [/near the mean of/, /moment 1/],
  },
}

const planOf = (source: string): string => {
  const plan = emitStage('plan', fileOf(source), { sizes: { d: 5, e: 3 } })
  if (!plan.ok) throw new Error(plan.diagnostics.map((d) => d.message).join('\n'))
  return plan.value
}

describe('states follow from the source text', () => {
  test.each(Object.entries(streaming))('%s', (_, { source, passes, state }) => {
    const plan = planOf(source)
    expect(plan).not.toContain('materialised')
    expect(plan.match(/^ +pass /gm)?.length).toBe(passes)
    for (const part of state) expect(plan).toMatch(part)
  })
})

const probes = {
  plain: {},
  peaked: { amplitude: 30 },
  shifted: { shift: 100 },
  rising: { drift: 0.7, amplitude: 2 },
  'one query': { i: 1, j: 20 },
  'rows without keys': { i: 9, j: 4 },
  'no keys': { j: 0 },
}

describe.each(Object.entries(streaming))('%s agrees with the definition', (name, { source }) => {
  test.each(Object.entries(probes))('%s', async (_, probe) => {
    const inputs = attentionInputs(11, probe)
    const want = define(source, inputs)
    for (const options of [
      { tile: { i: 4, j: 8 } },
      { tile: { i: 3, j: 5 } },
      { tile: { i: 8, j: 8 }, splits: 3 },
      { plan: 'materialised' as const },
    ]) {
      const got = await run(source, inputs, { sizes: { d: 5, e: 3 }, ...options })
      for (const result of Object.keys(want))
        expect(distance(got[result], want[result]), `${name} ${result} ${JSON.stringify(options)}`).toBeLessThan(3e-7)
    }
  })
})

describe('walks of several kinds', () => {
  const passesOf = (plan: string): number => plan.match(/^ +pass /gm)?.length ?? 0

  test('a solution is a repeat of walks', () => {
    const plan = planOf(attention('normalize = sparsemax[j](score)'))
    expect(plan).toContain('rounds 64')
    expect(plan).not.toContain('materialised')
    expect(passesOf(plan)).toBe(4)
  })

  test('mixed heads stand in one block, and take two passes', async () => {
    const source = `attention a {
      axis f like h
      input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], pre[f, h]: f32, post[f, h]: f32
      let   s = dot(q, k) / sqrt(size(d))
      score = sum[f](pre * s[h = f])
      mask  = j <= i
      let   p = softmax[j](score)
      normalize = sum[f](post * p[h = f])
    }`
    const sizes = { d: 5, e: 3, f: 2 }
    const plan = emitStage('plan', fileOf(source), { sizes })
    const kernels = emitStage('kernel', fileOf(source), { sizes })
    if (!plan.ok || !kernels.ok) throw new Error('the source has errors')
    expect(passesOf(plan.value)).toBe(2)
    expect(kernels.value).toContain('kernel out over b, tiles(i, 32)\n')
    const inputs = {
      ...attentionInputs(3),
      pre: tensor([2, 2], createNormal(7)),
      post: tensor([2, 2], createNormal(8)),
    }
    const got = await run(source, inputs, { sizes, tile: { i: 4, j: 4 } })
    expect(distance(got.out, define(source, inputs).out)).toBeLessThan(3e-7)
  })
})

describe('unusual programs', () => {
  test('twenty nested normalizers are twenty passes, since a maximum goes through each, and planned at once', () => {
    const nested = Array.from({ length: 20 }).reduce<string>((x) => `softmax[j](${x})`, 'score')
    expect(planOf(attention(`normalize = ${nested}`)).match(/^ {2}pass /gm)?.length).toBe(20)
  })

  test('a reference of a column varies over rows, since the mask does', async () => {
    const source = attention('input bias[b, j] normalize = exp(9 * bias) / sum[j](exp(9 * bias))')
    const inputs = {
      ...attentionInputs(5),
      bias: { shape: [1, 37], data: Float32Array.from({ length: 37 }, (_, j) => j) },
    }
    const got = await run(source, inputs, { sizes: { d: 5, e: 3 }, tile: { i: 4, j: 8 }, splits: 2 })
    expect(distance(got.out, define(source, inputs).out)).toBeLessThan(3e-7)
  })

  test('two references in one sum: each moves on its own', async () => {
    const source = attention(
      'normalize = exp(min(score, 4)) / sum[j](exp(min(score, 4))) * score output lse = logsumexp[j](score)',
    )
    const inputs = attentionInputs(6, { amplitude: 4 })
    const got = await run(source, inputs, { sizes: { d: 5, e: 3 }, tile: { i: 4, j: 8 }, splits: 3 })
    expect(distance(got.out, define(source, inputs).out)).toBeLessThan(3e-7)
  })

  test('a factor that two loops of a kernel need', async () => {
    const weight = 'softmax[j](score) / (1 + sum[j](abs(score))) + (if score > 0 then softmax[j](score) else 0)'
    const source = attention(`normalize = ${weight} output squares = sum[j](weight * v * v)`)
    const inputs = attentionInputs(8)
    const got = await run(source, inputs, { sizes: { d: 5, e: 3 }, tile: { i: 3, j: 4 } })
    expect(distance(got.squares, define(source, inputs).squares)).toBeLessThan(3e-7)
  })

  test('a power of zeros beside a constant is 0, not 0 times infinity', async () => {
    const source = attention('normalize = score ^ 16 / sqrt(1 + sum[j](score ^ 32))')
    const { q, ...others } = attentionInputs(7)
    const inputs = { ...others, q: tensor(q?.shape ?? [], () => 0) }
    const got = await run(source, inputs, { sizes: { d: 5, e: 3 } })
    expect(Array.from(got.out?.data ?? [1]).every((x) => x === 0)).toBe(true)
  })
})
