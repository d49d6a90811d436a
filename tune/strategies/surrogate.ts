import { coordinates, keyOf, type Point } from '../space.ts'
import { normal } from '../statistics.ts'
import { fitProcess, type Process } from './gaussian-process.ts'
import { distance, type Setting, type Strategy } from './strategy.ts'

const most = 400 // untried points that are looked at
const recent = 150 // costs that the process is fitted to

/**
 * A Gaussian process over the logarithm of costs; next is where the expected improvement is greatest (Jones, Schonlau and Welch, 1998).
 * It begins with the best expected points and with points far from them.
 */
export const surrogate: Strategy = function* (setting) {
  const { space, ranked, batch } = setting
  const known = new Map<string, { readonly at: readonly number[]; readonly cost: number }>()
  const places = new Map(ranked.map((point, n) => [keyOf(point), [...coordinates(space, point), n / ranked.length]]))
  const placeOf: PlaceOf = (point) => places.get(keyOf(point)) ?? []
  const tell = (points: readonly Point[], costs: readonly number[]): void => {
    for (const [n, point] of points.entries())
      known.set(keyOf(point), { at: placeOf(point), cost: costs[n] ?? Infinity })
  }
  const start = firstPoints(setting)
  for (let n = 0; n < start.length; n += batch) {
    const some = start.slice(n, n + batch)
    tell(some, yield some)
  }
  for (;;) {
    const left = setting.ranked.filter((point) => !known.has(keyOf(point))).slice(0, most)
    if (left.length === 0) return
    const next = mostPromising(left, [...known.values()], placeOf, setting)
    tell(next, yield next)
  }
}

/** Where a point lies, and how well the model thinks of it: the process learns how much that says. */
type PlaceOf = (point: Point) => readonly number[]

function firstPoints({ space, ranked }: Setting): readonly Point[] {
  const points = ranked.slice(0, 4)
  const wanted = Math.min(ranked.length, 4 + 1)
  while (points.length < wanted) {
    let far: Point | undefined
    let farthest = 0
    for (const point of ranked) {
      const near = Math.min(...points.map((one) => distance(space, one, point)))
      if (near > farthest) [far, farthest] = [point, near]
    }
    if (!far) break
    points.push(far)
  }
  return points
}

function mostPromising(
  left: readonly Point[],
  known: readonly { readonly at: readonly number[]; readonly cost: number }[],
  placeOf: PlaceOf,
  { batch }: Setting,
): readonly Point[] {
  const finite = known.filter(({ cost }) => Number.isFinite(cost))
  if (finite.length < 2) return left.slice(0, batch)
  const worst = Math.max(...finite.map(({ cost }) => cost))
  const used = known.slice(-recent).map(({ at, cost }) => ({ at, y: Math.log(Number.isFinite(cost) ? cost : worst) }))
  const process = fitProcess(
    used.map(({ at }) => at),
    used.map(({ y }) => y),
  )
  const best = Math.log(Math.min(...finite.map(({ cost }) => cost)))
  const scored = left.map((point) => ({ point, gain: expectedImprovement(process, placeOf(point), best) }))
  return scored
    .sort((a, b) => b.gain - a.gain)
    .slice(0, batch)
    .map(({ point }) => point)
}

function expectedImprovement(process: Process, at: readonly number[], best: number): number {
  const { mean, deviation } = process(at)
  if (deviation === 0) return Math.max(0, best - mean)
  const z = (best - mean) / deviation
  return (best - mean) * normal(z) + (deviation * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}
