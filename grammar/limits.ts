import type { IToken } from 'chevrotain'
import { childrenOf, type Expr } from './ast.ts'

/** UTF-8 bytes of a source. */
export const maxBytes = 2 ** 20
/** Brackets, `if`, unary operators, `^` and blocks that stand inside each other. */
export const maxNesting = 64
/** Nodes of one expression. */
export const maxNodes = 10_000
/** Nodes from the root of one expression to its deepest leaf: a bound on the recursion of whoever walks it. */
export const maxHeight = 1_000
/** UTF-16 code units of a name. */
export const maxNameLength = 64

/** UTF-8 bytes of a text; a lone surrogate counts as three. */
export function countBytes(text: string): number {
  let bytes = text.length
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/** How loosely an operator binds whatever `not`, `-` or `^` stands open to its left; a looser one ends them. */
const looseness: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  '==': 4,
  '!=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
  div: 6,
}

const closers: ReadonlySet<string> = new Set([')', ']', '}'])
const openers: ReadonlySet<string> = new Set(['(', '[', '{'])
/** Signs and words that no expression reaches over, inside the brackets they stand in. */
const separators: ReadonlySet<string> = new Set([
  ...[
    ',',
    ';',
    ':',
    '=',
    'where',
    'in',
    'by',
    'axis',
    'split',
    'input',
    'param',
    'const',
    'let',
    'view',
    'fn',
    'output',
  ],
  ...['tile', 'precision', 'check', 'attention', 'import', 'repeat'],
])

/** What stands open around a token: a bracket, an `if` before or after its `else`, an operator waiting for its end. */
type Open = { readonly kind: 'bracket' | 'then' | 'else' } | { readonly kind: 'operator'; readonly binding: number }

/**
 * The first token that stands deeper than `maxNesting`. Works on tokens, so that no parser has to go that deep first;
 * it counts as the parser would recurse, also where the text is wrong.
 */
export function findTooDeep(tokens: readonly IToken[]): IToken | undefined {
  const open: Open[] = []
  let operand = true
  for (const token of tokens) {
    const name = token.tokenType.name
    nest(open, name, operand)
    if (open.length > maxNesting) return token
    operand = startsOperand(name)
  }
  return undefined
}

/** Whether an operand, not an operator, is expected after this token. */
const startsOperand = (name: string): boolean =>
  !closers.has(name) && !['a name', 'a number', 'a string', 'true', 'false'].includes(name)

function nest(open: Open[], name: string, operand: boolean): void {
  if (openers.has(name)) open.push({ kind: 'bracket' })
  else if (closers.has(name)) {
    popWhile(open, (top) => top.kind !== 'bracket')
    open.pop()
  } else if (separators.has(name)) popWhile(open, (top) => top.kind !== 'bracket')
  else if (name === 'if') open.push({ kind: 'then' })
  else if (name === 'then') popWhile(open, (top) => top.kind === 'operator')
  else if (name === 'else') {
    popWhile(open, (top) => top.kind === 'operator' || top.kind === 'else')
    if (open.at(-1)?.kind === 'then') open[open.length - 1] = { kind: 'else' }
  } else if (name === 'not' || name === '^' || (name === '-' && operand))
    open.push({ kind: 'operator', binding: name === 'not' ? 3 : 7 })
  else if (looseness[name] !== undefined) {
    const binding = looseness[name]
    popWhile(open, (top) => top.kind === 'operator' && top.binding > binding)
  }
}

function popWhile(open: Open[], drop: (top: Open) => boolean): void {
  for (let top = open.at(-1); top && drop(top); top = open.at(-1)) open.pop()
}

/** The number of nodes and the height of an expression; without recursion, since it guards that of others. */
export function measure(root: Expr): { readonly nodes: number; readonly height: number } {
  let nodes = 0
  let level: readonly Expr[] = [root]
  let height = 0
  for (; level.length > 0; height += 1) {
    nodes += level.length
    level = level.flatMap(childrenOf)
  }
  return { nodes, height }
}
