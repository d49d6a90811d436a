/**
 * Exponentials of differences in base 2: the factor log2 e goes into the multiplication that a score ends with, so that an element costs
 * one fused multiplication and one instruction for the power. Factors between references are made of the same rounded numbers.
 */
import { type KernelCall, type KernelExpr, kernelConst } from '../../../compiler/kernel.ts'
import { constant } from '../../c-words.ts'
import { atom, type Code, invoke, join, prefixed, type Spelling, tightness } from '../../expression.ts'
import { valuesIn } from '../../nests/item.ts'
import { print, type Spot } from '../spot.ts'
import { spellings } from '../words.ts'
import { formOf } from './layout.ts'

const factor = (x: number): Code => constant(kernelConst(x, 'f32') as Parameters<typeof constant>[0])

/** A value by the expression that it was defined with. */
export function writtenOut(e: KernelExpr, spot: Spot): KernelExpr {
  if (e.kind !== 'value') return e
  const from = spot.sheet.facts.defines.get(e.name)?.from
  return from?.kind === 'expr' ? from.expr : e
}

/** `e` as a positive constant times another expression. */
export function scaled(e: KernelExpr, spot: Spot): { readonly by: number; readonly of: KernelExpr } {
  const call = writtenOut(e, spot)
  if (call.kind !== 'call') return { by: 1, of: e }
  const [x, y] = call.args
  if (call.op === 'div' && y?.kind === 'const' && Number(y.value) > 0) return { by: 1 / Number(y.value), of: x! }
  if (call.op === 'mul' && y?.kind === 'const' && Number(y.value) > 0) return { by: Number(y.value), of: x! }
  if (call.op === 'mul' && x?.kind === 'const' && Number(x.value) > 0) return { by: Number(x.value), of: y! }
  return { by: 1, of: e }
}

/** Whether an expression is alike for all columns. */
export const isOfRows = (e: KernelExpr, row: string, spot: Spot): boolean =>
  valuesIn(e).every((name) => {
    const value = spot.sheet.facts.values.get(name)
    return value !== undefined && ['uniform', 'row'].includes(formOf(value, row))
  }) && indices(e).every((axis) => axis === row)

const indices = (e: KernelExpr): readonly string[] =>
  e.kind === 'index' ? (e.of === 'element' ? [e.axis] : []) : e.kind === 'call' ? e.args.flatMap(indices) : []

/** exp2(log2 e (x - y)), with y of a row. */
function powerOfDifference(x: KernelExpr, y: KernelExpr, row: string, spot: Spot): Code {
  const below = join('*', tightness.product, print(y, spot), factor(Math.LOG2E))
  if (isOfRows(x, row, spot)) {
    const above = join('*', tightness.product, print(x, spot), factor(Math.LOG2E))
    return invoke('ptx::exp2', join('-', tightness.sum, above, below))
  }
  const { by, of } = scaled(x, spot)
  return invoke('ptx::exp2', invoke('num::fuse', print(of, spot), factor(by * Math.LOG2E), prefixed('-', below)))
}

const isSum = (e: KernelExpr, op: 'add' | 'sub'): e is KernelCall => e.kind === 'call' && e.op === op

const exponential =
  (row: string, spot: Spot): Spelling =>
  (args, call) => {
    const [x] = call.args
    const difference = x && writtenOut(x, spot)
    const [a, b] = difference && isSum(difference, 'sub') ? difference.args : []
    return a && b && isOfRows(b, row, spot) ? powerOfDifference(a, b, row, spot) : spellings.exp(args, call)
  }

/** 1 / (1 + exp2(-log2 e x)) */
const sigmoid =
  (row: string, spot: Spot): Spelling =>
  (_, call) => {
    const sum = writtenOut(call.args[0]!, spot)
    const [a, b] = isSum(sum, 'add') && isOfRows(sum.args[1]!, row, spot) ? sum.args : [call.args[0]!, undefined]
    const { by, of } = scaled(a!, spot)
    const scale = factor(-by * Math.LOG2E)
    const power = b
      ? invoke('num::fuse', print(of, spot), scale, join('*', tightness.product, print(b, spot), factor(-Math.LOG2E)))
      : join('*', tightness.product, print(of, spot), scale)
    return invoke('ptx::reciprocal', join('+', tightness.sum, atom('1.0f'), invoke('ptx::exp2', power)))
  }

/** A quotient by a power of two is a product, to the last bit. */
const quotient: Spelling = (args, call) => {
  const [, y] = call.args
  const by = y?.kind === 'const' ? Math.abs(Number(y.value)) : 0
  const isPower = by > 2 ** -60 && by < 2 ** 60 && Math.log2(by) % 1 === 0
  return isPower && call.type === 'f32'
    ? join('*', tightness.product, args[0]!, factor(1 / Number((y as { value: number }).value)))
    : spellings.div(args, call)
}

/** Whether x is what the largest of the same x is taken from: then its exponential is at most 1. */
export const fragmentSpellings = (row: string, spot: Spot): typeof spellings => ({
  ...spellings,
  exp: exponential(row, spot),
  sigmoid: sigmoid(row, spot),
  div: quotient,
})
