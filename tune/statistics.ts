/** Medians and their intervals, which outliers hardly move. Times are positive; NaN has no place here. */

const sorted = (numbers: readonly number[]): Float64Array => Float64Array.from(numbers).sort()

/** NaN of nothing. */
export function median(numbers: readonly number[]): number {
  const all = sorted(numbers)
  const middle = all.length >> 1
  if (all.length === 0) return Number.NaN
  return all.length % 2 === 1 ? all[middle]! : (all[middle - 1]! + all[middle]!) / 2
}

/** The median distance from the median, times 1.4826: of normal numbers the standard deviation (Rousseeuw and Croux, 1993). */
export function deviation(numbers: readonly number[]): number {
  const middle = median(numbers)
  return 1.4826 * median(numbers.map((x) => Math.abs(x - middle)))
}

export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * An interval that holds the true median in 95 of 100 cases, whatever the distribution: two order statistics, by the normal
 * approximation of the binomial (Conover, Practical Nonparametric Statistics, 1999, 3.2). Of fewer than 6 numbers it is all of them.
 */
export function medianInterval(numbers: readonly number[]): Interval {
  const all = sorted(numbers)
  const n = all.length
  if (n === 0) return { low: Number.NaN, high: Number.NaN }
  const below = n < 6 ? 0 : Math.max(0, Math.floor(n / 2 - 0.98 * Math.sqrt(n)))
  return { low: all[below]!, high: all[n - 1 - below]! }
}

/** How many numbers lie farther from the median than five deviations. */
export function outliers(numbers: readonly number[]): number {
  const [middle, spread] = [median(numbers), deviation(numbers)]
  return spread === 0 ? 0 : numbers.filter((x) => Math.abs(x - middle) > 5 * spread).length
}

/**
 * The chance that two samples of one distribution differ in rank as much as these do: the test of Mann and Whitney (1947), two-sided, by
 * its normal approximation with the correction for ties. 1 where either is empty.
 */
export function rankTest(a: readonly number[], b: readonly number[]): number {
  const [n, m] = [a.length, b.length]
  if (n === 0 || m === 0) return 1
  const all = [...a.map((x) => ({ x, first: true })), ...b.map((x) => ({ x, first: false }))].sort((p, q) => p.x - q.x)
  let ranks = 0
  let ties = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]!.x === all[from]!.x) to += 1
    const rank = (from + 1 + to) / 2
    ranks += rank * all.slice(from, to).filter(({ first }) => first).length
    ties += (to - from) ** 3 - (to - from)
    from = to
  }
  const total = n + m
  const u = ranks - (n * (n + 1)) / 2
  const spread = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * Math.max(1, total - 1))))
  if (spread === 0) return 1
  const z = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / spread
  return 2 * (1 - normal(z))
}

/** The chance that a normal variable is below z (Abramowitz and Stegun, Handbook, 26.2.17; error below 7.5e-8). */
export function normal(z: number): number {
  if (z < 0) return 1 - normal(-z)
  const t = 1 / (1 + 0.2316419 * z)
  const sum = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum
}
