/** Arrays of a caller that results are written to, in the place of new ones. */
import type { StorageType } from '../compiler/attention.ts'
import { AttncError } from './attnc-error.ts'
import { problem } from './problem.ts'
import { arrayNameOf, arrayNames, type StoredData, type StoredTensor } from './stored.ts'
import { elementCount } from './tensor.ts'

export type Into = Readonly<Record<string, StoredData>>

/**
 * Throws an `AttncError` unless the array can be this result.
 *
 * @param inputs  what is read meanwhile: none of it may be written to
 */
export function checkInto(
  name: string,
  array: StoredData,
  storage: StorageType,
  shape: readonly number[],
  inputs: readonly StoredData[] = [],
): void {
  const refuse = (code: 'ATTN0322' | 'ATTN0324', text: string): never => {
    throw new AttncError([problem(code, text)])
  }
  if (arrayNameOf(array) !== arrayNames[storage])
    refuse(
      'ATTN0322',
      `${name} is ${storage}: it is written into a ${arrayNames[storage]}, not a ${arrayNameOf(array)}`,
    )
  if (array.length !== elementCount(shape))
    refuse(
      'ATTN0324',
      `${name} has shape [${shape.join(', ')}], and what it is written into has ${array.length} elements`,
    )
  if (inputs.some((input) => overlaps(input, array)))
    refuse('ATTN0324', `${name} is written into memory that an input lies in`)
}

const overlaps = (a: StoredData, b: StoredData): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength

/** Copies a result that its target gave in an array of its own. */
export function moveInto(name: string, { data, shape }: StoredTensor, storage: StorageType, into: Into): StoredTensor {
  const array = Object.hasOwn(into, name) ? into[name] : undefined
  if (array === undefined || array === data) return { data, shape }
  checkInto(name, array, storage, shape)
  array.set(data)
  return { data: array, shape }
}
