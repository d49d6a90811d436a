/** Sums of products of f64, exact and then rounded to f32: by whole numbers of any size. */

export type Mode = 'rn' | 'rz' | 'rm' | 'rp'

/** A finite number as m * 2^e. */
function parts(x: number): readonly [bigint, number] {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 2047n)
  const fraction = bits & (2n ** 52n - 1n)
  const size = exponent === 0 ? fraction : fraction + 2n ** 52n
  return [bits >> 63n ? -size : size, Math.max(exponent, 1) - 1075]
}

/** The sum of products a * b, rounded once to f32. */
export function roundExactly(products: readonly (readonly [number, number])[], mode: Mode): number {
  const plain = products.reduce((sum, [a, b]) => sum + a * b, products.every(([a, b]) => Object.is(a * b, -0)) ? -0 : 0)
  if (!products.flat().every(Number.isFinite)) return plain
  const terms = products.map(([a, b]) => {
    const [[am, ae], [bm, be]] = [parts(a), parts(b)]
    return [am * bm, ae + be] as const
  })
  const least = Math.min(...terms.map(([, e]) => e))
  const sum = terms.reduce((all, [m, e]) => all + m * 2n ** BigInt(e - least), 0n)
  if (sum === 0n) return zeroOf(products, mode)
  const size = sum < 0n ? -sum : sum
  const length = size.toString(2).length
  const unit = Math.max(length + least - 24, -149) // exponent of the last place
  const shift = unit - least
  const [down, rest] =
    shift > 0 ? [size >> BigInt(shift), size & (2n ** BigInt(shift) - 1n)] : [size << BigInt(-shift), 0n]
  const half = shift > 0 ? 2n ** BigInt(shift - 1) : 1n
  const up =
    rest !== 0n &&
    (mode === 'rn'
      ? rest > half || (rest === half && down % 2n === 1n)
      : mode === 'rm'
        ? sum < 0n
        : mode === 'rp' && sum > 0n)
  const value = Number(down + (up ? 1n : 0n)) * 2 ** Math.max(unit, -149)
  const isOver = value > 3.4028234663852886e38
  const largest =
    mode === 'rn' || (mode === 'rm' && sum < 0n) || (mode === 'rp' && sum > 0n) ? Infinity : 3.4028234663852886e38
  return (sum < 0n ? -1 : 1) * (isOver ? largest : value)
}

/** A sum of 0 is +0, but that of two -0, and where it is rounded down. */
function zeroOf(products: readonly (readonly [number, number])[], mode: Mode): number {
  const signs = products.map(([a, b]) => Object.is(Math.sign(a) * Math.sign(b), -0) || a * b < 0)
  const isMinus = signs.every((one) => one)
  if (isMinus) return -0
  return mode === 'rm' && signs.some((one) => one) ? -0 : 0
}
