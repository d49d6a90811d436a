/** A program of a library that is loaded, called with tensors by name. */
import type { StorageType } from '../../compiler/attention.ts'
import type { Buffer } from '../../compiler/kernel.ts'
import { checkInto, type Into } from '../into.ts'
import type { Inputs, Manner, Scalars } from '../runners.ts'
import type { Signature } from '../signature.ts'
import { arrayOver, emptyArray, fromStored, type StoredData, storedData } from '../stored.ts'
import { elementCount, recordOf } from '../tensor.ts'
import type { Kernel, Library, Loader } from './loader.ts'
import { inTurn } from './turns.ts'

const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }
const small = 4096 // bytes of a result that costs less in the heap of JavaScript than outside

/** What lengths and parameters come to is found once, and again when a call has others. */
export class Entry {
  readonly #loader: Loader
  readonly #kernel: Kernel
  readonly #inputs: readonly Buffer[]
  readonly #results: readonly Buffer[]
  readonly #params: readonly string[]
  readonly #frame: Float64Array
  #settled = false // the frame has the lengths of results

  constructor(loader: Loader, library: Library, { buffers, params }: Signature, name: string) {
    const withRole = (role: Buffer['role']): readonly Buffer[] => buffers.filter((buffer) => buffer.role === role)
    const running = params.filter(({ time }) => time === 'run')
    const formsOf = (some: readonly Buffer[]): Uint32Array =>
      Uint32Array.from(some.flatMap(({ axes, storage }) => [axes.length, bytesOf[storage]]))
    this.#loader = loader
    this.#inputs = withRole('input')
    this.#results = withRole('result')
    this.#params = running.map((param) => param.name)
    const axes = [...this.#inputs, ...this.#results].reduce((sum, buffer) => sum + buffer.axes.length, 0)
    this.#frame = new Float64Array(axes + running.length)
    const letters = running.map(({ type }) => type.charAt(0)).join('')
    const forms = [formsOf(this.#inputs), formsOf(this.#results)] as const
    this.#kernel = loader.find(library, name, ...forms, letters, this.#frame)
  }

  run(inputs: Inputs, params: Scalars): Inputs {
    const tensors = this.#place(inputs, params)
    const shapes = this.#makeResults(tensors)
    this.#kernel.run(1, ...tensors)
    return this.#resultsOf(tensors, shapes)
  }

  /** In threads of the addon. */
  runLater(inputs: Inputs, params: Scalars, { threads, signal, into }: Manner): Promise<Inputs> {
    return inTurn(async (stop) => {
      const tensors = this.#place(inputs, params)
      const shapes = this.#makeResults(tensors, into)
      await this.#kernel.runLater(threads, stop, ...tensors)
      return this.#resultsOf(tensors, shapes)
    }, signal)
  }

  /** Writes lengths and parameters to the frame; gives the elements of inputs. */
  #place(inputs: Inputs, params: Scalars): StoredData[] {
    const tensors: StoredData[] = []
    let at = 0
    for (const { name, axes, storage } of this.#inputs) {
      const tensor = inputs[name]
      if (!tensor) throw new RangeError(`${name} is missing`)
      const { shape } = tensor
      if (shape.length !== axes.length) throw new RangeError(`${name} has ${axes.length} axes, not ${shape.length}`)
      for (const length of shape) this.#put(at++, length)
      tensors.push(storedData(tensor, storage))
    }
    at = this.#frame.length - this.#params.length
    for (const name of this.#params) {
      const value = params[name]
      this.#put(at++, value === undefined ? Number.NaN : Number(value))
    }
    return tensors
  }

  #put(at: number, value: number): void {
    if (Object.is(this.#frame[at], value)) return
    this.#frame[at] = value
    this.#settled = false
  }

  /** Memory for the results, behind the inputs; gives their shapes. */
  #makeResults(tensors: StoredData[], into: Into = {}): readonly (readonly number[])[] {
    if (!this.#settled) this.#kernel.shapes(...tensors)
    this.#settled = true
    let at = this.#frame.length - this.#params.length - this.#results.reduce((sum, { axes }) => sum + axes.length, 0)
    return this.#results.map(({ name, axes, storage }) => {
      const shape: number[] = []
      for (let n = 0; n < axes.length; n++) shape.push(this.#frame[at++]!)
      const given = Object.hasOwn(into, name) ? into[name] : undefined
      if (given) checkInto(name, given, storage, shape, tensors)
      tensors.push(given ?? this.#newArray(storage, elementCount(shape)))
      return shape
    })
  }

  #newArray(storage: StorageType, count: number): StoredData {
    const bytes = count * bytesOf[storage]
    return bytes < small ? emptyArray(storage, count) : arrayOver(storage, this.#loader.allocate(bytes))
  }

  #resultsOf(tensors: readonly StoredData[], shapes: readonly (readonly number[])[]): Inputs {
    const first = this.#inputs.length
    return recordOf(
      this.#results.map(({ name, storage }, n) => [
        name,
        fromStored({ data: tensors[first + n]!, shape: shapes[n]! }, storage),
      ]),
    )
  }
}
