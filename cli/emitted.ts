/** What `attnc build --emit` asks for. */
import { type Stage, stages } from '../index.ts'
import { type LibraryForm, libraryForms } from '../runtime/native/library.ts'
import { done, type Outcome } from '../runtime/problem.ts'
import { all, parseChoice } from './options.ts'

/** A stage to be printed, a library, and in which forms besides its source, an extension of PyTorch, or types of modules. */
export interface Emitted {
  readonly stage: Stage | undefined
  readonly library: readonly LibraryForm[] | undefined
  readonly torch: boolean
  readonly types: boolean
}

const nothing: Emitted = { stage: undefined, library: undefined, torch: false, types: false }

/** What is written rather than printed, by the first word of `--emit`. */
export const writtenKinds = ['lib', 'torch', 'dts'] as const

export function parseEmitted(value: string | undefined): Outcome<Emitted> {
  if (value === undefined) return done(nothing)
  if (value === 'dts') return done({ ...nothing, types: true })
  if (value === 'torch') return done({ ...nothing, torch: true })
  const words = value.split(',')
  const isStage = words.length === 1 && words[0] !== 'lib'
  if (isStage) {
    const stage = parseChoice('--emit', value, [...stages, ...writtenKinds] as const)
    if (!stage.ok) return stage
    return done({ ...nothing, stage: stages.find((one) => one === stage.value) })
  }
  const forms = all<readonly (LibraryForm | 'lib')[]>(
    ...words.map((word) => parseChoice('--emit', word, ['lib', ...libraryForms] as const)),
  )
  return forms.ok ? done({ ...nothing, library: forms.value.filter((form) => form !== 'lib') }) : forms
}
