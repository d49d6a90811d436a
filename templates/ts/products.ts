/**
 * A tile of numbers by rows. The rows are plain arrays, whose elements V8 reaches in fewer instructions than those of typed ones,
 * and hold no integers at first, so that V8 makes them arrays of doubles. There are a few rows and columns more than asked
 * for: products take several at a time, and may do so past the end.
 */
export function makeTile(rows: number, columns: number): number[][] {
  const tile = [new Array<number>(columns + (columns % 2)).fill(0.5)]
  while (tile.length < rows || tile.length % 6 > 0) tile.push(tile[0]!.slice())
  return tile
}

/** One by one: `fill` with an integer would make V8 turn an array of doubles into one of integers. */
export function fillTile(tile: readonly number[][], value: number): void {
  for (const row of tile) for (let n = 0; n < row.length; n++) row[n] = value
}

/** c[i, j] = the sum over k of a[i, k] * b[j, k]: rows with rows, three with two at a time. */
export function multiplyRows(
  c: readonly number[][],
  a: readonly number[][],
  b: readonly number[][],
  rows: number,
  columns: number,
  depth: number,
): void {
  for (let i = 0; i < rows; i += 3) multiplyThree(c, a, b, i, 0, columns, depth)
}

/** As `multiplyRows`, for j from from[i] - first to to[i] - first. What other elements of c hold means nothing. */
export function multiplyBand(
  c: readonly number[][],
  a: readonly number[][],
  b: readonly number[][],
  rows: number,
  columns: number,
  depth: number,
  first: number,
  from: Int32Array,
  to: Int32Array,
): void {
  for (let i = 0; i < rows; i += 3) {
    const low = Math.max(0, leastOfThree(from, i, rows) - first)
    const high = Math.min(columns, mostOfThree(to, i, rows) - first)
    multiplyThree(c, a, b, i, low - (low % 2), high, depth)
  }
}

/** The least of three numbers from i on, those that exist. */
export function leastOfThree(numbers: Int32Array, i: number, count: number): number {
  return Math.min(numbers[i]!, numbers[Math.min(i + 1, count - 1)]!, numbers[Math.min(i + 2, count - 1)]!)
}

/** The largest of three numbers from i on, those that exist. */
export function mostOfThree(numbers: Int32Array, i: number, count: number): number {
  return Math.max(numbers[i]!, numbers[Math.min(i + 1, count - 1)]!, numbers[Math.min(i + 2, count - 1)]!)
}

/** Rows i to i + 2 of `multiplyRows`, and of their columns those from an even one on. */
export function multiplyThree(
  c: readonly number[][],
  a: readonly number[][],
  b: readonly number[][],
  i: number,
  low: number,
  high: number,
  depth: number,
): void {
  const a0 = a[i]!,
    a1 = a[i + 1]!,
    a2 = a[i + 2]!
  const c0 = c[i]!,
    c1 = c[i + 1]!,
    c2 = c[i + 2]!
  for (let j = low; j < high; j += 2) {
    const b0 = b[j]!,
      b1 = b[j + 1]!
    let c00 = 0,
      c01 = 0,
      c10 = 0,
      c11 = 0,
      c20 = 0,
      c21 = 0
    for (let k = 0; k < depth; k++) {
      const x0 = b0[k]!,
        x1 = b1[k]!
      const y0 = a0[k]!,
        y1 = a1[k]!,
        y2 = a2[k]!
      c00 += y0 * x0
      c01 += y0 * x1
      c10 += y1 * x0
      c11 += y1 * x1
      c20 += y2 * x0
      c21 += y2 * x1
    }
    c0[j] = c00
    c0[j + 1] = c01
    c1[j] = c10
    c1[j + 1] = c11
    c2[j] = c20
    c2[j + 1] = c21
  }
}

