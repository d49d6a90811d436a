/** Data for who only wants to see what an attention does: pictures of masks, attention maps. */
import type { Draw } from '../compiler/explain/lengths.ts'
import { drawInput, drawParams } from './draw.ts'

/** What `verify` draws; along tokens ordered as documents, times, padding and global tokens mostly are. */
export const drawn: Draw = {
  params: (attention, sizes) => drawParams(attention, sizes, 0, {}),
  input: (input, sizes, params) => {
    const { data } = drawInput(input, sizes, { seed: 0, dtype: 'f32', params })
    const [token, ...more] = input.axes.filter((axis) => axis === 'i' || axis === 'j')
    const isAlong = token !== undefined && token === input.axes.at(-1) && more.length === 0
    if (!isAlong || input.indexes !== undefined) return { data, about: 'random' }
    const length = sizes[token] ?? 1
    if (input.type === 'bool')
      return { data: Array.from(data, (_, n) => (n % length < length / 8 ? 1 : 0)), about: 'true at the first eighth' }
    const ordered = rowsOf(data, length).flatMap((row) => row.toSorted((x, y) => x - y))
    return { data: ordered, about: 'random, in order' }
  },
}
const rowsOf = (data: ArrayLike<number>, length: number): readonly (readonly number[])[] => {
  const all = Array.from(data)
  return Array.from({ length: all.length / Math.max(1, length) }, (_, n) => all.slice(n * length, (n + 1) * length))
}
