import { built } from '../../generated/built.ts'
import { sources } from '../../generated/sources.ts'

/** The source of the addon that loads kernels in Node, by the names of its files; the first is the main one. */
export const loaderFiles: Readonly<Record<string, string>> = {
  'loader.cc': built['templates/native/loader.cc'],
  'backend.h': built['templates/native/backend.h'],
  'pool.h': built['templates/native/pool.h'],
  'attnc.h': sources['templates/native/attnc.h'],
}
