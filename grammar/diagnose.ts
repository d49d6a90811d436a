import type { IRecognitionException, IToken } from 'chevrotain'
import { describeOperator } from './characters.ts'
import { diagnoseChain } from './diagnose-chain.ts'
import type { Diagnostic } from './diagnostic.ts'
import * as errors from './errors.ts'
import { correctName } from './fix.ts'
import { tokenSpan } from './lex.ts'
import { type SourceFile, type Span, spanOf } from './source.ts'
import {
  before,
  closerOf,
  expectsExpression,
  foundAt,
  here,
  isFirstOnLine,
  nameAt,
  openBrackets,
  openerOf,
  type Stop,
  startsNext,
} from './stop.ts'
import { didYouMean } from './suggest.ts'
import { clauseWords, comparisons, Ident, itemWords, Num, reserved, Str, signs, words } from './tokens.ts'

/** Says in the user's words what the parser stopped at; `inAttention`: what stopped it should have been a clause. */
export function diagnose(
  file: SourceFile,
  tokens: readonly IToken[],
  at: number,
  e: IRecognitionException,
  inAttention = false,
): Diagnostic {
  const stop: Stop = inAttention
    ? { file, tokens, at, expected: '}', rules: ['attentionItem'] }
    : { file, tokens, at, expected: e.message, rules: e.context.ruleStack }
  for (const look of [
    lookAtOperators,
    lookAtDefinition,
    lookForExpression,
    lookForName,
    lookAtEnd,
    lookAtBrackets,
    lookAtStart,
  ]) {
    const found = look(stop)
    if (found) return found
  }
  return errors.unexpectedToken(here(stop), quoteExpected(stop.expected), foundAt(stop), hintAt(stop))
}

/** Where reading goes on: at the token that could not be read if it starts something of its own, else behind it. */
export function resumeAt(file: SourceFile, tokens: readonly IToken[], at: number, e: IRecognitionException): number {
  const stop: Stop = { file, tokens, at, expected: e.message, rules: e.context.ruleStack }
  if (isDefinitionName(stop)) return at
  return startsNext(stop) ? at : at + 1
}

const quoteExpected = (expected: string): string =>
  expected.startsWith('a ') ? expected : expected === 'the end' ? 'something else' : `'${expected}'`

const hintAt = (stop: Stop): string | undefined =>
  stop.expected === Str.name
    ? 'a path stands in quotes: import "lib.attn"'
    : (afterNumber(stop) ?? wordHint(stop.tokens[stop.at]?.image ?? ''))

/** Names of one or two letters are common; that one is near a word means nothing. */
const wordHint = (word: string): string | undefined => (word.length > 2 ? didYouMean(word, hinted).hint : undefined)

const hinted: readonly string[] = [...reserved, 'score', 'mask', 'normalize']

const afterNumber = (stop: Stop): string | undefined =>
  nameAt(stop, stop.at - 1) === Num.name && nameAt(stop, stop.at) === Ident.name
    ? "a product is written with '*'"
    : undefined

// What to look at, in this order.

/** `**`, `+=`, `=>`, `+ x`: signs that mean something elsewhere. */
function lookAtOperators(stop: Stop): Diagnostic | undefined {
  const { file, tokens, at } = stop
  const token = tokens[at]
  for (const [a, b] of [tokens.slice(at - 1, at + 1), tokens.slice(at, at + 2)]) {
    if (!a || !b || a.startOffset + a.image.length !== b.startOffset) continue
    const text = a.image + b.image
    const ours = describeOperator(text)
    if (ours) return errors.foreignOperator(spanOf(file, a.startOffset, b.startOffset + b.image.length), text, ours)
  }
  if (token?.tokenType === signs['+'] && expectsExpression(stop)) {
    return errors.foreignOperator(here(stop), '+', errors.unaryPlus(here(stop)))
  }
  return undefined
}

/** A name that the parser took for the start of `name = value`, without a `=` after it. */
const isDefinitionName = ({ expected, rules }: Stop): boolean =>
  expected === '=' && rules.at(-1) === 'definedAs' && ['definition', 'assign'].includes(rules.at(-2) ?? '')

function lookAtDefinition(stop: Stop): Diagnostic | undefined {
  const name = stop.tokens[stop.at - 1]
  if (!isDefinitionName(stop) || !name) return undefined
  const known = ['score', 'mask', 'normalize'].includes(name.image)
  if (known) return errors.unexpectedToken(here(stop), `'=' after '${name.image}'`, foundAt(stop))
  return lookAtStart({ ...stop, at: stop.at - 1, expected: '}', rules: stop.rules.slice(0, -3) })
}

