import type { IRecognitionException, IToken } from 'chevrotain'
import type { Clause, Comment, Expr, Fn, Item, Program } from './ast.ts'
import { diagnose, resumeAt } from './diagnose.ts'
import { type Diagnostic, fail, type Result, sortByPlace, succeed } from './diagnostic.ts'
import { collectDocs, type Doc } from './doc-comments.ts'
import * as errors from './errors.ts'
import { lex, tokenSpan } from './lex.ts'
import { maxHeight, maxNodes, measure } from './limits.ts'
import { AttnParser } from './parser.ts'
import { findPieces, type Piece } from './pieces.ts'
import type { SourceFile } from './source.ts'

const maxErrors = 20

const parser = new AttnParser()

/**
 * Text to tree. After a syntax error reading goes on at the next clause, so that one run shows the first error of each;
 * after a wrong character, number or length nothing is parsed. A file without anything in it is an empty program.
 */
export function parse(file: SourceFile): Result<Program> {
  const { tokens, comments, problems } = lex(file)
  if (problems.length > 0) return failWith(problems)
  const docs = collectDocs(file, tokens, comments)
  start(file, tokens, docs)
  const tree = parser.program()
  const found = [...parser.problems]
  const stopped = parser.errors[0]
  if (stopped) return failWith([...found, ...resume(file, tokens, stopped)])
  const used = [...parser.usedDocs].flatMap((at) => docs.get(at)?.comments ?? [])
  const items: readonly Item[] = tree.items
  found.push(...items.flatMap(rootsOf).flatMap(checkSize))
  if (found.length > 0) return failWith(found)
  return succeed({ kind: 'program', file, ...tree, comments: commentsBut(file, comments, new Set(used)) })
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

// Sizes of what was read.

function checkSize(root: Expr): readonly Diagnostic[] {
  const { nodes, height } = measure(root)
  if (nodes > maxNodes) return [errors.expressionTooLarge(root.span, nodes)]
  return height > maxHeight ? [errors.chainTooLong(root.span, height)] : []
}

function rootsOf(item: Item): readonly Expr[] {
  if (item.kind === 'attention') return item.clauses.flatMap(rootsOfClause)
  return item.kind === 'fn' ? rootsOfFn(item) : []
}

function rootsOfClause(clause: Clause): readonly Expr[] {
  switch (clause.kind) {
    case 'axis':
      return clause.axes.flatMap(({ rule }) => (rule?.kind === 'length' ? [rule.value] : []))
    case 'split':
      return [clause.by]
    case 'input':
      return clause.inputs.flatMap(({ range }) => (range ? [range.low, range.high] : []))
    case 'param':
    case 'const':
      return [...(clause.value ? [clause.value] : []), ...(clause.range ? [clause.range.low, clause.range.high] : [])]
    case 'fn':
      return rootsOfFn(clause)
    case 'tile':
    case 'precision':
    case 'check':
      return []
    default:
      return [clause.value]
  }
}

function rootsOfFn({ body }: Fn): readonly Expr[] {
  if (body.kind !== 'block') return [body]
  const statements = body.statements.flatMap((statement) =>
    statement.kind === 'let' ? [statement.value] : [statement.count, ...statement.body.map(({ value }) => value)],
  )
  return [...statements, body.value]
}
