/** Kernel expressions of scalars, folded as they are made: what is printed is what a person would have written. */
import { type KernelConst, type KernelExpr, kernelCall, kernelConst } from '../kernel.ts'
import type { Op } from '../ops.ts'

export const yes: KernelExpr = kernelConst(true, 'bool')
export const no: KernelExpr = kernelConst(false, 'bool')
export const int = (value: number): KernelExpr => kernelConst(value, 'i32')
export const float = (value: number): KernelExpr => kernelConst(value, 'f32')

export const isConst = (e: KernelExpr, value: number | boolean): boolean => e.kind === 'const' && e.value === value

/** `op` of `args`; i32 constants are folded where that does not wrap, f32 only where it is exact anyway. */
export function scalar(op: Op, ...args: readonly KernelExpr[]): KernelExpr {
  const [a, b, c] = args
  const simple = a && rules[op]?.(a, b ?? a, c ?? a)
  return simple ?? kernelCall(op, ...args)
}

export const and = (...all: readonly KernelExpr[]): KernelExpr => all.reduce((a, b) => scalar('and', a, b), yes)
export const or = (...all: readonly KernelExpr[]): KernelExpr => all.reduce((a, b) => scalar('or', a, b), no)
export const add = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('add', a, b)
export const sub = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('sub', a, b)
export const mul = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('mul', a, b)
export const min = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('min', a, b)
export const max = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('max', a, b)
export const lt = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('lt', a, b)
export const le = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('le', a, b)
export const eq = (a: KernelExpr, b: KernelExpr): KernelExpr => scalar('eq', a, b)
export const select = (c: KernelExpr, a: KernelExpr, b: KernelExpr): KernelExpr => scalar('select', c, a, b)

type Rule = (a: KernelExpr, b: KernelExpr, c: KernelExpr) => KernelExpr | undefined

const numbers = (a: KernelExpr, b: KernelExpr): readonly [number, number] | undefined =>
  isNumber(a) && isNumber(b) ? [a.value, b.value] : undefined
const isNumber = (e: KernelExpr): e is KernelConst & { readonly value: number } =>
  e.kind === 'const' && typeof e.value === 'number'

const fold =
  (f: (x: number, y: number) => number): Rule =>
  (a, b) => {
    const values = numbers(a, b)
    if (!values) return undefined
    const out = f(...values)
    const exact = a.type === 'i32' ? Math.abs(out) < 2 ** 31 : Object.is(Math.fround(out), out)
    return exact ? kernelConst(out, a.type) : undefined
  }
const compare =
  (f: (x: number, y: number) => boolean, ofSame: boolean): Rule =>
  (a, b) => {
    const values = numbers(a, b)
    if (values) return kernelConst(f(...values), 'bool')
    return a === b && a.type === 'i32' ? kernelConst(ofSame, 'bool') : undefined
  }
const ofSame: Rule = (a, b) => (a === b ? a : undefined)
const first =
  (...all: readonly Rule[]): Rule =>
  (a, b, c) => {
    for (const rule of all) {
      const out = rule(a, b, c)
      if (out) return out
    }
    return undefined
  }

const rules: Partial<Record<Op, Rule>> = {
  neg: first(
    fold((x) => 0 - x),
    (a) => (a.kind === 'call' && a.op === 'neg' ? a.args[0] : undefined),
    // -(x - y) is y - x, but for the sign of a zero
    (a) =>
      a.kind === 'call' && a.op === 'sub' && a.type === 'i32' && a.args[0] && a.args[1]
        ? sub(a.args[1], a.args[0])
        : undefined,
  ),
  add: first(
    fold((x, y) => x + y),
    (a, b) => (isConst(b, 0) ? a : isConst(a, 0) ? b : undefined),
    // x + -3 is x - 3
    (a, b) =>
      isNumber(b) && b.value < 0 && b.value > -(2 ** 31)
        ? kernelCall('sub', a, kernelConst(-b.value, b.type))
        : undefined,
  ),
  sub: first(
    fold((x, y) => x - y),
    (a, b) => (isConst(b, 0) ? a : undefined),
    (a, b) =>
      isNumber(b) && b.value < 0 && b.value > -(2 ** 31)
        ? kernelCall('add', a, kernelConst(-b.value, b.type))
        : undefined,
  ),
  mul: first(
    fold((x, y) => x * y),
    (a, b) => (isConst(b, 1) ? a : isConst(a, 1) ? b : undefined),
  ),
  min: first(ofSame, fold(Math.min)),
  max: first(ofSame, fold(Math.max)),
  lt: compare((x, y) => x < y, false),
  le: compare((x, y) => x <= y, true),
  eq: compare((x, y) => x === y, true),
  ne: compare((x, y) => x !== y, false),
  not: (a) =>
    a.kind === 'const' ? kernelConst(!a.value, 'bool') : a.kind === 'call' && a.op === 'not' ? a.args[0] : undefined,
  and: (a, b) =>
    isConst(a, true) ? b : isConst(b, true) ? a : isConst(a, false) || isConst(b, false) ? no : ofSame(a, b, b),
  or: (a, b) =>
    isConst(a, false) ? b : isConst(b, false) ? a : isConst(a, true) || isConst(b, true) ? yes : ofSame(a, b, b),
  select: (c, a, b) => {
    if (c.kind === 'const') return c.value ? a : b
    return a === b ? a : undefined
  },
  idiv: (a, b) => (isConst(b, 1) ? a : fold((x, y) => (y === 0 ? 0 : Math.floor(x / y)))(a, b, b)),
  mod: fold((x, y) => (y === 0 ? 0 : x - y * Math.floor(x / y))),
}
