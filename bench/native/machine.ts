/** The limits of this machine: machine.cc, compiled and called as kernels are. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GivenTensor, Handle, Loader } from '../../runtime/native/loader.ts'
import { compileLibrary } from './kernels.ts'

export interface Machine {
  /** Fused multiplications that touch nothing but registers. */
  readonly fma: (workers: number) => void
  readonly fmaFlops: number // of each worker
  /** Reads a large piece of memory once. */
  readonly read: (workers: number) => void
  readonly readBytes: number
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
  const handles = new Map(['fma', 'read', 'room', 'clock'].map((name) => [name, loader.find(library, name)]))
  const find = (name: string): Handle => handles.get(name)!
  const room = (length: number): Float32Array =>
    new Float32Array(loader.run(find('room'), [], [['i32', length]], [1], [4], 1)[0]![0])
  const times = (): Float64Array => new Float64Array(loader.run(find('clock'), [], [], [1], [8], 1)[0]![0])
  const fma = (workers: number): number => {
    const params = [
      ['i32', workers],
      ['i32', rounds],
    ] as const // prettier-ignore
    return new Float32Array(loader.run(find('fma'), [], params, [1], [4], workers)[0]![0])[0]!
  }
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
    fma,
    fmaFlops: fma(1),
    read: (workers) => void loader.run(find('read'), [given()], [['i32', workers]], [1], [4], workers),
    readBytes: 4 * readElements,
  }
}
