/** What may be written at a place: told by the tokens before it, since the text there is seldom whole. */
import { type Dirent, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type CompletionItem, CompletionItemKind, InsertTextFormat } from 'vscode-languageserver'
import { builtins, isFold } from '../../compiler/check/builtins.ts'
import { storages } from '../../compiler/check/declarations.ts'
import type * as ast from '../../grammar/ast.ts'
import { type Lexed, lex } from '../../grammar/lex.ts'
import { Ident, Num, OpenStr, Str } from '../../grammar/tokens.ts'
import { clauseWords, itemWords, type Word } from '../../grammar/words.ts'
import { extension } from '../../runtime/files.ts'
import type { Analysis } from './analysis.ts'
import { type Declaration, type DeclarationKind, type Scope, visible } from './declarations.ts'
import { describe } from './describe.ts'
import { innermost } from './resolve.ts'
import { meaningOfWord } from './words.ts'

type Token = Lexed['tokens'][number]

/** @param folder  of the file, where it has one */
export function completionsAt(
  analysis: Analysis,
  offset: number,
  folder: string | undefined,
): readonly CompletionItem[] {
  const { tokens, comments } = lex(analysis.file)
  if (comments.some(({ startOffset, image }) => startOffset < offset && offset <= startOffset + image.length)) return []
  const before = tokens.filter(({ startOffset }) => startOffset < offset)
  const last = before.at(-1)
  const isInLast = last !== undefined && offset <= last.startOffset + last.image.length
  if (isInLast && (last.tokenType === Str || last.tokenType === OpenStr)) return paths(analysis, last, offset, folder)
  if (isInLast && last.tokenType === Num) return []
  const isTyping = isInLast && /^\w/.test(last.image)
  return itemsAfter(isTyping ? before.slice(0, -1) : before, analysis.resolved.scopes, offset)
}

function itemsAfter(before: readonly Token[], scopes: readonly Scope[], offset: number): readonly CompletionItem[] {
  const scope = innermost(scopes, offset)
  const last = nameOf(before.at(-1))
  const open = innermostOpen(before)
  const holder = nameOf(before[open.at - 1])
  if (declaring.has(last)) return []
  if (last === 'precision') return ['accurate', 'fast'].map(plain)
  if (last === ':' && open.sign !== '(') return storages.map(plain)
  if (last === 'divides' || last === 'like' || last === 'split') return axes(scope)
  if (open.sign === '{' && isSettings(before, open.at)) return last === '=' ? [] : settings(scope, scopes)
  if (open.sign === '[' && (last === '[' || last === ',') && holder !== 'in') return axes(scope)
  if (open.sign === '[' && last === Ident.name && holder !== 'in') return words(['where'])
  const ends = last === '' || last === ';' || last === '{' || closing.has(last)
  if (!ends) return expressions(scope)
  const isBlock = open.sign === '{' && nameOf(before[open.at - 1]) === '='
  const isRound =
    open.sign === '{' && before.slice(Math.max(0, open.at - 12), open.at).some((one) => nameOf(one) === 'repeat')
  const infix = closing.has(last)
    ? words(['and', 'or', 'div', 'then', 'else', 'by', 'in', 'as', 'into', 'like', 'divides'])
    : []
  if (isBlock || isRound) return [...infix, ...words(['let', 'repeat']), ...expressions(scope)]
  if (open.sign === '(' || open.sign === '[') return infix
  if (open.sign === '{') return [...infix, ...words(clauseWords), ...definitions]
  return [...infix, ...words(itemWords), skeleton]
}

const nameOf = (token: Token | undefined): string => token?.tokenType.name ?? ''
/** After these stands a new name. */
const declaring: ReadonlySet<string> = new Set([
  'attention',
  'fn',
  'axis',
  'input',
  'param',
  'const',
  'let',
  'view',
  'import',
])
/** After these an expression may be at its end. */
const closing: ReadonlySet<string> = new Set([')', ']', '}', Ident.name, Num.name, Str.name, 'true', 'false'])

/** The bracket that is open before a place; `at` is its index, or -1 without one. */
function innermostOpen(tokens: readonly Token[]): { readonly at: number; readonly sign: string } {
  let closed = 0
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    const sign = nameOf(tokens[at])
    if (sign === ')' || sign === ']' || sign === '}') closed += 1
    if (sign !== '(' && sign !== '[' && sign !== '{') continue
    if (closed === 0) return { at, sign }
    closed -= 1
  }
  return { at: -1, sign: '' }
}

