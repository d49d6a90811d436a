import type { StorageType } from '../compiler/attention.ts'
import { philox } from '../compiler/elementary.ts'

/** Numbers that depend on the name and the place only; integers from 0 to 8, truth values, or reals in [-1, 1). */
export function draw(name: string, count: number, storage: StorageType): readonly number[] {
  const seed = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7)
  const kind = { bool: (x: number) => Number(x < 0.5), i32: (x: number) => Math.floor(x * 9) }
  return Array.from({ length: count }, (_, n) => {
    const x = philox(seed, n)
    return storage === 'bool' || storage === 'i32' ? kind[storage](x) : Math.fround(2 * x - 1)
  })
}
