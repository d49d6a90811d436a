import type { IRecognitionException, IToken } from 'chevrotain'
import type { Comment, Expr, Item, Program } from './ast.ts'
import { diagnose, resumeAt } from './diagnose.ts'
import { type Diagnostic, fail, type Result, sortByPlace, succeed } from './diagnostic.ts'
import { collectDocs, type Doc } from './doc-comments.ts'
import * as errors from './errors.ts'
import { lex, tokenSpan } from './lex.ts'
import { maxHeight, maxNodes, measure } from './limits.ts'
import { AttnParser } from './parser.ts'
import { findPieces, type Piece } from './pieces.ts'
import type { SourceFile } from './source.ts'
import { rootsOf } from './walk.ts'

const maxErrors = 20

const parser = new AttnParser()

/**
 * Text to tree, once per file. After a syntax error reading goes on at the next clause, so that one run shows the first error of each;
 * after a wrong character, number or length nothing is parsed. A file without anything in it is an empty program.
 */
export function parse(file: SourceFile): Result<Program> {
  const known = parsed.get(file)
  if (known) return known
  const { program, found, tokens, stopped } = readWhole(file)
  const result = program ? succeed(program) : failWith(stopped ? [...found, ...resume(file, tokens, stopped)] : found)
  parsed.set(file, result)
  return result
}

const parsed = new WeakMap<SourceFile, Result<Program>>()

/** What came of reading a file from its start: a program, or what is wrong up to where the parser stopped, if it did. */
export interface Whole {
  readonly program: Program | undefined
  readonly found: readonly Diagnostic[]
  readonly tokens: readonly IToken[]
  readonly docs: ReadonlyMap<number, Doc>
  readonly stopped: IRecognitionException | undefined
}

const wholes = new WeakMap<SourceFile, Whole>()

export function readWhole(file: SourceFile): Whole {
  const known = wholes.get(file)
  if (known) return known
  const whole = readAnew(file)
  wholes.set(file, whole)
  return whole
}

function readAnew(file: SourceFile): Whole {
  const { tokens, comments, problems } = lex(file)
  const docs = collectDocs(file, tokens, comments)
  const failed = (found: readonly Diagnostic[], stopped?: IRecognitionException): Whole => ({
    program: undefined,
    found,
    tokens,
    docs,
    stopped,
  })
  if (problems.length > 0) return failed(problems)
  start(file, tokens, docs)
  const tree = parser.program()
  const found = [...parser.problems]
  const stopped = parser.errors[0]
  if (stopped) return failed(found, stopped)
  const used = [...parser.usedDocs].flatMap((at) => docs.get(at)?.comments ?? [])
  const items: readonly Item[] = tree.items
  found.push(...items.flatMap(rootsOf).flatMap(checkSize))
  if (found.length > 0) return failed(found)
  const program: Program = { kind: 'program', file, ...tree, comments: commentsBut(file, comments, new Set(used)) }
  return { program, found, tokens: [], docs: new Map(), stopped: undefined } // nobody asks for these any more
}

function start(file: SourceFile, tokens: readonly IToken[], docs: ReadonlyMap<number, Doc>): void {
  parser.file = file
  parser.problems = []
  parser.docs = docs
  parser.usedDocs = new Set()
  parser.input = [...tokens]
}

const commentsBut = (file: SourceFile, comments: readonly IToken[], used: ReadonlySet<IToken>): readonly Comment[] =>
  comments
    .filter((comment) => !used.has(comment))
    .map((comment) => ({ kind: 'comment', text: comment.image.trimEnd(), span: tokenSpan(file, comment) }))

function failWith(problems: readonly Diagnostic[]): Result<never> {
  const sorted = sortByPlace(problems)
  const next = sorted[maxErrors]
  if (!next) return fail(...sorted)
  return fail(...sorted.slice(0, maxErrors), errors.tooManyErrors(next.at.span, maxErrors))
}

// After an error.

/** The error that the parser stopped at, and the first error of each clause and item after it. */
function resume(file: SourceFile, tokens: readonly IToken[], stopped: IRecognitionException): readonly Diagnostic[] {
  const at = indexOf(tokens, stopped, tokens.length)
  const found = [diagnose(file, tokens, at, stopped)]
  for (const piece of findPieces(tokens, resumeAt(file, tokens, at, stopped))) {
    found.push(...readPiece(file, tokens, piece))
    if (found.length > maxErrors) break
  }
  return found
}

function readPiece(file: SourceFile, tokens: readonly IToken[], piece: Piece): readonly Diagnostic[] {
  start(file, tokens.slice(piece.start, piece.end), new Map())
  parser[piece.rule]()
  const stopped = parser.errors[0]
  if (!stopped) return parser.problems
  const at = indexOf(tokens, stopped, piece.end)
  const inAttention = piece.rule === 'clause' && stopped.message === 'the end'
  return [...parser.problems, diagnose(file, tokens, at, stopped, inAttention)]
}

/** Where an exception's token stands; the parser's own token for the end stands nowhere. */
function indexOf(tokens: readonly IToken[], { token }: IRecognitionException, end: number): number {
  let low = 0
  let high = tokens.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((tokens[middle]?.startOffset ?? 0) < token.startOffset) low = middle + 1
    else high = middle
  }
  return tokens[low] === token ? low : end
}

/** What a piece says, if it can be read to its end. */
export function parsePiece(
  file: SourceFile,
  tokens: readonly IToken[],
  piece: Piece,
  docs: ReadonlyMap<number, Doc>,
): ReturnType<AttnParser[Piece['rule']]> | undefined {
  start(file, tokens.slice(piece.start, piece.end), docs)
  const read = parser[piece.rule]()
  return parser.errors.length > 0 || parser.problems.length > 0 ? undefined : read
}

// Sizes of what was read.

export function checkSize(root: Expr): readonly Diagnostic[] {
  const { nodes, height } = measure(root)
  if (nodes > maxNodes) return [errors.expressionTooLarge(root.span, nodes)]
  return height > maxHeight ? [errors.chainTooLong(root.span, height)] : []
}