const isSettings = (tokens: readonly Token[], at: number): boolean =>
  [tokens[at - 1], tokens[at - 2]].some((one) => nameOf(one) === 'tile') || nameOf(tokens[at - 1]) === 'check'

// Items

const plain = (label: string): CompletionItem => ({ label, kind: CompletionItemKind.Keyword })

const words = (all: readonly Word[]): readonly CompletionItem[] =>
  all.map((word) => ({ ...plain(word), documentation: { kind: 'markdown', value: meaningOfWord[word] } }))

const definitions: readonly CompletionItem[] = ['score', 'mask', 'normalize'].map((name) => ({
  label: name,
  kind: CompletionItemKind.Property,
  insertText: `${name} = `,
}))

const skeleton: CompletionItem = {
  label: 'attention …',
  filterText: 'attention',
  kind: CompletionItemKind.Snippet,
  detail: 'softmax attention, to begin with',
  insertTextFormat: InsertTextFormat.Snippet,
  insertText: [
    `attention \${1:name} {`,
    '  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]',
    '  score     = dot(q, k) / sqrt(size(d))',
    `  normalize = \${2:softmax}[j](score)`,
    '}',
    '$0',
  ].join('\n'),
}

const axes = (scope: Scope | undefined): readonly CompletionItem[] => [...visible(scope, 'axes').values()].map(item)

/** A file's check lines are for the axes of all its attentions. */
const settings = (scope: Scope | undefined, scopes: readonly Scope[]): readonly CompletionItem[] =>
  scope === scopes[0] ? unique(scopes.flatMap(axes)) : axes(scope)

const unique = (items: readonly CompletionItem[]): readonly CompletionItem[] => [
  ...new Map(items.map((one) => [one.label, one])).values(),
]

function expressions(scope: Scope | undefined): readonly CompletionItem[] {
  const values = visible(scope, 'values')
  const indices = [...visible(scope, 'axes').values()].filter(({ name }) => !values.has(name))
  const functions = [...visible(scope, 'functions').values()]
  return [...values.values(), ...indices, ...functions].map(item).concat(words(['if', 'not', 'true', 'false', 'solve']))
}

const kinds: Readonly<Partial<Record<DeclarationKind, CompletionItemKind>>> = {
  function: CompletionItemKind.Function,
  builtin: CompletionItemKind.Function,
  axis: CompletionItemKind.TypeParameter,
  'axis parameter': CompletionItemKind.TypeParameter,
  input: CompletionItemKind.Field,
  param: CompletionItemKind.Constant,
  const: CompletionItemKind.Constant,
}

function item(declaration: Declaration): CompletionItem {
  const { name, kind } = declaration
  const { code, text } = describe(declaration, undefined)
  const call = callOf(declaration)
  return {
    label: name,
    kind: kinds[kind] ?? CompletionItemKind.Variable,
    detail: code,
    ...(text === '' ? {} : { documentation: { kind: 'markdown', value: text } }),
    ...(call === undefined ? {} : { insertText: call, insertTextFormat: InsertTextFormat.Snippet }),
  }
}

/** A call with its arguments to be filled in. */
function callOf({ kind, name, node }: Declaration): string | undefined {
  if (kind === 'function') {
    const { axes, params } = node as ast.Fn
    const place = (one: ast.Name, k: number): string => `\${${k + 1}:${one.text}}`
    const brackets = axes.length === 0 ? '' : `[${axes.map(place).join(', ')}]`
    return `${name}${brackets}(${params.map((one, k) => place(one, k + axes.length)).join(', ')})`
  }
  if (kind !== 'builtin') return undefined
  if (isFold(name)) return `${name}[\${1:j}](\${2})`
  return name === 'size'
    ? `size(\${1:j})`
    : `${name}(${Array.from({ length: builtins[name]?.arity[0] ?? 1 }, (_, k) => `\${${k + 1}}`).join(', ')})`
}

/** The sources and folders that the path of an import can go on with. */
function paths(
  { file }: Analysis,
  token: Token,
  offset: number,
  folder: string | undefined,
): readonly CompletionItem[] {
  const typed = file.text.slice(token.startOffset + 1, offset)
  if (folder === undefined || typed.includes('\0') || typed.startsWith('/')) return []
  const entries = entriesOf(join(folder, dirname(`${typed}x`)))
  return entries
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .filter(
      (entry) =>
        entry.isDirectory() ||
        (entry.name.endsWith(extension) && join(folder, dirname(`${typed}x`), entry.name) !== file.path),
    )
    .slice(0, 500)
    .map((entry) => ({
      label: entry.name,
      kind: entry.isDirectory() ? CompletionItemKind.Folder : CompletionItemKind.File,
    }))
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
