/** Tensor files: numpy's .npy in and out. A value is never changed on its way in. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { StorageType } from '../compiler/attention.ts'
import { cannotRead } from './files.ts'
import { headerBytes, type NpyHeader, parseNpyHeader } from './npy-header.ts'
import { done, failed, type Outcome, problem } from './problem.ts'
import { elementCount, emptyTensor, roundTo, type Tensor } from './tensor.ts'

type NpyType = 'f2' | 'f4' | 'f8' | 'i4' | 'i8' | 'b1'

/** A file as it is: its type, shape and elements in C order. i64 is held in f64 and has been checked to fit. */
export interface NpyArray {
  readonly type: NpyType
  readonly shape: readonly number[]
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array
  readonly name: string
}

const elementBytes: Readonly<Record<NpyType, number>> = { f2: 2, f4: 4, f8: 8, i4: 4, i8: 8, b1: 1 }

/** Reads a file; its length is compared with what its header claims before anything of that size is allocated. */
export function readNpy(path: string, shown: string = path): Outcome<NpyArray> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    return failed(cannotRead(shown, error))
  }
  try {
    const stat = fstatSync(file)
    if (stat.isDirectory()) return failed(problem('ATTN0311', `cannot read ${shown}: it is a folder`))
    if (!stat.isFile())
      return failed(problem('ATTN0311', `cannot read ${shown}: tensors are read from plain files only`))
    const head = readAt(file, 0, Math.min(stat.size, headerBytes))
    const header = parseNpyHeader(head, shown)
    if (!header.ok) return header
    const type = checkClaims(header.value, stat.size, shown)
    if (!type.ok) return type
    const { dataOffset } = header.value
    return decode(header.value, type.value, readAt(file, dataOffset, stat.size - dataOffset), shown)
  } catch (error) {
    return failed(cannotRead(shown, error))
  } finally {
    closeSync(file)
  }
}

/** As `readNpy`, of bytes. */
export function decodeNpy(bytes: Uint8Array, name: string): Outcome<NpyArray> {
  const header = parseNpyHeader(bytes.subarray(0, headerBytes), name)
  if (!header.ok) return header
  const type = checkClaims(header.value, bytes.length, name)
  return type.ok
    ? decode(header.value, type.value, new Uint8Array(bytes.subarray(header.value.dataOffset)), name)
    : type
}

const largestRead = 1 << 30 // a single read(2) gives at most 2 GiB

function readAt(file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let at = 0
  while (at < length) {
    const got = readSync(file, bytes, at, Math.min(length - at, largestRead), offset + at)
    if (got === 0) throw new Error('it became shorter while it was read')
    at += got
  }
  return bytes
}

function checkClaims(header: NpyHeader, fileBytes: number, name: string): Outcome<NpyType> {
  const type = typeOf(header.descr, name)
  if (!type.ok) return type
  const claimed = elementCount(header.shape) * elementBytes[type.value]
  const has = fileBytes - header.dataOffset
  if (claimed === has) return type
  const shape = `its header claims ${claimed} bytes of data (shape [${header.shape.join(', ')}], ${header.descr})`
  return failed(
    problem('ATTN0321', `${name}: damaged .npy file: ${shape}, the file has ${has}`, 'write it again with numpy.save'),
  )
}

/** What to call in numpy for the types that we do not read. */
const conversions: Readonly<Record<string, string>> = {
  u1: 'x.astype(bool) or x.astype(np.int32)',
  V2: 'bf16 has no .npy type: save x.astype(np.float32), and give --dtype bf16',
}

function typeOf(descr: string, name: string): Outcome<NpyType> {
  const type = descr.slice(1)
  if (/^[<>|=]/.test(descr) && Object.hasOwn(elementBytes, type) && (descr[0] !== '|' || type === 'b1')) {
    return done(type as NpyType)
  }
  const hint = conversions[type] ?? (/^[iu]\d/.test(type) ? 'x.astype(np.int32)' : 'x.astype(np.float32)')
  return failed(
    problem('ATTN0322', `${name}: elements of type '${descr}' are not read (f2, f4, f8, i4, i8 and b1 are)`, hint),
  )
}

