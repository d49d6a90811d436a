import { describe, expect, test } from 'vitest'
import type { Attention } from '../compiler/attention.ts'
import { interpret } from '../compiler/interpret.ts'
import { analyze } from '../index.ts'
import { drawInputs } from '../runtime/draw.ts'
import type { Inputs } from '../runtime/runners.ts'
import { probes } from '../runtime/verify/probes.ts'

const text = `attention plain {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], hub[b, j]: bool, decay[h]: f32 in [0.25, 0.75]
  score     = dot(q, k) / sqrt(size(d))
  mask      = hub
  normalize = decay * softmax[j](score)
  output scores = score
}`
const module = analyze({ path: 'plain.attn', text })
const attention: Attention | undefined = module.ok ? module.value.attentions[0] : undefined
if (!attention) throw new Error('not checked')

const sizes = { b: 1, h: 2, i: 3, j: 19, d: 16, e: 4 }
const tile = 8
const inputs = drawInputs(attention, sizes, { seed: 0, dtype: 'f32' })
const apply = (name: string): Inputs => {
  const changed = probes.find((probe) => probe.name === name)?.apply({ attention, sizes, params: {}, tile, inputs })
  if (!changed) throw new Error(`no probe ${name}`)
  return changed
}

/** The scores of the first row. */
function scoresOf(changed: Inputs): readonly number[] {
  const { scores } = interpret(attention!, { inputs: changed, sizes, results: ['scores'] })
  return [...scores!.value.slice(0, sizes.j)]
}
const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length
const tilesOf = (scores: readonly number[]): readonly number[] =>
  [scores.slice(0, 8), scores.slice(8, 16), scores.slice(16)].map(mean)

describe('the probe', () => {
  test('rising scores: each tile a little above the last, none out of sight', () => {
    const [a = 0, b = 0, c = 0] = tilesOf(scoresOf(apply('rising scores')))
    expect(b - a).toBeGreaterThan(0.4)
    expect(c - b).toBeGreaterThan(0.4)
    expect(c - a).toBeLessThan(4)
  })

  test('falling scores', () => {
    const [a = 0, b = 0, c = 0] = tilesOf(scoresOf(apply('falling scores')))
    expect(a > b && b > c).toBe(true)
  })

  test('peaked scores: some of 30', () => {
    const scores = scoresOf(apply('peaked scores'))
    expect(scores.filter((x) => x > 25).length).toBe(4)
    expect(scores.filter((x) => x < 6).length).toBe(15)
  })

  test('scores far apart: neighbouring tiles beyond what exponentials reach, from one to the next and back', () => {
    const [a = 0, b = 0, c = 0] = tilesOf(scoresOf(apply('scores far apart')))
    expect([b - a > 900, b - c > 900]).toEqual([true, true])
  })

  test('peaks far above, and a first key apart', () => {
    expect(scoresOf(apply('scores with peaks far above')).flatMap((x, j) => (x > 900 ? [j] : []))).toEqual([5, 12])
    const [first = 0, ...others] = scoresOf(apply('a first key apart'))
    expect([first > 99, others.every((x) => Math.abs(x) < 1)]).toEqual([true, true])
  })

  test('peaks without a value: what is left weighs 1e-13', () => {
    const changed = apply('peaks without a value')
    const peaks = scoresOf(changed).flatMap((x, j) => (x > 25 ? [j] : []))
    expect(peaks).toEqual([2, 7, 12, 17])
    const values = [...changed.v!.data]
    for (let j = 0; j < sizes.j; j++)
      expect(values.slice(j * sizes.e, (j + 1) * sizes.e).every((x) => x === 0)).toBe(peaks.includes(j))
  })

  test('tiny and huge scores', () => {
    const largest = (name: string): number => Math.max(...scoresOf(apply(name)).map(Math.abs))
    expect(largest('tiny scores')).toBeLessThan(1e-7)
    expect(largest('tiny scores')).toBeGreaterThan(1e-12)
    expect(largest('huge scores')).toBeGreaterThan(1e3)
  })

  test('equal scores', () => {
    expect(new Set(scoresOf(apply('equal scores')))).toEqual(new Set([0]))
  })

  test('ties: every second key the same', () => {
    const scores = scoresOf(apply('ties')).filter((_, j) => j % 2 === 0)
    expect(new Set(scores).size).toBe(1)
  })

  test.each([100, -100, 10000, -10000])('scores shifted by %i', (shift) => {
    const scores = scoresOf(apply(`scores shifted by ${shift}`))
    expect(scores.every((x) => Math.abs(x - shift) < 6)).toBe(true)
    expect(new Set(scores).size).toBeGreaterThan(10)
  })

  test('heavy keys at tile edges: they weigh, and have values of their own', () => {
    const changed = apply('heavy keys at tile edges')
    const scores = scoresOf(changed)
    const heavy = [0, 7, 8, 15, 16, 18]
    expect(scores.flatMap((x, j) => (x > 1 ? [j] : []))).toEqual(heavy)
    const values = heavy.map((j) => changed.v!.data[j * sizes.e]!)
    expect(values.every((x) => x > 5)).toBe(true)
    expect(new Set(values.map(Math.round)).size).toBeGreaterThan(3)
  })

  test('-inf among the first tile, and in all of it', () => {
    const some = scoresOf(apply('scores of -inf'))
    expect(some.slice(0, 8).some(Number.isFinite) && some.includes(-Infinity)).toBe(true)
    const all = scoresOf(apply('a whole tile of -inf'))
    expect(all.slice(0, 8)).toEqual(Array(8).fill(-Infinity))
    expect(all.slice(8).every(Number.isFinite)).toBe(true)
  })

  test('what is not finite stands in one key of each head', () => {
    for (const [name, input] of [
      ['a NaN key', 'k'],
      ['a NaN value', 'v'],
      ['an infinite value', 'v'],
    ] as const) {
      const planted = [...apply(name)[input]!.data].filter((x) => !Number.isFinite(x))
      expect(planted.length, name).toBe(2)
    }
  })

  test('nothing admitted, ends of ranges', () => {
    expect(new Set(apply('nothing admitted').hub!.data)).toEqual(new Set([0]))
    expect([...apply('ends of ranges').decay!.data].every((x) => x === 0.25 || x === 0.75)).toBe(true)
  })

  test('that has nothing to act on does not apply', () => {
    const bare = { ...attention, inputs: [] }
    expect(
      probes.flatMap((probe) =>
        probe.apply({ attention: bare, sizes, params: {}, tile, inputs: {} }) ? [probe.name] : [],
      ),
    ).toEqual([])
  })
})
