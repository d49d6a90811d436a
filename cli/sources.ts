import type { SourceFile } from '../grammar/source.ts'
import type { ReadImport } from '../index.ts'
import { decodeSource, findSources, readSource } from '../runtime/files.ts'
import { importReader } from '../runtime/imports.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import type { Io } from './io.ts'
import { all } from './options.ts'

export interface Source {
  readonly file: SourceFile
  readonly folder: string // below a folder argument; output mirrors it
  readonly readImport: ReadImport
}

/** Every source that the arguments name; `-` is standard input. */
export async function readSources(
  args: readonly string[],
  stdinName: string,
  io: Io,
): Promise<Outcome<readonly Source[]>> {
  if (args.filter((arg) => arg === '-').length > 1)
    return failed(problem('ATTN0300', "'-' stands for standard input, and can be read once"))
  const found: Outcome<readonly Source[]>[] = []
  for (const arg of args) {
    const sources = arg === '-' ? readStandardInput(await io.readStdin(), stdinName) : readNamed(arg)
    found.push(sources)
  }
  const sources = all<readonly (readonly Source[])[]>(...found)
  return sources.ok ? done(unique(sources.value.flat())) : sources
}

/** For commands that take one source. */
export async function readOneSource(arg: string, stdinName: string, io: Io): Promise<Outcome<Source>> {
  const sources = await readSources([arg], stdinName, io)
  if (!sources.ok) return sources
  const [first, second] = sources.value
  if (first && !second) return done(first)
  return failed(problem('ATTN0300', `${arg} holds ${sources.value.length} sources, one is needed`))
}

function readStandardInput(bytes: Uint8Array, name: string): Outcome<readonly Source[]> {
  const file = decodeSource(bytes, name)
  return file.ok ? done([{ file: file.value, folder: '', readImport: importReader(file.value) }]) : file
}

function readNamed(arg: string): Outcome<readonly Source[]> {
  const paths = findSources([arg])
  if (!paths.ok) return paths
  const files = paths.value.map(({ path, folder }) => {
    const file = readSource(path)
    return file.ok ? done({ file: file.value, folder, readImport: importReader(file.value) }) : file
  })
  return all<readonly Source[]>(...files)
}

const unique = (sources: readonly Source[]): readonly Source[] => [
  ...new Map(sources.map((source) => [source.file.path, source])).values(),
]
