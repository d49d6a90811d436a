import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomNumbers } from '../runtime/draw.ts'
import { measure } from '../tune/measure.ts'
import { type Rig, succeeded } from '../tune/rig.ts'
import { deviation, median, medianInterval, normal, outliers, rankTest } from '../tune/statistics.ts'
import { fitProcess } from '../tune/strategies/gaussian-process.ts'

const precision = { width: 0.02, rounds: 50, milliseconds: 1e9, hopeless: 1.1 }
const point = { n: 1 }

/** Times of a candidate and of the other, by round. */
const rigOf = (own: (n: number) => number, other: (n: number) => number): Rig => {
  let n = 0
  return {
    build: async () => [],
    bits: async () => succeeded(''),
    verify: async () => succeeded(undefined),
    restart: async () => {},
    close: async () => {},
    turns: async (_point, beside, rounds) => {
      const at = Array.from({ length: rounds }, () => n++)
      return succeeded({ own: at.map(own), other: beside ? at.map(other) : [] })
    },
  }
}

async function measured(own: (n: number) => number, other: (n: number) => number, more = {}) {
  const took = await measure(rigOf(own, other), point, { n: 2 }, { ...precision, ...more })
  if (!took.ok) throw new Error(took.failure.text)
  return took.value
}

describe('a measurement', () => {
  test('ends once its interval is narrow', async () => {
    expect(
      await measured(
        () => 5,
        () => 10,
      ),
    ).toMatchObject({ ratio: 0.5, low: 0.5, high: 0.5, rounds: 6, isNarrow: true })
  })

  test('does not follow a clock that slows down', async () => {
    const slower = (n: number): number => 1 + n / 10
    const { ratio, isNarrow } = await measured(
      (n) => 9 * slower(n),
      (n) => 10 * slower(n),
    )
    expect([ratio, isNarrow]).toEqual([expect.closeTo(0.9, 12), true])
  })

  test('goes on while it is noisy, up to its number of rounds, and says that it stayed so', async () => {
    const noise = randomNumbers(3, 'noise')
    const { rounds, isNarrow, low, high } = await measured(
      () => 10 + 8 * noise.uniform(),
      () => 10 + 8 * noise.uniform(),
    )
    expect([rounds >= 50, isNarrow, low < 1 && high > 1]).toEqual([true, false, true])
  })

  test('ends early where a candidate is hopeless', async () => {
    expect(
      await measured(
        (n) => 20 + (n % 3),
        () => 10,
      ),
    ).toMatchObject({ rounds: 6, isNarrow: false })
  })

  test('ends when its time is spent', async () => {
    const { rounds } = await measured(
      (n) => 10 + (n % 5),
      () => 10,
      { milliseconds: 300 },
    )
    expect(rounds).toBeLessThan(20)
  })

  test('counts outliers, which do not move it', async () => {
    const { ratio, outliers: far } = await measured(
      (n) => (n === 3 ? 900 : 10 + (n % 2) / 100),
      () => 10,
    )
    expect([far, ratio]).toEqual([1, expect.closeTo(1, 2)])
  })
})

describe('statistics', () => {
  test('medians and deviations', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), deviation([1, 2, 3, 4, 100])]).toEqual([2, 2.5, 1.4826])
    expect(median([])).toBeNaN()
    expect(outliers([1, 1, 1])).toBe(0)
  })

  test('an interval holds the median in at least 90 of 100 samples', () => {
    const draw = randomNumbers(1, 'interval')
    const holds = Array.from({ length: 300 }, () => {
      const { low, high } = medianInterval(Array.from({ length: 21 }, draw.normal))
      return low <= 0 && high >= 0
    })
    expect(holds.filter(Boolean).length).toBeGreaterThan(270)
  })

  test('the rank test tells samples apart that differ, and no others', () => {
    const draw = randomNumbers(2, 'ranks')
    const sample = (shift: number): readonly number[] => Array.from({ length: 30 }, () => shift + draw.normal())
    expect(rankTest(sample(0), sample(2))).toBeLessThan(1e-6)
    const same = Array.from({ length: 200 }, () => rankTest(sample(0), sample(0)))
    expect(same.filter((p) => p < 0.05).length).toBeLessThan(24)
    expect([rankTest([], [1]), rankTest([1, 1], [1, 1])]).toEqual([1, 1])
  })

  test('the normal distribution', () => {
    expect([normal(0), normal(1.96), normal(-1.96)]).toEqual([0.5, 0.975, 0.025].map((x) => expect.closeTo(x, 4)))
  })
})

test('a Gaussian process passes through what it was given, and is unsure elsewhere', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 3, maxLength: 9 }), (places) => {
      const at = places.map((x) => [x / 20])
      const y = places.map((x) => Math.sin(x / 4))
      const process = fitProcess(at, y)
      for (const [n, place] of at.entries()) expect(process(place).mean).toBeCloseTo(y[n]!, 1)
      expect(process([3]).deviation).toBeGreaterThan(process(at[0]!).deviation)
    }),
    { numRuns: 50 },
  )
})
