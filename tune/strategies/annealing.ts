import { keyOf, neighbours, type Point } from '../space.ts'
import { pick, Seen, type Strategy } from './strategy.ts'

const warm = 0.15 // a neighbour that is this much slower is taken in 1 of e cases, at first
const cooling = 0.93
const idle = 25 // steps among known points before it begins elsewhere

/** Simulated annealing (Kirkpatrick, Gelatt and Vecchi, 1983) over neighbours, with relative costs. */
export const annealing: Strategy = function* (setting) {
  const { space, ranked, random } = setting
  const seen = new Seen()
  let [start] = ranked
  for (; start; start = seen.fresh(setting)) {
    let at: Point = start
    let cost = (yield [at])[0] ?? Infinity
    seen.add([at])
    let heat = warm
    for (let known = 0; known < idle; heat *= cooling) {
      const around = neighbours(space, at)
      if (around.length === 0) break
      const next = pick(around, random)
      known = seen.has(next) ? known + 1 : 0
      seen.add([next])
      const other = (yield [next])[0] ?? Infinity
      const isTaken = other <= cost || random.uniform() < Math.exp(-(other / cost - 1) / heat)
      if (isTaken && keyOf(next) !== keyOf(at)) {
        at = next
        cost = other
      }
    }
  }
}
