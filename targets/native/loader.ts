import { running } from '../../generated/running.ts'
import { sources } from '../../generated/sources.ts'

/** The source of the addon that loads kernels in Node, by the names of its files; the first is the main one. */
export const loaderFiles: Readonly<Record<string, string>> = {
  'loader.cc': running['templates/native/loader.cc'],
  'backend.h': running['templates/native/backend.h'],
  'pool.h': running['templates/native/pool.h'],
  'attnc.h': sources['templates/native/attnc.h'],
}
