import { describe, expect, test } from 'vitest'
import { emitStage, type StageOptions } from '../index.ts'
import { fileOf } from './run-source.ts'

const attention = (score: string, more = ''): string =>
  `attention a { input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e] ${more} score = ${score} normalize = softmax[j](score) }`
const kernels = (source: string, options: StageOptions = {}): string => {
  const made = emitStage('kernel', fileOf(source), { sizes: { d: 8, e: 8 }, ...options })
  if (!made.ok) throw new Error('has errors')
  return made.value
}

describe('functions of each feature of a key', () => {
  test.each([
    ['rope', 'dot(rope(q, i), rope(k, j))'],
    ['a feature map', 'dot(elu(q) + 1, elu(k) + 1)'],
    ['an exponential', 'dot(q, exp(k))'],
    ['a norm', 'dot(q, l2_normalize[d](k))'],
    ['a norm with a gain', 'dot(q, 2 * layer_norm[d](k) + 1)'],
    ['what rests on another product', 'dot(q, exp(-dot(k, k)) * k)'],
  ])('are computed once, not for each tile of queries: %s', (_, score) => {
    const text = kernels(attention(score))
    expect(text).toContain('workspace key_features[b, h, j, d]: f32')
    const walk = text.slice(text.indexOf('for tiles(j'))
    expect(walk).toContain('load key_features')
    expect(walk).not.toMatch(/sin|cos|expm1|exp\(k|sqrt|over d of/)
  })
  test('of values too', () => {
    const source =
      'attention a { input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e] score = dot(q, k) normalize = sigmoid(score) output sum[j](weight * tanh(v)) }'
    expect(kernels(source)).toContain('workspace key_features[b, h, j, e]: f32')
  })
  test.each([
    ['that all features share', 'dot(q, k) + exp(-0.1 * j)'],
    ['of a fold that all features share', 'dot(q, k) / max(sqrt(dot(k, k)), 1)'],
    ['that are cheap', 'dot(q, k * k / 2)'],
    ['of queries', 'dot(exp(q), k)'],
    ['of pairs', 'sum[d](exp(q * k))'],
  ])('stay where they are: %s', (_, score) => {
    expect(kernels(attention(score))).not.toContain('workspace')
  })
  test('stay where they are in calls of few rows, which have one tile', () => {
    expect(kernels(attention('dot(q, exp(k))'), { rows: 'few' })).not.toContain('features')
  })
})
