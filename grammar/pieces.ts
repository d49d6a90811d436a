import type { IToken } from 'chevrotain'
import { clauseWords, Ident, itemWords } from './tokens.ts'

/** Tokens `start` to `end` (exclusive) that one rule of the parser should read on its own. */
export interface Piece {
  readonly start: number
  readonly end: number
  readonly rule: 'item' | 'clause' | 'attentionHead'
}

/** Words that start a clause or an item wherever they stand; `let` also starts statements of a block. */
const sure: ReadonlySet<string> = new Set([...clauseWords, ...itemWords].filter((word) => word !== 'let'))
const predefined: ReadonlySet<string> = new Set(['score', 'mask', 'normalize'])
/** What `name =` follows where it belongs to a clause that has already begun. */
const inClause: ReadonlySet<string> = new Set([...clauseWords, ',', ':', 'as', '['])

/** The clauses and items that start at token `at` or after it. */
export function findPieces(tokens: readonly IToken[], at: number): readonly Piece[] {
  const begin: number[] = []
  let place = { depth: 0, inAttention: false }
  for (let i = 0; i < tokens.length; i += 1) {
    const name = nameOf(tokens, i)
    const certain = sure.has(name) || (isDefinition(tokens, i) && predefined.has(tokens[i]?.image ?? ''))
    if (i >= at && certain) place = startCertain(place, name)
    else place = passToken(place, name)
    const level = place.inAttention ? 1 : 0
    if (i >= at && (certain || (place.depth <= level && (name === 'let' || isDefinition(tokens, i))))) begin.push(i)
  }
  return begin.map((start, i) => {
    const first = nameOf(tokens, start)
    const rule = first === 'attention' ? 'attentionHead' : first === 'import' ? 'item' : 'clause'
    return { start, end: endOf(tokens, start, begin[i + 1] ?? tokens.length), rule }
  })
}

/** Open braces, and whether the first of them is that of an attention. */
interface Level {
  readonly depth: number
  readonly inAttention: boolean
}

function passToken({ depth, inAttention }: Level, name: string): Level {
  if (name === 'attention') return { depth, inAttention: true }
  if (name === '{') return { depth: depth + 1, inAttention }
  return name === '}' ? { depth: depth - 1, inAttention: inAttention && depth > 1 } : { depth, inAttention }
}

/** Whatever was left open before it, a clause stands in its attention and an item in its file. */
function startCertain({ depth, inAttention }: Level, name: string): Level {
  if (name === 'attention' || name === 'import') return { depth: 0, inAttention: name === 'attention' }
  return { depth: Math.min(depth, inAttention ? 1 : 0), inAttention }
}

const nameOf = (tokens: readonly IToken[], at: number): string => tokens[at]?.tokenType.name ?? ''

const isDefinition = (tokens: readonly IToken[], at: number): boolean =>
  nameOf(tokens, at) === Ident.name && nameOf(tokens, at + 1) === '=' && !inClause.has(nameOf(tokens, at - 1))

/** Before the semicolon or the brace that ends a clause or what holds it. */
function endOf(tokens: readonly IToken[], start: number, next: number): number {
  let depth = 0
  for (let i = start; i < next; i += 1) {
    const name = nameOf(tokens, i)
    if (name === '{') depth += 1
    if (name === '{' && nameOf(tokens, start) === 'attention') return i + 1
    if (name === ';' && depth === 0) return i
    if (name === '}' && depth === 0) return i
    if (name === '}') depth -= 1
  }
  return next
}
