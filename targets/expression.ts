import { unreachable } from '../compiler/invariant.ts'
import type { IndexRef, KernelCall, KernelConst, KernelExpr, ParamRef, SizeRef, ValueRef } from '../compiler/kernel.ts'
import type { Op } from '../compiler/ops.ts'

/** A piece of an expression. `tight`: how tightly its outermost operator binds. `level`: the innermost scope it needs. */
export interface Code {
  readonly text: string
  readonly tight: number
  readonly level: number
}

/** The tightness of operators, alike in C, C++, WGSL and TypeScript. */
export const tightness = {
  choice: 1,
  or: 2,
  and: 3,
  bits: 4,
  equality: 5,
  order: 6,
  sum: 8,
  product: 9,
  prefix: 10,
  atom: 12,
} as const

export type Spelling = (args: readonly Code[], call: KernelCall) => Code

/** What languages differ in. Each target gives one such table. */
export interface Words {
  readonly constant: (e: KernelConst) => Code
  readonly value: (e: ValueRef) => Code
  readonly index: (e: IndexRef) => Code
  readonly size: (e: SizeRef) => Code
  readonly param: (e: ParamRef) => Code
  readonly ops: Readonly<Record<Op, Spelling>>
  readonly whole?: (e: KernelCall) => Code | undefined // what a call is known by here, if it is not written out
  readonly prepare?: (args: readonly Code[]) => readonly Code[] // what a target does with operands before they are joined
}

/** Prints an elementwise expression with no more parentheses than it needs. */
export function printExpr(e: KernelExpr, words: Words): Code {
  switch (e.kind) {
    case 'const':
      return words.constant(e)
    case 'value':
      return words.value(e)
    case 'index':
      return words.index(e)
    case 'size':
      return words.size(e)
    case 'param':
      return words.param(e)
    case 'call': {
      const known = words.whole?.(e)
      if (known) return known
      const args = e.args.map((arg) => printExpr(arg, words))
      return words.ops[e.op](words.prepare?.(args) ?? args, e)
    }
    default:
      return unreachable(e)
  }
}

export const atom = (text: string, level = 0): Code => ({ text, tight: tightness.atom, level })
export const deepest = (args: readonly Code[]): number => Math.max(0, ...args.map((arg) => arg.level))
/** `code` where an operand at least as tight as `tight` is needed. */
export const inside = (code: Code, tight: number): string => (code.tight < tight ? `(${code.text})` : code.text)

/** `a + b`; operators of one tightness group to the left. */
export function join(sign: string, tight: number, left: Code, right: Code): Code {
  return {
    text: `${inside(left, tight)} ${sign} ${inside(right, tight + 1)}`,
    tight,
    level: Math.max(left.level, right.level),
  }
}
/** `f(a, b)` */
export const invoke = (name: string, ...args: readonly Code[]): Code =>
  atom(`${name}(${args.map((arg) => arg.text).join(', ')})`, deepest(args))
/** `-a` */
export const prefixed = (sign: string, of: Code): Code => {
  const text = inside(of, tightness.prefix)
  return { text: `${sign}${text.startsWith(sign) ? `(${text})` : text}`, tight: tightness.prefix, level: of.level }
}
/** `a ? b : c` */
export const choice = (condition: Code, yes: Code, no: Code): Code => ({
  text: `${inside(condition, tightness.or)} ? ${inside(yes, tightness.or)} : ${inside(no, tightness.choice)}`,
  tight: tightness.choice,
  level: deepest([condition, yes, no]),
})
