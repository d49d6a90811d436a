import { built } from '../../generated/built.ts'
import { sources } from '../../generated/sources.ts'

/** What writes down the launches of generated CUDA in place of CUDA's library, by the names of its files; the first is the main one. */
export const recorderFiles: Readonly<Record<string, string>> = {
  'recorder.cc': built['templates/cuda/recorder/recorder.cc'],
  'attnc.h': sources['templates/native/attnc.h'],
}
