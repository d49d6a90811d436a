/** The shapes of tensors that are given as arrays alone, from lengths that are known otherwise. */
import type { InputDecl } from '../compiler/attention.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { elementCount } from './tensor.ts'

/** What is known of an input: its shape, or how many elements it has. */
export type Extent = readonly number[] | number

/** Shapes as they are given; of arrays those whose axes all have a known length, but for one that then follows. */
export function inferShapes(
  inputs: readonly InputDecl[],
  extents: ReadonlyMap<string, Extent>,
  sizes: Sizes,
): ReadonlyMap<string, readonly number[]> {
  const lengths = new Map(Object.entries(sizes))
  const shapes = new Map<string, readonly number[]>()
  const settle = ({ name, axes }: InputDecl, shape: readonly number[]): void => {
    shapes.set(name, shape)
    axes.forEach((axis, k) => {
      const length = shape[k]
      if (length !== undefined && !lengths.has(axis)) lengths.set(axis, length)
    })
  }
  let open = inputs.filter((input) => {
    const extent = extents.get(input.name)
    if (typeof extent === 'object') settle(input, extent)
    return typeof extent === 'number'
  })
  for (let before = Infinity; open.length < before; ) {
    before = open.length
    open = open.filter((input) => {
      const shape = shapeFrom(input.axes, Number(extents.get(input.name)), lengths)
      if (shape) settle(input, shape)
      return !shape
    })
  }
  return shapes
}

function shapeFrom(
  axes: readonly string[],
  elements: number,
  lengths: ReadonlyMap<string, number>,
): readonly number[] | undefined {
  const [missing, ...others] = axes.filter((axis) => !lengths.has(axis))
  const rest = elementCount(axes.map((axis) => lengths.get(axis) ?? 1))
  if (others.length > 0 || (missing !== undefined && (rest === 0 || elements % rest !== 0))) return undefined
  return axes.map((axis) => lengths.get(axis) ?? elements / rest)
}
