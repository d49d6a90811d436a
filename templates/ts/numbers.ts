/** The quotient rounded down; 0 for a zero divisor. */
export function floorDivide(a: number, b: number): number {
  return b === 0 ? 0 : Math.floor(a / b) | 0
}

/** The remainder with the sign of the divisor; 0 for a zero divisor. */
export function floorModulo(a: number, b: number): number {
  const rest = b === 0 ? 0 : a % b
  return (rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest) | 0
}

/** The remainder with the sign of the divisor, of real numbers. */
export function realModulo(a: number, b: number): number {
  const rest = a % b
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest
}

/** The quotient of real numbers rounded down, in agreement with `realModulo`. */
export function realQuotient(a: number, b: number): number {
  return b === 0 ? a / b : Math.round((a - realModulo(a, b)) / b)
}

/** Toward zero; beyond 32 bits the nearest such integer, 0 for NaN. */
export function toInteger(x: number): number {
  return Math.min(Math.max(Math.trunc(x), -0x80000000), 0x7fffffff) | 0
}

/** The nearest integer, of two equally near ones the even. */
export function roundEven(x: number): number {
  const down = Math.floor(x)
  const over = x - down
  if (over === 0.5) return down % 2 === 0 ? down : down + 1
  return over < 0.5 ? down : over > 0.5 ? down + 1 : x
}

/** x to an integer power by squaring; 1 / x^-n for a negative one. */
export function integerPower(x: number, n: number): number {
  let result = 1
  for (let rest = Math.abs(n), square = x; rest > 0; rest = Math.floor(rest / 2), square *= square) {
    if (rest % 2 === 1) result *= square
  }
  return n < 0 ? 1 / result : result
}

/** x^y for x > 0; 0^y is 0 for y > 0; everything else is NaN. */
export function realPower(x: number, y: number): number {
  if (x > 0) return x ** y
  return x === 0 && y > 0 ? 0 : Number.NaN
}

/** log(1 + exp x) without overflow. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

/** log(exp x + exp y) without overflow. */
export function logAddExp(x: number, y: number): number {
  return x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y)))
}

/**
 * The error function: its power series near 0, beyond that 1 - erfc by a continued fraction. A few units in the last place of f64.
 */
export function erf(x: number): number {
  const size = Math.abs(x)
  if (size < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
  }
  if (size > 6) return Math.sign(x)
  if (Number.isNaN(x)) return x
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction)
  return Math.sign(x) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * (size + fraction)))
}

/** Philox 4x32-10 with this key and counter: the top 24 bits of its first word as a number in [0, 1). */
export function random(seed: number, a: number, b: number, c: number, d: number): number {
  let x0 = a
  let x1 = b
  let x2 = c
  let x3 = d
  for (let round = 0, k0 = seed, k1 = 0; round < 10; round++, k0 = (k0 + 0x9e3779b9) | 0, k1 = (k1 + 0xbb67ae85) | 0) {
    const high0 = multiplyHigh(0xd2511f53, x0)
    const high2 = multiplyHigh(0xcd9e8d57, x2)
    const low2 = Math.imul(0xcd9e8d57, x2)
    x2 = high0 ^ x3 ^ k1
    x3 = Math.imul(0xd2511f53, x0)
    x0 = high2 ^ x1 ^ k0
    x1 = low2
  }
  return (x0 >>> 8) / 2 ** 24
}

/** The upper 32 bits of the product of two unsigned words. */
export function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff]
  const low = aLow * bLow
  const middle = aHigh * bLow + (low >>> 16)
  const other = aLow * bHigh + (middle % 0x10000)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) | 0
}
