import { createToken, Lexer, type TokenType } from 'chevrotain'
import { reserved, type Word } from './words.ts'

export { clauseWords, itemWords, reserved } from './words.ts'

export const Ident = createToken({ name: 'a name', pattern: /[A-Za-z_][A-Za-z0-9_]*/ })
export const Num = createToken({ name: 'a number', pattern: /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/ })
export const Str = createToken({ name: 'a string', pattern: /"[^"\n\r]*"/ })
/** A string whose line ends before it does; never parsed. */
export const OpenStr = createToken({ name: 'an open string', pattern: /"[^"\n\r]*/ })
export const commentGroup = 'comments'

const WhiteSpace = createToken({
  name: 'WhiteSpace',
  pattern: /[ \t\r\n]+/,
  group: Lexer.SKIPPED,
  line_breaks: true,
})
const CommentText = createToken({ name: 'CommentText', pattern: /\/\/[^\n\r]*/, group: commentGroup })

const word = <W extends Word>(name: W): TokenType => createToken({ name, pattern: new RegExp(name), longer_alt: Ident })

export const words = Object.fromEntries(reserved.map((name) => [name, word(name)])) as Readonly<Record<Word, TokenType>>

const signTexts = [
  ...['{', '}', '(', ')', '[', ']', ',', ';', ':'],
  ...['<=', '>=', '==', '!=', '<', '>', '=', '+', '-', '*', '/', '%', '^'],
] as const

export type Sign = (typeof signTexts)[number]

/** Each named by its own text. */
export const signs = Object.fromEntries(
  signTexts.map((text) => [text, createToken({ name: text, pattern: text })]),
) as Readonly<Record<Sign, TokenType>>

export const comparisons: readonly TokenType[] = (['<', '<=', '>', '>=', '==', '!='] as const).map((s) => signs[s])

/** In order of trial: a word before a name, a longer sign before a shorter one. */
export const allTokens: readonly TokenType[] = [
  WhiteSpace,
  CommentText,
  ...Object.values(words),
  Ident,
  Num,
  Str,
  OpenStr,
  ...Object.values(signs),
]
