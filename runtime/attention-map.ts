/** An attention map in the making: lengths to compute it for, tensors, and the weights of one head out of what was computed. */
import type { Attention, InputDecl } from '../compiler/attention.ts'
import { compileTimeSizes } from '../compiler/compile-time-sizes.ts'
import { chooseLengths } from '../compiler/explain/lengths.ts'
import type { Sizes } from '../compiler/interpret.ts'
import { own } from '../compiler/own.ts'
import { drawInput } from './draw.ts'
import { drawn } from './drawn.ts'
import type { MapManner } from './map-manner.ts'
import type { Inputs, Scalars } from './runners.ts'
import { elementCount, emptyTensor, recordOf, type Tensor } from './tensor.ts'

/** The name under which weights are asked of the compiler. */
export const mapResult = 'weight'
/** Of queries, and of keys: a page shows no more. */
export const mostTokens = 128
const mostElements = 2 ** 21

export interface MapLaunch {
  readonly sizes: Sizes
  readonly fixed: Sizes // those that have to be known when code is generated
  readonly params: Scalars
  readonly inputs: Inputs
  readonly made: readonly string[] // the tensors that `manner` is about
  readonly isShortened: boolean // token axes are shorter than was asked
}

/**
 * @param asked  lengths; token axes are at most `mostTokens` long
 * Throws an `OptionError` where lengths do not fit the attention, and a `RangeError` where tensors are too large for a map.
 */
export function prepareMap(attention: Attention, asked: Sizes, manner: MapManner): MapLaunch {
  const isTooLong = (axis: string): boolean => (axis === 'i' || axis === 'j') && (own(asked, axis) ?? 0) > mostTokens
  const isShortened = Object.keys(asked).some(isTooLong)
  const shape = Object.fromEntries(Object.entries(asked).map(([axis, n]) => [axis, isTooLong(axis) ? mostTokens : n]))
  const atCompileTime = Object.fromEntries(
    Object.entries(shape).filter(([name]) => attention.axes.some((a) => a.name === name && a.time === 'compile')),
  )
  const fixed = compileTimeSizes(attention, atCompileTime)
  const { sizes, params } = chooseLengths(attention, fixed, shape, () => 4, drawn)
  const tooLarge = attention.inputs.find(({ axes }) => countOf(axes, sizes) > mostElements)
  if (tooLarge)
    throw new RangeError(`${tooLarge.name} has ${countOf(tooLarge.axes, sizes)} elements: too many for a map`)
  if (countOf(['b', 'h', 'i', 'j'], sizes) > mostElements || (own(sizes, 'j') ?? 0) > 16 * mostTokens)
    throw new RangeError(`${own(sizes, 'i')} by ${own(sizes, 'j')} pairs are too many for a map`)
  const inputs = attention.inputs.map((input) => [input.name, makeUp(input, sizes, params, manner)] as const)
  const made = attention.inputs.filter(isOfTokens).map(({ name }) => name)
  return { sizes, fixed, params, inputs: recordOf(inputs), made, isShortened }
}

const countOf = (axes: readonly string[], sizes: Sizes): number =>
  elementCount(axes.map((axis) => own(sizes, axis) ?? 1))

const tokenOf = ({ axes }: InputDecl): string | undefined => axes.find((axis) => axis === 'i' || axis === 'j')
const isOfTokens = (input: InputDecl): boolean =>
  input.type === 'f32' && !input.range && tokenOf(input) !== undefined && input.axes.some((a) => a === 'd' || a === 'e')

function makeUp(input: InputDecl, sizes: Sizes, params: Scalars, manner: MapManner): Tensor {
  const shape = input.axes.map((axis) => own(sizes, axis) ?? 1)
  if (input.type !== 'f32') {
    const tensor = emptyTensor(input.type, shape)
    tensor.data.set(Array.from(drawn.input(input, sizes, params).data))
    return tensor
  }
  const tensor = drawInput({ ...input, storage: 'f32' }, sizes, { seed: 0, dtype: 'f32', params })
  if (!isOfTokens(input) || manner === 'random') return tensor
  if (manner === 'equal') tensor.data.fill(input.axes.includes('d') ? 0 : 1)
  else smoothen(tensor, input.axes.indexOf(tokenOf(input) ?? ''))
  return tensor
}

/** Each token is mostly the one before, with the same variance as before: an autoregressive process of order one. */
function smoothen({ shape, data }: Tensor, axis: number): void {
  const stride = elementCount(shape.slice(axis + 1))
  const length = shape[axis] ?? 1
  const [keep, add] = [0.85, Math.sqrt(1 - 0.85 ** 2)]
  for (let n = 0; n < data.length; n++)
    if (Math.floor(n / stride) % length > 0) data[n] = keep * (data[n - stride] ?? 0) + add * (data[n] ?? 0)
}
