export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2
}

/** The median distance from the median: a difference below it says nothing. */
export function spread(numbers: readonly number[]): number {
  const middle = median(numbers)
  return median(numbers.map((x) => Math.abs(x - middle)))
}
