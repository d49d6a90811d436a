/** Tensors as files; the end of a path says in which format. */
import { failed, type Outcome, problem } from '../problem.ts'
import { type FileToWrite, writeFiles } from '../write.ts'
import type { Elements } from './encode.ts'
import { encodeNpy } from './npy.ts'
import { npzChunks } from './npz.ts'
import { safetensorsChunks } from './safetensors.ts'
import { isArchivePath, isSafetensorsPath } from './tensor-path.ts'

export interface TensorsToWrite {
  readonly path: string
  readonly tensors: readonly (readonly [name: string, tensor: Elements])[] // one, if it is no archive
}

/** Writes all files or none. What goes to an archive is the whole of it: a file that is there is replaced. */
export function writeTensorFiles(files: readonly TensorsToWrite[]): Outcome<undefined> {
  const reserved = files.find(({ path, tensors }) => isSafetensorsPath(path) && tensors.some(isReserved))
  if (reserved) return failed(problem('ATTN0312', `cannot write ${reserved.path}: no tensor can be named __metadata__`))
  return writeFiles(files.map(fileOf))
}

const isReserved = ([name]: readonly [string, Elements]): boolean => name === '__metadata__'

function fileOf({ path, tensors }: TensorsToWrite): FileToWrite {
  if (isSafetensorsPath(path)) return { path, content: safetensorsChunks(tensors) }
  if (isArchivePath(path)) return { path, content: npzChunks(tensors.map(([name, one]) => [name, encodeNpy(one)])) }
  const [only, ...others] = tensors
  if (!only || others.length > 0) throw new Error('a .npy file holds one tensor')
  return { path, content: encodeNpy(only[1]).chunks() }
}
