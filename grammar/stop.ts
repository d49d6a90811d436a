import type { IToken } from 'chevrotain'
import { tokenSpan } from './lex.ts'
import { type SourceFile, type Span, spanOf } from './source.ts'
import { clauseWords, Ident, itemWords } from './tokens.ts'

/** A place where the parser could not go on, in a list of tokens; `at` may be its length: the end of the file. */
export interface Stop {
  readonly file: SourceFile
  readonly tokens: readonly IToken[]
  readonly at: number
  /** The rule or the token that was expected. */
  readonly expected: string
  /** The rules that were being read, outermost first. */
  readonly rules: readonly string[]
}

/** The sign that closes each bracket, and the one that opens it. */
export const closerOf: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
export const openerOf: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }
const expressionRules: ReadonlySet<string> = new Set([
  ...['expression', 'conditional', 'disjunction', 'conjunction', 'negation', 'comparison', 'sum', 'product', 'sign'],
  ...['power', 'postfix', 'primary'],
])

export const nameAt = ({ tokens }: Stop, at: number): string => tokens[at]?.tokenType.name ?? ''

export function here({ file, tokens, at }: Stop): Span {
  const token = tokens[at]
  const last = tokens.at(-1)
  if (token) return tokenSpan(file, token)
  const end = last ? last.startOffset + last.image.length : 0
  return spanOf(file, end, end)
}

export const quote = (token: IToken): string =>
  token.image.length > 40 ? `'${token.image.slice(0, 40)}…'` : `'${token.image}'`

export const foundAt = ({ tokens, at }: Stop): string => {
  const token = tokens[at]
  return token ? quote(token) : 'the end of the file'
}

export const before = ({ tokens, at }: Stop): string => {
  const token = tokens[at - 1]
  return token ? quote(token) : 'the start of the file'
}

export const expectsExpression = ({ expected }: Stop): boolean => expressionRules.has(expected)

/** Brackets open before a place, innermost last. */
export function openBrackets({ tokens, at }: Stop): readonly number[] {
  const open: number[] = []
  for (let i = 0; i < at; i += 1) {
    const name = tokens[i]?.tokenType.name ?? ''
    if (closerOf[name]) open.push(i)
    else if (openerOf[name] && nameOfOpen(tokens, open) === openerOf[name]) open.pop()
  }
  return open
}

const nameOfOpen = (tokens: readonly IToken[], open: readonly number[]): string =>
  tokens[open.at(-1) ?? -1]?.tokenType.name ?? ''

/** Whether the next clause or item starts here: with its word or with `name =`, at the start of a line. */
export function startsNext(stop: Stop): boolean {
  const name = nameAt(stop, stop.at)
  const starts = [...clauseWords, ...itemWords].some((word) => word === name)
  return isFirstOnLine(stop) && (starts || (name === Ident.name && nameAt(stop, stop.at + 1) === '='))
}

export function isFirstOnLine({ file, tokens, at }: Stop): boolean {
  const [previous, token] = [tokens[at - 1], tokens[at]]
  const from = previous ? previous.startOffset + previous.image.length : 0
  return token !== undefined && (previous === undefined || /[\n\r]/.test(file.text.slice(from, token.startOffset)))
}
