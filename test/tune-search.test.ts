/** The search, on a rig of its own: costs are a formula, and time stands still unless a test moves it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomNumbers } from '../runtime/draw.ts'
import { fails, type Rig, succeeded, type Tried } from '../tune/rig.ts'
import { countFailures, type Searched, type SearchOptions, search } from '../tune/search.ts'
import { keyOf, makeSpace, numericsClass, type Point, type Space } from '../tune/space.ts'
import { type StrategyName, strategies, strategyNames } from '../tune/strategies/index.ts'
import { isTimed, type Trial } from '../tune/trial.ts'

const space = makeSpace(
  [
    { name: 'tile.i', values: [8, 16, 32, 64, 128], usual: 32, ordersSums: false },
    { name: 'tile.j', values: [8, 16, 32, 64, 128], usual: 32, ordersSums: true },
  ],
  ({ 'tile.i': i, 'tile.j': j }) => (Number(i) * Number(j) > 8192 ? 'too large' : undefined),
)

const log = (value: Point[string] | undefined): number => Math.log2(Number(value))
/** Quickest at i = 64, j = 16, and least so far away. */
const cost = (point: Point): number => 1 + 0.1 * Math.hypot(log(point['tile.i']) - 6, log(point['tile.j']) - 4)

interface Fake {
  readonly rig: Rig
  readonly asked: string[]
}

/** @param part  what differs from a rig where all is well */
function fake(part: Partial<Rig> = {}): Fake {
  const asked: string[] = []
  const rig: Rig = {
    build: async (points) => {
      asked.push(...points.map((point) => `build ${keyOf(point)}`))
      return points.map(() => succeeded(undefined))
    },
    bits: async (point) => succeeded(`bits of j=${point['tile.j']}`),
    verify: async (point) => {
      asked.push(`verify ${keyOf(point)}`)
      return succeeded(undefined)
    },
    turns: async (point, other, rounds) =>
      succeeded({
        own: new Array<number>(rounds).fill(10 * cost(point)),
        other: other ? new Array<number>(rounds).fill(10 * cost(other)) : [],
      }),
    restart: async () => {},
    close: async () => {},
    ...part,
  }
  return { rig, asked }
}

const options = (given: Partial<SearchOptions>): SearchOptions => ({
  space,
  strategy: strategies.exhaustive,
  rig: fake().rig,
  budget: { evaluations: Infinity, milliseconds: Infinity },
  precision: { width: 0.02, rounds: 20, milliseconds: 1000, hopeless: 1.1 },
  random: randomNumbers(0, 'test'),
  batch: 3,
  known: [],
  sameBits: false,
  now: () => 0,
  isStopped: () => false,
  onTrial: () => {},
  ...given,
})

async function searched(given: Partial<SearchOptions>): Promise<Searched> {
  const found = await search(options(given))
  if (!found.ok) throw new Error(found.failure.text)
  return found.value
}

describe.each(strategyNames)('the strategy %s', (name: StrategyName) => {
  test('finds the best of a small space, and tries no point twice', async () => {
    const { rig, asked } = fake()
    const { best, why, tried } = await searched({ strategy: strategies[name], rig })
    expect([best.point, why, tried]).toEqual([{ 'tile.i': 64, 'tile.j': 16 }, 'all', space.points.length])
    const built = asked.filter((what) => what.startsWith('build'))
    expect(new Set(built).size).toBe(built.length)
  })

  test('keeps to a number of evaluations, and does the same for the same seed', async () => {
    const run = async (): Promise<readonly string[]> => {
      const { trials, why } = await searched({
        strategy: strategies[name],
        budget: { evaluations: 9, milliseconds: Infinity },
        random: randomNumbers(7, 'test'),
      })
      expect([trials.length, why]).toEqual([9, 'evaluations'])
      return trials.map(({ point }) => keyOf(point))
    }
    expect(await run()).toEqual(await run())
  })

  test('goes on where candidates fail', async () => {
    const bad = (point: Point): boolean => Number(point['tile.i']) !== 8
    const { rig } = fake({
      build: async (points) =>
        points.map((point) => (bad(point) && point['tile.i'] !== 32 ? fails('crash', 'x') : succeeded(undefined))),
    })
    const { best, why } = await searched({ strategy: strategies[name], rig })
    expect([best.point, why]).toEqual([{ 'tile.i': 32, 'tile.j': 16 }, 'all'])
  })

  test('asks for legal points only, whatever the space', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 0, max: 99 }), async (lengths, seed) => {
        const parameters = lengths.map((length, n) => ({
          ...{ name: `p${n}`, values: Array.from({ length }, (_, v) => v), usual: 0, ordersSums: false },
        }))
        const any = makeSpace(parameters, (point) => (Object.values(point).join('') === '111' ? 'no' : undefined))
        const legal = new Set(any.points.map(keyOf))
        const { rig, asked } = fake({
          turns: async (_p, other, rounds) =>
            succeeded({
              own: new Array<number>(rounds).fill(1),
              other: other ? new Array<number>(rounds).fill(1) : [],
            }),
        })
        const { tried } = await searched({
          space: any,
          strategy: strategies[name],
          rig,
          random: randomNumbers(seed, 'x'),
        })
        expect(asked.every((what) => legal.has(what.replace(/^\w+ /, '')))).toBe(true)
        expect(tried).toBe(legal.size)
      }),
      { numRuns: 15 },
    )
  })
})

