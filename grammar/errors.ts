/** Every message of lexer and parser, one function each. Codes are never reused; docs/errors.md has a section on each. */
import type { Described } from './characters.ts'
import type { Diagnostic, Edit, Label } from './diagnostic.ts'
import { correctName, remove, replaceBy, replaceSign } from './fix.ts'
import { maxBytes, maxHeight, maxNameLength, maxNesting, maxNodes } from './limits.ts'
import { type Span, spanOf, textOf } from './source.ts'

interface Extra {
  readonly label?: string
  readonly notes?: readonly Label[]
  readonly hint?: string | undefined
  readonly fix?: readonly Edit[] | undefined
}

/** What to do about it, in words and as edits. */
export type Mend = Pick<Extra, 'hint' | 'fix'>

const error = (code: string, title: string, span: Span, message: string, extra: Extra = {}): Diagnostic => ({
  code,
  severity: 'error',
  title,
  message,
  at: extra.label === undefined ? { span } : { span, text: extra.label },
  notes: extra.notes ?? [],
  ...(extra.hint === undefined ? {} : { hint: extra.hint }),
  ...(extra.fix === undefined ? {} : { fix: extra.fix }),
})

// Characters, numbers, names, limits.

export const unknownCharacter = (at: Span, { what, hint, fix }: Described): Diagnostic =>
  error('ATTN0001', 'unknown-character', at, `${what} means nothing here`, {
    hint,
    fix: fix === undefined ? undefined : replaceSign(at, fix),
  })

export const unterminatedString = (at: Span): Diagnostic =>
  error('ATTN0002', 'unterminated-string', at, 'this string does not end on its line', { hint: "close it with '\"'" })

export const integerTooLarge = (at: Span, text: string): Diagnostic =>
  error('ATTN0003', 'integer-too-large', at, 'this integer is above 2147483647, the largest i32', {
    hint: text.length <= 40 ? `write ${text}.0 for a float` : 'write a float: 1e20',
  })

export const numberNotFinite = (at: Span): Diagnostic =>
  error('ATTN0004', 'number-not-finite', at, 'this number is too large to be finite', {
    hint: 'if infinity is meant, write 1 / 0',
  })

export const nameTooLong = (at: Span, length: number): Diagnostic =>
  error('ATTN0005', 'name-too-long', at, `this name has ${length} characters, ${maxNameLength} are allowed`)

export const sourceTooLarge = (at: Span, bytes: number): Diagnostic =>
  error('ATTN0006', 'source-too-large', at, `this file has ${bytes} bytes, ${maxBytes} are allowed`)

export const nestingTooDeep = (at: Span): Diagnostic =>
  error('ATTN0007', 'nesting-too-deep', at, `this stands inside more than ${maxNesting} levels`, {
    hint: "brackets, 'if', unary operators, '^' and blocks count; name inner parts with 'let'",
  })

export const expressionTooLarge = (at: Span, nodes: number): Diagnostic =>
  error('ATTN0008', 'expression-too-large', at, `this expression has ${nodes} parts, ${maxNodes} are allowed`, {
    hint: "name parts of it with 'let', or use a reduction",
  })

export const chainTooLong = (at: Span, height: number): Diagnostic =>
  error('ATTN0009', 'chain-too-long', at, `operators follow each other ${height} deep here, ${maxHeight} are allowed`, {
    hint: "name parts of it with 'let', or use a reduction",
  })

// What was expected.

export const unexpectedToken = (at: Span, expected: string, found: string, hint?: string): Diagnostic =>
  error('ATTN0010', 'unexpected-token', at, `expected ${expected}, found ${found}`, { hint })

/** `comma`: the one at the end of a list. */
export const lastComma = (comma: Span): Mend => ({ hint: "leave out the ',' at the end", fix: remove(comma) })

export const expectedExpression = (
  at: Span,
  after: string | undefined,
  found: string,
  { hint, fix }: Mend = {},
): Diagnostic =>
  error(
    'ATTN0011',
    'expected-expression',
    at,
    after === undefined ? `expected an expression, found ${found}` : `expected an expression after ${after}`,
    { label: `found ${found}`, hint, fix },
  )

