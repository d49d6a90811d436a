import type { StorageType } from '../../compiler/attention.ts'

/** As Python has them in the module `torch`. */
export const torchTypes: Readonly<Record<StorageType, string>> = {
  f32: 'float32',
  f16: 'float16',
  bf16: 'bfloat16',
  i32: 'int32',
  bool: 'bool',
}
