/** Strategies on a space that was recorded whole: nothing is built or timed, so they can be compared anywhere. */
import { randomNumbers } from '../runtime/draw.ts'
import { type Entry, type Subject, trialsOf } from './log.ts'
import { keyOf, type Point, type Space } from './space.ts'
import { median } from './statistics.ts'
import { type StrategyName, strategies } from './strategies/index.ts'
import { isTimed, type Trial } from './trial.ts'

export interface Recorded {
  readonly subject: Subject
  readonly space: Space
  readonly costs: ReadonlyMap<string, number> // by key of the point; Infinity where it failed
  readonly best: number
}

/** What a log holds, for each subject: its points are those that were tried, in that order. */
export function recordedSpaces(entries: readonly Entry[]): readonly Recorded[] {
  const spaces = new Map<string, Extract<Entry, { parameters: unknown }>>()
  for (const entry of entries) if ('parameters' in entry) spaces.set(JSON.stringify(entry.subject), entry)
  return [...spaces.values()].flatMap(({ subject, parameters, usual }) => {
    const trials = trialsOf(entries, subject)
    const points = trials.map(({ point }) => point)
    const costs = new Map(trials.map((trial) => [keyOf(trial.point), costOf(trial)]))
    const best = Math.min(Infinity, ...costs.values())
    if (!costs.has(keyOf(usual)) || !Number.isFinite(best)) return []
    return [{ subject, space: { parameters, points, rejected: [], usual }, costs, best }]
  })
}

const costOf = (trial: Trial): number => (isTimed(trial) ? trial.cost : Infinity)

/**
 * What a strategy has found after each evaluation, as a share of the best of the whole space: 1 is the best. The usual choice is the
 * first evaluation, as in a search.
 *
 * @param enough  the share with which it ends
 */
export function simulate(
  { space, costs, best }: Recorded,
  name: StrategyName,
  seed: number,
  evaluations: number,
  enough = Infinity,
): readonly number[] {
  const known = new Set<string>()
  const shares: number[] = []
  let lowest = Infinity
  const tell = (point: Point): number => {
    const cost = costs.get(keyOf(point)) ?? Infinity
    if (known.has(keyOf(point)) || known.size >= evaluations) return cost
    known.add(keyOf(point))
    lowest = Math.min(lowest, cost)
    shares.push(best / lowest)
    return cost
  }
  tell(space.usual)
  const asking = strategies[name]({ space, ranked: space.points, random: randomNumbers(seed, 'tune'), batch: 1 })
  let next = asking.next()
  for (let same = 0; !next.done && known.size < evaluations && same < 200 && best / lowest < enough; ) {
    const before = known.size
    next = asking.next(next.value.map(tell))
    same = known.size === before ? same + 1 : 0
  }
  return shares
}

export interface Score {
  readonly strategy: StrategyName
  readonly share: number // the median over seeds, after so many evaluations
  readonly evaluations: number
}

export function score(
  recorded: Recorded,
  strategy: StrategyName,
  seeds: readonly number[],
  evaluations: number,
): Score {
  const last = seeds.map((seed) => simulate(recorded, strategy, seed, evaluations).at(-1) ?? 0)
  return { strategy, share: median(last), evaluations }
}

/** How many evaluations it takes until what was found is so good a share of the best, for each of these shares; the medians over seeds. */
export function evaluationsTo(
  shares: readonly number[],
  recorded: Recorded,
  strategy: StrategyName,
  seeds: readonly number[],
): readonly number[] {
  const all = recorded.space.points.length
  const runs = seeds.map((seed) => simulate(recorded, strategy, seed, all, Math.max(...shares)))
  return shares.map((share) => median(runs.map((run) => run.findIndex((one) => one >= share) + 1)))
}

/** A fifth of a space. */
export const fifth = ({ space }: Recorded): number => Math.max(1, Math.floor(space.points.length / 5))
