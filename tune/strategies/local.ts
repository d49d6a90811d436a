import { neighbours } from '../space.ts'
import { Seen, type Strategy, shuffled } from './strategy.ts'

/** Goes to the best neighbour while there is a better one, then begins again elsewhere. */
export const local: Strategy = function* (setting) {
  const { space, ranked, random, batch } = setting
  const seen = new Seen()
  let [start] = ranked
  for (; start; start = seen.fresh(setting)) {
    seen.add([start])
    const told: readonly number[] = yield [start]
    let cost = told[0] ?? Infinity
    for (let at = start; ; ) {
      const around = shuffled(neighbours(space, at), random)
      const before = at
      for (let n = 0; n < around.length && at === before; n += batch) {
        const some = around.slice(n, n + batch)
        seen.add(some)
        const costs = yield some
        for (const [k, other] of costs.entries())
          if (other < cost) {
            at = some[k]!
            cost = other
          }
      }
      if (at === before) break
    }
  }
}
