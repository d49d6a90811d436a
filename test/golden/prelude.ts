/** c[i, j] += sum over k of a[i, k] * b[j, k]: rows times rows, four by two at a time. Rows begin `stride` elements apart. */
function addRowProducts(
  c: Float64Array,
  cStride: number,
  a: Float64Array,
  aStride: number,
  b: Float64Array,
  bStride: number,
  rows: number,
  columns: number,
  depth: number,
): void {
  let i = 0
  for (; i + 4 <= rows; i += 4) {
    const a0 = i * aStride
    const a1 = a0 + aStride
    const a2 = a1 + aStride
    const a3 = a2 + aStride
    let at = i * cStride
    let j = 0
    for (; j + 2 <= columns; j += 2, at += 2) {
      const b0 = j * bStride
      const b1 = b0 + bStride
      let c00 = 0,
        c01 = 0,
        c10 = 0,
        c11 = 0,
        c20 = 0,
        c21 = 0,
        c30 = 0,
        c31 = 0
      for (let k = 0; k < depth; k++) {
        const x0 = b[b0 + k]!,
          x1 = b[b1 + k]!
        const y0 = a[a0 + k]!,
          y1 = a[a1 + k]!,
          y2 = a[a2 + k]!,
          y3 = a[a3 + k]!
        c00 += y0 * x0
        c01 += y0 * x1
        c10 += y1 * x0
        c11 += y1 * x1
        c20 += y2 * x0
        c21 += y2 * x1
        c30 += y3 * x0
        c31 += y3 * x1
      }
      const at1 = at + cStride,
        at2 = at1 + cStride,
        at3 = at2 + cStride
      c[at]! += c00
      c[at + 1]! += c01
      c[at1]! += c10
      c[at1 + 1]! += c11
      c[at2]! += c20
      c[at2 + 1]! += c21
      c[at3]! += c30
      c[at3 + 1]! += c31
    }
    if (j < columns)
      addProducts(c, at, cStride, 1, a, a0, aStride, 1, b, j * bStride, bStride, 1, 4, columns - j, depth)
  }
  const rest = rows - i
  addProducts(c, i * cStride, cStride, 1, a, i * aStride, aStride, 1, b, 0, bStride, 1, rest, columns, depth)
}


/** c[i, j] += sum over k of a[i, k] * b[k, j]: rows times columns, four by two at a time. */
function addColumnProducts(
  c: Float64Array,
  cStride: number,
  a: Float64Array,
  aStride: number,
  b: Float64Array,
  bStride: number,
  rows: number,
  columns: number,
  depth: number,
): void {
  let i = 0
  for (; i + 4 <= rows; i += 4) {
    const a0 = i * aStride
    const a1 = a0 + aStride
    const a2 = a1 + aStride
    const a3 = a2 + aStride
    let at = i * cStride
    let j = 0
    for (; j + 2 <= columns; j += 2, at += 2) {
      let c00 = 0,
        c01 = 0,
        c10 = 0,
        c11 = 0,
        c20 = 0,
        c21 = 0,
        c30 = 0,
        c31 = 0
      for (let k = 0, b0 = j; k < depth; k++, b0 += bStride) {
        const x0 = b[b0]!,
          x1 = b[b0 + 1]!
        const y0 = a[a0 + k]!,
          y1 = a[a1 + k]!,
          y2 = a[a2 + k]!,
          y3 = a[a3 + k]!
        c00 += y0 * x0
        c01 += y0 * x1
        c10 += y1 * x0
        c11 += y1 * x1
        c20 += y2 * x0
        c21 += y2 * x1
        c30 += y3 * x0
        c31 += y3 * x1
      }
      const at1 = at + cStride,
        at2 = at1 + cStride,
        at3 = at2 + cStride
      c[at]! += c00
      c[at + 1]! += c01
      c[at1]! += c10
      c[at1 + 1]! += c11
      c[at2]! += c20
      c[at2 + 1]! += c21
      c[at3]! += c30
      c[at3 + 1]! += c31
    }
    if (j < columns) addProducts(c, at, cStride, 1, a, a0, aStride, 1, b, j, 1, bStride, 4, columns - j, depth)
  }
  const rest = rows - i
  addProducts(c, i * cStride, cStride, 1, a, i * aStride, aStride, 1, b, 0, 1, bStride, rest, columns, depth)
}


/** c[i, j] += sum over k of a[i, k] * b[j, k], with a first element and strides of any kind; one row by four columns at a time. */
function addProducts(
  c: Float64Array,
  c0: number,
  cRow: number,
  cColumn: number,
  a: Float64Array,
  a0: number,
  aRow: number,
  aDeep: number,
  b: Float64Array,
  b0: number,
  bColumn: number,
  bDeep: number,
  rows: number,
  columns: number,
  depth: number,
): void {
  for (let i = 0; i < rows; i++) {
    let at = c0 + i * cRow
    let j = 0
    for (; j + 4 <= columns; j += 4) {
      let x0 = 0,
        x1 = 0,
        x2 = 0,
        x3 = 0
      let x = a0 + i * aRow
      let y = b0 + j * bColumn
      for (let k = 0; k < depth; k++, x += aDeep, y += bDeep) {
        const left = a[x]!
        x0 += left * b[y]!
        x1 += left * b[y + bColumn]!
        x2 += left * b[y + 2 * bColumn]!
        x3 += left * b[y + 3 * bColumn]!
      }
      c[at]! += x0
      c[at + cColumn]! += x1
      c[at + 2 * cColumn]! += x2
      c[at + 3 * cColumn]! += x3
      at += 4 * cColumn
    }
    for (; j < columns; j++, at += cColumn) {
      let sum = 0
      let x = a0 + i * aRow
      let y = b0 + j * bColumn
      for (let k = 0; k < depth; k++, x += aDeep, y += bDeep) sum += a[x]! * b[y]!
      c[at]! += sum
    }
  }
}


/** As `addProducts`, but a weight of 0 adds nothing, whatever it is multiplied with: NaN and infinities stay in their places. */
function addWeighted(
  c: Float64Array,
  c0: number,
  cRow: number,
  cColumn: number,
  weights: Float64Array,
  a0: number,
  aRow: number,
  aDeep: number,
  b: Float64Array,
  b0: number,
  bColumn: number,
  bDeep: number,
  rows: number,
  columns: number,
  depth: number,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0
      for (let k = 0; k < depth; k++) {
        const weight = weights[a0 + i * aRow + k * aDeep]!
        if (weight !== 0) sum += weight * b[b0 + j * bColumn + k * bDeep]!
      }
      c[c0 + i * cRow + j * cColumn]! += sum
    }
  }
}


/** Whether no element of a tile is infinite or NaN. */
function allFinite(
  tile: Float64Array,
  first: number,
  stride: number,
  step: number,
  rows: number,
  columns: number,
): boolean {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) if (!Number.isFinite(tile[first + i * stride + j * step]!)) return false
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
