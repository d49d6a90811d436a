// Makes editors/vscode/syntaxes/attn.tmLanguage.json from the tokens of the grammar: what VS Code, the site of the documents and
// every other highlighter that reads TextMate grammars colour sources by. test/textmate.test.ts tells when it has gone stale.
import { writeFileSync } from 'node:fs'
import { builtins, folds } from '../compiler/check/builtins.ts'
import { storages } from '../compiler/check/declarations.ts'
import { predefined } from '../compiler/check/definitions.ts'
import { Ident, Num } from '../grammar/tokens.ts'
import { reserved, type Word } from '../grammar/words.ts'

interface Rule {
  readonly name?: string
  readonly match?: string
  readonly captures?: Captures
  readonly include?: string
}
type Captures = Readonly<Record<string, { readonly name?: string; readonly patterns?: readonly Rule[] }>>

const declaration = 'storage.type.attn'
const control = 'keyword.control.attn'
const operator = 'keyword.operator.word.attn'
const other = 'keyword.other.attn'
const boolean = 'constant.language.boolean.attn'

/** What each reserved word is, in the names that themes know. */
const wordScopes: Readonly<Record<Word, string>> = {
  import: 'keyword.control.import.attn',
  attention: declaration,
  fn: declaration,
  axis: declaration,
  split: declaration,
  input: declaration,
  param: declaration,
  const: declaration,
  let: declaration,
  view: declaration,
  output: declaration,
  tile: declaration,
  precision: declaration,
  check: declaration,
  if: control,
  // biome-ignore lint/suspicious/noThenProperty: a word of the language
  then: control,
  else: control,
  repeat: control,
  solve: control,
  or: operator,
  and: operator,
  not: operator,
  div: operator,
  into: other,
  by: other,
  as: other,
  divides: other,
  like: other,
  in: other,
  where: other,
  true: boolean,
  false: boolean,
}

const patternOf = (token: { readonly PATTERN?: unknown }): string => {
  if (token.PATTERN instanceof RegExp) return token.PATTERN.source
  throw new Error('a token without a regular expression')
}
const name = patternOf(Ident)
/** A list of words is tried in this order: the longer before the shorter. */
const oneOf = (words: readonly string[]): string =>
  `\\b(?:${words.toSorted((a, b) => b.length - a.length).join('|')})\\b`
/** What follows a name that is called: `f(`, `f[x](`, `f[x where m[j = 0]](`. */
const called = '(?=\\s*(?:\\[(?:[^\\[\\]]|\\[[^\\[\\]]*\\])*\\])?\\s*\\()'

const axisName = 'variable.parameter.axis.attn'
const comma: Rule = { name: 'punctuation.separator.comma.attn', match: ',' }
const list = `\\s*${name}(?:\\s*,\\s*${name})*\\s*`
const axes = { patterns: [{ name: axisName, match: `\\b${name}\\b` }, comma] }
const [openParen, closeParen] = ['punctuation.section.parens.begin.attn', 'punctuation.section.parens.end.attn']
const openBracket = 'punctuation.section.brackets.begin.attn'

const words: readonly Rule[] = [...new Set(Object.values(wordScopes))].map((scope) => ({
  name: scope,
  match: oneOf(reserved.filter((word) => wordScopes[word] === scope)),
}))

