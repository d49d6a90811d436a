/** Libraries to be shipped: what was generated with `library`, compiled for any machine of this kind. */
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

/** @param main  the path of the main file; libraries are named after it */
export async function compileLibrary(
  files: readonly Text[],
  main: string,
  forms: readonly LibraryForm[],
): Promise<Outcome<readonly Library[]>> {
  if (forms.length === 0) return done([])
  const folder = mkdtempSync(join(tmpdir(), 'attnc-library-'))
  try {
    for (const { path, text } of files) writeFileSync(join(folder, basename(path)), text)
    const libraries: Library[] = []
    for (const form of new Set(forms)) {
      const output = `library.${form}`
      const made = await makers[form]({ folder, source: basename(main), output, flags: ['-O3'] })
      if (!made.ok) return made
      libraries.push({ path: main.replace(/\.[^.]*$/, `.${form}`), content: readFileSync(join(folder, output)) })
    }
    return done(libraries)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const makers: Readonly<Record<LibraryForm, (what: Compilation) => Promise<Outcome<undefined>>>> = {
  so: compileShared,
  a: async (what) => {
    const object = 'library.o'
    const compiled = await compileObject({ ...what, output: object })
    return compiled.ok ? archive(what.folder, object, what.output) : compiled
  },
}
