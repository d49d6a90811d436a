/** What can be wrong with tensor files, one function for a message. */
import type { StorageType } from '../../compiler/attention.ts'
import { didYouMean } from '../../grammar/suggest.ts'
import { type Problem, problem } from '../problem.ts'
import { type ElementName, kindOf } from './elements.ts'

export type Format = 'npy' | 'npz' | 'safetensors'

const writers: Readonly<Record<Format, string>> = {
  npy: 'numpy.save',
  npz: 'numpy.savez',
  safetensors: 'save_file of safetensors',
}

export function notTensorFile(path: string, size: number): Problem {
  const what = size === 0 ? 'the file is empty' : 'it is neither a .npy, nor a .npz, nor a .safetensors file'
  return problem(
    'ATTN0320',
    `${path}: ${what}`,
    `write one with ${writers.npy}, ${writers.npz} or ${writers.safetensors}`,
  )
}

export const damaged = (label: string, format: Format, what: string): Problem =>
  problem('ATTN0321', `${label} cannot be read as .${format}: ${what}`, `write it again with ${writers[format]}`)

const list = (shape: readonly number[]): string => `[${shape.join(', ')}]`

/** The header contradicts the number of bytes. */
export const wrongLength = (shape: readonly number[], type: string, claimed: number, has: number): string =>
  `its header claims ${claimed} bytes of data (shape ${list(shape)}, ${type}), there are ${has}`

const longestAxis = 2 ** 31 - 1
const mostAxes = 64

/** What no array is, whatever its elements. */
export function shapeFault(shape: readonly number[]): string | undefined {
  if (shape.length > mostAxes) return `its header claims ${shape.length} axes, of at most ${mostAxes}`
  const long = shape.find((length) => length > longestAxis)
  if (long !== undefined) return `its header claims an axis of ${long}, of at most ${longestAxis}`
  const count = shape.reduce((product, length) => product * length, 1)
  return Number.isSafeInteger(count) ? undefined : `its header claims the shape ${list(shape)}`
}

/** @param hint  what else to save */
export const typeNotRead = (label: string, type: string, hint: string): Problem =>
  problem('ATTN0322', `${label}: elements of type ${type} are not read; floats, integers and bools are`, hint)

const numpyNames: Readonly<Record<StorageType, string>> = {
  f32: 'np.float32',
  f16: 'np.float16',
  bf16: 'np.float32',
  i32: 'np.int32',
  bool: 'bool',
}

export function wrongKind(label: string, type: ElementName, storage: StorageType): Problem | undefined {
  if (kindOf(type) === kindOf(storage)) return undefined
  return problem('ATTN0322', `${label}: elements are ${type}, ${storage} is needed`, `x.astype(${numpyNames[storage]})`)
}

export function notExact(label: string, at: number, value: number, storage: StorageType): Problem {
  const text = `${label}: element ${at}, ${value}, is not exact in ${storage}, and is not changed silently`
  if (storage === 'i32') return problem('ATTN0323', text, `elements lie between ${-(2 ** 31)} and ${2 ** 31 - 1}`)
  const bf16 = 'save x.astype(ml_dtypes.bfloat16).astype(np.float32), or give --dtype f32'
  return problem('ATTN0323', text, storage === 'bf16' ? bf16 : `save x.astype(${numpyNames[storage]})`)
}

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : names.slice(0, 8).join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '')

/** @param hint  where no name in the file is close */
export function noSuchTensor(path: string, name: string, names: readonly string[], hint?: string): Problem {
  const text = `${path} has no tensor '${name}': it has ${listed(names)}`
  return problem('ATTN0326', text, didYouMean(name, names).hint ?? hint)
}

export const whichTensor = (path: string, names: readonly string[]): Problem =>
  problem('ATTN0326', `${path} is an archive of tensors, and none is named: it has ${listed(names)}`)

export const noNames = (path: string): Problem =>
  problem('ATTN0326', `${path} holds one tensor without a name: it is a .npy file`)

/** @param what  that is named so: `input of softmax` */
export const noneNamedAs = (path: string, what: string, names: readonly string[]): Problem =>
  problem('ATTN0326', `no tensor of ${path} is named as an ${what}: it has ${listed(names)}`)

export const inSeveral = (name: string, paths: readonly string[]): Problem =>
  problem('ATTN0302', `'${name}' is in ${paths.join(' and in ')}`, `--input ${name}=${paths[0]}:${name}`)

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

export const tooLarge = (label: string, shape: readonly number[], bytes: number, memory: number): Problem =>
  problem(
    'ATTN0327',
    `${label}: its shape ${list(shape)} needs ${gibibytes(bytes)} of memory, of which there are ${gibibytes(memory)}`,
  )
