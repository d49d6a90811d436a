import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { emitStage } from '../index.ts'
import { attentionInputs, define, distance, fileOf, run, type Tensors, tensor } from './run-source.ts'

// A sum under a condition of its own is taken relative to what it sees: a far higher score at a place that the condition excludes
// must not make it vanish.

const sizes = { d: 5, e: 3 }
const own = 'let own = j div 8 == i div 8'
const attention = (body: string): string =>
  `attention a { input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e] score = dot(q, k) ${own} ${body} }`

/** Scores near `ground`, but `height` at key 20 in all rows: blocks other than its own exclude it. */
function peaked(height: number, ground: number): Tensors {
  const { q, k, v } = attentionInputs(5, { i: 37, j: 37 }) as Record<'q' | 'k' | 'v', Tensors[string]>
  const last = (n: number): boolean => n % 5 === 4
  return {
    q: tensor(q.shape, (n) => (last(n) ? 1 : (q.data[n] as number))),
    k: tensor(k.shape, (n) => (last(n) ? (Math.floor(n / 5) % 37 === 20 ? height : ground) : (k.data[n] as number))),
    v,
  }
}

async function agrees(source: string, height: number, ground: number): Promise<void> {
  const inputs = peaked(height, ground)
  const want = define(source, inputs)
  for (const options of [{ tile: { i: 4, j: 8 } }, { tile: { i: 3, j: 5 }, splits: 3 }]) {
    const got = await run(source, inputs, { sizes, ...options })
    for (const [name, expected] of Object.entries(want))
      expect(distance(got[name], expected), `${name} ${JSON.stringify(options)}`).toBeLessThan(3e-7)
  }
}
const references = (source: string): number => {
  const plan = emitStage('plan', fileOf(source), { sizes })
  if (!plan.ok) throw new Error(plan.diagnostics.map((d) => d.message).join('\n'))
  return plan.value.match(/running (max|min) of/g)?.length ?? 0
}

const shares = {
  'a condition in the weight': 'let w = if own then exp(score) else 0 normalize = w / sum[j](w)',
  'a condition as a domain': 'normalize = if own then exp(score) / sum[j where own](exp(score)) else 0',
  'a maximum of its own': 'normalize = if own then softmax[j where own](score) else 0 output lse = logsumexp[j](score)',
  'exponents of two factors': 'let w = if own then exp(score / 2) * exp(score / 2) else 0 normalize = w / sum[j](w)',
  'conditions of two factors':
    'let w = (if own then exp(score) else 0) * (if j % 2 == 0 then 1 else 0) normalize = w / (1e-9 + sum[j](w))',
  'a negative rate': 'let w = if own then exp(-score) else 0 normalize = w / sum[j](w)',
  'both branches': 'let w = if own then exp(score) else exp(score / 4 - 200) normalize = w / sum[j](w)',
  'a logarithm': 'normalize = 1 output log(sum[j where own](exp(score)))',
  'values under it': 'let w = if own then exp(score) else 0 normalize = 1 output sum[j](w * v) / sum[j](w)',
  powers: 'let w = if own then (score / 1000) ^ 36 else 0 normalize = w / sum[j](w)',
}
// As far apart as float64 lets the definition have them: exp(690) and exp(-200) are numbers, exp(-890) is 0.
const far = (body: string) => (body.includes('^') ? { height: 1e11, ground: 1 } : { height: 690, ground: -200 })

describe('a key far above the others that a condition excludes', () => {
  test.each(Object.entries(shares))('%s', async (_, body) =>
    agrees(attention(body), far(body).height, far(body).ground),
  )
  test.each(Object.entries(shares))('%s, far below them', async (_, body) =>
    agrees(attention(body), -far(body).height, -far(body).ground),
  )
  test.each([1000, -1000])('examples/landmark.attn, a key at %i', async (height) => {
    await agrees(readFileSync('examples/landmark.attn', 'utf8'), height * Math.sqrt(5), 0)
  })
})

test('a condition that a mask says twice', async () => {
  const body = 'mask = own and own normalize = if own then softmax[j where own](score) else 0'
  await agrees(attention(body), 3, 0)
})

describe('no reference is added where the definition has one', () => {
  test.each([
    ['weights of a softmax that are left out', 'normalize = if own then softmax[j](score) else 0', 1],
    ['by their logarithm', 'normalize = if own then exp(score - logsumexp[j](score)) else 0', 1],
    ['entropy', 'normalize = softmax[j](score) output -sum[j](if weight > 0 then weight * log(weight) else 0)', 1],
    ['bounded exponents', 'let w = if own then exp(tanh(score)) else 0 normalize = w / sum[j](w)', 0],
    ['the same condition twice', 'let w = if own then exp(score) else 0 normalize = w / sum[j](w)', 1],
  ])('%s', (_, body, count) => expect(references(attention(body))).toBe(count))
})
