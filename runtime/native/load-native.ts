/** Generated C++, compiled to a shared library and called in this process. */
import { entryOf } from '../../targets/native/entry.ts'
import type { OutFile } from '../../targets/target.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { done, type Outcome } from '../problem.ts'
import type { Keeping, Loaded } from '../runners.ts'
import type { Signature } from '../signature.ts'
import { compileShared, kernelFlags } from './compiler.ts'
import { Entry } from './entry.ts'
import { type Loader, loadLoader } from './loader.ts'

export const library = 'kernel.so'

/** Writes the generated files, and compiles the main one. */
export async function keepLibrary(files: readonly OutFile[], staging: Staging): Promise<Outcome<undefined>> {
  for (const { path, text } of files) staging.write(path, text)
  const [main] = files
  if (!main) throw new Error('nothing was generated')
  return compileShared({ folder: staging.folder, source: main.path, output: library, flags: kernelFlags() })
}

/** Has the addon built while a kernel is, on a machine that has none; who loads the kernel waits for it, and is told what fails. */
export function startLoader(keeping: Keeping): void {
  loadLoader(keeping).catch(() => {})
}

/** @param entry  how the target names the functions of a program */
export async function loadLibrary(made: Made, keeping: Keeping, entry = entryOf): Promise<Outcome<Loaded>> {
  const loader = await loadLoader(keeping)
  return loader.ok ? done(openLibrary(made, loader.value, entry)) : loader
}

export function openLibrary(made: Made, loader: Loader, entry: (program: Signature) => string): Loaded {
  const opened = loader.open(made.path(library))
  const known = new Map<Signature, Entry>()
  const entryFor = (program: Signature): Entry => {
    const found = known.get(program) ?? new Entry(loader, opened, program, entry(program))
    known.set(program, found)
    return found
  }
  return {
    call: (program, inputs, params, manner) => {
      const found = entryFor(program)
      return manner ? found.runLater(inputs, params, manner) : found.run(inputs, params)
    },
  }
}
