/** Generated C++, compiled to a shared library and called in this process. */
import type { StorageType } from '../../compiler/attention.ts'
import type { Buffer } from '../../compiler/kernel.ts'
import { entryOf } from '../../targets/native/entry.ts'
import type { OutFile } from '../../targets/target.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { done, type Outcome } from '../problem.ts'
import type { Inputs, Keeping, Loaded, Manner, Scalars, Signature } from '../runners.ts'
import { arrayOver, fromStored, type StoredData, toStored } from '../stored.ts'
import { recordOf } from '../tensor.ts'
import { compileShared, kernelFlags } from './compiler.ts'
import { type Handle, type Library, type Loader, loadLoader } from './loader.ts'
import { inTurn } from './turns.ts'

export const library = 'kernel.so'

/** Writes the generated files, and compiles the main one. */
export async function keepLibrary(files: readonly OutFile[], staging: Staging): Promise<Outcome<undefined>> {
  for (const { path, text } of files) staging.write(path, text)
  const [main] = files
  if (!main) throw new Error('nothing was generated')
  return compileShared({ folder: staging.folder, source: main.path, output: library, flags: kernelFlags() })
}

/** @param entry  how the target names the functions of a program */
export async function loadLibrary(made: Made, keeping: Keeping, entry = entryOf): Promise<Outcome<Loaded>> {
  const loader = await loadLoader(keeping)
  if (!loader.ok) return loader
  const opened = loader.value.open(made.path(library))
  const known = new Map<Signature, Entry>()
  const entryFor = (program: Signature): Entry => {
    const found = known.get(program) ?? findEntry(loader.value, opened, program, entry(program))
    known.set(program, found)
    return found
  }
  return done({
    call: (program, inputs, params, manner) => {
      const call = callOf(loader.value, entryFor(program), inputs, params)
      return manner ? runLater(call, manner) : runNow(call)
    },
  })
}

/** A program, as the addon knows it. */
interface Entry {
  readonly handle: Handle
  readonly inputs: readonly Buffer[]
  readonly results: readonly Buffer[]
  readonly params: Signature['params']
  readonly lengths: Float64Array // written anew for every call
}

function findEntry(loader: Loader, opened: Library, program: Signature, name: string): Entry {
  const withRole = (role: Buffer['role']): readonly Buffer[] => program.buffers.filter((b) => b.role === role)
  const [inputs, results] = [withRole('input'), withRole('result')]
  const params = program.params.filter(({ time }) => time === 'run')
  const formsOf = (buffers: readonly Buffer[]): Uint32Array =>
    Uint32Array.from(buffers.flatMap(({ axes, storage }) => [axes.length, bytesOf[storage]]))
  const letters = params.map(({ type }) => type.charAt(0)).join('')
  const handle = loader.find(opened, name, formsOf(inputs), formsOf(results), letters)
  const axes = [...inputs, ...results].reduce((sum, buffer) => sum + buffer.axes.length, 0)
  return { handle, inputs, results, params, lengths: new Float64Array(axes) }
}

/** What is called with what. */
interface Call {
  readonly loader: Loader
  readonly entry: Entry
  readonly data: readonly StoredData[]
  readonly shapes: readonly number[] // of all inputs
  readonly params: readonly (number | undefined)[]
}

function callOf(loader: Loader, entry: Entry, inputs: Inputs, params: Scalars): Call {
  const tensors = entry.inputs.map(({ name, storage }) => {
    const tensor = inputs[name]
    if (!tensor) throw new RangeError(`${name} is missing`)
    return toStored({ ...tensor, storage })
  })
  return {
    loader,
    entry,
    data: tensors.map(({ data }) => data),
    shapes: tensors.flatMap(({ shape }) => shape),
    params: entry.params.map(({ name }) => (params[name] === undefined ? undefined : Number(params[name]))),
  }
}

function runNow({ loader, entry, data, shapes, params }: Call): Inputs {
  entry.lengths.set(shapes)
  const buffers = loader.run(entry.handle, data, entry.lengths, params, 1)
  return resultsOf(entry, lengthsOf(entry), buffers)
}

/** In threads of the addon. */
async function runLater({ loader, entry, data, shapes, params }: Call, { threads, signal }: Manner): Promise<Inputs> {
  return inTurn((stop) => {
    entry.lengths.set(shapes)
    const buffers = loader.runLater(entry.handle, data, entry.lengths, params, threads, stop)
    const lengths = lengthsOf(entry) // before another call writes its own
    return buffers.then((all) => resultsOf(entry, lengths, all))
  }, signal)
}

const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }

/** The shape of each result. */
function lengthsOf({ results, lengths }: Entry): readonly (readonly number[])[] {
  let end = lengths.length - results.reduce((sum, { axes }) => sum + axes.length, 0)
  return results.map(({ axes }) => {
    end += axes.length
    return [...lengths.subarray(end - axes.length, end)]
  })
}

const resultsOf = ({ results }: Entry, shapes: readonly (readonly number[])[], made: readonly ArrayBuffer[]): Inputs =>
  recordOf(
    results.map(({ name, storage }, n) => {
      const data = arrayOver(storage, made[n]!)
      return [name, fromStored({ data, shape: shapes[n]! }, storage)]
    }),
  )
