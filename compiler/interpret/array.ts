/** Dense numbers over named axes, and the loops over them. */

/** `data[offset + sum of index * stride]`; an axis that is absent does not matter. */
export interface Value {
  readonly axes: readonly string[]
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly offset: number
  readonly data: Float64Array
}

export const elements = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides = shape.map(() => 1)
  for (let k = shape.length - 2; k >= 0; k -= 1) strides[k] = strides[k + 1]! * shape[k + 1]!
  return strides
}

export const dense = (axes: readonly string[], shape: readonly number[], data: Float64Array): Value => ({
  axes,
  shape,
  strides: stridesOf(shape),
  offset: 0,
  data,
})

export const filled = (axes: readonly string[], shape: readonly number[], value: number): Value =>
  dense(axes, shape, new Float64Array(elements(shape)).fill(value))

export const single = (value: number): Value => dense([], [], Float64Array.of(value))

/** The stride of each of `axes` in `value`, 0 where it does not vary. */
export const stridesOver = (value: Value, axes: readonly string[]): readonly number[] =>
  axes.map((axis) => value.strides[value.axes.indexOf(axis)] ?? 0)

/** As `stridesOver`, of an array in row-major order over axes `own` of `shape`. */
export function stridesWithin(
  own: readonly string[],
  shape: readonly number[],
  axes: readonly string[],
): readonly number[] {
  const strides = stridesOf(shape)
  return axes.map((axis) => strides[own.indexOf(axis)] ?? 0)
}

/** Positions of each operand at the start of a run of `count` elements, and how far each moves from one element to the next. */
export type Run = (at: readonly number[], count: number, step: readonly number[]) => void

/** Visits an index space in row-major order as long straight runs. `strides[k]` are operand k's along `shape`. */
export function walk(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  start: readonly number[],
  run: Run,
): void {
  if (elements(shape) === 0) return
  const space = collapse(shape, strides)
  const last = space.shape.length - 1
  const count = space.shape[last] ?? 1
  const step = space.strides.map((s) => s[last] ?? 0)
  const at = [...start]
  const place = space.shape.map(() => 0)
  for (;;) {
    run(at, count, step)
    let axis = last - 1
    for (; axis >= 0; axis -= 1) {
      place[axis]! += 1
      const turn = place[axis]! === space.shape[axis]!
      if (turn) place[axis] = 0
      const move = turn ? 1 - space.shape[axis]! : 1
      for (let k = 0; k < at.length; k += 1) at[k]! += move * space.strides[k]![axis]!
      if (!turn) break
    }
    if (axis < 0) return
  }
}

/** The same space with neighbouring axes merged where every operand runs straight through, and axes of length 1 dropped. */
function collapse(shape: readonly number[], strides: readonly (readonly number[])[]) {
  const lengths: number[] = []
  const steps: number[][] = strides.map(() => [])
  shape.forEach((length, axis) => {
    if (length === 1) return
    const last = lengths.length - 1
    const straight = last >= 0 && strides.every((s, k) => steps[k]![last] === s[axis]! * length)
    if (straight) lengths[last]! *= length
    else lengths.push(length)
    strides.forEach((s, k) => {
      steps[k]![straight ? last : last + 1] = s[axis]!
    })
  })
  return { shape: lengths, strides: steps }
}

/** Applies `f` elementwise, broadcasting by name, over `axes` of `shape`. */
export function mapValues(
  axes: readonly string[],
  shape: readonly number[],
  operands: readonly Value[],
  f: (x: number, y: number, z: number) => number,
): Value {
  const out = new Float64Array(elements(shape))
  const [x, y = x, z = x] = operands
  if (!x || !y || !z) return dense(axes, shape, out.fill(f(0, 0, 0)))
  const [xs, ys, zs] = [x.data, y.data, z.data]
  let o = 0
  const strides = [x, y, z].map((value) => stridesOver(value, axes))
  walk(shape, strides, [x.offset, y.offset, z.offset], (at, count, step) => {
    let i = at[0]!
    let j = at[1]!
    let k = at[2]!
    const di = step[0]!
    const dj = step[1]!
    const dk = step[2]!
    for (let n = 0; n < count; n += 1, i += di, j += dj, k += dk) out[o++] = f(xs[i]!, ys[j]!, zs[k]!)
  })
  return dense(axes, shape, out)
}

/** `sum` + x y over `axes` of `shape`, `sum` in row-major order. A factor of 0 makes a product 0, whatever the other is. */
export function addScaled(
  sum: Float64Array,
  axes: readonly string[],
  shape: readonly number[],
  x: Value,
  y: Value,
): void {
  const xs = x.data
  const ys = y.data
  let o = 0
  walk(shape, [stridesOver(x, axes), stridesOver(y, axes)], [x.offset, y.offset], (at, count, step) => {
    let i = at[0]!
    let j = at[1]!
    const di = step[0]!
    const dj = step[1]!
    for (let n = 0; n < count; n += 1, i += di, j += dj, o += 1) {
      const a = xs[i]!
      const b = ys[j]!
      if (a !== 0 && b !== 0) sum[o]! += a * b
    }
  })
}

/** The elements of `value` in row-major order over `axes` of `shape`: its own array where that is the order it has already. */
export function expand(value: Value, axes: readonly string[], shape: readonly number[]): Float64Array {
  const count = elements(shape)
  const want = stridesOf(shape)
  const strides = stridesOver(value, axes)
  const whole =
    value.offset === 0 && value.data.length === count && strides.every((s, k) => s === want[k] || shape[k] === 1)
  if (whole) return value.data
  const out = new Float64Array(count)
  const xs = value.data
  let o = 0
  walk(shape, [strides], [value.offset], (at, length, step) => {
    let i = at[0]!
    const di = step[0]!
    for (let n = 0; n < length; n += 1, i += di) out[o++] = xs[i]!
  })
  return out
}
