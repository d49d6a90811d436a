/** Tensors as files; the end of a path says in which format. */
import { resolve } from 'node:path'
import { failed, type Outcome, problem } from '../problem.ts'
import { type FileToWrite, writeFiles } from '../write.ts'
import type { Elements } from './encode.ts'
import { encodeNpy } from './npy.ts'
import { npzChunks } from './npz.ts'
import { safetensorsChunks } from './safetensors.ts'
import { isArchivePath, isSafetensorsPath } from './tensor-path.ts'

export interface TensorToWrite {
  readonly path: string
  readonly name: string // in an archive
  readonly tensor: Elements
}

/** Writes all files or none. What goes to one archive is written together; a file that is there is replaced. */
export function writeTensorFiles(tensors: readonly TensorToWrite[]): Outcome<undefined> {
  const reserved = tensors.find(({ path, name }) => isSafetensorsPath(path) && name === '__metadata__')
  if (reserved) return failed(problem('ATTN0312', `cannot write ${reserved.path}: no tensor can be named __metadata__`))
  const byPath = Map.groupBy(tensors, ({ path }) => resolve(path))
  return writeFiles([...byPath.values()].flatMap(filesOf))
}

function filesOf(group: readonly TensorToWrite[]): readonly FileToWrite[] {
  const path = group[0]?.path ?? ''
  if (!isArchivePath(path)) return group.map(({ tensor }) => ({ path, content: encodeNpy(tensor).chunks() }))
  if (isSafetensorsPath(path))
    return [{ path, content: safetensorsChunks(group.map(({ name, tensor }) => [name, tensor])) }]
  return [{ path, content: npzChunks(group.map(({ name, tensor }) => [name, encodeNpy(tensor)])) }]
}
