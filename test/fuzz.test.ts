import fc from 'fast-check'
import { expect, test } from 'vitest'
import { examine } from './fuzz/examine.ts'
import { shrink } from './fuzz/shrink.ts'
import { anySource } from './fuzz/sources.ts'

// Sources of all kinds, from nearly right to noise: none crashes the compiler, and what is accepted becomes well-formed kernels in
// every way that kernels are made. `npm run fuzz -- --sources 200000 --seed 1` examines as many as it is told. A failure prints the
// seed it had and the source, which is shortened; SEED=n draws others.

const runs = Number(process.env.FUZZ_RUNS ?? 3000)

test('sources of all kinds end in an answer', { timeout: 600_000 }, async () => {
  let [accepted, n] = [0, 0]
  await fc.assert(
    fc.asyncProperty(anySource, async (source) => {
      n++
      const effort = n % 10 === 0 ? 'all' : n
      const { fault, isAccepted } = await examine(source, { ways: effort, ts: n % 100 === 0 })
      if (isAccepted) accepted++
      expect(fault, source).toBeUndefined()
    }),
    { numRuns: runs },
  )
  expect(accepted).toBeGreaterThan(runs / 10)
})

test('a source is shortened while its fault stays', async () => {
  const text = 'fn f(x) = x\n\nattention a {\n  score = bad + 1\n  normalize = score\n}\n'
  expect(await shrink(text, async (shorter) => shorter.includes('bad'))).toBe('bad')
})

test('what is examined is examined: a source that is wrong in a way is said to be so', async () => {
  expect(await examine('attention a {')).toEqual({ fault: undefined, isAccepted: false })
  expect(await examine('fn f(x) = x\n')).toEqual({ fault: undefined, isAccepted: true })
})
