import { type ILexingError, type IToken, Lexer } from 'chevrotain'
import { describeCharacter, describeOperator } from './characters.ts'
import type { Diagnostic } from './diagnostic.ts'
import * as errors from './errors.ts'
import { countBytes, findTooDeep, maxBytes, maxNameLength } from './limits.ts'
import { type SourceFile, type Span, spanOf } from './source.ts'
import { allTokens, commentGroup, Ident, Num, OpenStr } from './tokens.ts'

export type Token = IToken

export interface Lexed {
  /** Without comments. */
  readonly tokens: readonly Token[]
  readonly comments: readonly Token[]
  /** In no order. Where there is one, the parser has nothing to say. */
  readonly problems: readonly Diagnostic[]
}

/** With `validate`, tokens are checked first, as a test does. */
export const createLexer = (validate = false): Lexer =>
  new Lexer([...allTokens], { positionTracking: 'onlyOffset', skipValidations: !validate })
const lexer = createLexer()

export const tokenSpan = (file: SourceFile, token: Token): Span =>
  spanOf(file, token.startOffset, token.startOffset + token.image.length)

/** Tokens, and what is wrong with characters, numbers, lengths and nesting. A byte order mark at the start is skipped. */
export function lex(file: SourceFile): Lexed {
  const bytes = countBytes(file.text)
  if (bytes > maxBytes) {
    return { tokens: [], comments: [], problems: [errors.sourceTooLarge(spanOf(file, 0, 0), bytes)] }
  }
  const { tokens, errors: unknown, groups } = lexer.tokenize(file.text.replace(/^\uFEFF/, ' '))
  const problems = [...unknown.map((one) => checkUnknown(file, one)), ...tokens.flatMap((t) => checkToken(file, t))]
  const deep = problems.length === 0 ? findTooDeep(tokens) : undefined
  if (deep) problems.push(errors.nestingTooDeep(tokenSpan(file, deep)))
  return { tokens, comments: groups[commentGroup] ?? [], problems }
}

function checkUnknown(file: SourceFile, { offset, length }: ILexingError): Diagnostic {
  const text = file.text.slice(offset, offset + length)
  const span = spanOf(file, offset, offset + length)
  const ours = describeOperator(text)
  return ours ? errors.foreignOperator(span, text, ours) : errors.unknownCharacter(span, describeCharacter(text))
}

function checkToken(file: SourceFile, token: Token): readonly Diagnostic[] {
  const { tokenType, image } = token
  if (tokenType === OpenStr) return [errors.unterminatedString(tokenSpan(file, token))]
  if (tokenType === Ident && image.length > maxNameLength)
    return [errors.nameTooLong(tokenSpan(file, token), image.length)]
  if (tokenType !== Num) return []
  const value = Number(image)
  if (isInteger(image) && value > 2 ** 31 - 1) return [errors.integerTooLarge(tokenSpan(file, token), image)]
  return Number.isFinite(value) ? [] : [errors.numberNotFinite(tokenSpan(file, token))]
}

/** Digits only: an i32. */
export const isInteger = (text: string): boolean => /^\d+$/.test(text)
