/** A tensor in a file, before and while its elements are read. A value is never changed on its way in. */

import { totalmem } from 'node:os'
import { constrainedMemory } from 'node:process'
import type { StorageType } from '../../compiler/attention.ts'
import { done, failed, type Outcome, type Problem } from '../problem.ts'
import { arrayNameOf, arrayNames, emptyArray, type StoredData, type StoredTensor } from '../stored.ts'
import { bf16Bits, elementCount, emptyTensor, type Tensor } from '../tensor.ts'
import type { ByteRange, ByteReader, Fault } from './bytes.ts'
import { type ElementName, elementTypes, firstInexact, type Values } from './elements.ts'
import { damaged, type Format, notExact, tooLarge, wrongKind } from './problems.ts'

/** What a header says, checked against the bytes that are there. */
export interface TensorEntry {
  readonly label: string // for messages: `x.npz:q`
  readonly format: Format
  readonly type: ElementName
  readonly shape: readonly number[]
  readonly fortranOrder: boolean // the first axis fastest, not the last
  readonly bigEndian: boolean
  readonly range: ByteRange // of the header, too
  readonly dataOffset: number // of the first element in it
}

/** The tensor as the rest of the runtime holds it: floats widened. */
export async function readAsTensor(entry: TensorEntry, storage: StorageType): Promise<Outcome<Tensor>> {
  const tensor = allocate(entry, storage, 4, () => emptyTensor(storage, entry.shape))
  return tensor.ok ? filled(tensor.value, await readElements(entry, storage, tensor.value.data)) : tensor
}

/** The tensor as programs hold it: elements as they are stored. */
export async function readAsStored(entry: TensorEntry, storage: StorageType): Promise<Outcome<StoredTensor>> {
  const make = (): StoredTensor => ({ shape: entry.shape, data: emptyArray(storage, elementCount(entry.shape)) })
  const tensor = allocate(entry, storage, elementTypes[storage].bytes, make)
  return tensor.ok ? filled(tensor.value, await readElements(entry, storage, tensor.value.data)) : tensor
}

const filled = <T>(value: T, fault: Problem | undefined): Outcome<T> => (fault ? failed(fault) : done(value))

/** Memory that this process may have. A file that is packed well can ask for a thousand times its size. */
export const memoryLimit = (): number => Math.min(totalmem(), constrainedMemory() || Infinity)

function allocate<T>(entry: TensorEntry, storage: StorageType, elementBytes: number, make: () => T): Outcome<T> {
  const { label, shape } = entry
  const fault = wrongKind(label, entry.type, storage)
  if (fault) return failed(fault)
  const bytes = elementCount(shape) * elementBytes
  if (bytes > memoryLimit()) return failed(tooLarge(label, shape, bytes, memoryLimit()))
  try {
    return done(make())
  } catch (error) {
    if (error instanceof RangeError) return failed(tooLarge(label, shape, bytes, memoryLimit()))
    throw error
  }
}

async function readElements(
  entry: TensorEntry,
  storage: StorageType,
  target: StoredData,
): Promise<Problem | undefined> {
  const reader = entry.range.open()
  try {
    const header = await reader.fill(new Uint8Array(entry.dataOffset))
    if (header !== undefined) return damaged(entry.label, entry.format, header)
    const isAsStored = entry.type === storage && arrayNames[storage] === arrayNameOf(target)
    const fault =
      isAsStored && !entry.fortranOrder && !entry.bigEndian
        ? await fillDirectly(reader, entry, target)
        : await fillConverted(reader, entry, storage, target)
    if (fault) return fault
    const end = await reader.end()
    return end === undefined ? undefined : damaged(entry.label, entry.format, end)
  } finally {
    reader.close()
  }
}

const blockBytes = 1 << 22

async function fillDirectly(reader: ByteReader, entry: TensorEntry, target: StoredData): Promise<Problem | undefined> {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const fault = await reader.fill(bytes.subarray(at, at + blockBytes))
    if (fault !== undefined) return damaged(entry.label, entry.format, fault)
  }
  return entry.type === 'bool' ? inexact(entry, 'bool', bytes, 0) : undefined
}

const chunkElements = 1 << 16

async function fillConverted(
  reader: ByteReader,
  entry: TensorEntry,
  storage: StorageType,
  target: StoredData,
): Promise<Problem | undefined> {
  const { bytes: width, decode } = elementTypes[entry.type]
  const place = placing(entry, target)
  const chunk = new Uint8Array(Math.min(target.length, chunkElements) * width)
  for (let from = 0; from < target.length; from += chunkElements) {
    const count = Math.min(chunkElements, target.length - from)
    const part = chunk.subarray(0, count * width)
    const fault: Fault | undefined = await reader.fill(part)
    if (fault !== undefined) return damaged(entry.label, entry.format, fault)
    if (entry.bigEndian) swapBytes(part, width)
    const values = decode(chunk.buffer, count)
    const problem = inexact(entry, storage, values, from)
    if (problem) return problem
    place(values, from)
  }
  return undefined
}

/** @param from  how many elements of the file have been before */
function inexact(entry: TensorEntry, storage: StorageType, values: Values, from: number): Problem | undefined {
  const bad = firstInexact(values, entry.type, storage)
  if (bad < 0) return undefined
  if (storage !== 'bool') return notExact(entry.label, from + bad, values[bad]!, storage)
  return damaged(entry.label, entry.format, `element ${from + bad} of its bools is ${values[bad]}`)
}

function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (width === 2) buffer.swap16()
  else if (width === 4) buffer.swap32()
  else if (width === 8) buffer.swap64()
}

/** Puts elements of a file where they belong; they come in order. */
function placing({ shape, fortranOrder }: TensorEntry, target: StoredData): (values: Values, from: number) => void {
  const isBits = arrayNameOf(target) === arrayNames.bf16
  const stored = (values: Values): Values => (isBits ? Uint16Array.from(values, bf16Bits) : values)
  if (!fortranOrder) return (values, from) => target.set(stored(values), from)
  const next = fortranPositions(shape)
  return (values) => {
    for (const x of stored(values)) target[next()] = x
  }
}

/** Positions in row-major order of elements that come with the first axis fastest. */
function fortranPositions(shape: readonly number[]): () => number {
  const index = shape.map(() => 0)
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)))
  let at = 0
  return () => {
    const here = at
    for (let axis = 0; axis < shape.length; axis++) {
      index[axis]! += 1
      at += strides[axis]!
      if (index[axis]! < shape[axis]!) break
      at -= strides[axis]! * shape[axis]!
      index[axis] = 0
    }
    return here
  }
}
