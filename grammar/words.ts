/** The reserved words of the language, for who needs no lexer. */

/** Words that start a clause of an attention, besides `name =`. */
export const clauseWords = [
  'axis',
  'split',
  'input',
  'param',
  'const',
  'let',
  'view',
  'fn',
  'output',
  'tile',
  'precision',
  'check',
] as const

/** Words that start an item of a file. */
export const itemWords = ['import', 'fn', 'attention', 'check'] as const

const otherWords = [
  'into',
  'by',
  'as',
  'divides',
  'like',
  'if',
  'then',
  'else',
  'or',
  'and',
  'not',
  'div',
  'repeat',
  'solve',
  'in',
  'where',
  'true',
  'false',
] as const

export type Word = (typeof clauseWords)[number] | (typeof itemWords)[number] | (typeof otherWords)[number]

/** Every reserved word. */
export const reserved: readonly Word[] = [...new Set<Word>([...itemWords, ...clauseWords, ...otherWords])]