function lookForExpression(stop: Stop): Diagnostic | undefined {
  if (!expectsExpression(stop)) return undefined
  const name = nameAt(stop, stop.at)
  if (name === '}' && stop.rules.includes('block') && isStatementEnd(stop)) return blockWithoutValue(stop)
  if (stop.rules.includes('block') && isStatementEnd(stop) && isClauseWord(name)) return inBlock(stop, name)
  if (name === 'if') return errors.ifInOperand(here(stop), before(stop))
  if (name === 'not') return errors.notInOperand(here(stop), before(stop))
  if (name === '{') return errors.misplacedBlock(here(stop))
  const isWord = reserved.some((word) => word === name) && !isClauseWord(name)
  const mend = isWord ? { hint: `'${name}' is a reserved word` } : lastComma(stop)
  return errors.expectedExpression(here(stop), stop.at > 0 ? before(stop) : undefined, foundAt(stop), mend)
}

const isClauseWord = (name: string): boolean => clauseWords.some((word) => word === name)

const inBlock = (stop: Stop, word: string): Diagnostic =>
  errors.misplacedClause(here(stop), word, 'in a block', 'a block holds let, repeat and a value')

function lastComma(stop: Stop): errors.Mend | undefined {
  const comma = stop.tokens[stop.at - 1]
  const ends = comma?.tokenType === signs[','] && openerOf[nameAt(stop, stop.at)] !== undefined
  return ends ? errors.lastComma(tokenSpan(stop.file, comma)) : undefined
}

/** Whether a block's value is what is missing, not an operand. */
const isStatementEnd = ({ rules }: Stop): boolean => rules.lastIndexOf('expression') === rules.lastIndexOf('block') + 1

/** The sign by which the last statement seems to have taken in the value: one that starts a line, or else the last. */
function blockWithoutValue(stop: Stop): Diagnostic {
  const { file, tokens } = stop
  let suspect: IToken | undefined
  let depth = 0
  for (let i = stop.at - 1; i > 0; i -= 1) {
    const [previous, token] = [tokens[i - 1], tokens[i]]
    if (!previous || !token || [signs['='], signs['{'], signs[';'], words.let].includes(token.tokenType)) break
    if ([')', ']', '}'].includes(token.tokenType.name)) depth += 1
    if (['(', '['].includes(token.tokenType.name)) depth -= 1
    const starts = token.tokenType === signs['-'] || (token.tokenType === signs['('] && previous.tokenType === Ident)
    const gap = file.text.slice(previous.startOffset + previous.image.length, token.startOffset)
    const inside = token.tokenType === signs['('] ? depth === 0 : depth <= 0
    if (!starts || !inside || gap === '') continue
    suspect ??= token
    if (/[\n\r]/.test(gap)) {
      suspect = token
      break
    }
  }
  return errors.blockWithoutValue(here(stop), suspect && { span: tokenSpan(file, suspect), text: suspect.image })
}

const axisHint = 'brackets name axes: x[j = 3] reads x at key 3'

function lookForName(stop: Stop): Diagnostic | undefined {
  if (stop.expected === ']' && nameAt(stop, stop.at) === Num.name && nameAt(stop, stop.at - 1) === '[') {
    return errors.unexpectedToken(here(stop), 'an axis', foundAt(stop), axisHint)
  }
  const name = nameAt(stop, stop.at)
  const isWord = reserved.some((word) => word === name) && !startsNext(stop)
  if (isWord && (stop.expected === Ident.name || isFirstOfNames(stop))) return errors.reservedWord(here(stop), name)
  if (stop.expected !== Ident.name) return undefined
  const list = stop.rules.some((rule) => rule === 'bracketItem' || rule === 'axisList')
  if (list && name === Num.name) {
    return errors.unexpectedToken(here(stop), 'an axis', foundAt(stop), axisHint)
  }
  return errors.expectedName(here(stop), before(stop), foundAt(stop), lastComma(stop))
}

/** Whether the first name of a list is missing; since the list may be empty, the parser expects its end there. */
const isFirstOfNames = (stop: Stop): boolean =>
  ['fnItem', 'axisList', 'bracket', 'settings'].includes(stop.rules.at(-1) ?? '') &&
  nameAt(stop, stop.at - 1) === openerOf[stop.expected]

/** After a whole expression: what is there cannot go on with it. */
function lookAtEnd(stop: Stop): Diagnostic | undefined {
  const token = stop.tokens[stop.at]
  const previous = stop.tokens[stop.at - 1]
  if (stop.expected === Num.name && stop.rules.includes('setting')) return errors.invalidSize(here(stop))
  if (!previous || !endsExpression(previous)) return undefined
  if (token && comparisons.includes(token.tokenType)) return diagnoseChain(stop)
  if (token?.tokenType === signs['('] && expectsOperator(stop)) return errors.callOfExpression(here(stop))
  if (token?.tokenType === signs['='] && expectsOperator(stop))
    return errors.assignmentInExpression(here(stop), isCondition(stop))
  if (stop.expected === 'else') return errors.ifWithoutElse(ifBefore(stop), foundAt(stop))
  return undefined
}

