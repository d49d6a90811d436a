/** Typed operations on checked operands: conversions, meetings of axes and the errors of each. */
import type { BinaryOp } from '../../grammar/ast.ts'
import { type Span, spanOf } from '../../grammar/source.ts'
import * as errors from '../errors.ts'
import { call, type Expr, f32, i32 } from '../ir.ts'
import type { Op } from '../ops.ts'
import { meet } from './axes.ts'
import { type Env, inLibrary, isPoison, poison, report } from './context.ts'

/** An operand with the text that an error about it points at. */
export interface Operand {
  readonly value: Expr
  readonly span: Span
}

export const operand = (value: Expr, span: Span): Operand => ({ value, span })

/** i32 as f32; a literal becomes a literal. */
export function toFloat(e: Expr): Expr {
  if (e.type !== 'i32') return e
  return e.kind === 'const' ? f32(Number(e.value), e.span) : call('float', [e], e.span)
}

/** Reports a bool among operands that should be numbers. */
export function areNumbers(env: Env, what: string, operands: readonly Operand[]): boolean {
  const wrong = operands.filter(({ value }) => !isPoison(value) && value.type === 'bool')
  for (const { span } of wrong) report(env, errors.boolAsNumber(span, what))
  return wrong.length === 0 && !operands.some(({ value }) => isPoison(value))
}

export function areBools(env: Env, what: string, operands: readonly Operand[]): boolean {
  const wrong = operands.filter(({ value }) => !isPoison(value) && value.type !== 'bool')
  for (const { span, value } of wrong) report(env, errors.numberAsBool(span, what, value.type))
  return wrong.length === 0 && !operands.some(({ value }) => isPoison(value))
}

/** `op` on operands over joined axes. */
export function apply(env: Env, op: Op, args: readonly Expr[], span: Span): Expr {
  if (isPoison(...args)) return poison
  const met = meet(env.context.axes, args)
  return isPoison(...met) ? poison : call(op, met, span)
}

/** `op` on floats, or on integers that are converted. */
export function applyFloat(env: Env, what: string, op: Op, operands: readonly Operand[], span: Span): Expr {
  if (!areNumbers(env, what, operands)) return poison
  return apply(
    env,
    op,
    operands.map(({ value }) => toFloat(value)),
    span,
  )
}

/** `op` on numbers of one type: i32 if all are. */
export function applyNumber(env: Env, what: string, op: Op, operands: readonly Operand[], span: Span): Expr {
  if (!areNumbers(env, what, operands)) return poison
  return apply(env, op, agree(operands.map(({ value }) => value)), span)
}

/** Numbers as one type. */
export function agree(values: readonly Expr[]): readonly Expr[] {
  return values.every((e) => e.type === 'i32') ? values : values.map(toFloat)
}

const arithmetic: Readonly<Partial<Record<BinaryOp, Op>>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '%': 'mod',
  div: 'idiv',
}

/** A binary operation. In an index position a quotient of integers is rounded down. */
export function binary(env: Env, op: BinaryOp, a: Operand, b: Operand, span: Span, inIndex: boolean): Expr {
  switch (op) {
    case 'or':
    case 'and':
      return areBools(env, `'${op}'`, [a, b]) ? apply(env, op, [a.value, b.value], span) : poison
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compare(env, op, a, b, span)
    case '/':
      return divide(env, a, b, span, inIndex)
    case '^':
      if (!areNumbers(env, "'^'", [a, b])) return poison
      return apply(env, 'pow', [toFloat(a.value), b.value], span)
    default: {
      const e = applyNumber(env, `'${op}'`, arithmetic[op] ?? 'add', [a, b], span)
      if (e.type === 'i32' && ['+', '-', '*'].includes(op) && !inLibrary(env)) env.context.marks.sums.set(e, span)
      return e
    }
  }
}

function divide(env: Env, a: Operand, b: Operand, span: Span, inIndex: boolean): Expr {
  const integers = a.value.type === 'i32' && b.value.type === 'i32'
  if (integers && inIndex) return apply(env, 'idiv', [a.value, b.value], span)
  const e = applyFloat(env, "'/'", 'div', [a, b], span)
  if (integers && !isPoison(e) && !inLibrary(env)) env.context.marks.quotients.set(e, { span, sign: signOf(a, b) })
  return e
}

function compare(env: Env, op: BinaryOp, a: Operand, b: Operand, span: Span): Expr {
  if (isPoison(a.value, b.value)) return poison
  if (a.value.type === 'bool' && b.value.type === 'bool') {
    report(env, errors.comparedBools(span, op))
    return poison
  }
  if (!areNumbers(env, `'${op}'`, [a, b])) return poison
  const [x = a.value, y = b.value] = agree([a.value, b.value])
  if (op === '==' || op === '!=') {
    const quotients = [a, b].filter(({ value }) => env.context.marks.quotients.has(value))
    const [quotient] = quotients
    if (quotient)
      report(
        env,
        errors.quotientCompared(
          quotient.span,
          op,
          quotients.flatMap((one) => signIn(env, one)),
        ),
      )
    return apply(env, op === '==' ? 'eq' : 'ne', [x, y], span)
  }
  const swapped = op === '>' || op === '>='
  return apply(env, op === '<' || op === '>' ? 'lt' : 'le', swapped ? [y, x] : [x, y], span)
}

/** Where the '/' between two operands stands, unless a comment does too. */
function signOf(a: Operand, b: Operand): Span | undefined {
  const { file, end } = a.span
  const between = file.text.slice(end, b.span.start)
  const at = between.indexOf('/')
  return file === b.span.file && /^[^/]*\/[^/]*$/.test(between) ? spanOf(file, end + at, end + at + 1) : undefined
}

/** The '/' of a quotient that is written in the operand itself, not in what a name of it stands for. */
function signIn(env: Env, { value, span }: Operand): readonly Span[] {
  const { sign } = env.context.marks.quotients.get(value) ?? {}
  return sign && sign.file === span.file && span.start <= sign.start && sign.end <= span.end ? [sign] : []
}

/** A minus before a literal makes a literal. */
export function negate(env: Env, of: Operand, span: Span): Expr {
  const { value } = of
  if (value.kind === 'const' && value.type !== 'bool' && !isPoison(value)) {
    return value.type === 'i32' ? i32(-Number(value.value) | 0, span) : f32(-Number(value.value), span)
  }
  return applyNumber(env, "'-'", 'neg', [of], span)
}

export function select(env: Env, condition: Operand, yes: Operand, no: Operand, span: Span): Expr {
  const ok = areBools(env, "the condition of 'if'", [condition])
  if (!ok || isPoison(yes.value, no.value)) return poison
  const bools = [yes, no].filter(({ value }) => value.type === 'bool').length
  if (bools === 1) {
    report(env, errors.mixedBranches(span, yes.span, yes.value.type, no.span, no.value.type))
    return poison
  }
  const branches = bools === 2 ? [yes.value, no.value] : agree([yes.value, no.value])
  return apply(env, 'select', [condition.value, ...branches], span)
}
