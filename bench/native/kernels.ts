/** Kernels of the native target, compiled for this machine and called through their loader. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Program } from '../../compiler/kernel.ts'
import { renderHuman } from '../../grammar/diagnostic.ts'
import { type CompileOptions, compile } from '../../index.ts'
import { sharedCache } from '../../runtime/cache/cache.ts'
import { compileShared, kernelFlags, missingCompiler } from '../../runtime/native/compiler.ts'
import { type Library, type Loader, loadLoader } from '../../runtime/native/loader.ts'
import { rowsOf } from '../../runtime/runners.ts'
import { entryOf } from '../../targets/native/entry.ts'
import { documentOf, type Shape } from './shapes.ts'

export async function nativeLoader(): Promise<Loader> {
  const missing = missingCompiler()
  if (missing !== undefined) throw new Error(`nothing to measure: ${missing}`)
  const loader = await loadLoader({ cache: sharedCache(), warn: ({ message }) => console.error(message) })
  if (!loader.ok) throw new Error(loader.findings.map(({ message }) => message).join('\n'))
  return loader.value
}

/** Compiles one source to a shared library of the same name in a folder, and gives its path. */
export async function compileLibrary(folder: string, source: string, ...more: readonly string[]): Promise<string> {
  const output = source.replace(/\.cc$/, '.so')
  const built = await compileShared({ folder, source, output, flags: [...kernelFlags(), ...more] })
  if (!built.ok) throw new Error(built.findings.map(({ message }) => message).join('\n'))
  return join(folder, output)
}

export interface Tensor {
  readonly data: Float32Array | Int32Array | Uint8Array
  readonly shape: readonly number[]
}
export type Tensors = Readonly<Record<string, Tensor>>
export interface Kernel {
  readonly call: (workers: number) => Float32Array // the first result
}

/** The kernel of a shape on these inputs; its sources are left in a folder of their own. */
export async function kernelOf(
  shape: Shape,
  inputs: Tensors,
  loader: Loader,
  folder: string,
  options: Omit<CompileOptions, 'target'> = {},
): Promise<Kernel> {
  const own = join(folder, shape.name)
  mkdirSync(own, { recursive: true })
  const sizes = { d: shape.width, e: shape.width, ...options.sizes }
  const file = { path: basename(shape.source), text: readFileSync(shape.source, 'utf8') }
  const rows = rowsOf('native', { i: shape.queries }) // as `load` chooses
  const result = await compile(file, { ...options, rows, sizes, target: 'native' })
  if (!result.ok) throw new Error(result.diagnostics.map((one) => renderHuman(one)).join('\n'))
  const { files, programs } = result.value
  for (const { path, text } of files) writeFileSync(join(own, path), text)
  const library = loader.open(await compileLibrary(own, files[0]!.path))
  return { call: callable(loader, library, programs[0]!, inputs, shape.params) }
}

/** One program of a library on these inputs; it gives its first result. */
export function callable(
  loader: Loader,
  library: Library,
  program: Program,
  inputs: Tensors,
  values: Readonly<Record<string, number>> = {},
): Kernel['call'] {
  const withRole = (role: string) => program.buffers.filter((buffer) => buffer.role === role)
  const forms = (role: string) =>
    Uint32Array.from(
      withRole(role).flatMap(({ axes, storage }) => [axes.length, storage === 'bool' ? 1 : elementBytes]),
    )
  const params = program.params.filter(({ time }) => time === 'run')
  const letters = params.map(({ type }) => type[0]).join('')
  const given = withRole('input').map(({ name }) => inputs[name]!)
  const lengths = given.flatMap(({ shape }) => shape)
  const ranks = withRole('result').map(({ axes }) => axes.length)
  const results = ranks.reduce((sum, rank) => sum + rank, 0)
  const frame = Float64Array.from([
    ...lengths,
    ...new Array<number>(results).fill(0),
    ...params.map(({ name }) => values[name] ?? Number.NaN),
  ])
  const kernel = loader.find(library, entryOf(program), forms('input'), forms('result'), letters, frame)
  const data = given.map((tensor) => tensor.data)
  kernel.shapes(...data)
  let at = lengths.length
  const sizes = withRole('result').map(({ axes, storage }) => {
    const count = frame.subarray(at, at + axes.length).reduce((a, b) => a * b, 1)
    at += axes.length
    return count * (storage === 'bool' ? 1 : elementBytes)
  })
  return (workers) => {
    const made = sizes.map((bytes) => new Uint8Array(loader.allocate(bytes)))
    kernel.run(workers, ...data, ...made)
    return new Float32Array(made[0]!.buffer)
  }
}

const elementBytes = 4 // of f32 and of i32

/** Queries, keys and values around zero, of variance one, in memory on huge pages; the numbers of documents. */
export function inputsOf(shape: Shape, loader: Loader): Tensors {
  const { batch, heads, keyHeads, queries, keys, width } = shape
  const draw = (seed: number, lengths: readonly number[]): Tensor => {
    const data = new Float32Array(loader.allocate(elementBytes * lengths.reduce((a, b) => a * b, 1)))
    drawInto(data, seed)
    return { data, shape: lengths }
  }
  const texts = (length: number): Tensor => ({
    data: Int32Array.from({ length: batch * length }, (_, n) => documentOf(n % length)),
    shape: [batch, length],
  })
  const documents = shape.mask === 'documents' ? { text_of_query: texts(queries), text_of_key: texts(keys) } : {}
  return {
    q: draw(1, [batch, heads, queries, width]),
    k: draw(2, [batch, keyHeads, keys, width]),
    v: draw(3, [batch, keyHeads, keys, width]),
    ...documents,
  }
}

function drawInto(numbers: Float32Array, seed: number): void {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  for (let n = 0; n < numbers.length; n++) numbers[n] = next() + next() + next()
}
