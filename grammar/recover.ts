/** What can be read of a text that may be wrong, as while it is being typed: for those who show it, not for the compiler. */
import type { IToken } from 'chevrotain'
import type { Clause, Import, Item, Name, Program } from './ast.ts'
import { tokenSpan } from './lex.ts'
import { findTooDeep } from './limits.ts'
import { checkSize, parsePiece, readWhole, type Whole } from './parse.ts'
import { findPieces, type Piece } from './pieces.ts'
import { type SourceFile, type Span, spanOf } from './source.ts'
import { Ident } from './tokens.ts'
import { rootsOf, rootsOfClause } from './walk.ts'

export interface Recovered {
  /** The items and clauses that are whole; all of them where `parse` has nothing to say. */
  readonly program: Program
  readonly broken: readonly Broken[]
}

/** A clause or an item that cannot be read, with the names that it surely declares. */
export interface Broken {
  readonly span: Span
  readonly word: string
  readonly name: Name | undefined // its own
  readonly axes: readonly Name[]
  readonly names: readonly Name[] // parameters and lets of a function, further inputs
}

/** Once per file, as `parse`. */
export function recover(file: SourceFile): Recovered {
  const known = recovered.get(file)
  if (known) return known
  const whole = readWhole(file)
  const result = whole.program ? { program: whole.program, broken: [] } : readPieces(file, whole)
  recovered.set(file, result)
  return result
}

const recovered = new WeakMap<SourceFile, Recovered>()

interface Open {
  readonly name: Name
  readonly start: number
  readonly doc: string | undefined
  readonly clauses: Clause[]
}

interface Reading {
  readonly imports: Import[]
  readonly items: Item[]
  readonly broken: Broken[]
  attention: Open | undefined
}

function readPieces(file: SourceFile, { tokens, docs }: Whole): Recovered {
  const into: Reading = { imports: [], items: [], broken: [], attention: undefined }
  const pieces = findTooDeep(tokens) ? [] : findPieces(tokens, 0)
  let [at, depth] = [0, 0]
  for (const piece of pieces) {
    for (; at < piece.start; at += 1) {
      depth = Math.max(0, depth + braceOf(tokens[at]))
      if (depth === 0 && braceOf(tokens[at]) < 0) closeAttention(file, into, endOf(tokens[at]))
    }
    const word = tokens[piece.start]?.tokenType.name ?? ''
    if (word === 'attention' || word === 'import') {
      closeAttention(file, into, endOf(tokens[piece.start - 1]))
      depth = 0
    }
    const read = parsePiece(file, tokens, piece, docs)
    if (!read) into.broken.push(readBroken(file, tokens, piece))
    else if (!('kind' in read)) into.attention = { ...read, doc: docs.get(read.start)?.text, clauses: [] }
    else add(read, into)
  }
  for (; at < tokens.length && into.attention; at += 1) {
    depth += braceOf(tokens[at])
    if (depth <= 0 && braceOf(tokens[at]) < 0) closeAttention(file, into, endOf(tokens[at]))
  }
  closeAttention(file, into, file.text.length)
  const { imports, items, broken } = into
  return { program: { kind: 'program', file, imports, items, comments: [] }, broken }
}

const braceOf = (token: IToken | undefined): number =>
  token?.tokenType.name === '{' ? 1 : token?.tokenType.name === '}' ? -1 : 0

const endOf = (token: IToken | undefined): number => (token ? token.startOffset + token.image.length : 0)

/** A piece belongs to the attention that is open, if one is. */
function add(read: Item | Import | Clause, into: Reading): void {
  if (read.kind === 'import') into.imports.push(read)
  else if (read.kind === 'attention') into.items.push(read)
  else if (into.attention) {
    if (rootsOfClause(read).every(isSmall)) into.attention.clauses.push(read)
  } else if ((read.kind === 'fn' || read.kind === 'check') && rootsOf(read).every(isSmall)) into.items.push(read)
}

const isSmall = (e: Parameters<typeof checkSize>[0]): boolean => checkSize(e).length === 0

function closeAttention(file: SourceFile, into: Reading, end: number): void {
  if (!into.attention) return
  const { name, start, doc, clauses } = into.attention
  const span = spanOf(file, start, Math.max(start, end))
  into.items.push({ kind: 'attention', name, clauses, span, ...(doc === undefined ? {} : { doc }) })
  into.attention = undefined
}

// What is broken

const declaring: ReadonlySet<string> = new Set(['attention', 'fn', 'axis', 'input', 'param', 'const', 'let', 'view'])

function readBroken(file: SourceFile, tokens: readonly IToken[], { start, end }: Piece): Broken {
  const own = tokens.slice(start, end)
  const names: Name[] = []
  const axes: Name[] = []
  const word = own[0]?.tokenType.name ?? ''
  const isList = word === 'input' || word === 'axis'
  let [open, seen] = ['', word === 'fn' ? 0 : 2]
  for (const [k, token] of own.entries()) {
    const sign = token.tokenType.name
    const before = own[k - 1]?.tokenType.name ?? ''
    if (sign === ')' || sign === ']') {
      if (sign === ')') seen = 2
      open = ''
    } else if (sign === '(' || sign === '[') open = sign
    if (token.tokenType !== Ident) continue
    const name: Name = { kind: 'name', text: token.image, span: tokenSpan(file, token) }
    if (declaring.has(before) || (isList && open === '' && before === ',')) names.push(name)
    else if (seen < 2 && open === '(') names.push(name)
    else if (seen < 2 && open === '[') axes.push(name)
  }
  const last = own.at(-1)
  const span = spanOf(file, own[0]?.startOffset ?? 0, endOf(last))
  const first = names[0]
  const isOwn = first !== undefined && own[1] !== undefined && first.span.start === own[1].startOffset
  return { span, word, name: isOwn ? first : undefined, axes, names: isOwn ? names.slice(1) : names }
}
