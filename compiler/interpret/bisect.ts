/** Roots of functions that fall, exact to the bit of an f32. */

/**
 * The largest f32 in [lo, hi] that is accepted, lo if none is, for each element: bisection over the bits, all elements in lockstep.
 * `accept` gives 1 or 0 and does not go from 0 to 1 as its argument grows. It is called less often if the result is close to `near`.
 */
export function largest(
  lo: Float64Array,
  hi: Float64Array,
  accept: (t: Float64Array) => Float64Array,
  near?: Float64Array,
): Float64Array {
  const bottom = lo.map((x) => orderOf(Math.fround(x)) - (Math.fround(x) >= x ? 1 : 0)) // one below the first candidate
  const top = hi.map((x) => orderOf(Math.fround(x)) + (Math.fround(x) > x ? 0 : 1)) // one above the last
  const low = bottom.slice()
  const high = top.slice()
  const middle = low.map((x, k) =>
    near ? clamp(orderOf(Math.fround(near[k]!)), x + 1, high[k]! - 1) : half(x, high[k]!),
  )
  for (let step = 1; low.some((x, k) => high[k]! - x > 1); step *= 8) {
    const yes = accept(middle.map(floatAt))
    for (let k = 0; k < low.length; k += 1) {
      if (high[k]! - low[k]! <= 1) continue
      if (yes[k] !== 0) low[k] = middle[k]!
      else high[k] = middle[k]!
      if (near && high[k] === top[k]) middle[k] = Math.min(low[k]! + step, high[k]! - 1)
      else if (near && low[k] === bottom[k]) middle[k] = Math.max(high[k]! - step, low[k]! + 1)
      else middle[k] = half(low[k]!, high[k]!)
    }
  }
  return low.map((x, k) => {
    if (Number.isNaN(lo[k]!) || Number.isNaN(hi[k]!)) return Number.NaN
    return x === bottom[k] ? lo[k]! : floatAt(x)
  })
}

const half = (low: number, high: number): number => Math.floor((low + high) / 2)
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high)

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** The rank of an f32 among all, so that neighbours differ by 1; both zeros have rank 0. */
function orderOf(x: number): number {
  float[0] = Math.abs(x)
  return x < 0 ? -bits[0]! : bits[0]!
}

function floatAt(order: number): number {
  bits[0] = Math.abs(order)
  return order < 0 ? -float[0]! : float[0]!
}
