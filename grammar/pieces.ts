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
  let depth = countDepth(tokens, at)
  for (let i = at; i < tokens.length; i += 1) {
    const name = nameOf(tokens, i)
    const certain = sure.has(name) || (isDefinition(tokens, i) && predefined.has(tokens[i]?.image ?? ''))
    if (certain) depth = name === 'attention' || name === 'import' ? 0 : Math.min(depth, 1)
    else if (name === '{') depth += 1
    else if (name === '}') depth -= 1
    if (certain || (depth <= 1 && (name === 'let' || isDefinition(tokens, i)))) begin.push(i)
  }
  return begin.map((start, i) => {
    const first = nameOf(tokens, start)
    const rule = first === 'attention' ? 'attentionHead' : first === 'import' ? 'item' : 'clause'
    return { start, end: endOf(tokens, start, begin[i + 1] ?? tokens.length), rule }
  })
}

const nameOf = (tokens: readonly IToken[], at: number): string => tokens[at]?.tokenType.name ?? ''

const isDefinition = (tokens: readonly IToken[], at: number): boolean =>
  nameOf(tokens, at) === Ident.name && nameOf(tokens, at + 1) === '=' && !inClause.has(nameOf(tokens, at - 1))

/** Open braces before a token. */
function countDepth(tokens: readonly IToken[], at: number): number {
  let depth = 0
  for (let i = 0; i < at; i += 1) {
    const name = nameOf(tokens, i)
    if (name === '{') depth += 1
    else if (name === '}') depth -= 1
  }
  return depth
}

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
