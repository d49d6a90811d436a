/** numpy's .npy: one array, by itself or as a member of an archive. */
import { done, failed, type Outcome } from '../problem.ts'
import { elementCount } from '../tensor.ts'
import { type ByteRange, headOf } from './bytes.ts'
import { type ElementName, elementTypes } from './elements.ts'
import type { Elements, Encoded } from './encode.ts'
import { chunksOf, storedAs } from './encode.ts'
import type { TensorEntry } from './entry.ts'
import { headerBytes, type NpyHeader, parseNpyHeader } from './npy-header.ts'
import { damaged, type Format, typeNotRead, wrongLength } from './problems.ts'

const elementNames: Readonly<Record<string, ElementName>> = {
  f8: 'f64',
  f4: 'f32',
  f2: 'f16',
  i8: 'i64',
  i4: 'i32',
  i2: 'i16',
  i1: 'i8',
  u8: 'u64',
  u4: 'u32',
  u2: 'u16',
  u1: 'u8',
  b1: 'bool',
}

/** @param range  the whole file, whose length is compared with what its header claims */
export async function npyEntry(range: ByteRange, label: string, format: Format): Promise<Outcome<TensorEntry>> {
  const head = await headOf(range, headerBytes)
  const header = typeof head === 'string' ? head : parseNpyHeader(head)
  if (typeof header === 'string') return failed(damaged(label, format, header))
  const { shape, fortranOrder, dataOffset, descr } = header
  const type = elementNameOf(header)
  if (type === undefined) return failed(typeNotRead(label, `'${descr}'`, hintFor(descr)))
  const claimed = elementCount(shape) * elementTypes[type].bytes
  const has = range.size - dataOffset
  if (claimed !== has) return failed(damaged(label, format, wrongLength(shape, descr, claimed, has)))
  const bigEndian = descr.startsWith('>')
  return done({ label, format, type, shape, fortranOrder, bigEndian, range, dataOffset })
}

function elementNameOf({ descr }: NpyHeader): ElementName | undefined {
  const [, order = '', code = ''] = /^([<>|=])(\w+)$/.exec(descr) ?? []
  const type = Object.hasOwn(elementNames, code) ? elementNames[code] : undefined
  return type !== undefined && (order !== '|' || elementTypes[type].bytes === 1) ? type : undefined
}

const hintFor = (descr: string): string =>
  descr.slice(1) === 'V2'
    ? 'bf16 has no .npy type: save x.astype(np.float32), and give --dtype bf16; or save a .safetensors file'
    : 'x.astype(np.float32)'

/** As numpy.save writes it. There is no .npy type for bf16: it is written as f32, which has all its values. */
export function encodeNpy(tensor: Elements): Encoded {
  const type = tensor.storage === 'bf16' ? 'f32' : tensor.storage
  const { shape } = tensor
  const descr = { f32: '<f4', f16: '<f2', i32: '<i4', bool: '|b1' }[type]
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`
  const padded = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`
  const header = new Uint8Array(10 + padded.length)
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0])
  new DataView(header.buffer).setUint16(8, padded.length, true)
  header.set(new TextEncoder().encode(padded), 10)
  const byteLength = header.length + tensor.data.length * elementTypes[type].bytes
  return { byteLength, chunks: () => chunksOf(header, storedAs(tensor, type)) }
}
