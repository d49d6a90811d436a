/**
 * Softmax attention written by hand, the opponent of generated code: tiles of queries stay, tiles of keys pass by, with a
 * running maximum. Each query sees keys `from[i] <= j < to[i]`, which covers every mask that is measured.
 */
export interface Shape {
  readonly heads: number // batch times heads
  readonly queries: number
  readonly keys: number
  readonly width: number // even
}
export interface Range {
  readonly from: Int32Array
  readonly to: Int32Array
}

const tileI = 32
const tileJ = 64
const even = (n: number): number => n + (n & 1)
const four = (n: number): number => (n + 3) & ~3

export function blockedAttention(
  { heads, queries, keys, width }: Shape,
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  { from, to }: Range,
  out: Float32Array,
): void {
  const scale = 1 / Math.sqrt(width)
  const qTile = new Float64Array(tileI * width)
  const kTile = new Float64Array(tileJ * width)
  const vTile = new Float64Array(tileJ * width)
  const weights = new Float64Array(tileI * tileJ)
  const sums = new Float64Array(tileI * width)
  const maxima = new Float64Array(tileI)
  const totals = new Float64Array(tileI)
  for (let h = 0; h < heads; h++) {
    for (let i0 = 0; i0 < queries; i0 += tileI) {
      const rows = Math.min(tileI, queries - i0)
      const first = (h * queries + i0) * width
      for (let n = 0; n < rows * width; n++) qTile[n] = q[first + n]! * scale
      qTile.fill(0, rows * width)
      sums.fill(0)
      maxima.fill(-Infinity)
      totals.fill(0)
      let low = keys
      let high = 0
      for (let i = i0; i < i0 + rows; i++) {
        low = Math.min(low, from[i]!)
        high = Math.max(high, to[i]!)
      }
      // Tiles begin where the first key is seen, so that a narrow mask touches as few of them as it can.
      for (let j0 = low; j0 < high; j0 += tileJ) {
        const columns = Math.min(tileJ, high - j0)
        const at = (h * keys + j0) * width
        for (let n = 0; n < columns * width; n++) {
          kTile[n] = k[at + n]!
          vTile[n] = v[at + n]!
        }
        kTile.fill(0, columns * width, even(columns) * width)
        multiplyRows(weights, qTile, kTile, four(rows), even(columns), width)
        for (let i = 0; i < rows; i++) {
          const begin = Math.max(0, from[i0 + i]! - j0)
          const end = Math.min(columns, to[i0 + i]! - j0)
          weigh(weights, i, begin, end, columns, maxima, totals, sums, width)
        }
        addColumns(sums, weights, vTile, four(rows), columns, width)
      }
      for (let i = 0; i < rows; i++) {
        const over = totals[i] === 0 ? 0 : 1 / totals[i]!
        for (let n = i * width; n < (i + 1) * width; n++) out[first + n] = sums[n]! * over
      }
    }
  }
}

/** Scores of row i become weights relative to its running maximum; what the row held before is corrected. */
function weigh(
  weights: Float64Array,
  i: number,
  begin: number,
  end: number,
  columns: number,
  maxima: Float64Array,
  totals: Float64Array,
  sums: Float64Array,
  width: number,
): void {
  const row = i * tileJ
  if (begin >= end) {
    weights.fill(0, row, row + columns)
    return
  }
  const before = maxima[i]!
  let max = before
  for (let n = row + begin; n < row + end; n++) {
    const score = weights[n]!
    if (score > max) max = score
  }
  if (max !== before) {
    const factor = Math.exp(before - max)
    maxima[i] = max
    totals[i]! *= factor
    for (let n = i * width; n < (i + 1) * width; n++) sums[n]! *= factor
  }
  for (let n = row; n < row + begin; n++) weights[n] = 0
  let total = 0
  for (let n = row + begin; n < row + end; n++) {
    const weight = Math.exp(weights[n]! - max)
    weights[n] = weight
    total += weight
  }
  for (let n = row + end; n < row + columns; n++) weights[n] = 0
  totals[i]! += total
}

/** weights[i, j] = the sum over d of q[i, d] k[j, d], four rows by two columns in registers. */
function multiplyRows(
  weights: Float64Array,
  q: Float64Array,
  k: Float64Array,
  rows: number,
  columns: number,
  width: number,
): void {
  for (let i = 0; i < rows; i += 4) {
    const q0 = i * width
    const q1 = q0 + width
    const q2 = q1 + width
    const q3 = q2 + width
    for (let j = 0; j < columns; j += 2) {
      const k0 = j * width
      const k1 = k0 + width
      let s00 = 0
      let s01 = 0
      let s10 = 0
      let s11 = 0
      let s20 = 0
      let s21 = 0
      let s30 = 0
      let s31 = 0
      for (let d = 0; d < width; d++) {
        const x0 = k[k0 + d]!
        const x1 = k[k1 + d]!
        const y0 = q[q0 + d]!
        s00 += y0 * x0
        s01 += y0 * x1
        const y1 = q[q1 + d]!
        s10 += y1 * x0
        s11 += y1 * x1
        const y2 = q[q2 + d]!
        s20 += y2 * x0
        s21 += y2 * x1
        const y3 = q[q3 + d]!
        s30 += y3 * x0
        s31 += y3 * x1
      }
      const at = i * tileJ + j
      weights[at] = s00
      weights[at + 1] = s01
      weights[at + tileJ] = s10
      weights[at + tileJ + 1] = s11
      weights[at + 2 * tileJ] = s20
      weights[at + 2 * tileJ + 1] = s21
      weights[at + 3 * tileJ] = s30
      weights[at + 3 * tileJ + 1] = s31
    }
  }
}

/** sums[i, e] += the sum over j of weights[i, j] v[j, e], four rows by two columns in registers. */
function addColumns(
  sums: Float64Array,
  weights: Float64Array,
  v: Float64Array,
  rows: number,
  keys: number,
  width: number,
): void {
  for (let i = 0; i < rows; i += 4) {
    const w0 = i * tileJ
    const w1 = w0 + tileJ
    const w2 = w1 + tileJ
    const w3 = w2 + tileJ
    for (let e = 0; e < width; e += 2) {
      const at0 = i * width + e
      const at1 = at0 + width
      const at2 = at1 + width
      const at3 = at2 + width
      let s00 = sums[at0]!
      let s01 = sums[at0 + 1]!
      let s10 = sums[at1]!
      let s11 = sums[at1 + 1]!
      let s20 = sums[at2]!
      let s21 = sums[at2 + 1]!
      let s30 = sums[at3]!
      let s31 = sums[at3 + 1]!
      for (let j = 0, n = e; j < keys; j++, n += width) {
        const x0 = v[n]!
        const x1 = v[n + 1]!
        const y0 = weights[w0 + j]!
        s00 += y0 * x0
        s01 += y0 * x1
        const y1 = weights[w1 + j]!
        s10 += y1 * x0
        s11 += y1 * x1
        const y2 = weights[w2 + j]!
        s20 += y2 * x0
        s21 += y2 * x1
        const y3 = weights[w3 + j]!
        s30 += y3 * x0
        s31 += y3 * x1
      }
      sums[at0] = s00
      sums[at0 + 1] = s01
      sums[at1] = s10
      sums[at1 + 1] = s11
      sums[at2] = s20
      sums[at2 + 1] = s21
      sums[at3] = s30
      sums[at3 + 1] = s31
    }
  }
}
