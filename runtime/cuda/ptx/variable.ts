/** Declarations of memory, and where variables of one space lie. */
import type { Variable } from './module.ts'
import type { Tokens } from './tokens.ts'

/** The bytes of a value of a type; a predicate has none. */
export const bytesOfType = (type: string): number => {
  const bits = /^[a-z]+?(\d+)(x2)?$/.exec(type)
  if (!bits) throw new Error(`PTX has the type ${type}, which has no bytes`)
  return (Number(bits[1]) / 8) * (bits[2] ? 2 : 1)
}

/** After its space: `.align 8 .b8 name[200]`, up to and with its semicolon, if it has one; a comma is left. */
export function parseVariable(tokens: Tokens, space: string): readonly Variable[] {
  let align = 0
  let type = ''
  while (tokens.peek().startsWith('.')) {
    const word = tokens.next()
    if (word === '.align') align = Number(tokens.next())
    else if (!/^\.(ptr|global|shared|local|const|attribute|visible|unified|managed)$/.test(word)) type = word.slice(1)
  }
  const found: Variable[] = []
  do {
    const name = tokens.next()
    const size = bytesOfType(type)
    let count = 1
    while (tokens.skip('[')) {
      count *= tokens.peek() === ']' ? 0 : Number(tokens.next())
      tokens.expect(']')
    }
    const content = tokens.skip('=') ? parseContent(tokens, size) : []
    const bytes = Math.max(size * count, content.length)
    found.push({ name, space: space.slice(1) as Variable['space'], bytes, align: align || size, content })
  } while (space !== '.param' && tokens.skip(','))
  tokens.skip(';')
  return found
}

/** Numbers in braces, as bytes. */
function parseContent(tokens: Tokens, size: number): readonly number[] {
  const bytes: number[] = []
  const add = (word: string): void => {
    const negative = word === '-'
    const number = BigInt((negative ? tokens.next() : word).replace(/U$/, ''))
    let rest = BigInt.asUintN(size * 8, negative ? -number : number)
    for (let n = 0; n < size; n++, rest >>= 8n) bytes.push(Number(rest & 255n))
  }
  if (!tokens.skip('{')) add(tokens.next())
  else
    while (!tokens.skip('}')) {
      if (!tokens.skip(',')) add(tokens.next())
    }
  return bytes
}

/** Where variables lie that share memory, and the bytes of them all. */
export function layOut(variables: readonly Variable[]): {
  readonly offsets: ReadonlyMap<string, number>
  readonly bytes: number
} {
  const offsets = new Map<string, number>()
  let bytes = 0
  for (const { name, align, bytes: size } of variables) {
    bytes = Math.ceil(bytes / align) * align
    offsets.set(name, bytes)
    bytes += size
  }
  return { offsets, bytes }
}
