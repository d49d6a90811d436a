/** 2^(n / 16) for n from -1024 to 1023, in this order. */
function makePowers(): Float64Array {
  const powers = Float64Array.from({ length: 2048 }, (_, n) => (n < 16 ? 2 ** (n / 16 - 64) : 0))
  for (let n = 16; n < 2048; n++) powers[n] = 2 * powers[n - 16]!
  return powers
}


const powersOfTwo = makePowers()


/**
 * e^x, with a relative error below 2^-38: x is (n + r) / 16 octaves with |r| <= 1/2, so e^x is an entry of a table times 2^(r / 16), as
 * in Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic", 1989. The polynomial is
 * the one of degree four with value 1 at 0 whose largest relative error is least (2.6e-12), found by Remez exchange.
 */
function quickExp(x: number): number {
  if (!(Math.abs(x) < 44)) return Math.exp(x)
  const octaves = x * (16 / Math.LN2)
  const n = Math.floor(octaves + 0.5)
  const r = octaves - n
  const low = 1 + 0.04332169875979761 * r
  const high = 0.0009383847918993051 + 1.3551208045171752e-5 * r + 1.4676967330793673e-7 * r * r
  return powersOfTwo[(n + 1024) | 0]! * (low + high * r * r)
}


/**
 * A tile of numbers by rows. The rows are plain arrays, whose elements V8 reaches in fewer instructions than those of typed ones,
 * and hold no integers at first, so that V8 makes them arrays of doubles. There are a few rows and columns more than asked
 * for: products take several at a time, and may do so past the end.
 */
function makeTile(rows: number, columns: number): number[][] {
  const tile = [new Array<number>(columns + (columns % 2)).fill(0.5)]
  while (tile.length < rows || tile.length % 6 > 0) tile.push(tile[0]!.slice())
  return tile
}


/** One by one: `fill` with an integer would make V8 turn an array of doubles into one of integers. */
function fillTile(tile: readonly number[][], value: number): void {
  for (const row of tile) for (let n = 0; n < row.length; n++) row[n] = value
}


/** As `multiplyRows`, for j from from[i] - first to to[i] - first. What other elements of c hold means nothing. */
function multiplyBand(
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
function leastOfThree(numbers: Int32Array, i: number, count: number): number {
  return Math.min(numbers[i]!, numbers[Math.min(i + 1, count - 1)]!, numbers[Math.min(i + 2, count - 1)]!)
}


/** The largest of three numbers from i on, those that exist. */
function mostOfThree(numbers: Int32Array, i: number, count: number): number {
  return Math.max(numbers[i]!, numbers[Math.min(i + 1, count - 1)]!, numbers[Math.min(i + 2, count - 1)]!)
}


/** Rows i to i + 2 of `multiplyRows`, and of their columns those from an even one on. */
function multiplyThree(
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


/** As `addMultiples`, where a[i, k] is 0 but for k from from[i] - first to to[i] - first. */
function addBand(
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
function addToThree(
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
function addWeighted(
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
function allFinite(tile: readonly number[][], rows: number, columns: number): boolean {
  for (let i = 0; i < rows; i++) {
    const row = tile[i]!
    for (let j = 0; j < columns; j++) if (!Number.isFinite(row[j]!)) return false
  }
  return true
}


/** A dense tensor: its elements in row-major order, and the length of each axis. */
export interface Tensor<Data> {
  readonly data: Data
  readonly shape: readonly number[]
}


/** An array of elements, and how to make one. */
interface ArrayType<Data> {
  readonly name: string
  new(length: number): Data
}


/** The length of each axis, and the tensor that it was read from. */
type Lengths = Map<string, { readonly length: number; readonly from: string | undefined }>

/** Notes the lengths of a tensor's axes; throws where they differ from lengths that are known. */
function measure<Data extends ArrayLike<number>>(
  lengths: Lengths,
  name: string,
  tensor: Tensor<Data> | undefined,
  type: ArrayType<Data>,
  axes: readonly string[],
): Data {
  checkTensor(name, tensor, type, axes)
  axes.forEach((axis, n) => {
    const length = tensor!.shape[n]!
    const known = lengths.get(axis)
    if (!known) lengths.set(axis, { length, from: name })
    else if (known.length !== length) throw new RangeError(disagreement(axis, length, name, known.length, known.from))
  })
  return tensor!.data
}


function disagreement(
  axis: string,
  length: number,
  name: string,
  known: number,
  from: string | undefined,
): string {
  return from === undefined
    ? `this kernel was generated for ${axis} = ${known}; ${name} has ${axis} = ${length}: build with --size ${axis}=${length}`
    : `axis ${axis} is ${known} in ${from} but ${length} in ${name}`
}


/** Throws unless a tensor has this type, one length for each axis, and as many elements as they say. */
function checkTensor<Data extends ArrayLike<number>>(
  name: string,
  tensor: Tensor<Data> | undefined,
  type: ArrayType<Data>,
  axes: readonly string[],
): void {
  if (!tensor || !Array.isArray(tensor.shape)) throw new TypeError(`${name} must be { data, shape }`)
  const tag = Object.prototype.toString.call(tensor.data).slice(8, -1)
  if (tag !== type.name) throw new TypeError(`the data of ${name} must be ${type.name}, not ${tag}`)
  const { shape } = tensor
  const list = `[${axes.join(', ')}]`
  if (shape.length !== axes.length)
    throw new RangeError(`${name} has ${shape.length} axes, not the ${axes.length} of ${list}`)
  let elements = 1
  shape.forEach((length, n) => {
    const fits = Number.isInteger(length) && length >= 0 && length < 2 ** 30
    if (!fits) throw new RangeError(`axis ${axes[n]} of ${name} cannot have length ${length}`)
    elements *= length
  })
  if (tensor.data.length !== elements) {
    throw new RangeError(
      `${name} has ${tensor.data.length} elements, not the ${elements} of its shape [${shape.join(', ')}]`,
    )
  }
}


/** The length of an axis that tensors have. */
function lengthOf(lengths: Lengths, axis: string): number {
  const known = lengths.get(axis)
  if (!known) throw new RangeError(`no tensor says how long axis ${axis} is`)
  return known.length
}


/** A result to be filled: the caller's own, or a new one. */
function makeResult<Data extends ArrayLike<number>>(
  name: string,
  own: Tensor<Data> | undefined,
  type: ArrayType<Data>,
  axes: readonly string[],
  shape: readonly number[],
): Tensor<Data> {
  if (own === undefined) return { data: new type(shape.reduce((a, b) => a * b, 1)), shape }
  checkTensor(`into.${name}`, own, type, axes)
  shape.forEach((length, n) => {
    if (own.shape[n] !== length)
      throw new RangeError(`axis ${axes[n]} is ${own.shape[n]} in into.${name}, but must be ${length}`)
  })
  return own
}