/** Whether a place is in a condition, outside of any brackets within it: after 'if' or 'where', or beside 'and' and 'or'. */
function isCondition(stop: Stop): boolean {
  let depth = 0
  for (let i = stop.at - 1; i >= 0; i -= 1) {
    const name = nameAt(stop, i)
    if (openerOf[name]) depth += 1
    if (closerOf[name]) depth -= 1
    if (depth < 0) return false
    if (depth > 0) continue
    if (['if', 'where', 'and', 'or', 'not'].includes(name)) return true
    if (name === '=' || name === ',' || clauseWords.some((word) => word === name)) return false
  }
  return false
}

const endsExpression = (token: IToken): boolean =>
  [Ident, Num, words.true, words.false, signs[')'], signs[']']].includes(token.tokenType)

const expectsOperator = ({ expected }: Stop): boolean =>
  [')', ']', '}', ',', ';', 'then', 'else', ':', 'the end', 'item', 'clause'].includes(expected)

function ifBefore(stop: Stop): Span {
  let missing = 1
  for (let i = stop.at - 1; i >= 0; i -= 1) {
    const name = nameAt(stop, i)
    if (name === 'else') missing += 1
    if (name === 'if') missing -= 1
    const token = stop.tokens[i]
    if (missing === 0 && token) return tokenSpan(stop.file, token)
  }
  return here(stop)
}

/** Brackets that are closed by nothing, or by the wrong sign, or that close nothing. */
function lookAtBrackets(stop: Stop): Diagnostic | undefined {
  const { file, tokens, at } = stop
  const open = openBrackets(stop)
  const name = nameAt(stop, at)
  const opener = tokens[open.at(-1) ?? -1]
  const wanted = openerOf[name]
  if (wanted && !open.some((i) => nameAt(stop, i) === wanted)) return errors.unmatchedBracket(here(stop), name)
  const wrong = wanted !== undefined && opener?.image !== wanted
  const ended = at >= tokens.length || name === 'attention' || name === 'import'
  const next = startsNext(stop) && opener?.image !== '{'
  if (!opener || !(wrong || ended || next)) return undefined
  const close = closerOf[opener.image] ?? ''
  const isLast = at >= tokens.length && open.length === 1
  return errors.unclosedBracket(here(stop), opener.image, close, tokenSpan(file, opener), foundAt(stop), isLast)
}

/** Where a clause or an item should start. */
function lookAtStart(stop: Stop): Diagnostic | undefined {
  const token = stop.tokens[stop.at]
  const inside = stop.rules.at(-1)
  if (!token) return undefined
  const name = token.tokenType.name
  if (inside === 'program' || ['program', 'item', 'the end'].includes(stop.expected)) return lookAtItem(stop, token)
  if (inside === 'attentionItem') return lookAtClause(stop, token)
  if (inside === 'block' && isClauseWord(name)) return inBlock(stop, name)
  if (inside === 'repeatStatement' && (isClauseWord(name) || name === 'repeat')) {
    return errors.misplacedClause(
      here(stop),
      name,
      'in a repeat',
      "a repeat holds 'name = value' and 'let name = value'",
    )
  }
  return undefined
}

function lookAtItem(stop: Stop, token: IToken): Diagnostic {
  const name = token.tokenType.name
  const isDefinition = nameAt(stop, stop.at + 1) === '=' && ['score', 'mask', 'normalize'].includes(token.image)
  if (isClauseWord(name) || isDefinition) {
    return errors.misplacedClause(
      here(stop),
      token.image,
      'outside an attention',
      'put it inside: attention name { ... }',
    )
  }
  if (token.tokenType === Ident) return errors.unknownItem(here(stop), token.image, itemWords)
  return errors.unexpectedToken(here(stop), itemWords.map((word) => `'${word}'`).join(' or '), foundAt(stop))
}

function lookAtClause(stop: Stop, token: IToken): Diagnostic {
  const fresh = isFirstOnLine(stop) || ['{', ';'].includes(nameAt(stop, stop.at - 1))
  const hint = wordHint(token.image)
  if (fresh && token.tokenType === Ident) {
    return errors.unknownClause(here(stop), token.image, {
      hint: hint ?? "a clause starts with a word like 'input', or with 'score ='",
      fix: correctName(here(stop), token.image, hinted).fix,
    })
  }
  if (fresh && reserved.some((word) => word === token.image)) {
    const hintFor = token.image === 'repeat' ? 'it stands in the block of a fn' : 'name the value: let y = ...'
    return errors.misplacedClause(here(stop), token.image, 'at the start of a clause', hintFor)
  }
  const product = nameAt(stop, stop.at - 1) === Num.name ? "a product is written with '*'" : undefined
  const choice = token.image === 'if' ? 'if c then a else b' : undefined
  return errors.unexpectedToken(here(stop), 'an operator or the next clause', foundAt(stop), product ?? choice ?? hint)
}
