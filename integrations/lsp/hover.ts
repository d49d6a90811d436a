/** What is said of the name, the word or the expression at a place. */
import type { Hover } from 'vscode-languageserver'
import type { Expr } from '../../compiler/ir.ts'
import type * as ast from '../../grammar/ast.ts'
import { lex } from '../../grammar/lex.ts'
import { type SourceFile, type Span, spanOf } from '../../grammar/source.ts'
import { expressionsIn, rootsOf } from '../../grammar/walk.ts'
import { reserved } from '../../grammar/words.ts'
import type { Analysis } from './analysis.ts'
import { type Declaration, find, type Occurrence } from './declarations.ts'
import { describe, typed } from './describe.ts'
import { rangeOf } from './places.ts'
import { innermost } from './resolve.ts'
import { showStates } from './states.ts'
import { meaningOfWord } from './words.ts'

export function hoverAt(analysis: Analysis, offset: number): Hover | null {
  const { file } = analysis
  const occurrence = occurrenceAt(analysis, offset)
  if (occurrence) return describeOccurrence(analysis, occurrence)
  if (isInComment(file, offset)) return null
  const word = wordAt(file, offset)
  if (!word) return describeExpression(analysis, offset)
  const text = file.text.slice(word.start, word.end)
  const known = reserved.find((one) => one === text)
  if (known) {
    const state = known === 'attention' || known === 'output' ? stateAt(analysis, offset) : ''
    return hover([meaningOfWord[known], state], word)
  }
  const scope = innermost(analysis.resolved.scopes, offset)
  const named = find(scope, 'values', text) ?? find(scope, 'axes', text) ?? find(scope, 'functions', text)
  return named ? hover(parts(named, undefined), word) : null
}

const hover = (texts: readonly string[], span: Span): Hover => ({
  contents: { kind: 'markdown', value: texts.filter((text) => text !== '').join('\n\n---\n\n') },
  range: rangeOf(span),
})

function parts(declaration: Declaration, value: Expr | undefined): readonly string[] {
  const { code, text } = describe(declaration, value)
  return [fenced(code), text]
}

const fenced = (code: string): string => `\`\`\`attn\n${code}\n\`\`\``

/** The name at a place, its end included; where several stand for one, the first. */
export const occurrenceAt = ({ resolved }: Analysis, offset: number): Occurrence | undefined =>
  resolved.occurrences.find(({ span, role }) => role !== 'implied' && span.start <= offset && offset <= span.end)

const isInComment = (file: SourceFile, offset: number): boolean =>
  lex(file).comments.some(({ startOffset, image }) => startOffset <= offset && offset <= startOffset + image.length)

/** The letters around a place. */
export function wordAt(file: SourceFile, offset: number): Span | undefined {
  let [start, end] = [offset, offset]
  while (/\w/.test(file.text[start - 1] ?? '')) start -= 1
  while (/\w/.test(file.text[end] ?? '')) end += 1
  return start === end || /\d/.test(file.text[start] ?? '') ? undefined : spanOf(file, start, end)
}

function describeOccurrence(analysis: Analysis, { of, node, span, role }: Occurrence): Hover {
  const value = node?.kind === 'name' ? analysis.valueOf(node) : valueOfDeclaration(analysis, of)
  const called = node?.kind === 'call' ? analysis.valueOf(node) : undefined
  const [code = '', text = ''] = parts(of, value)
  const gives = called ? `here: \`${typed('', called).replace(/^: /, '')}\`` : ''
  const isResult = role === 'declares' && (of.kind === 'attention' || of.kind === 'output' || results.includes(of.name))
  return hover([code, text, gives, isResult ? stateAt(analysis, span.start) : ''], span)
}

/** The predefined names that rows are carried for. */
const results: readonly string[] = ['normalize', 'out']

/** What the checker makes of what a clause defines. */
function valueOfDeclaration(analysis: Analysis, { node, kind, name }: Declaration): Expr | undefined {
  if (kind === 'predefined' && name === 'weight') return undefined // it stands at the clause of another
  const value = node && 'value' in node ? node.value : undefined
  return value && analysis.valueOf(value)
}

/** The state of rows of the attention at a place. */
function stateAt(analysis: Analysis, offset: number): string {
  const one = attentionAt(analysis, offset)
  const checked = one && analysis.attention(one)
  return checked ? showStates(checked) : ''
}

const attentionAt = ({ recovered }: Analysis, offset: number): ast.Attention | undefined =>
  recovered.program.items.find(
    (item): item is ast.Attention => item.kind === 'attention' && item.span.start <= offset && offset <= item.span.end,
  )

/** Between names: the smallest expression there, so that an operator tells what it gives. */
function describeExpression(analysis: Analysis, offset: number): Hover | null {
  const item = analysis.recovered.program.items.find(({ span }) => span.start <= offset && offset < span.end)
  const holding = (item ? rootsOf(item) : []).flatMap((root) =>
    root.span.start <= offset && offset < root.span.end ? expressionsIn(root) : [],
  )
  const smallest = holding.findLast(({ span }) => span.start <= offset && offset < span.end)
  const value = smallest && analysis.valueOf(smallest)
  return value && smallest.kind !== 'number' && smallest.kind !== 'bool'
    ? hover([fenced(typed('', value).replace(/^: /, ''))], smallest.span)
    : null
}
