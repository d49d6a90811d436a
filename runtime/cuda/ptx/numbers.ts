/** Arithmetic that JavaScript has not: roundings of PTX, numbers of 16 bits, halves of products of integers. */

const f64 = new Float64Array(1)
const words = new Int32Array(f64.buffer)
const f32 = new Float32Array(1)
const bits32 = new Int32Array(f32.buffer)

export const bitsOf = (x: number): number => {
  f32[0] = x
  return bits32[0]!
}
export const fromBits = (bits: number): number => {
  bits32[0] = bits
  return f32[0]!
}

/**
 * p + c, rounded to odd: where the sum is no f64, the neighbour whose last bit is 1. Rounded further, to fewer bits and in any way, it
 * gives what the exact sum would give (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
 */
export function sumToOdd(p: number, c: number): number {
  const s = p + c
  const other = s - p
  const rest = p - (s - other) + (c - other)
  if (rest === 0 || Number.isNaN(rest) || s === 0) return s
  f64[0] = s
  if (words[0]! & 1) return s
  const step = rest > 0 === s > 0 ? 1 : -1
  if (step < 0 && words[0] === 0) words[1]! -= 1
  words[0]! += step
  return f64[0]!
}

/** a * b + c for f32 operands, rounded once: the product is an f64. */
export function fuse(a: number, b: number, c: number): number {
  const p = a * b
  const s = p + c
  const near = Math.fround(s)
  const off = s - near
  if (off === 0) return near
  const far = near + 2 * off
  return Math.fround(far) === far ? Math.fround(sumToOdd(p, c)) : near // halfway: what the sum lost decides
}

/** The next f32 below or above, of a finite one. */
const below = (x: number): number => (x === 0 ? -(2 ** -149) : fromBits(bitsOf(x) + (x > 0 ? -1 : 1)))
const above = (x: number): number => -below(-x)

export function roundDown(x: number): number {
  const near = Math.fround(x)
  if (near === Infinity && x < Infinity) return 3.4028234663852886e38
  return near > x ? below(near) : near
}
/** p + c rounded down: numbers that cancel give -0. */
export function sumDown(p: number, c: number): number {
  const s = sumToOdd(p, c)
  return s !== 0 ? roundDown(s) : Object.is(p, 0) && Object.is(c, 0) ? 0 : -0
}
export const roundUp = (x: number): number => -roundDown(-x)
export const roundToZero = (x: number): number => (x > 0 ? roundDown(x) : roundUp(x))
export { above, below }

/** To an integer, ties to even; keeps the sign of 0. */
export function roundEven(x: number): number {
  const down = Math.floor(x)
  const off = x - down
  const near = off < 0.5 || (off === 0.5 && down % 2 === 0) ? down : off >= 0.5 ? down + 1 : x
  return near === 0 ? x * 0 : near
}

/** Subnormal numbers of f32 as 0, of the same sign. */
export const flush = (x: number): number => (x < 1.1754943508222875e-38 && x > -1.1754943508222875e-38 ? x * 0 : x)
export const saturate = (x: number): number => (x > 0 ? (x < 1 ? x : 1) : 0)

/** Not below 0; NaN stays. */
export const rectify = (x: number): number => (x < 0 ? 0 : x)

export const smaller = (x: number, y: number): number => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.min(x, y))
export const larger = (x: number, y: number): number => (Number.isNaN(x) ? y : Number.isNaN(y) ? x : Math.max(x, y))

/** Every f16 as a number, by its bits. */
export const halves = Float32Array.from({ length: 65536 }, (_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
})

/** The bits of the nearest f16, ties to even. */
export function toHalf(x: number): number {
  if (Number.isNaN(x)) return 0x7fff
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const size = Math.abs(x)
  if (size >= 65520) return sign | 0x7c00
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24)
  let exponent = Math.floor(Math.log2(size))
  if (2 ** exponent > size) exponent--
  else if (2 ** (exponent + 1) <= size) exponent++
  return sign | (((exponent + 15) << 10) + roundEven((size / 2 ** exponent - 1) * 1024))
}
export function toHalfToZero(x: number): number {
  const bits = toHalf(x)
  const near = halves[bits]!
  return Math.abs(near) > Math.abs(x) ? bits - 1 : bits
}

export const fromBrain = (bits: number): number => fromBits(bits << 16)
/** Every bf16, by its bits. */
export const brains = new Float32Array(65536).map((_, bits) => fromBrain(bits))
/** The bits of the nearest bf16, ties to even. `x` may be a f64, rounded to odd if it is a sum. */
export function toBrain(x: number): number {
  if (Number.isNaN(x)) return 0x7fff
  const bits = bitsOf(stickyFloat(x))
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}
/** As f32, rounded to odd. */
function stickyFloat(x: number): number {
  const near = roundToZero(x)
  return near === x || Math.abs(near) === Infinity ? near : fromBits(bitsOf(near) | 1)
}
/** tf32: 10 bits of fraction, ties away from zero. */
export const toTensorFloat = (x: number): number =>
  Number.isFinite(x) ? fromBits((bitsOf(x) + 0x1000) & 0xffffe000) : x

/** The upper 32 bits of the product of two numbers of 32 bits without sign. */
export function upperProduct(a: number, b: number): number {
  const low = a * (b & 0xffff)
  const high = a * (b >>> 16)
  return Math.floor((high + Math.floor(low / 65536)) / 65536) | 0
}
/** The same with signs. */
export const upperSigned = (a: number, b: number): number =>
  (upperProduct(a >>> 0, b >>> 0) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0

export const wide = (low: number, high: number): bigint => (BigInt(high) << 32n) | BigInt(low)
export const wideUnsigned = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low)
export const lowOf = (x: bigint): number => Number(BigInt.asUintN(32, x))
export const highOf = (x: bigint): number => Number(BigInt.asIntN(32, x >> 32n))

/** Quotient and rest of integers; what division by 0 gives is left open by PTX, and no number here. */
export const divideWide = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b)
export const restWide = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b)

/** A f64 sum of both words of an integer, rounded to odd. */
export const numberOf = (low: number, high: number): number => sumToOdd(high * 4294967296, low)

/** a * b + c of f64, rounded once: by whole numbers of any size. */
export function fuseDoubles(a: number, b: number, c: number): number {
  const quick = a * b + c
  if (!Number.isFinite(quick) || a === 0 || b === 0) return quick
  const [am, ae] = split(a)
  const [bm, be] = split(b)
  const [cm, ce] = split(c)
  const least = Math.min(ae + be, ce)
  const sum = ((am * bm) << BigInt(ae + be - least)) + (cm << BigInt(ce - least))
  return sum === 0n ? quick : scale(sum, least)
}
function split(x: number): readonly [bigint, number] {
  if (x === 0) return [0n, 0]
  let exponent = Math.max(Math.floor(Math.log2(Math.abs(x))) - 54, -1074)
  const fraction = exponent < -1000 ? x * 2 ** 1000 * 2 ** (-exponent - 1000) : x / 2 ** exponent
  if (!Number.isInteger(fraction)) exponent -= 60
  return [BigInt(Number.isInteger(fraction) ? fraction : fraction * 2 ** 60), exponent]
}
function scale(sum: bigint, exponent: number): number {
  const size = sum < 0n ? -sum : sum
  const spare = Math.max(0, size.toString(2).length - 62)
  const kept = (size >> BigInt(spare)) | (size & ((1n << BigInt(spare)) - 1n) ? 1n : 0n)
  const power = exponent + spare
  const value = Number(kept) * 2 ** Math.max(power, -1000) * 2 ** Math.min(0, power + 1000)
  return sum < 0n ? -value : value
}