/** In order of trial. Rules of several tokens see one line, as all of TextMate does; across lines each token is what it is alone. */
const rules: Readonly<Record<string, readonly Rule[]>> = {
  comments: [
    { name: 'comment.line.documentation.attn', match: '///.*$' },
    { name: 'comment.line.double-slash.attn', match: '//.*$' },
  ],
  strings: [
    { name: 'string.quoted.double.attn', match: '"[^"]*"' },
    { name: 'invalid.illegal.string.attn', match: '"[^"]*$' },
  ],
  declarations: [
    {
      match: `\\b(attention)\\s+(${name})`,
      captures: { 1: { name: declaration }, 2: { name: 'entity.name.type.attention.attn' } },
    },
    { match: `\\b(fn)\\s+(${name})`, captures: { 1: { name: declaration }, 2: { name: 'entity.name.function.attn' } } },
    { match: `\\b(axis)\\s+(${name})`, captures: { 1: { name: declaration }, 2: { name: axisName } } },
    { match: `\\b(divides|like)\\s+(${name})`, captures: { 1: { name: other }, 2: { name: axisName } } },
    {
      match: `\\b(split)\\s+(${name})\\s+(into)\\s*(\\()(${list})(\\))`,
      captures: {
        1: { name: declaration },
        2: { name: axisName },
        3: { name: other },
        4: { name: openParen },
        5: axes,
        6: { name: closeParen },
      },
    },
    {
      match: `(:)\\s*(${oneOf(storages)})`,
      captures: { 1: { name: 'punctuation.separator.colon.attn' }, 2: { name: 'support.type.attn' } },
    },
    {
      match: `\\b(check|tile)\\b(?:\\s+${name})?\\s*(\\{)([^{}]*)`,
      captures: {
        1: { name: declaration },
        2: { name: 'punctuation.section.braces.begin.attn' },
        3: {
          patterns: [
            { include: '#comments' },
            { name: axisName, match: `\\b${name}\\b(?=\\s*=)` },
            { include: '#tokens' },
          ],
        },
      },
    },
  ],
  brackets: [
    { match: `(?<=\\w)(?<!\\bin)(\\[)(${list})(?=\\]|$)`, captures: { 1: { name: openBracket }, 2: axes } },
    {
      match: `\\b(as)\\s*(\\[)(${list})(?=\\])`,
      captures: { 1: { name: other }, 2: { name: openBracket }, 3: axes },
    },
    {
      match: `(?<=\\w)(\\[)\\s*(${name})(?=\\s+where\\b)`,
      captures: { 1: { name: openBracket }, 2: { name: axisName } },
    },
    {
      match: `(?<=[\\[,])\\s*(${name})\\s*(=)(?!=)`,
      captures: { 1: { name: axisName }, 2: { name: 'keyword.operator.attn' } },
    },
    {
      match: `\\b(size)\\s*(\\()\\s*(${name})\\s*(?=\\))`,
      captures: {
        1: { name: 'support.function.attn' },
        2: { name: openParen },
        3: { name: axisName },
      },
    },
  ],
  tokens: [
    { name: 'constant.numeric.attn', match: `(?<!\\w)${patternOf(Num)}` },
    ...words,
    {
      name: 'support.function.attn',
      match: `${oneOf([...Object.keys(builtins), ...Object.keys(folds), 'size'])}${called}`,
    },
    { name: 'entity.name.function.attn', match: `\\b${name}\\b${called}` },
    { name: 'variable.language.attn', match: oneOf(predefined) },
    { name: 'variable.other.attn', match: `\\b${name}\\b` },
    { name: 'keyword.operator.attn', match: '<=|>=|==|!=|[<>=+\\-*/%^]' },
    { name: 'punctuation.section.braces.begin.attn', match: '\\{' },
    { name: 'punctuation.section.braces.end.attn', match: '\\}' },
    { name: openParen, match: '\\(' },
    { name: closeParen, match: '\\)' },
    { name: openBracket, match: '\\[' },
    { name: 'punctuation.section.brackets.end.attn', match: '\\]' },
    comma,
    { name: 'punctuation.separator.colon.attn', match: ':' },
    { name: 'punctuation.terminator.attn', match: ';' },
  ],
}

const grammar = {
  $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
  information_for_contributors: ['Made by scripts/textmate.ts from the tokens of the grammar; do not edit.'],
  name: 'Attn',
  scopeName: 'source.attn',
  fileTypes: ['attn'],
  patterns: Object.keys(rules).map((key) => ({ include: `#${key}` })),
  repository: Object.fromEntries(Object.entries(rules).map(([key, patterns]) => [key, { patterns }])),
}

export const path = 'editors/vscode/syntaxes/attn.tmLanguage.json'
export const text = `${JSON.stringify(grammar, null, 2)}\n`

if (import.meta.main) writeFileSync(new URL(`../${path}`, import.meta.url), text)
