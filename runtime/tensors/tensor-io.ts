/** Tensor files for programs: arrays in and out, faults thrown. */
import type { StorageType } from '../../compiler/attention.ts'
import { AttncError, valueOrThrow } from '../attnc-error.ts'
import { done, failed, type Outcome, type Problem, problem } from '../problem.ts'
import { type ArrayOf, arrayNameOf, arrayNames, type StoredTensor, storageOfArray } from '../stored.ts'
import { elementCount, recordOf } from '../tensor.ts'
import { naturalStorage } from './elements.ts'
import type { Elements } from './encode.ts'
import { readAsStored } from './entry.ts'
import { noNames } from './problems.ts'
import { guarded, openTensorFile, type TensorFile } from './tensor-file.ts'
import { isArchivePath } from './tensor-path.ts'
import { writeTensorFiles } from './write-tensors.ts'

export interface ReadTensorOptions<Storage extends StorageType = StorageType> {
  readonly name?: string // of a tensor in an archive; default: the only one
  readonly storage?: Storage // default: as the file has it, 64-bit elements as 32-bit ones
}

/**
 * A tensor of a `.npy`, `.npz` or `.safetensors` file. Its values are those of the file: where `storage` has not all of them, or
 * the file contradicts itself, an `AttncError` is thrown.
 */
export async function readTensor<Storage extends StorageType = StorageType>(
  path: string,
  { name, storage }: ReadTensorOptions<Storage> = {},
): Promise<StoredTensor<ArrayOf<Storage>>> {
  if (storage !== undefined && !Object.hasOwn(arrayNames, storage)) throw new AttncError([noSuchStorage(storage)])
  const tensor = await using(path, (file) => read(file, name, storage))
  return valueOrThrow(tensor) as StoredTensor<ArrayOf<Storage>> // of the storage that was asked for
}

const noSuchStorage = (asked: string): Problem =>
  problem('ATTN0302', `a tensor has no storage '${asked}'`, `one of ${Object.keys(arrayNames).join(', ')}`)

/** All tensors of an archive, by name. */
export async function readTensors(path: string): Promise<Readonly<Record<string, StoredTensor>>> {
  const tensors = await using(path, async (file) => {
    if (file.names === undefined) return failed(noNames(path))
    const found: [string, StoredTensor][] = []
    for (const name of file.names) {
      const tensor = await read(file, name, undefined)
      if (!tensor.ok) return tensor
      found.push([name, tensor.value])
    }
    return done(recordOf(found))
  })
  return valueOrThrow(tensors)
}

async function using<T>(path: string, work: (file: TensorFile) => Promise<Outcome<T>>): Promise<Outcome<T>> {
  const file = await openTensorFile(path)
  if (!file.ok) return file
  try {
    return await guarded(path, () => work(file.value))
  } finally {
    await file.value.close()
  }
}

async function read(
  file: TensorFile,
  name: string | undefined,
  storage: StorageType | undefined,
): Promise<Outcome<StoredTensor>> {
  const entry = await file.find(name)
  return entry.ok ? readAsStored(entry.value, storage ?? naturalStorage(entry.value.type)) : entry
}

/** Writes a `.npy` file, whole or not at all. */
export async function writeTensor(path: string, tensor: StoredTensor): Promise<void> {
  if (isArchivePath(path)) throw new AttncError([needsNames(path)])
  write(path, [['', tensor]])
}

/** Writes a `.npz` or `.safetensors` file, whole or not at all. */
export async function writeTensors(path: string, tensors: Readonly<Record<string, StoredTensor>>): Promise<void> {
  if (!isArchivePath(path)) throw new AttncError([hasNoNames(path)])
  write(path, Object.entries(tensors))
}

function write(path: string, tensors: readonly (readonly [name: string, tensor: StoredTensor])[]): void {
  const checked = tensors.map(([name, tensor]) => [name, valueOrThrow(elementsOf(tensor, name || path))] as const)
  valueOrThrow(writeTensorFiles([{ path, tensors: checked }]))
}

const needsNames = (path: string): Problem =>
  problem('ATTN0312', `cannot write ${path}: tensors in an archive have names`, 'writeTensors takes them')

const hasNoNames = (path: string): Problem =>
  problem('ATTN0312', `cannot write ${path}: tensors with names go to a .npz or .safetensors file`)

function elementsOf({ data, shape }: StoredTensor, what: string): Outcome<Elements> {
  const storage = storageOfArray(data)
  if (storage === undefined)
    return failed(problem('ATTN0322', `${what}: no tensor has its elements in a ${arrayNameOf(data)}`))
  const fault = countFault(data.length, shape, what) ?? boolFault(data, storage, what)
  return fault ? failed(fault) : done({ storage, shape, data })
}

function countFault(length: number, shape: readonly number[], what: string): Problem | undefined {
  if (Array.isArray(shape) && elementCount(shape) === length && shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    return undefined
  return problem('ATTN0324', `${what} has ${length} elements, which its shape [${String(shape)}] has not`)
}

function boolFault(data: StoredTensor['data'], storage: StorageType, what: string): Problem | undefined {
  const bad = storage === 'bool' ? data.findIndex((x: number) => x > 1) : -1
  return bad < 0 ? undefined : problem('ATTN0322', `${what}: element ${bad} of its bools is ${data[bad]}`)
}
