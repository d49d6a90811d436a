/** The JSON of a safetensors file, read with suspicion: what it lists fills the file, each byte once. */
import { elementCount } from '../tensor.ts'
import type { Fault } from './bytes.ts'
import { type ElementName, elementTypes } from './elements.ts'
import { shapeFault, wrongLength } from './problems.ts'

export interface Listed {
  readonly dtype: string // as it is written
  readonly type: ElementName | undefined // undefined: not one that is read
  readonly shape: readonly number[]
  readonly start: number // first byte, counted from the end of the header
  readonly end: number
}

const elementNames: ReadonlyMap<string, ElementName> = new Map([
  ['F64', 'f64'],
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['I64', 'i64'],
  ['I32', 'i32'],
  ['I16', 'i16'],
  ['I8', 'i8'],
  ['U64', 'u64'],
  ['U32', 'u32'],
  ['U16', 'u16'],
  ['U8', 'u8'],
  ['BOOL', 'bool'],
])

/** @param dataBytes  bytes of the file after the header */
export function parseSafetensorsHeader(bytes: Uint8Array, dataBytes: number): ReadonlyMap<string, Listed> | Fault {
  const text = decodeText(bytes)
  if (text === undefined) return 'its header is not valid UTF-8'
  const fault = textFault(text)
  if (fault !== undefined) return fault
  const header = parseObject(text)
  if (!header) return 'its header is no JSON object'
  const listed = new Map<string, Listed>()
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const tensor = parseTensor(value)
    if (typeof tensor === 'string') return `of '${shortened(name)}' ${tensor}`
    listed.set(name, tensor)
  }
  return coverFault(listed, dataBytes) ?? listed
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const mostDepth = 4

/**
 * What JSON.parse does not mind. It takes the last of several values for a key, other readers the first: two programs would see
 * two tensors. And lists of lists would take it forty times the memory of the text.
 */
function textFault(text: string): Fault | undefined {
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (c === '{' || c === '[') {
      if (open.length === mostDepth || (open.length > 0 && !open.at(-1))) return 'its header nests too deeply'
      open.push(c === '{' ? new Set() : undefined)
    } else if (c === '}' || c === ']') open.pop()
    if (c !== '"') continue
    const end = closingQuote(text, at)
    colon.lastIndex = end + 1
    const name = colon.test(text) ? unquoted(text.slice(at, end + 1)) : undefined
    at = end
    if (name === undefined) continue
    if (open.at(-1)?.has(name)) return `its header has '${shortened(name)}' twice`
    open.at(-1)?.add(name)
  }
  return undefined
}

const colon = /\s*:/y

function closingQuote(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '\\') end += 1
    else if (text[end] === '"') return end
  }
  return text.length
}

/** `a` and `\u0061` are one key. */
function unquoted(key: string): string {
  try {
    return String(JSON.parse(key))
  } catch {
    return key
  }
}

function parseTensor(value: unknown): Listed | Fault {
  if (!isObject(value)) return 'its header says nothing that describes a tensor'
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string') return "its header has no 'dtype'"
  if (!isLengths(shape)) return "its header has no 'shape' of lengths"
  if (!isLengths(offsets) || offsets.length !== 2) return "its header has no two 'data_offsets'"
  const [start = 0, end = 0] = offsets
  const type = elementNames.get(dtype)
  const bytes = type === undefined ? undefined : elementCount(shape) * elementTypes[type].bytes
  const fault = shapeFault(shape)
  if (fault !== undefined) return fault
  if (start > end) return `its data begin at ${start} and end at ${end}`
  if (bytes !== undefined && bytes !== end - start) return wrongLength(shape, dtype, bytes, end - start)
  return { dtype: shortened(dtype), type, shape, start, end }
}

const isLengths = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0)

/** Sorted by where they begin, each tensor begins where the one before ends, and the last ends with the file. */
function coverFault(listed: ReadonlyMap<string, Listed>, dataBytes: number): Fault | undefined {
  let at = 0
  for (const [name, { start, end }] of [...listed].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (start < at) return `'${shortened(name)}' begins at ${start}, within the tensor before it, which ends at ${at}`
    if (start > at) return `there are ${start - at} bytes of no tensor before '${shortened(name)}'`
    if (end > dataBytes) return `'${shortened(name)}' ends at byte ${end} of ${dataBytes}`
    at = end
  }
  return at === dataBytes ? undefined : `there are ${dataBytes - at} bytes after the last tensor`
}

/** A name as messages show it. */
const shortened = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}…` : name)
