/** What PTX does with single bits of an integer of 32. */

export const countOnes = (x: number): number => {
  let count = 0
  for (let rest = x; rest !== 0; rest &= rest - 1) count++
  return count
}
export function reverse(x: number): number {
  let result = 0
  for (let n = 0; n < 32; n++) result |= ((x >>> n) & 1) << (31 - n)
  return result
}
/** The place of the highest bit that is 1, or with `signed` of the highest that differs from the sign; -1 if there is none. */
export const highest = (x: number, signed: boolean): number => 31 - Math.clz32(signed && x < 0 ? ~x : x)

export const shiftLeft = (x: number, by: number): number => (by > 31 ? 0 : x << by)
export const shiftRight = (x: number, by: number): number => (by > 31 ? 0 : x >>> by)
export const shiftSigned = (x: number, by: number): number => x >> (by > 31 ? 31 : by)

/** `length` bits from `start` on; with `signed` the sign is that of the field's last bit, or of x where the field goes beyond it. */
export function extract(x: number, start: number, length: number, signed: boolean): number {
  const from = start & 255
  const count = length & 255
  if (count === 0) return 0
  const sign = signed ? (x >>> Math.min(from + count - 1, 31)) & 1 : 0
  let result = 0
  for (let n = 0; n < 32; n++) result |= (n < count && from + n < 32 ? (x >>> (from + n)) & 1 : sign) << n
  return result
}
/** The low `length` bits of a in place of those of b from `start` on. */
export function insert(a: number, b: number, start: number, length: number): number {
  const from = start & 255
  const count = length & 255
  if (count === 0 || from > 31) return b
  const mask = (count > 31 ? -1 : (1 << count) - 1) << from
  return (b & ~mask) | ((a << from) & mask)
}
/** The same of 64 bits. */
export function insertWide(a: bigint, b: bigint, start: number, length: number): bigint {
  const from = BigInt(start & 255)
  const mask = BigInt.asUintN(64, ((1n << BigInt(length & 255)) - 1n) << from)
  return (b & ~mask) | ((a << from) & mask)
}

/** Any four of the eight bytes of b and a; bit 3 of a choice spreads its sign. */
export function permute(a: number, b: number, choices: number): number {
  let result = 0
  for (let n = 0; n < 4; n++) {
    const choice = (choices >>> (n * 4)) & 15
    const byte = ((choice & 4 ? b : a) >>> ((choice & 3) * 8)) & 255
    result |= (choice & 8 ? (byte & 128 ? 255 : 0) : byte) << (n * 8)
  }
  return result
}

/** Any function of three bits, for each bit: `table` has its value at 4 a + 2 b + c. */
export function logic(a: number, b: number, c: number, table: number): number {
  let result = 0
  for (let n = 0; n < 8; n++) if ((table >> n) & 1) result |= (n & 4 ? a : ~a) & (n & 2 ? b : ~b) & (n & 1 ? c : ~c)
  return result
}

/** The upper or lower half of two words, shifted together. */
export function funnelLeft(low: number, high: number, by: number): number {
  return by === 0 ? high : by >= 32 ? low : (high << by) | (low >>> (32 - by))
}
export function funnelRight(low: number, high: number, by: number): number {
  return by === 0 ? low : by >= 32 ? high : (low >>> by) | (high << (32 - by))
}
