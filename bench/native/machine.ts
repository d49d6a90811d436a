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
  const none = Uint32Array.of()
  const fmaFrame = Float64Array.of(0, 0, rounds) // length of the result, workers, rounds
  const fmaKernel = loader.find(library, 'fma', none, floats, 'ii', fmaFrame)
  const readFrame = Float64Array.of(readElements, 0, 0) // lengths of input and result, workers
  const readKernel = loader.find(library, 'read', floats, floats, 'i', readFrame)
  const clockFrame = Float64Array.of(0)
  const clock = loader.find(library, 'clock', none, Uint32Array.of(1, 8), '', clockFrame)
  const fma = (workers: number): number => {
    fmaFrame[1] = workers
    fmaKernel.shapes()
    const flops = new Float32Array(fmaFrame[0]!)
    fmaKernel.run(workers, flops)
    return flops[0]!
  }
  clock.shapes()
  const times = (): Float64Array => {
    const both = new Float64Array(clockFrame[0]!)
    clock.run(1, both)
    return both
  }
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
    read: (workers) => {
      readFrame[2] = workers
      readKernel.shapes(given())
      readKernel.run(workers, given(), new Float32Array(readFrame[1]!))
    },
    readBytes: 4 * readElements,
  }
}
