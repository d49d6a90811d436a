/**
 * Exponentials of computed scores in base 2: the factor log2 e goes into the multiplication that a score ends with, so that an element
 * costs one fused multiplication before its power. Factors between references are made of the same rounded numbers.
 */
import { type KernelCall, type KernelExpr, kernelCall, kernelConst } from '../../compiler/kernel.ts'
import { type Code, invoke, join, tightness } from '../expression.ts'
import type { Facts } from '../nests/item.ts'
import { valuesIn } from '../nests/item.ts'
import { print, type Sheet, type Spot } from './sheet.ts'
import { constant, isWide, spellings, widen } from './words.ts'

/** How operations are spelled at a place. */
export const spellingsAt = (spot: Spot): typeof spellings => ({
  ...spellings,
  exp: (args, call) => exponential(call, spot) ?? spellings.exp(args, call),
  sigmoid: (args, call) => sigmoid(call, spot) ?? spellings.sigmoid(args, call),
  div: (args, call) => quotient(args, call, spot),
})

const factor = (x: number): Code => constant(kernelConst(x, 'f32') as Parameters<typeof constant>[0])

/** exp2(log2 e (x - y)) where y is the same in a loop in which x is not, or both are of rows. */
function exponential(call: KernelCall, spot: Spot): Code | undefined {
  const difference = writtenOut(call.args[0]!, spot)
  if (!isCall(difference, 'sub')) return undefined
  const [x, y] = difference.args as readonly [KernelExpr, KernelExpr]
  if (!isComputed(x, spot.sheet) || !isOfRow(y, spot)) return undefined
  const below = times(y, -Math.LOG2E, spot)
  if (isOfRow(x, spot)) return invoke('vec::exp2', join('+', tightness.sum, times(x, Math.LOG2E, spot), below))
  const { by, of } = scaled(x, spot)
  return invoke('vec::exp2', fused(print(of, spot), factor(by * Math.LOG2E), below))
}

/** 1 / (1 + exp2(-log2 e x)) */
function sigmoid(call: KernelCall, spot: Spot): Code | undefined {
  const x = call.args[0]!
  if (!isComputed(x, spot.sheet)) return undefined
  const sum = writtenOut(x, spot)
  const [a, b] = isCall(sum, 'add') && isOfRow(sum.args[1]!, spot) ? sum.args : [x, undefined]
  const { by, of } = scaled(a!, spot)
  if (!b) return invoke('vec::logistic2', times(of, -by * Math.LOG2E, spot))
  return invoke('vec::logistic2', fused(print(of, spot), factor(-by * Math.LOG2E), times(b, -Math.LOG2E, spot)))
}

/** By what is the same for many elements: a product with the reciprocal, which is made once; it rounds once more. */
function quotient(args: readonly Code[], call: KernelCall, spot: Spot): Code {
  const [x, y] = call.args as readonly [KernelExpr, KernelExpr]
  if (call.type !== 'f32' || x.kind === 'const') return spellings.div(args, call)
  const by = y.kind === 'const' ? Math.abs(Number(y.value)) : 0
  if (by > 2 ** -60 && by < 2 ** 60)
    return join('*', tightness.product, args[0]!, factor(1 / Number((y as { value: number }).value)))
  if (valuesIn(y).length === 0 || !isOfRow(y, spot) || isOfRow(x, spot)) return spellings.div(args, call)
  return join('*', tightness.product, args[0]!, print(kernelCall('div', kernelConst(1, 'f32'), y), spot))
}

const times = (x: KernelExpr, by: number, spot: Spot): Code => join('*', tightness.product, print(x, spot), factor(by))

const fused = (...args: readonly Code[]): Code =>
  invoke('vec::fuse', ...(args.some(isWide) ? args.map((arg) => widen(arg, 'f32')) : args))

const isCall = (e: KernelExpr, op: KernelCall['op']): e is KernelCall => e.kind === 'call' && e.op === op

/** A value by the expression that it is written out as. */
function writtenOut(e: KernelExpr, { sheet: { facts } }: Spot): KernelExpr {
  const from = e.kind === 'value' && facts.inlined.has(e.name) ? facts.defines.get(e.name)?.from : undefined
  return from?.kind === 'expr' ? from.expr : e
}

/** `e` as a positive constant times another expression. */
function scaled(e: KernelExpr, spot: Spot): { readonly by: number; readonly of: KernelExpr } {
  const call = writtenOut(e, spot)
  const [x, y] = call.kind === 'call' ? call.args : []
  const of = (c: KernelExpr | undefined): number => (c?.kind === 'const' && Number(c.value) > 0 ? Number(c.value) : 0)
  if (isCall(call, 'div') && of(y) > 0) return { by: 1 / of(y), of: x! }
  if (isCall(call, 'mul') && of(y) > 0) return { by: of(y), of: x! }
  if (isCall(call, 'mul') && of(x) > 0) return { by: of(x), of: y! }
  return { by: 1, of: e }
}

/**
 * Whether sums go into an expression: these have rounded already, by more than the multiplication with log2 e. What is exact would lose
 * by it where both parts of a difference are large.
 */
const isComputed = (e: KernelExpr, sheet: Sheet): boolean =>
  valuesIn(e).some((name) => {
    const from = sheet.facts.defines.get(name)?.from
    if (from?.kind !== 'load') return !from || isComputed(from.expr, sheet)
    return sheet.program.buffers.find((buffer) => buffer.name === from.buffer)?.role === 'workspace'
  })

/** Whether an expression is the same for all elements of a row: no axis of a tile is left but that of the lanes. */
const isOfRow = (e: KernelExpr, { sheet, axes }: Spot): boolean =>
  axesOf(e, sheet.facts).every((axis) => axis === sheet.lane || axes.get(axis)?.single === true)

function axesOf(e: KernelExpr, facts: Facts): readonly string[] {
  if (e.kind === 'value') return (facts.values.get(e.name)?.axes ?? []).map(({ axis }) => axis)
  if (e.kind === 'index') return e.of === 'element' ? [e.axis] : []
  return e.kind === 'call' ? e.args.flatMap((arg) => axesOf(arg, facts)) : []
}
