/** The limits of this machine: templates/native/machine.cc, compiled and called as kernels are. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Loader } from '../../runtime/native/loader.ts'
import { compileLibrary } from './kernels.ts'

export interface Machine {
  /** Fused multiplications that touch nothing but registers. */
  readonly fma: (workers: number) => void
  readonly fmaFlops: number // of each worker
  /** Reads a large piece of memory once. */
  readonly read: (workers: number) => void
  readonly readBytes: number
  /** Processor time so far, ms. */
  readonly processTime: () => number
  readonly threadTime: () => number
}

const rounds = 2_000_000 // of a piece: a few milliseconds
const readElements = 64 * 2 ** 20 // larger than any cache

export async function thisMachine(loader: Loader, folder: string): Promise<Machine> {
  const here = import.meta.dirname
  copyFileSync(join(here, '../../templates/native/machine.cc'), join(folder, 'machine.cc'))
  const headers = `-I${join(here, '../../templates/native')}`
  const library = loader.open(await compileLibrary(folder, 'machine.cc', headers))
  const floats = Uint32Array.of(1, 4) // one axis, four bytes
  const fmaKernel = loader.find(library, 'fma', Uint32Array.of(), floats, 'ii')
  const readKernel = loader.find(library, 'read', floats, floats, 'i')
  const clock = loader.find(library, 'clock', Uint32Array.of(), Uint32Array.of(1, 8), '')
  const fma = (workers: number): number =>
    new Float32Array(loader.run(fmaKernel, [], Float64Array.of(0), [workers, rounds], workers)[0]!)[0]!
  const times = (): Float64Array => new Float64Array(loader.run(clock, [], Float64Array.of(0), [], 1)[0]!)
  let large: Float32Array | undefined
  const given = (): Float32Array => {
    large ??= new Float32Array(loader.allocate(4 * readElements)).fill(1)
    return large
  }
  return {
    processTime: () => times()[0]!,
    threadTime: () => times()[1]!,
    fma,
    fmaFlops: fma(1),
    read: (workers) => void loader.run(readKernel, [given()], Float64Array.of(readElements, 0), [workers], workers),
    readBytes: 4 * readElements,
  }
}