export const expectedName = (at: Span, after: string, found: string, { hint, fix }: Mend = {}): Diagnostic =>
  error('ATTN0012', 'expected-name', at, `expected a name after ${after}, found ${found}`, {
    hint: hint ?? 'a name is a letter or _, then letters, digits and _',
    fix,
  })

export const reservedWord = (at: Span, word: string): Diagnostic =>
  error('ATTN0013', 'reserved-word', at, `'${word}' is a reserved word and cannot be a name`, {
    hint: `another name will do: ${word}_`,
  })

/** `isLast`: the file ends, and nothing else in it is open. */
export const unclosedBracket = (
  at: Span,
  open: string,
  close: string,
  opened: Span,
  found: string,
  isLast: boolean,
): Diagnostic =>
  error('ATTN0014', 'unclosed-bracket', at, `expected '${close}', found ${found}`, {
    notes: [{ span: opened, text: `this '${open}' is not closed` }],
    fix: open === '{' && isLast ? closeAtEnd(at) : undefined,
  })

/** A line of its own: the last one may be a comment. */
function closeAtEnd({ file }: Span): readonly Edit[] {
  const { length } = file.text
  const lineEnd = file.text.includes('\r\n') ? '\r\n' : '\n'
  return replaceBy(spanOf(file, length, length), `${/[\r\n]$/.test(file.text) ? '' : lineEnd}}${lineEnd}`)
}

export const unmatchedBracket = (at: Span, close: string): Diagnostic =>
  error('ATTN0015', 'unmatched-bracket', at, `this '${close}' closes nothing`)

// What reads otherwise than it is meant.

/** `chain`: all of it, and how it is written; absent where it is long. */
export const comparisonChain = (
  at: Span,
  first: Span,
  chain: { readonly span: Span; readonly text: string; readonly negated: boolean } | undefined,
): Diagnostic =>
  error('ATTN0016', 'comparison-chain', at, 'comparisons do not chain', {
    label: 'a second comparison',
    notes: [{ span: first, text: 'after this one' }],
    hint: chain?.text ?? "join them with 'and'",
    fix: chain && replaceBy(chain.span, chain.negated ? `(${chain.text})` : chain.text),
  })

/** `compares`: it stands in a condition, where it can mean nothing else. */
export const assignmentInExpression = (at: Span, compares: boolean): Diagnostic =>
  error('ATTN0017', 'assignment-in-expression', at, "'=' defines a name, it does not compare", {
    hint: "write '==' to compare",
    fix: compares ? replaceBy(at, '==') : undefined,
  })

/** `suspect`: the sign by which the statement before has taken in the value. */
export const blockWithoutValue = (
  at: Span,
  suspect: { readonly span: Span; readonly text: string } | undefined,
): Diagnostic =>
  error(
    'ATTN0018',
    'block-without-value',
    at,
    suspect
      ? `this block has no value; is a ';' missing before '${suspect.text}'?`
      : 'this block has no value: it has to end with an expression',
    { notes: suspect ? [{ span: suspect.span, text: 'read as going on with the statement before it' }] : [] },
  )

/** `name = value` where a clause starts, with a name that is not predefined. */
export const unknownDefinition = (at: Span, name: string): Diagnostic => {
  const known: Readonly<Record<string, string>> = {
    out: 'write: output ...',
    weight: "'weight' is what 'normalize' gives: normalize = ...",
  }
  const { hint: near, fix } = correctName(at, name, ['score', 'mask', 'normalize'])
  const hint = `${near === undefined ? '' : `${near} `}to name a value, write: let ${name} = ...`
  return unknownClause(at, `${name} =`, { hint: known[name] ?? hint, fix })
}

export const unknownClause = (at: Span, word: string, mend: Mend): Diagnostic =>
  error('ATTN0019', 'unknown-clause', at, `'${word}' does not start a clause`, mend)

