/** The limits of this machine: machine.cc, compiled and called as kernels are. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GivenTensor, Loader } from '../../runtime/native/loader.ts'
import { compileLibrary } from './kernels.ts'

export interface Machine {
  /** Fused multiplications on so many threads; gives the operations done. */
  readonly fma: (workers: number) => number
  /** Reads a large piece of memory once; gives its bytes. */
  readonly read: (workers: number) => number
  /** Memory for so many numbers as the loader allocates it, on huge pages. */
  readonly room: (length: number) => Float32Array
  /** Processor time so far, ms. */
  readonly processTime: () => number
  readonly threadTime: () => number
}

const rounds = 2_000_000 // of a piece: a few milliseconds
const readElements = 64 * 2 ** 20 // larger than any cache

export async function thisMachine(loader: Loader, folder: string): Promise<Machine> {
  const here = import.meta.dirname
  copyFileSync(join(here, 'machine.cc'), join(folder, 'machine.cc'))
  const headers = `-I${join(here, '../../templates/native')}`
  const library = loader.open(await compileLibrary(folder, 'machine.cc', headers))
  const [fma, read, makeRoom, clock] = ['fma', 'read', 'room', 'clock'].map((name) => loader.find(library, name))
  const room = (length: number): Float32Array =>
    new Float32Array(loader.run(makeRoom!, [], [['i32', length]], [1], [4], 1)[0]![0])
  const times = (): Float64Array => new Float64Array(loader.run(clock!, [], [], [1], [8], 1)[0]![0])
  let large: GivenTensor | undefined
  const given = (): GivenTensor => {
    if (large) return large
    const numbers = room(readElements).fill(1)
    large = [new Uint8Array(numbers.buffer), [readElements], 4]
    return large
  }
  return {
    room,
    processTime: () => times()[0]!,
    threadTime: () => times()[1]!,
    fma: (workers) => {
      const params = [
        ['i32', workers],
        ['i32', rounds],
      ] as const // prettier-ignore
      const [made] = loader.run(fma!, [], params, [1], [4], workers)
      return new Float32Array(made![0]).reduce((a, b) => a + b, 0)
    },
    read: (workers) => {
      loader.run(read!, [given()], [['i32', workers]], [1], [4], workers)
      return 4 * readElements
    },
  }
}
