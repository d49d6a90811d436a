/** Tensors in memory of the addon, which lies on huge pages: keys and values that are read once pass by quicker from there. */
import type { StorageType } from '../../compiler/attention.ts'
import { emitWarning } from '../attnc-error.ts'
import { sharedCache } from '../cache/cache.ts'
import { type ArrayOf, arrayOver, emptyArray, type StoredTensor } from '../stored.ts'
import { elementCount } from '../tensor.ts'
import { missingCompiler } from './compiler.ts'
import { loadLoader } from './loader.ts'

const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }

/** A tensor to be filled: what a large one holds is not said. Without the addon it is an array as any other. */
export async function allocate<Storage extends StorageType>(
  storage: Storage,
  shape: readonly number[],
): Promise<StoredTensor<ArrayOf<Storage>>> {
  const count = elementCount(shape)
  const loader =
    missingCompiler() === undefined ? await loadLoader({ cache: sharedCache(), warn: emitWarning }) : undefined
  const data = loader?.ok
    ? arrayOver(storage, loader.value.allocate(count * bytesOf[storage]))
    : emptyArray(storage, count)
  return { shape, data: data as ArrayOf<Storage> }
}