export const mixedBrackets = (at: Span): Diagnostic =>
  error('ATTN0020', 'mixed-brackets', at, 'brackets hold either axes or substitutions, not both', {
    hint: 'sum[j](x) reduces over j, x[j = 0] reads x at key 0',
  })

/** `of`: the name before the brackets, absent where there is none. */
export const axesWithoutCall = (at: Span, of: string | undefined): Diagnostic =>
  error('ATTN0021', 'axes-without-call', at, 'axes in brackets belong before the arguments of a call', {
    hint:
      of === undefined
        ? 'a reduction: sum[j](x); reading elsewhere: (x)[i = i - 1]'
        : `an input is used without its axes: ${of}; reading elsewhere: ${of}[i = i - 1]; a reduction: sum[j](x)`,
  })

export const ifWithoutElse = (at: Span, found: string): Diagnostic =>
  error('ATTN0022', 'if-without-else', at, `this 'if' has no 'else'`, { label: `found ${found}` })

export const ifInOperand = (at: Span, after: string): Diagnostic =>
  error('ATTN0023', 'if-in-operand', at, `an 'if' after ${after} needs parentheses`, {
    hint: '(if c then a else b)',
  })

export const callOfExpression = (at: Span): Diagnostic =>
  error('ATTN0024', 'call-of-expression', at, 'only a name can be called', {
    hint: "if a product is meant, write '*'",
  })

/** `ours`: what to write, in words; `same`: our sign or word for the very same. */
export const foreignOperator = (
  at: Span,
  text: string,
  { hint, same, fix = same === undefined ? undefined : replaceSign(at, same) }: Mend & { readonly same?: string },
): Diagnostic =>
  error('ATTN0025', 'foreign-operator', at, `'${text}' is not an operator here`, {
    hint,
    fix,
  })

/** Of a sign before an operand. */
export const unaryPlus = (plus: Span): Mend => ({ hint: "there is no unary '+'; leave it out", fix: remove(plus) })

export const whereInSubstitution = (at: Span): Diagnostic =>
  error('ATTN0026', 'where-in-substitution', at, "a substitution takes no 'where'", {
    hint: "'where' restricts a reduction: sum[j where c](x)",
  })

export const elseNotZero = (at: Span): Diagnostic =>
  error('ATTN0027', 'else-not-zero', at, "outside its axis a substitution gives 0: 'else 0' is all there is", {
    hint: 'for another value: if 0 <= e and e < size(a) then x[a = e] else 1',
  })

export const notInOperand = (at: Span, after: string): Diagnostic =>
  error('ATTN0028', 'not-in-operand', at, `a 'not' after ${after} needs parentheses`, { hint: '(not a)' })

export const misplacedBlock = (at: Span): Diagnostic =>
  error('ATTN0029', 'misplaced-block', at, 'a block is the body of a fn, not an expression', {
    hint: 'define a fn and call it: fn f(x) = { let y = x * x; y + 1 }',
  })

export const misplacedClause = (at: Span, word: string, where: string, hint: string): Diagnostic =>
  error('ATTN0030', 'misplaced-clause', at, `'${word}' does not belong ${where}`, { hint })

export const emptyBrackets = (at: Span): Diagnostic =>
  error('ATTN0031', 'empty-brackets', at, 'these brackets name no axis', {
    hint: 'leave them out',
    fix: /^\[\s*\]$/.test(textOf(at)) ? replaceBy(at, '') : undefined,
  })

export const invalidSize = (at: Span): Diagnostic =>
  error('ATTN0032', 'invalid-size', at, 'a size is an integer of 0 or more', { hint: '{ i = 64, j = 64 }' })

export const unknownItem = (at: Span, word: string, candidates: readonly string[]): Diagnostic =>
  error('ATTN0033', 'unknown-item', at, `'${word}' does not start anything that stands in a file`, {
    hint: `a file holds ${candidates.map((c) => `'${c}'`).join(', ')}`,
    ...correctName(at, word, candidates),
  })

export const tooManyErrors = (at: Span, shown: number): Diagnostic =>
  error('ATTN0034', 'too-many-errors', at, `more errors follow; the first ${shown} are shown`)