describe('truth', () => {
  test('each new best is verified before it counts, and what is not better need not be', async () => {
    const { rig, asked } = fake()
    const { trials, best } = await searched({ rig })
    const verified = trials
      .filter((trial) => isTimed(trial) && trial.verified)
      .map(({ point }) => `verify ${keyOf(point)}`)
    expect(asked.filter((what) => what.startsWith('verify'))).toEqual(verified)
    expect(verified).toContain(`verify ${keyOf(best.point)}`)
  })

  test('a quick candidate that is wrong is out, with the reason', async () => {
    const isBest = (point: Point): boolean => keyOf(point) === 'tile.i=64 tile.j=16'
    const { rig } = fake({
      verify: async (point) => (isBest(point) ? fails('wrong', 'wrong: 1 instead of 2') : succeeded(undefined)),
    })
    const { best, trials } = await searched({ rig })
    expect(isBest(best.point)).toBe(false)
    expect(trials.find(({ point }) => isBest(point))).toMatchObject({
      failure: { reason: 'wrong', text: 'wrong: 1 instead of 2' },
    })
    expect([...countFailures(trials)]).toEqual([['wrong', 1]])
  })

  test('within a numerics class, other bits are out', async () => {
    const { rig } = fake({
      bits: async (point) => succeeded(point['tile.i'] === 64 ? 'others' : 'the same'),
    })
    const own = numericsClass(space, space.usual)
    const { best, trials } = await searched({ space: own, rig, sameBits: true })
    expect(own.points.every((point) => point['tile.j'] === 32)).toBe(true)
    expect(best.point['tile.i']).not.toBe(64)
    expect(countFailures(trials).get('bits')).toBe(1)
  })

  test('where the usual choice is wrong there is nothing to tune', async () => {
    const { rig } = fake({ verify: async () => fails('wrong', 'off') })
    expect(await search(options({ rig }))).toEqual(fails('wrong', 'off'))
  })

  test('the usual choice stays where nothing is surely better', async () => {
    const noisy = async (_: Point, other: Point | undefined, rounds: number): Promise<Tried<never>> => {
      const times = Array.from({ length: rounds }, (_x, n) => 10 + (n % 2))
      return succeeded({ own: times, other: other ? times.toReversed() : [] }) as Tried<never>
    }
    const { best, usual, unsteady } = await searched({ rig: fake({ turns: noisy }).rig })
    expect(best).toBe(usual)
    expect(unsteady).toBeGreaterThan(0)
  })
})

describe('a device that disappears', () => {
  /** Runs so many calls and then none, until it is restarted as often as it takes. */
  function failing(calls: number, restarts: number): Partial<Rig> {
    let left = calls
    let times = restarts
    return {
      bits: async (point) => (left-- > 0 ? succeeded(`bits of j=${point['tile.j']}`) : fails('error', 'device lost')),
      restart: async () => {
        times -= 1
        if (times <= 0) left = Infinity
      },
    }
  }

  test('ends the search: nothing that failed with it is kept as a failure, and the best is', async () => {
    const kept: Trial[] = []
    const { rig } = fake(failing(6, Infinity))
    const found = await searched({ rig, onTrial: (trial) => void kept.push(trial) })
    expect([found.why, found.lost, kept.length]).toEqual(['lost', 'device lost', 6])
    expect(kept.every(isTimed)).toBe(true)
    expect(found.best.verified).toBe(true)
  })

  test('and comes back costs one candidate', async () => {
    const { rig } = fake(failing(6, 1))
    const found = await searched({ rig })
    expect([found.why, found.tried, countFailures(found.trials)]).toEqual([
      'all',
      space.points.length,
      new Map([['error', 1]]),
    ])
  })
})

describe('a search that ends early', () => {
  test('by time', async () => {
    let clock = 0
    const { why, tried } = await searched({
      now: () => (clock += 10),
      budget: { evaluations: Infinity, milliseconds: 300 },
    })
    expect(why).toBe('time')
    expect(tried).toBeLessThan(space.points.length)
  })

  test('by Ctrl-C, and what was ended by it is not counted as a failure', async () => {
    let isStopped = false
    const { rig } = fake({
      turns: async (point, other, rounds) => {
        if (keyOf(point) === 'tile.i=64 tile.j=16') {
          isStopped = true
          return fails('crash', 'it was ended by SIGINT')
        }
        return fake().rig.turns(point, other, rounds)
      },
    })
    const { why, trials } = await searched({ rig, isStopped: () => isStopped })
    expect(why).toBe('stopped')
    expect(trials.every(isTimed)).toBe(true)
  })

  test('and is taken up again: nothing that is known is tried', async () => {
    const kept: Trial[] = []
    await searched({ budget: { evaluations: 8, milliseconds: Infinity }, onTrial: (trial) => void kept.push(trial) })
    const { rig, asked } = fake()
    const { best, tried } = await searched({ rig, known: kept })
    const built = asked.filter((what) => what.startsWith('build')).map((what) => what.slice(6))
    expect(built.length).toBe(space.points.length - 8)
    expect(kept.some(({ point }) => built.includes(keyOf(point)))).toBe(false)
    expect([best.point, tried]).toEqual([{ 'tile.i': 64, 'tile.j': 16 }, space.points.length])
  })
})

test('a space of one point is tried once', async () => {
  const one: Space = makeSpace([], () => undefined)
  expect(
    await searched({
      space: one,
      rig: fake({ turns: async (_p, _o, n) => succeeded({ own: new Array<number>(n).fill(1), other: [] }) }).rig,
    }),
  ).toMatchObject({ tried: 1, why: 'all' })
})