/** c[i, j] += the sum over k of a[i, k] * b[k, j]: to three rows at a time, multiples of four rows. */
export function addMultiples(
  c: readonly number[][],
  a: readonly number[][],
  b: readonly number[][],
  rows: number,
  columns: number,
  depth: number,
): void {
  for (let i = 0; i < rows; i += 3) addToThree(c, a, b, i, columns, 0, depth)
}

/** As `addMultiples`, where a[i, k] is 0 but for k from from[i] - first to to[i] - first. */
export function addBand(
  c: readonly number[][],
  a: readonly number[][],
  b: readonly number[][],
  rows: number,
  columns: number,
  depth: number,
  first: number,
  from: Int32Array,
  to: Int32Array,
): void {
  for (let i = 0; i < rows; i += 3) {
    const low = Math.max(0, leastOfThree(from, i, rows) - first)
    const high = Math.min(depth, mostOfThree(to, i, rows) - first)
    addToThree(c, a, b, i, columns, low, high)
  }
}

/** Rows i to i + 2 of `addMultiples`, for some k. */
export function addToThree(
  c: readonly number[][],
  a: readonly number[][],
  b: readonly number[][],
  i: number,
  columns: number,
  low: number,
  high: number,
): void {
  const a0 = a[i]!,
    a1 = a[i + 1]!,
    a2 = a[i + 2]!
  const c0 = c[i]!,
    c1 = c[i + 1]!,
    c2 = c[i + 2]!
  let k = low
  for (; k + 4 <= high; k += 4) {
    const b0 = b[k]!,
      b1 = b[k + 1]!,
      b2 = b[k + 2]!,
      b3 = b[k + 3]!
    const a00 = a0[k]!,
      a01 = a0[k + 1]!,
      a02 = a0[k + 2]!,
      a03 = a0[k + 3]!
    const a10 = a1[k]!,
      a11 = a1[k + 1]!,
      a12 = a1[k + 2]!,
      a13 = a1[k + 3]!
    const a20 = a2[k]!,
      a21 = a2[k + 1]!,
      a22 = a2[k + 2]!,
      a23 = a2[k + 3]!
    for (let j = 0; j < columns; j++) {
      const x0 = b0[j]!,
        x1 = b1[j]!,
        x2 = b2[j]!,
        x3 = b3[j]!
      c0[j] = c0[j]! + a00 * x0 + a01 * x1 + a02 * x2 + a03 * x3
      c1[j] = c1[j]! + a10 * x0 + a11 * x1 + a12 * x2 + a13 * x3
      c2[j] = c2[j]! + a20 * x0 + a21 * x1 + a22 * x2 + a23 * x3
    }
  }
  for (; k < high; k++) {
    const b0 = b[k]!
    const a00 = a0[k]!,
      a10 = a1[k]!,
      a20 = a2[k]!
    for (let j = 0; j < columns; j++) {
      const x = b0[j]!
      c0[j]! += a00 * x
      c1[j]! += a10 * x
      c2[j]! += a20 * x
    }
  }
}

/** As `addMultiples`, but a weight of 0 adds nothing, whatever it is multiplied with: NaN and infinities stay in their places. */
export function addWeighted(
  c: readonly number[][],
  weights: readonly number[][],
  b: readonly number[][],
  rows: number,
  columns: number,
  depth: number,
): void {
  for (let i = 0; i < rows; i++) {
    const row = c[i]!
    for (let k = 0; k < depth; k++) {
      const weight = weights[i]![k]!
      const x = b[k]!
      if (weight !== 0) for (let j = 0; j < columns; j++) row[j]! += weight * x[j]!
    }
  }
}

/** Whether no element of a tile is infinite or NaN. */
export function allFinite(tile: readonly number[][], rows: number, columns: number): boolean {
  for (let i = 0; i < rows; i++) {
    const row = tile[i]!
    for (let j = 0; j < columns; j++) if (!Number.isFinite(row[j]!)) return false
  }
  return true
}
