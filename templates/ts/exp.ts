/** 2^(n / 16) for n from -1024 to 1023, in this order. */
export function makePowers(): Float64Array {
  const powers = Float64Array.from({ length: 2048 }, (_, n) => (n < 16 ? 2 ** (n / 16 - 64) : 0))
  for (let n = 16; n < 2048; n++) powers[n] = 2 * powers[n - 16]!
  return powers
}

export const powersOfTwo = makePowers()

/**
 * e^x, with a relative error below 2^-38: x is (n + r) / 16 octaves with |r| <= 1/2, so e^x is an entry of a table times 2^(r / 16), as
 * in Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic", 1989. The polynomial is
 * the one of degree four with value 1 at 0 whose largest relative error is least (2.6e-12), found by Remez exchange.
 */
export function quickExp(x: number): number {
  if (!(Math.abs(x) < 44)) return Math.exp(x)
  const octaves = x * (16 / Math.LN2)
  const n = Math.floor(octaves + 0.5)
  const r = octaves - n
  const low = 1 + 0.04332169875979761 * r
  const high = 0.0009383847918993051 + 1.3551208045171752e-5 * r + 1.4676967330793673e-7 * r * r
  return powersOfTwo[(n + 1024) | 0]! * (low + high * r * r)
}
