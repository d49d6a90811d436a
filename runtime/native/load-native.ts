/** Generated C++, compiled to a shared library and called in this process. */
import type { StorageType } from '../../compiler/attention.ts'
import type { Buffer, Program } from '../../compiler/kernel.ts'
import { entryOf } from '../../targets/native/program.ts'
import type { OutFile } from '../../targets/target.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { done, type Outcome } from '../problem.ts'
import type { Inputs, Keeping, Loaded, Scalars } from '../runners.ts'
import { fromStored, type StoredData, toStored } from '../stored.ts'
import { recordOf, type Tensor } from '../tensor.ts'
import { compileShared, kernelFlags } from './compiler.ts'
import { type GivenParam, type GivenTensor, type Handle, type Loader, loadLoader, type MadeTensor } from './loader.ts'

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
  const handles = new Map<string, Handle>()
  const handleOf = (program: Program): Handle => {
    const name = entry(program)
    const handle = handles.get(name) ?? loader.value.find(opened, name)
    handles.set(name, handle)
    return handle
  }
  return done({ call: (program, inputs, params) => call(loader.value, handleOf, program, inputs, params) })
}

function call(
  loader: Loader,
  handleOf: (program: Program) => Handle,
  program: Program,
  inputs: Inputs,
  params: Scalars,
): Inputs {
  const withRole = (role: Buffer['role']): readonly Buffer[] => program.buffers.filter((b) => b.role === role)
  const results = withRole('result')
  const made = loader.run(
    handleOf(program),
    withRole('input').map(({ name, storage }) => giveTensor(inputs[name], name, storage)),
    program.params.filter(({ time }) => time === 'run').map(({ name, type }) => giveParam(params[name], type)),
    results.map(({ axes }) => axes.length),
    results.map(({ storage }) => bytesOf[storage]),
    1,
  )
  return recordOf(results.map(({ name, storage }, n) => [name, takeTensor(made[n]!, storage)]))
}

const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }

function giveTensor(tensor: Tensor | undefined, name: string, storage: StorageType): GivenTensor {
  if (!tensor) throw new RangeError(`${name} is missing`)
  const { data, shape } = toStored({ ...tensor, storage })
  return [new Uint8Array(data.buffer, data.byteOffset, data.byteLength), shape, bytesOf[storage]]
}

const giveParam = (value: number | boolean | undefined, type: 'f32' | 'i32' | 'bool'): GivenParam =>
  value === undefined ? undefined : [type, Number(value)]

const arrays: Readonly<Record<StorageType, new (buffer: ArrayBuffer) => StoredData>> = {
  f32: Float32Array,
  f16: Float16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  bool: Uint8Array,
}

const takeTensor = ([buffer, shape]: MadeTensor, storage: StorageType): Tensor =>
  fromStored({ data: new arrays[storage](buffer), shape }, storage)
