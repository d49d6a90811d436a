/** The header of a .npy file: numpy's format 1.0, 2.0 and 3.0, read with suspicion. */
import type { Fault } from './bytes.ts'
import { shapeFault } from './problems.ts'

export interface NpyHeader {
  readonly descr: string // `<f4`
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
  readonly dataOffset: number
}

const magic = '\x93NUMPY'
/** numpy itself writes 64 to 256 bytes; what is longer holds no plain array. */
const longestHeader = 65_536
/** Enough of the file to see its whole header. */
export const headerBytes = longestHeader + 12

export const isNpy = (head: Uint8Array): boolean => latin1(head.subarray(0, 6)) === magic

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/** @param head  the first `headerBytes` bytes of the file, or all of a shorter one */
export function parseNpyHeader(head: Uint8Array): NpyHeader | Fault {
  if (!isNpy(head)) return "it does not begin as numpy's files do"
  const major = head[6]
  if (head.length < 10) return 'it ends inside the header'
  if (major !== 1 && major !== 2 && major !== 3) return `unknown format version ${major}.${head[7]}`
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const start = major === 1 ? 10 : 12
  if (head.length < start) return 'it ends inside the header'
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > longestHeader) return `its header claims ${length} bytes, of at most ${longestHeader}`
  if (start + length > head.length) return `its header claims ${length} bytes, the file ends before that`
  const bytes = head.subarray(start, start + length)
  if (bytes.some((byte) => byte > 0x7e || (byte < 0x20 && byte !== 0x0a))) {
    return 'its header holds bytes that are no plain text'
  }
  return parseDict(new TextDecoder().decode(bytes), start + length)
}

const token = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|(\d+)L?|([{}():,[\]]))/y

/** Python's dict of `descr`, `fortran_order` and `shape`, in any order; each once and nothing else. No recursion: nothing nests. */
function parseDict(text: string, dataOffset: number): NpyHeader | Fault {
  const bad = (what: string): Fault => `its header ${what}`
  const tokens = tokenize(text.trim())
  if (!tokens) return bad('is no Python dictionary')
  const fields = new Map<string, Value>()
  let at = 1
  if (tokens[0] !== '{') return bad('is no Python dictionary')
  while (tokens[at] !== '}') {
    const key = tokens[at]
    if (!key?.startsWith("'") || tokens[at + 1] !== ':') return bad('is no Python dictionary')
    const [value, next] = parseValue(tokens, at + 2)
    if (value === undefined) return bad(`has no plain value for ${key}`)
    if (fields.has(key)) return bad(`has ${key} twice`)
    fields.set(key, value)
    at = tokens[next] === ',' ? next + 1 : next
    if (next === at && tokens[at] !== '}') return bad('is no Python dictionary')
  }
  if (at !== tokens.length - 1) return bad('goes on after its dictionary')
  return fieldsOf(fields, dataOffset)
}

type Value = string | boolean | readonly number[] | 'structured'

/** Strings come back with one leading `'`; undefined: a character that has no place in a header. */
function tokenize(text: string): readonly string[] | undefined {
  const tokens: string[] = []
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (!match) return undefined
    const string = match[1] ?? match[2]
    tokens.push(string === undefined ? match[0].trim().replace(/L$/, '') : `'${string}`)
  }
  return tokens
}

function parseValue(tokens: readonly string[], at: number): readonly [Value | undefined, number] {
  const first = tokens[at]
  if (first === 'True' || first === 'False') return [first === 'True', at + 1]
  if (first?.startsWith("'")) return [first, at + 1]
  if (first === '[') return ['structured', at]
  if (first !== '(') return [undefined, at]
  const shape: number[] = []
  let next = at + 1
  while (tokens[next] !== ')') {
    if (!/^\d{1,15}$/.test(tokens[next] ?? '')) return [undefined, at]
    shape.push(Number(tokens[next]))
    next += 1
    if (tokens[next] === ',') next += 1
    else if (tokens[next] !== ')') return [undefined, at]
  }
  return [shape, next + 1]
}

function fieldsOf(fields: ReadonlyMap<string, Value>, dataOffset: number): NpyHeader | Fault {
  const descr = fields.get("'descr")
  const fortranOrder = fields.get("'fortran_order")
  const shape = fields.get("'shape")
  if (typeof descr !== 'string' || typeof fortranOrder !== 'boolean' || !Array.isArray(shape) || fields.size !== 3) {
    return "its header must have 'descr', 'fortran_order' and 'shape', and nothing else"
  }
  return shapeFault(shape) ?? { descr: descr.slice(1), fortranOrder, shape, dataOffset }
}
