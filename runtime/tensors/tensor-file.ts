/** Files of tensors of any format, told apart by what they hold. */
import { constants, type FileHandle, open } from 'node:fs/promises'
import { cannotRead } from '../files.ts'
import { done, failed, type Outcome, problem } from '../problem.ts'
import { type ByteSource, headOf, rangeOf, sourceOfFile } from './bytes.ts'
import type { TensorEntry } from './entry.ts'
import { npyEntry } from './npy.ts'
import { isNpy } from './npy-header.ts'
import { npzEntry, readNpz } from './npz.ts'
import { noNames, noSuchTensor, notTensorFile, whichTensor } from './problems.ts'
import { isSafetensors, readSafetensors, safetensorsEntry } from './safetensors.ts'
import { isZip } from './zip.ts'

/** What a file holds; nothing but headers has been read. */
export interface TensorFile {
  readonly path: string
  readonly names: readonly string[] | undefined // undefined: one tensor, without a name
  /** @param name  not given: the only one */
  readonly find: (name?: string) => Promise<Outcome<TensorEntry>>
}

export interface OpenTensorFile extends TensorFile {
  readonly close: () => Promise<void>
}

/** A pipe without a writer is told at once that it is no file. Windows has no such flag. */
const notWaiting = constants.O_NONBLOCK ?? 0

/** The file stays open until it is closed. */
export async function openTensorFile(path: string): Promise<Outcome<OpenTensorFile>> {
  return guarded(path, async () => {
    const handle = await open(path, constants.O_RDONLY | notWaiting)
    try {
      const file = await readFile(handle, path)
      if (file.ok) return done({ ...file.value, close: () => handle.close() })
      await handle.close()
      return file
    } catch (error) {
      await handle.close()
      throw error
    }
  })
}

async function readFile(handle: FileHandle, path: string): Promise<Outcome<TensorFile>> {
  const stat = await handle.stat()
  if (stat.isDirectory()) return failed(problem('ATTN0311', `cannot read ${path}: it is a folder`))
  if (!stat.isFile()) return failed(problem('ATTN0311', `cannot read ${path}: tensors are read from plain files only`))
  return tensorFileOf(sourceOfFile(handle, stat.size), path)
}

const headBytes = 9

export async function tensorFileOf(source: ByteSource, path: string): Promise<Outcome<TensorFile>> {
  const head = await headOf(rangeOf(source, 0, source.size), headBytes)
  if (typeof head === 'string') return failed(notTensorFile(path, source.size))
  if (isNpy(head)) return npyFile(source, path)
  if (isZip(head)) return archive(path, await readNpz(source, path), (member, label) => npzEntry(source, member, label))
  if (!isSafetensors(head)) return failed(notTensorFile(path, source.size))
  return archive(path, await readSafetensors(source, path), async (located, label) =>
    safetensorsEntry(source, located, label),
  )
}

async function npyFile(source: ByteSource, path: string): Promise<Outcome<TensorFile>> {
  const entry = await npyEntry(rangeOf(source, 0, source.size), path, 'npy')
  const find = async (name?: string): Promise<Outcome<TensorEntry>> =>
    name === undefined ? entry : failed(noNames(path))
  return entry.ok ? done({ path, names: undefined, find }) : entry
}

function archive<Member>(
  path: string,
  members: Outcome<ReadonlyMap<string, Member>>,
  entryOf: (member: Member, label: string) => Promise<Outcome<TensorEntry>>,
): Outcome<TensorFile> {
  if (!members.ok) return members
  const names = [...members.value.keys()]
  const find = async (asked?: string): Promise<Outcome<TensorEntry>> => {
    const name = asked ?? (names.length === 1 ? names[0] : undefined)
    if (name === undefined) return failed(whichTensor(path, names))
    const member = members.value.get(name)
    return member === undefined ? failed(noSuchTensor(path, name, names)) : entryOf(member, `${path}:${name}`)
  }
  return done({ path, names, find })
}

/** What the system says of a file is a problem of the caller; anything else thrown is a bug. */
export async function guarded<T>(path: string, work: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return failed(cannotRead(path, error))
    throw error
  }
}
