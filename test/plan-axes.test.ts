import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { emitStage } from '../index.ts'
import { attentionInputs, createNormal, define, distance, fileOf, run, type Tensors, tensor } from './run-source.ts'

// Folds over axes other than the tokens: those that a result has too, and products of which one operand lacks the axis.

const sizes = { d: 5, e: 3, h: 2 }
const attention = (body: string): string =>
  `attention a { input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], gain[h, d], per_head[b, h, i] ${body} }`
const normal = createNormal(9)
const inputs: Tensors = {
  ...attentionInputs(4),
  gain: tensor([2, 5], normal),
  per_head: tensor([1, 2, 7], normal),
}

const planOf = (source: string): string => {
  const plan = emitStage('plan', fileOf(source), { sizes })
  if (!plan.ok) throw new Error(plan.diagnostics.map((d) => d.message).join('\n'))
  return plan.value
}

async function agrees(source: string): Promise<void> {
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

describe('a fold over an axis that the result has too', () => {
  const dot = 'score = dot(q, k)'
  test.each([
    ['of a pair', `${dot} mask = j <= i normalize = softmax[h](score)`],
    ['of a pair, in front of a row', `${dot} normalize = softmax[j](softmax[h](score))`],
    ['of a pair, after a row', `${dot} normalize = softmax[h](softmax[j](score))`],
    ['of a pair, for columns', `${dot} normalize = softmax[i](softmax[h](score))`],
    ['of a query', 'score = dot(q / max[h](q), k) normalize = softmax[j](score)'],
    ['of a key and a query', 'score = dot(l2_normalize[h](q), softmax[h](k)) normalize = softmax[j](score)'],
    ['of a value', `${dot} normalize = softmax[j](score) output sum[j](weight * layer_norm[h](v))`],
    ['of a row', `${dot} normalize = softmax[j](score) output rms_norm[h](sum[j](weight * v))`],
    ['of a row statistic', `${dot} normalize = exp(score - max[h](logsumexp[j](score)))`],
    ['of neither', 'score = dot(q * softmax[h](gain), k) normalize = softmax[j](score)'],
    ['inside of another', 'score = dot(q, k * sum[h](q * max[h](gain))[i = 0]) normalize = softmax[j](score)'],
    ['at another head', `${dot} normalize = softmax[j](score * per_head[h = 1 - h] + max[h](per_head)[i = 2])`],
    [
      'of pairs, some heads of which see nothing',
      `${dot} normalize = softmax[h](score * sum[j where score > 3 and j < 7](score))`,
    ],
    [
      'of a row, by another name, some heads of which see nothing',
      `axis a like h ${dot} mask = j + 20 * h <= i let p = exp(mean[j](score)) normalize = sum[a](p[h = a] * gain[h = a, d = 0]) * softmax[j](score)`,
    ],
    ['of a batch', `${dot} normalize = softmax[j](score - max[b](per_head))`],
  ])('%s', async (_, body) => agrees(attention(body)))

  test('of pairs is computed once for all heads', () => {
    expect(planOf(attention(`${dot} normalize = softmax[h](score)`))).not.toContain('materialised')
    const kernels = emitStage('kernel', fileOf(attention(`${dot} normalize = softmax[h](score)`)), { sizes })
    expect(kernels.ok && kernels.value).toContain('kernel out over b, tiles(i, 32)\n')
  })
  test('of queries leaves heads to themselves', () => {
    const source = attention('score = dot(q / max[h](q), k) normalize = softmax[j](score)')
    const kernels = emitStage('kernel', fileOf(source), { sizes })
    expect(kernels.ok && kernels.value).toContain('kernel out over b, h, tiles(i, 32)\n')
  })
})

test('heads that are mixed through another name share their products with the block: one for each pass', () => {
  const file = { path: 'composable_heads.attn', text: readFileSync('examples/composable_heads.attn', 'utf8') }
  const kernels = emitStage('kernel', file)
  if (!kernels.ok) throw new Error('the example has errors')
  const [passes, products] = [/^ {2}for tiles\(j/gm, /contract q\w* \* k\w* over d/g].map((form) =>
    kernels.value.match(form),
  )
  expect([passes?.length, products?.length]).toEqual([2, 2])
})

describe('a product of which an operand lacks the axis', () => {
  test.each([
    ['a key index', 'score = dot(q, j) / 40'],
    ['a query index', 'score = dot(i, k) / 40'],
    ['neither operand', 'score = dot(i, j) / 400 + dot(q, k)'],
    ['a scaled one', 'score = dot(q / 3, per_head * j) / 40'],
    ['three factors, two without', 'score = sum[d](per_head * k * j) / 40'],
    ['integers', 'score = sum[d](i * j * d) / 4000 + dot(q, k)'],
    ['under a condition', 'score = sum[d](if d < 3 then q * j else 0) / 40'],
  ])('%s', async (_, score) => agrees(attention(`${score} normalize = softmax[j](score)`)))
})

describe('found by random sources', () => {
  test('an element at the greatest of integers', () =>
    agrees(
      attention(`score = dot(q, k) let up = if score > 0 then 1 else 0
        normalize = if up >= max[j](up) then score * softmax[j](score) else 0`),
    ))
  test('a sum of products of which one factor stays, and brings an axis', async () => {
    const source = `attention a { input q[h, d], k[b, j, d], v[i, e] score = dot(q, k) / sqrt(size(d))
      output sum[i](k * v) output lse = logsumexp[i](score) }`
    const given = { q: tensor([2, 5], normal), k: tensor([1, 9, 5], normal), v: tensor([7, 3], normal) }
    const want = define(source, given)
    const got = await run(source, given, { sizes, tile: { i: 4, j: 8 } })
    for (const [name, expected] of Object.entries(want)) expect(distance(got[name], expected), name).toBeLessThan(3e-7)
  })
})
