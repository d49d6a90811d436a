/** A dense tensor: its elements in row-major order, and the length of each axis. */
export interface Tensor<Data> {
  readonly data: Data
  readonly shape: readonly number[]
}

/** An array of elements, and how to make one. */
export interface ArrayType<Data> {
  readonly name: string
  new (length: number): Data
}

/** The length of each axis, and the tensor that it was read from. */
export type Lengths = Map<string, { readonly length: number; readonly from: string | undefined }>

/** Notes the lengths of a tensor's axes; throws where they differ from lengths that are known. */
export function measure<Data extends ArrayLike<number>>(
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

export function disagreement(
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
export function checkTensor<Data extends ArrayLike<number>>(
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
export function lengthOf(lengths: Lengths, axis: string): number {
  const known = lengths.get(axis)
  if (!known) throw new RangeError(`no tensor says how long axis ${axis} is`)
  return known.length
}

/** The length of an axis that follows from others; throws where a tensor has another. */
export function agree(lengths: Lengths, axis: string, length: number): number {
  const known = lengths.get(axis)
  if (known && known.length !== length) {
    throw new RangeError(`axis ${axis} must be ${length}, but is ${known.length} in ${known.from ?? 'this kernel'}`)
  }
  if (!(length >= 0 && length < 2 ** 30)) throw new RangeError(`axis ${axis} cannot have length ${length}`)
  lengths.set(axis, known ?? { length, from: undefined })
  return length
}

/** Throws unless the heads of one kind can be shared evenly among those of the other. */
export function checkDivides(axis: string, length: number, of: string, all: number): void {
  if (length === 0 ? all !== 0 : all % length !== 0) {
    throw new RangeError(`the length of ${axis}, ${length}, must divide that of ${of}, ${all}`)
  }
}

/** A result to be filled: the caller's own, or a new one. */
export function makeResult<Data extends ArrayLike<number>>(
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

/** A number given by the caller, or its default. */
export function chooseNumber(
  name: string,
  own: number | undefined,
  other: number | undefined,
  integer: boolean,
): number {
  const value = own ?? other
  if (value === undefined) throw new TypeError(`${name} has no default: give it in options.params`)
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (Number.isNaN(value)) throw new RangeError(`${name} is NaN`)
  if (integer && (value | 0) !== value) throw new RangeError(`${name} must be a 32-bit integer, not ${value}`)
  return value
}

/** A truth value given by the caller, or its default. */
export function chooseBoolean(name: string, own: boolean | undefined, other: boolean | undefined): boolean {
  const value = own ?? other
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false`)
  return value
}

/** Throws unless a parameter lies in its declared range. */
export function checkRange(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) throw new RangeError(`${name} is ${value}, outside of [${low}, ${high}]`)
}
