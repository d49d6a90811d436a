import { own } from '../compiler/own.ts'
import { elementCount, type Tensor } from './tensor.ts'

/** One head and one of the batch of what was computed; the result may lack any of these axes. */
export function sliceOf(
  { data, shape }: Pick<Tensor, 'shape'> & { readonly data: ArrayLike<number> },
  axes: readonly string[],
  at: Readonly<Record<string, number>>,
): Float32Array {
  const [rows, columns] = ['i', 'j'].map((axis) => shape[axes.indexOf(axis)] ?? 1) as [number, number]
  const strides = shape.map((_, n) => elementCount(shape.slice(n + 1)))
  const strideOf = (axis: string): number => strides[axes.indexOf(axis)] ?? 0
  const start = axes.reduce(
    (sum, axis, n) => sum + (axis === 'i' || axis === 'j' ? 0 : (own(at, axis) ?? 0) * (strides[n] ?? 0)),
    0,
  )
  return Float32Array.from(
    { length: rows * columns },
    (_, n) => data[start + Math.floor(n / columns) * strideOf('i') + (n % columns) * strideOf('j')] ?? Number.NaN,
  )
}
