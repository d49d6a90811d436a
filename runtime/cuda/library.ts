/** Libraries of kernels to be shipped: generated CUDA, compiled by nvcc for several architectures in one file. */
import { archive } from '../native/compiler.ts'
import type { LibraryForm, Make } from '../native/library.ts'
import { done, type Outcome } from '../problem.ts'
import { knownArchitectures } from './cubin.ts'
import { codeFor, nvcc } from './nvcc.ts'

/** The first of each generation that nvcc knows: what is compiled for one runs on those that came after it in its generation. */
export async function shippedArchitectures(): Promise<Outcome<readonly string[]>> {
  const known = await knownArchitectures()
  return known.ok ? done(known.value.filter((name) => name.endsWith('0'))) : known
}

/** @param architectures  as 'sm_80'; drivers translate the last for later ones */
export const cudaMakers = (architectures: readonly string[]): Readonly<Record<LibraryForm, Make>> => {
  const flags = ['-std=c++17', '-O3', '-fmad=false', '-t', '0', ...codeFor({ names: architectures, ptx: true })]
  return {
    // With CUDA's runtime within, of which nothing shows: the driver is all that it needs.
    so: ({ folder, source, output }) =>
      nvcc(folder, 'static', [
        ...[...flags, '-shared', '-Xcompiler', '-fPIC', '-Xlinker', '--exclude-libs=ALL'],
        ...[source, '-o', output],
      ]),
    // The program that it is linked into brings CUDA's runtime.
    a: async ({ folder, source, output }) => {
      const object = 'library.o'
      const compiled = await nvcc(folder, 'none', [...flags, '-c', '-Xcompiler', '-fPIC', source, '-o', object])
      return compiled.ok ? archive(folder, object, output) : compiled
    },
  }
}
