/** What is computed: one head of the shapes of the native target, which take software adapters seconds as they are. */
import { type Shape as NativeShape, shapes as nativeShapes } from '../native/shapes.ts'

export interface Shape {
  readonly name: string
  readonly about: string
  readonly source: string // the path of the definition
  readonly length: number // of queries and of keys
  readonly width: number
  readonly params: Readonly<Record<string, number>>
  readonly isCausal: boolean
}
/** [1, 1, length, width] */
export type Tensors = Readonly<Record<'q' | 'k' | 'v', Float32Array>>

const oneHead = ({ name, about, source, queries, width, params = {}, mask }: NativeShape): Shape => ({
  name,
  about,
  source,
  length: queries,
  width,
  params,
  isCausal: mask === 'causal',
})
const shapeOf = (name: string): Shape => oneHead(nativeShapes.find((shape) => shape.name === name)!)

export const shapes: readonly Shape[] = ['A', 'B', 'D'].map(shapeOf)
export const windowed = shapeOf('F')
/** As long as the window's shape, with every pair. */
export const dense: Shape = { ...shapeOf('A'), name: 'F without mask', length: windowed.length }

/** From -1 to 1, the same in every run. */
export function tensorsOf({ length, width }: Shape): Tensors {
  let state = 1
  const draw = (): Float32Array =>
    Float32Array.from({ length: length * width }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 31 - 1
    })
  return { q: draw(), k: draw(), v: draw() }
}
