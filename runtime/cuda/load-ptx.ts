/**
 * Generated CUDA, compiled by nvcc and run without a GPU: the PTX of its kernels is interpreted, and the host part, compiled beside it,
 * says which kernels a call starts, how and with what.
 */
import type { Buffer as Declared } from '../../compiler/kernel.ts'
import { entryOf } from '../../targets/cuda/program.ts'
import type { OutFile } from '../../targets/target.ts'
import type { Made, Staging } from '../cache/staging.ts'
import { done, type Outcome } from '../problem.ts'
import type { Inputs, Keeping, Loaded, Scalars } from '../runners.ts'
import type { Signature } from '../signature.ts'
import { arrayOver, fromStored, toStored } from '../stored.ts'
import { recordOf } from '../tensor.ts'
import { withComment } from './fault-comment.ts'
import { compileToPtx, describeNvcc, findNvcc } from './nvcc.ts'
import { DeviceMemory, Piece } from './ptx/device-memory.ts'
import { compileEntry, type Kernel } from './ptx/kernel.ts'
import type { Module } from './ptx/module.ts'
import { parse } from './ptx/parse.ts'
import { globalsOf, tensorsFrom } from './ptx/registers.ts'
import { runKernel } from './ptx/run.ts'
import { layOut } from './ptx/variable.ts'
import { loadRecorder } from './recorder.ts'
import { callText, paramsOf, type Recording, readRecording, type Step } from './recording.ts'

const host = 'host.so'
const ptx = 'kernels.ptx'

/** The architecture that nvcc makes PTX for; tests name others. */
const virtual = (): string => `compute_${(process.env.ATTNC_PTX_ARCH ?? 'sm_80').replace(/^sm_/, '')}`

export function missingNvcc(): string | undefined {
  if (process.platform === 'win32') return 'it runs on Linux only'
  return findNvcc() === undefined ? 'there is no nvcc in the PATH' : undefined
}

export const describePtx = (): readonly string[] => [...describeNvcc(), virtual()]

/** Writes the generated files, and compiles the main one: a library of the host and PTX come out. */
export async function keepPtx(files: readonly OutFile[], staging: Staging): Promise<Outcome<undefined>> {
  for (const { path, text } of files) staging.write(path, text)
  const [main] = files
  if (!main) throw new Error('nothing was generated')
  const compiled = await compileToPtx(staging.folder, main.path, host, virtual())
  if (!compiled.ok) return compiled
  staging.write(ptx, compiled.value)
  return done(undefined)
}

export async function loadPtx(made: Made, keeping: Keeping): Promise<Outcome<Loaded>> {
  const recorder = await loadRecorder(keeping)
  if (!recorder.ok) return recorder
  const module = parse(Buffer.from(made.read(ptx)).toString())
  const kernels = new Kernels(module)
  const recordings = new Recordings(module, recorder.value(made.read(host)))
  return done({
    call: async (program, inputs, params) => {
      const given = inputBuffers(program, inputs)
      const recording = await recordings.of(
        program,
        given.map(({ shape }) => shape),
        params,
      )
      try {
        return runRecorded(program, recording, given, kernels)
      } catch (error) {
        throw withComment(error, (file) => Buffer.from(made.read(file)).toString())
      }
    },
  })
}

/** Kernels are compiled when they are first started. */
class Kernels {
  readonly module: Module
  readonly #known = new Map<string, Kernel>()

  constructor(module: Module) {
    this.module = module
  }
  of(name: string): Kernel {
    const entry = this.module.entries.get(name)
    if (!entry) throw new Error(`there is no kernel ${name}`)
    const kernel = this.#known.get(name) ?? compileEntry(entry, this.module)
    this.#known.set(name, kernel)
    return kernel
  }
}

/** Bytes of shared memory that a block may have, by architecture: CUDA C++ Programming Guide, table of compute capabilities. */
const sharedMost: Readonly<Record<string, number>> = { '80': 163, '86': 99, '87': 163, '89': 99, '120': 99, '121': 99 }
const sharedBytesOf = (target: string): number => (sharedMost[/\d+/.exec(target)?.[0] ?? ''] ?? 227) * 1024

/** What the host part says depends on lengths and parameters only, and is remembered. */
class Recordings {
  readonly #module: Module
  readonly #ask: (text: string) => Promise<string>
  readonly #known = new Map<string, Promise<string>>()

  constructor(module: Module, ask: (text: string) => Promise<string>) {
    this.#module = module
    this.#ask = ask
  }

  async of(program: Signature, inputs: readonly (readonly number[])[], params: Scalars): Promise<Recording> {
    const results = withRole(program, 'result').map(({ axes }) => axes.length)
    const call = { entry: entryOf(program), inputs, results, params: paramsOf(program, params) }
    const text = callText(call, this.#module, sharedBytesOf(this.#module.target))
    const answer = this.#known.get(text) ?? this.#ask(text)
    this.#known.set(text, answer)
    return readRecording(await answer)
  }
}

interface Given {
  readonly name: string
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

const withRole = ({ buffers }: Signature, role: Declared['role']): readonly Declared[] =>
  buffers.filter((buffer) => buffer.role === role)

function inputBuffers(program: Signature, inputs: Inputs): readonly Given[] {
  return withRole(program, 'input').map(({ name, storage }) => {
    const tensor = inputs[name]
    if (!tensor) throw new RangeError(`${name} is missing`)
    const { data, shape } = toStored({ ...tensor, storage })
    return { name, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
  })
}

const bytesOf = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 } as const

function runRecorded(program: Signature, recording: Recording, given: readonly Given[], kernels: Kernels): Inputs {
  const device = new DeviceMemory()
  globalsOf(kernels.module).forEach(({ name, bytes, content }, n) => {
    device.put(
      n,
      new Piece(
        name,
        bytes,
        new Uint8Array(bytes).fill(0).map((_, k) => content[k] ?? 0),
      ),
    )
  })
  const results = withRole(program, 'result')
  const pieces = results.map(({ name, storage }, n) => {
    const count = (recording.results[n] ?? []).reduce((product, length) => product * length, 1)
    return new Piece(name, count * bytesOf[storage])
  })
  const all = [
    ...given.map(({ name, bytes }) => new Piece(name, bytes.byteLength, bytes)),
    ...pieces,
    new Piece('the workspace', recording.workspaceBytes),
  ]
  all.forEach((piece, n) => {
    device.put(tensorsFrom + n, piece)
  })
  for (const step of recording.steps) runStep(step, device, kernels)
  return recordOf(
    results.map(({ name, storage }, n) => {
      const { memory, bytes } = pieces[n]!
      const data = arrayOver(storage, memory.slice(0, bytes))
      return [name, fromStored({ data, shape: recording.results[n]! }, storage)]
    }),
  )
}

function runStep(step: Step, device: DeviceMemory, kernels: Kernels): void {
  if (step.kind === 'copy') return device.copy(step.to, step.from, step.bytes)
  if (step.kind === 'fill') return device.fill(step.to, step.value, step.bytes)
  const kernel = kernels.of(step.kernel)
  const { offsets, bytes } = layOut(kernels.module.entries.get(step.kernel)!.params)
  const params = new Uint8Array(bytes)
  const places = [...offsets.values()]
  step.params.forEach((param, n) => {
    params.set(param, places[n])
  })
  runKernel(kernel, device, { ...step, params })
}
