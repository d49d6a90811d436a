import { keyOf, neighbours, type Point, type Space } from '../space.ts'
import { pick, Seen, type Setting, type Strategy } from './strategy.ts'

const crowd = 8
const mutation = 0.6

interface One {
  readonly point: Point
  readonly cost: number
}

/** A population whose better half has offspring: values of two parents, changed by a step now and then. The best of both stay. */
export const evolution: Strategy = function* (setting) {
  const { ranked, batch } = setting
  const seen = new Seen()
  const ask = function* (points: readonly Point[]): Generator<readonly Point[], readonly One[], readonly number[]> {
    seen.add(points)
    const all: One[] = []
    for (let n = 0; n < points.length; n += batch) {
      const some = points.slice(n, n + batch)
      const costs = yield some
      all.push(...some.map((point, k) => ({ point, cost: costs[k] ?? Infinity })))
    }
    return all
  }
  const first = ranked.slice(0, crowd / 2)
  seen.add(first)
  for (let point = seen.fresh(setting); point && first.length < crowd; point = seen.fresh(setting)) {
    first.push(point)
    seen.add([point])
  }
  let population = yield* ask(first)
  for (;;) {
    const parents = population.toSorted((a, b) => a.cost - b.cost).slice(0, Math.max(2, crowd / 2))
    const offspring = offspringOf(parents, setting, seen)
    if (offspring.length === 0) return
    const others = yield* ask(offspring)
    population = [...population, ...others].sort((a, b) => a.cost - b.cost).slice(0, crowd)
  }
}

/** New points only; where parents give none, one from elsewhere. */
function offspringOf(parents: readonly One[], setting: Setting, seen: Seen): readonly Point[] {
  const { space, random } = setting
  const legal = new Map(space.points.map((point) => [keyOf(point), point]))
  const made = new Map<string, Point>()
  for (let n = 0; n < 8 * crowd && made.size < crowd / 2; n++) {
    const child = legal.get(keyOf(cross(pick(parents, random).point, pick(parents, random).point, space, setting)))
    const around = child ? neighbours(space, child) : []
    const changed = child && around.length > 0 && random.uniform() < mutation ? pick(around, random) : child
    if (changed && !seen.has(changed)) made.set(keyOf(changed), changed)
  }
  const fresh = made.size === 0 ? seen.fresh(setting) : undefined
  return fresh ? [fresh] : [...made.values()]
}

const cross = (a: Point, b: Point, { parameters }: Space, { random }: Setting): Point =>
  Object.fromEntries(parameters.map(({ name }) => [name, (random.uniform() < 0.5 ? a : b)[name]!]))
