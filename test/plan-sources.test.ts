import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { emitStage } from '../index.ts'
import { attentionInputs, createNormal, define, distance, fileOf, run, type Tensors, tensor } from './run-source.ts'

// Rows that attend to further sources beside their keys: slots of a memory, summaries of blocks. All pass by in one walk.

const sizes = { d: 5, e: 3 }
const head = `input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], mk[b, h, m, d], mv[b, h, m, e], live[b, m]: bool
  score = dot(q, k)  mask = j <= i + size(j) - size(i)  let slot = dot(q, mk)`
const attention = (body: string): string => `attention a { axis m  ${head}  ${body} }`

const inputsOf = (slots: number, scale = 1): Tensors => {
  const normal = createNormal(slots + 3)
  return {
    ...attentionInputs(4),
    mk: tensor([1, 2, slots, 5], () => scale * normal()),
    mv: tensor([1, 2, slots, 3], normal),
    live: { shape: [1, slots], data: Uint8Array.from({ length: slots }, (_, n) => (n % 3 === 1 ? 0 : 1)) },
  }
}
const planOf = (source: string): string => {
  const plan = emitStage('plan', fileOf(source), { sizes })
  if (!plan.ok) throw new Error(plan.diagnostics.map((d) => d.message).join('\n'))
  return plan.value
}
async function agrees(source: string, inputs: Tensors): Promise<void> {
  const want = define(source, inputs)
  for (const options of [
    { tile: { i: 4, j: 8 } },
    { tile: { i: 3, j: 5 }, splits: 3 },
    { plan: 'materialised' as const },
  ]) {
    const got = await run(source, inputs, { sizes, ...options })
    for (const [name, expected] of Object.entries(want))
      expect(distance(got[name], expected), `${name} ${JSON.stringify(options)}`).toBeLessThan(3e-7)
  }
}

const joint = `let top = max(max[j](score), max[m](slot))
  let total = sum[j](exp(score - top)) + sum[m](exp(slot - top))
  normalize = exp(score - top) / total
  output (sum[j](weight * v) + sum[m](exp(slot - top) * mv) / total)`
const sources: Readonly<Record<string, { readonly body: string; readonly passes: number }>> = {
  'one softmax over both': { body: joint, passes: 2 },
  'one softmax over both, some slots': { body: joint.replaceAll('[m]', '[m where live]'), passes: 2 },
  'weights without the other source': {
    body: 'normalize = softmax[j](score) output sum[j](weight * v) + sum[m](softmax[m](slot) * mv)',
    passes: 2,
  },
  'keys above the mean of the slots': { body: 'normalize = relu(score - mean[m](slot))', passes: 2 },
  'slots above the mean of the keys': {
    body: 'normalize = 1 output sum[m](relu(slot - mean[j](score)) * mv) + sum[j](weight * v)',
    passes: 3,
  },
  'no keys at all': { body: 'output sum[m](softmax[m](slot) * mv)', passes: 1 },
  'of columns': { body: 'normalize = softmax[j](score + logsumexp[m](dot(k, mk)))', passes: 2 },
  'a running sum over slots': {
    body: 'normalize = softmax[j](score) output sum[m](exp(-cumsum[m](abs(slot))) * mv) + sum[j](weight * v)',
    passes: 2,
  },
}
describe('a further source of keys', () => {
  test.each(Object.entries(sources))('%s', async (_, { body, passes }) => {
    const source = attention(body)
    const plan = planOf(source)
    expect(plan).not.toContain('materialised')
    expect(plan.match(/^ +pass /gm)?.length, plan).toBe(passes)
    for (const [slots, scale] of [
      [0, 1],
      [1, 1],
      [9, 1],
      [40, 30],
    ] as const)
      await agrees(source, inputsOf(slots, scale))
  })
  test('a value for each slot, read in a fold over slots', async () => {
    await agrees(
      attention(
        'let mine = sum[j](score * mk[d = 0]) normalize = score output sum[m](softmax[m](mine) * mv) + sum[j](weight * v)',
      ),
      inputsOf(9),
    )
  })
  test('a source shares the walk and the kernel of the keys', () => {
    const kernels = emitStage('kernel', fileOf(attention(joint)), { sizes })
    expect(kernels.ok && kernels.value.match(/^kernel /gm)?.length).toBe(1)
  })
  test('examples/landmark.attn walks its keys once, and the landmarks once', () => {
    expect(planOf(readFileSync('examples/landmark.attn', 'utf8')).match(/^ +pass .*/gm)).toEqual([
      expect.stringContaining('over j'),
      expect.stringContaining('over c'),
    ])
  })
})
