import { describe, expect, test } from 'vitest'
import { attentionInputs, define, distance, run, type Tensors, tensor } from './run-source.ts'

// An extreme that the source itself takes from its elements has no difference from them where it is infinite: inf - inf is no number.
// States are sums relative to it that have a number there, so that what a result makes of them has to say it.

const sizes = { d: 5, e: 3 }
const attention = (body: string): string =>
  `attention a { input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], flag[b, j]
    let good = flag > 0.5
    let lost = 8 <= i and i < 24
    score = if good and lost then -1 / 0 else dot(q, k)
    mask = j <= i or 30 <= i
    ${body} }`

const weights = {
  'a divisor that sees fewer keys': 'normalize = softmax[j where mask and good](if good then score else 0)',
  'no divisor': 'normalize = exp(score - max[j](score))',
  'half of the maximum': 'normalize = exp(score - 0.5 * max[j](score))',
  'a smallest score': 'let s = -score normalize = exp(min[j where mask](s) - s)',
  'one over a sum':
    'normalize = 1 output 1 / sum[j where mask and good](exp(score - max[j where mask and good](score)))',
  'a softmax of all': 'normalize = softmax[j](score)',
  'a logarithm': 'normalize = 1 output log(sum[j where mask and good](exp(score - max[j where mask and good](score))))',
}

/** Scores of rows 8 to 23 are -inf at good keys. Values have one sign, so that a sum of infinite ones is infinite in any order. */
function inputs(isGood: (j: number) => boolean): Tensors {
  const own = attentionInputs(5, { i: 37, j: 37 })
  const v = tensor(own.v!.shape, (n) => 0.5 + Math.abs(own.v!.data[n]!))
  return { ...own, v, flag: tensor([own.k!.shape[0]!, 37], (n) => Number(isGood(n % 37))) }
}
const keys: Readonly<Record<string, (j: number) => boolean>> = {
  'some keys': (j) => j % 3 === 1,
  'all keys': () => true,
  'no key': () => false,
  'late keys': (j) => j > 20,
}

describe.each(Object.entries(weights))('where an extreme is infinite: %s', (_, body) => {
  test.each(Object.entries(keys))('%s', async (_, isGood) => {
    const source = attention(body)
    const given = inputs(isGood)
    const want = define(source, given)
    for (const options of [{ tile: { i: 4, j: 8 } }, { tile: { i: 3, j: 5 }, splits: 3 }]) {
      const got = await run(source, given, { sizes, ...options })
      for (const [name, expected] of Object.entries(want))
        expect(distance(got[name], expected), `${name} ${JSON.stringify(options)}`).toBeLessThan(3e-7)
    }
  })
})