function decode(header: NpyHeader, type: NpyType, bytes: Uint8Array, name: string): Outcome<NpyArray> {
  if (header.descr.startsWith('>')) swapBytes(bytes, elementBytes[type])
  const data = elementsOf(type, bytes)
  if (typeof data === 'string') return failed(problem('ATTN0321', `${name}: ${data}`))
  const { shape } = header
  return done({ type, shape, data: header.fortranOrder ? toRowMajor(data, shape) : data, name })
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse()
}

/** `bytes` has its own buffer, from offset 0. A string says what is wrong. */
function elementsOf(type: NpyType, bytes: Uint8Array): NpyArray['data'] | string {
  const { buffer } = bytes
  switch (type) {
    case 'f2':
      return new Float32Array(new Float16Array(buffer))
    case 'f4':
      return new Float32Array(buffer)
    case 'f8':
      return new Float64Array(buffer)
    case 'i4':
      return new Int32Array(buffer)
    case 'i8': {
      const wide = new BigInt64Array(buffer)
      const bad = wide.findIndex((x) => BigInt.asIntN(32, x) !== x)
      return bad < 0 ? Float64Array.from(wide, Number) : `element ${bad}, ${wide[bad]}, does not fit into 32 bits`
    }
    case 'b1': {
      const bad = bytes.findIndex((x) => x > 1)
      return bad < 0 ? bytes : `damaged .npy file: element ${bad} of its bools is ${bytes[bad]}`
    }
  }
}

/** Fortran order has the first axis fastest. */
function toRowMajor(data: NpyArray['data'], shape: readonly number[]): NpyArray['data'] {
  const out = data.slice()
  const index = shape.map(() => 0)
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)))
  let from = 0
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]! += 1
      from += strides[axis]!
      if (index[axis]! < shape[axis]!) break
      from -= strides[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
  return out
}

const kindOf = (type: NpyType | StorageType): 'float' | 'integer' | 'bool' =>
  type === 'bool' || type === 'b1' ? 'bool' : type.startsWith('i') ? 'integer' : 'float'

const numpyNames: Readonly<Record<StorageType, string>> = {
  f32: 'np.float32',
  f16: 'np.float16',
  bf16: 'a bf16-rounding cast',
  i32: 'np.int32',
  bool: 'bool',
}

/** The array as a tensor of `storage`. Every element must be one that `storage` has: rounding is for the user to ask for. */
export function tensorOf(array: NpyArray, storage: StorageType): Outcome<Tensor> {
  if (kindOf(array.type) !== kindOf(storage)) {
    const text = `${array.name}: elements are ${array.type}, ${storage} is needed`
    return failed(problem('ATTN0322', text, `x.astype(${numpyNames[storage === 'bf16' ? 'f32' : storage]})`))
  }
  const round = roundTo[storage]
  const tensor = emptyTensor(storage, array.shape)
  const { data } = array
  for (let n = 0; n < data.length; n++) {
    const x = data[n]!
    tensor.data[n] = x
    if (!Object.is(round(x), x)) return notExact(array, n, storage)
  }
  return done(tensor)
}

function notExact(array: NpyArray, at: number, storage: StorageType): Outcome<never> {
  const text = `${array.name}: element ${at}, ${array.data[at]}, is not exact in ${storage}, and is not rounded silently`
  const cast = `save x.astype(${numpyNames[storage]})`
  const hint = storage === 'bf16' ? 'save x.astype(ml_dtypes.bfloat16).astype(np.float32), or give --dtype f32' : cast
  return failed(problem('ATTN0323', text, hint))
}

/** As numpy.save writes it. There is no .npy type for bf16: it is written as f32, which has all its values. */
export function encodeNpy(tensor: Tensor): Uint8Array {
  const { storage, shape, data } = tensor
  const descr = { f32: '<f4', f16: '<f2', bf16: '<f4', i32: '<i4', bool: '|b1' }[storage]
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`
  const padded = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`
  const elements = storage === 'f16' ? new Float16Array(data) : data
  const bytes = new Uint8Array(10 + padded.length + elements.byteLength)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0])
  new DataView(bytes.buffer).setUint16(8, padded.length, true)
  bytes.set(new TextEncoder().encode(padded), 10)
  bytes.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength), 10 + padded.length)
  return bytes
}
