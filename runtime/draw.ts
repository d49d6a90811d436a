/** Random tensors: the same for a seed on every target and machine. */
import type { Attention, DeclaredRange, InputDecl, ParamDecl, StorageType } from '../compiler/attention.ts'
import { philoxWords } from '../compiler/elementary.ts'
import { evaluateScalar } from '../compiler/interpret/sizes.ts'
import type { Sizes } from '../compiler/interpret.ts'
import type { Inputs, Scalars } from './runners.ts'
import { emptyTensor, recordOf, roundTo, type Tensor } from './tensor.ts'

export interface DrawOptions {
  readonly seed: number
  readonly dtype: Extract<StorageType, 'f32' | 'f16' | 'bf16'> // of float inputs that declare no type
  readonly params?: Scalars
}

/** Inputs as docs/language.md says under "Ranges and checks", already rounded to how they are stored. */
export function drawInputs(attention: Attention, sizes: Sizes, options: DrawOptions): Inputs {
  return recordOf(attention.inputs.map((input) => [input.name, drawInput(input, sizes, options)]))
}

export const storageOf = (input: InputDecl, dtype: DrawOptions['dtype']): StorageType =>
  input.storage ?? (input.type === 'f32' ? dtype : input.type)

export function drawInput(input: InputDecl, sizes: Sizes, options: DrawOptions): Tensor {
  const storage = storageOf(input, options.dtype)
  const tensor = emptyTensor(
    storage,
    input.axes.map((axis) => sizes[axis] ?? 1),
  )
  const next = randomNumbers(options.seed, input.name)
  const draw = drawer(input.type, rangeOf(input, sizes, options.params ?? {}), next)
  for (let n = 0; n < tensor.data.length; n++) tensor.data[n] = roundTo[storage](draw())
  return tensor
}

interface Bounds {
  readonly lo: number
  readonly hi: number
}

function rangeOf(input: InputDecl, sizes: Sizes, params: Scalars): Bounds | undefined {
  const index = input.indexes === undefined ? undefined : { lo: 0, hi: Math.max(0, (sizes[input.indexes] ?? 1) - 1) }
  return input.range ? boundsOf(input.range, sizes, params) : index
}

export const boundsOf = ({ lo, hi }: DeclaredRange, sizes: Sizes, params: Scalars): Bounds => ({
  lo: evaluateScalar(lo, sizes, params),
  hi: evaluateScalar(hi, sizes, params),
})

/** Integers without a range are small; an infinite bound of a float range is drawn up to 4 beyond the other. */
function drawer(type: InputDecl['type'], bounds: Bounds | undefined, next: Stream): () => number {
  if (type === 'bool') return () => (next.uniform() < 0.5 ? 1 : 0)
  if (type === 'i32') {
    const { lo, hi } = bounds ?? { lo: 0, hi: 3 }
    return () => Math.min(hi, lo + Math.floor(next.uniform() * (hi - lo + 1)))
  }
  if (!bounds) return next.normal
  const lo = Number.isFinite(bounds.lo) ? bounds.lo : Math.min(bounds.hi, 2) - 4
  const hi = Number.isFinite(bounds.hi) ? bounds.hi : Math.max(bounds.lo, -2) + 4
  return () => lo + next.uniform() * (hi - lo)
}

/** Params without a default, drawn as inputs are; integers from 1 to 4. */
export function drawParams(attention: Attention, sizes: Sizes, seed: number, given: Scalars): Scalars {
  const drawn = attention.params
    .filter(({ name, default: fallback }) => fallback === undefined && !Object.hasOwn(given, name))
    .map((param) => [param.name, drawParam(param, sizes, seed, given)] as const)
  return recordOf([...Object.entries(given), ...drawn])
}

function drawParam({ name, type, range }: ParamDecl, sizes: Sizes, seed: number, given: Scalars): number | boolean {
  const bounds = range ? boundsOf(range, sizes, given) : type === 'i32' ? { lo: 1, hi: 4 } : undefined
  const value = drawer(type, bounds, randomNumbers(seed, name))()
  return type === 'bool' ? value !== 0 : Math.fround(value)
}

export interface Stream {
  readonly uniform: () => number // in [0, 1), 32 bits
  readonly normal: () => number
}

/** Philox with the seed and a hash of the name as its key: what is drawn for one name does not move when others are added. */
export function randomNumbers(seed: number, name: string): Stream {
  const key = [seed >>> 0, hash(name)] as const
  let count = 0
  let words: readonly number[] = []
  const uniform = (): number => {
    if (count % 4 === 0) words = philoxWords(key, [count >>> 2, 0, 0, 0])
    return ((words[count++ % 4] ?? 0) >>> 0) * 2 ** -32
  }
  const normal = (): number => {
    const radius = Math.sqrt(-2 * Math.log(uniform() + 2 ** -33))
    return radius * Math.cos(2 * Math.PI * uniform())
  }
  return { uniform, normal }
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let n = 0; n < text.length; n++) h = Math.imul(h ^ text.charCodeAt(n), 0x01000193)
  return h >>> 0
}
