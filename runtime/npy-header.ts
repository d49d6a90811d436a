/** The header of a .npy file: numpy's format 1.0, 2.0 and 3.0, read with suspicion. */
import { done, failed, type Outcome, problem } from './problem.ts'

export interface NpyHeader {
  readonly descr: string // `<f4`
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
  readonly dataOffset: number
}

const magic = '\x93NUMPY'
/** numpy itself writes 64 to 256 bytes; what is longer holds no plain array. */
const longestHeader = 65_536
const mostAxes = 32
/** Enough of the file to see its whole header. */
export const headerBytes = longestHeader + 12

const damaged = (name: string, what: string): Outcome<never> =>
  failed(problem('ATTN0321', `${name}: damaged .npy file: ${what}`, 'write it again with numpy.save'))

/** @param head  the first `headerBytes` bytes of the file, or all of a shorter one */
export function parseNpyHeader(head: Uint8Array, name: string): Outcome<NpyHeader> {
  const latin1 = (from: number, to: number): string => String.fromCharCode(...head.subarray(from, to))
  if (latin1(0, 6) !== magic) return notNpy(head, name)
  const major = head[6]
  if (head.length < 10) return damaged(name, 'it ends inside the header')
  if (major !== 1 && major !== 2 && major !== 3) return damaged(name, `unknown format version ${major}.${head[7]}`)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const start = major === 1 ? 10 : 12
  if (head.length < start) return damaged(name, 'it ends inside the header')
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > longestHeader) return damaged(name, `its header claims ${length} bytes`)
  if (start + length > head.length) return damaged(name, `its header claims ${length} bytes, the file ends before that`)
  const bytes = head.subarray(start, start + length)
  if (bytes.some((byte) => byte > 0x7e || (byte < 0x20 && byte !== 0x0a))) {
    return damaged(name, 'its header holds bytes that are no plain text')
  }
  return parseDict(new TextDecoder().decode(bytes), name, start + length)
}

function notNpy(head: Uint8Array, name: string): Outcome<never> {
  const isZip = head[0] === 0x50 && head[1] === 0x4b
  const hint = isZip ? 'an .npz archive holds several: unpack it first' : 'write one with numpy.save'
  const what = head.length === 0 ? 'the file is empty' : 'not a .npy file'
  return failed(problem('ATTN0320', `${name}: ${what}`, hint))
}

const token = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|(\d+)L?|([{}():,[\]]))/y

/** Python's dict of `descr`, `fortran_order` and `shape`, in any order; each once and nothing else. No recursion: nothing nests. */
function parseDict(text: string, name: string, dataOffset: number): Outcome<NpyHeader> {
  const bad = (what: string): Outcome<never> => damaged(name, `its header ${what}`)
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
  return fieldsOf(fields, name, dataOffset)
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

function fieldsOf(fields: ReadonlyMap<string, Value>, name: string, dataOffset: number): Outcome<NpyHeader> {
  const descr = fields.get("'descr")
  const fortranOrder = fields.get("'fortran_order")
  const shape = fields.get("'shape")
  if (typeof descr !== 'string' || typeof fortranOrder !== 'boolean' || !Array.isArray(shape) || fields.size !== 3) {
    return damaged(name, "its header must have 'descr', 'fortran_order' and 'shape', and nothing else")
  }
  if (shape.length > mostAxes) return damaged(name, `its header claims ${shape.length} axes`)
  if (!Number.isSafeInteger(shape.reduce((a: number, b: number) => a * b, 1))) {
    return damaged(name, `its header claims the shape [${shape.join(', ')}]`)
  }
  return done({ descr: descr.slice(1), fortranOrder, shape, dataOffset })
}
