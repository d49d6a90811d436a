/** Generated CUDA, compiled with the headers that emulate it, and called in this process as C++ is. */
import { emulationFiles } from '../../targets/cuda/emulation.ts'
import { entryOf } from '../../targets/cuda/program.ts'
import type { OutFile } from '../../targets/target.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { compileShared } from '../native/compiler.ts'
import { library, loadLibrary } from '../native/load-native.ts'
import type { Outcome } from '../problem.ts'
import type { Keeping, Loaded } from '../runners.ts'

/** Optimized a little: to compile takes longer than to run. */
const flags = ['-x', 'c++', '-O1', process.arch === 'arm64' ? '-mcpu=native' : '-march=native', '-I.'] as const

/** Writes the generated files and the headers, and compiles the main one. */
export async function keepEmulated(files: readonly OutFile[], staging: Staging): Promise<Outcome<undefined>> {
  for (const { path, text } of files) staging.write(path, text)
  for (const [path, text] of Object.entries(emulationFiles)) staging.write(path, text)
  const [main] = files
  if (!main) throw new Error('nothing was generated')
  return compileShared({ folder: staging.folder, source: main.path, output: library, flags })
}

export const loadEmulated = (made: Made, keeping: Keeping): Promise<Outcome<Loaded>> =>
  loadLibrary(made, keeping, entryOf)
