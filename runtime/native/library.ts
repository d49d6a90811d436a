/** Libraries to be shipped: what was generated with `library`, compiled. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { done, type Outcome } from '../problem.ts'
import { archive, type Compilation, compileObject, compileShared } from './compiler.ts'

/** `so`: a shared library; `a`: an archive that is linked into a program. */
export const libraryForms = ['so', 'a'] as const
export type LibraryForm = (typeof libraryForms)[number]

interface Text {
  readonly path: string
  readonly text: string
}
interface Library {
  readonly path: string
  readonly content: Uint8Array
}

/** Compiles a source in a folder, where its output goes, to a library of one form. */
export type Make = (what: Pick<Compilation, 'folder' | 'source' | 'output'>) => Promise<Outcome<undefined>>

/** @param main  the path of the main file; libraries are named after it */
export async function compileLibrary(
  files: readonly Text[],
  main: string,
  forms: readonly LibraryForm[],
  makers: Readonly<Record<LibraryForm, Make>>,
): Promise<Outcome<readonly Library[]>> {
  if (forms.length === 0) return done([])
  const folder = mkdtempSync(join(tmpdir(), 'attnc-library-'))
  try {
    for (const { path, text } of files) writeFileSync(join(folder, basename(path)), text)
    const libraries: Library[] = []
    for (const form of new Set(forms)) {
      const output = `library.${form}`
      const made = await makers[form]({ folder, source: basename(main), output })
      if (!made.ok) return made
      libraries.push({ path: main.replace(/\.[^.]*$/, `.${form}`), content: readFileSync(join(folder, output)) })
    }
    return done(libraries)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const flags = ['-O3']

/** For any machine of this kind. */
export const nativeMakers: Readonly<Record<LibraryForm, Make>> = {
  so: (what) => compileShared({ ...what, flags }),
  a: async (what) => {
    const object = 'library.o'
    const compiled = await compileObject({ ...what, flags, output: object })
    return compiled.ok ? archive(what.folder, object, what.output) : compiled
  },
}
