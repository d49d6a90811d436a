import type { Diagnostic } from './diagnostic.ts'
import * as errors from './errors.ts'
import { tokenSpan } from './lex.ts'
import { joinSpans, spanOf, textOf } from './source.ts'
import { closerOf, here, nameAt, openerOf, type Stop } from './stop.ts'
import { clauseWords, comparisons, Ident, itemWords } from './tokens.ts'

/** `a <= b <= c`, with the three operands in the hint where they are short. */
export function diagnoseChain(stop: Stop): Diagnostic | undefined {
  const { file, tokens, at } = stop
  const first = walk(stop, at, -1, (name) => comparisons.some((sign) => sign.name === name))
  const token = tokens[first]
  if (!token || !comparisons.includes(token.tokenType)) return undefined
  const left = walk(stop, first, -1, () => false) + 1
  const right = walk(stop, at, 1, (name) => comparisons.some((sign) => sign.name === name)) - 1
  const text = (from: number, to: number): string => {
    const [a, b] = [tokens[from], tokens[to]]
    return a && b && from <= to ? textOf(spanOf(file, a.startOffset, b.startOffset + b.image.length)) : ''
  }
  const [a, b, c] = [text(left, first - 1), text(first + 1, at - 1), text(at + 1, right)]
  const whole = `${a} ${token.image} ${b} and ${b} ${tokens[at]?.image ?? ''} ${c}`
  const short = whole.length <= 80 && a !== '' && b !== '' && c !== '' && !/[\n\r]/.test(whole)
  const [start, end] = [tokens[left], tokens[right]]
  if (!short || !start || !end) return errors.comparisonChain(here(stop), tokenSpan(file, token), undefined)
  const span = joinSpans(tokenSpan(file, start), tokenSpan(file, end))
  const negated = nameAt(stop, left - 1) === 'not'
  return errors.comparisonChain(here(stop), tokenSpan(file, token), { span, text: whole, negated })
}

const operandEnds: ReadonlySet<string> = new Set([
  ...[',', ';', ':', '=', 'or', 'and', 'not', 'if', 'then', 'else', 'where', 'in', 'by'],
  ...clauseWords,
  ...itemWords,
])

/** From `at` on, in steps of `by`, to where the operand of a comparison ends, or to what is looked for. */
function walk(stop: Stop, at: number, by: 1 | -1, find: (name: string) => boolean): number {
  let depth = 0
  let i = at + by
  for (; i >= 0 && i < stop.tokens.length; i += by) {
    const name = nameAt(stop, i)
    if (closerOf[name]) depth += by
    if (openerOf[name]) depth -= by
    if (depth < 0 || (depth === 0 && (operandEnds.has(name) || find(name)))) break
    // `name =` starts the next clause
    if (by === 1 && depth === 0 && name === Ident.name && nameAt(stop, i + 1) === '=') break
  }
  return i
}
