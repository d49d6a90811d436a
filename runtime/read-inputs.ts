/** The inputs of an attention from tensor files. */
import { resolve } from 'node:path'
import type { Attention, InputDecl } from '../compiler/attention.ts'
import { storageOf } from './draw.ts'
import type { Launch } from './launch.ts'
import { done, type Finding, failed, type Outcome } from './problem.ts'
import { recordOf, type Tensor } from './tensor.ts'
import { readAsTensor, type TensorEntry } from './tensors/entry.ts'
import { inSeveral, noneNamedAs, noSuchTensor } from './tensors/problems.ts'
import { guarded, type OpenTensorFile, openTensorFile } from './tensors/tensor-file.ts'
import type { TensorPath } from './tensors/tensor-path.ts'

export interface InputFiles {
  readonly named: ReadonlyMap<string, TensorPath> // by names of inputs
  readonly archives: readonly string[] // for inputs that no other gives, by the names of tensors
}

type ReadInputs = Pick<Launch, 'inputs' | 'dtype'>

/**
 * Without a `dtype` it is f16 or bf16 if all inputs that declare no type come from files of that type, else f32. All headers are
 * read before any elements.
 */
export async function readInputs(
  attention: Attention,
  files: InputFiles,
  dtype: Launch['dtype'] | undefined,
): Promise<Outcome<ReadInputs>> {
  const opened = new Map<string, Outcome<OpenTensorFile>>()
  try {
    for (const path of [...[...files.named.values()].map((one) => one.path), ...files.archives])
      if (!opened.has(resolve(path))) opened.set(resolve(path), await openTensorFile(path))
    const faults = [...opened.values()].flatMap((file) => (file.ok ? [] : file.findings))
    if (faults.length > 0) return failed(...faults)
    const entries = await findEntries(attention, files, (path) => openOne(opened.get(resolve(path))))
    return entries.ok ? await readEntries(entries.value, dtype) : entries
  } finally {
    for (const file of opened.values()) if (file.ok) await file.value.close()
  }
}

function openOne(file: Outcome<OpenTensorFile> | undefined): OpenTensorFile {
  if (!file?.ok) throw new Error('a file that was not opened')
  return file.value
}

type Entries = readonly (readonly [InputDecl, TensorEntry])[]

async function findEntries(
  attention: Attention,
  { named, archives }: InputFiles,
  fileAt: (path: string) => OpenTensorFile,
): Promise<Outcome<Entries>> {
  const findings: Finding[] = archives.flatMap((path) => strangerFault(attention, fileAt(path)) ?? [])
  const entries: [InputDecl, TensorEntry][] = []
  for (const input of attention.inputs) {
    const given = named.get(input.name)
    const holders = archives.filter((path) => fileAt(path).names?.includes(input.name))
    const path = given?.path ?? holders[0]
    if (path === undefined) continue
    if (given === undefined && holders.length > 1) findings.push(inSeveral(input.name, holders))
    const file = fileAt(path)
    const entry = await guarded(path, () => entryFor(input.name, file, given?.name))
    if (entry.ok) entries.push([input, entry.value])
    else findings.push(...entry.findings)
  }
  return findings.length > 0 ? failed(...findings) : done(entries)
}

/** The tensor that is asked for; in an archive, else the one named as the input. */
async function entryFor(input: string, file: OpenTensorFile, asked: string | undefined): Promise<Outcome<TensorEntry>> {
  const { path, names } = file
  if (names === undefined || asked !== undefined || names.includes(input)) {
    return file.find(asked ?? (names === undefined ? undefined : input))
  }
  return failed(noSuchTensor(path, input, names, `--input ${input}=${path}:${names[0] ?? 'NAME'}`))
}

/** An archive of which nothing is used is a mistake. */
function strangerFault({ name, inputs }: Attention, { path, names = [] }: OpenTensorFile): Finding | undefined {
  return inputs.some((input) => names.includes(input.name)) ? undefined : noneNamedAs(path, `input of ${name}`, names)
}

async function readEntries(entries: Entries, dtype: Launch['dtype'] | undefined): Promise<Outcome<ReadInputs>> {
  const chosen = dtype ?? dtypeOf(entries)
  const inputs: [string, Tensor][] = []
  const findings: Finding[] = []
  for (const [input, entry] of entries) {
    const tensor = await guarded(entry.label, () => readAsTensor(entry, storageOf(input, chosen)))
    if (tensor.ok) inputs.push([input.name, tensor.value])
    else findings.push(...tensor.findings)
  }
  return findings.length > 0 ? failed(...findings) : done({ inputs: recordOf(inputs), dtype: chosen })
}

function dtypeOf(entries: Entries): Launch['dtype'] {
  const types = new Set(
    entries.flatMap(([{ storage, type }, entry]) => (storage === undefined && type === 'f32' ? [entry.type] : [])),
  )
  const [only] = types
  return types.size === 1 && (only === 'f16' || only === 'bf16') ? only : 'f32'
}
