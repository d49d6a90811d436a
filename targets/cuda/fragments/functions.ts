/**
 * Exponentials of differences in base 2: the factor log2 e goes into the multiplication that a score ends with, so that an element costs
 * one fused multiplication and one instruction for the power. Factors between references are made of the same rounded numbers.
 */
import { type KernelCall, type KernelExpr, kernelCall, kernelConst } from '../../../compiler/kernel.ts'
import { constant } from '../../c-words.ts'
import { atom, type Code, invoke, join, type Spelling, tightness } from '../../expression.ts'
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

/** exp2(log2 e (x - y)), with y of a row; the product with -log2 e is written alike wherever it stands, so that it is made once. */
function powerOfDifference(x: KernelExpr, y: KernelExpr, row: string, spot: Spot): Code {
  const below = join('*', tightness.product, print(y, spot), factor(-Math.LOG2E))
  if (isOfRows(x, row, spot)) {
    const above = join('*', tightness.product, print(x, spot), factor(Math.LOG2E))
    return invoke('ptx::exp2', join('+', tightness.sum, above, below))
  }
  const { by, of } = scaled(x, spot)
  return invoke('ptx::exp2', invoke('num::fuse', print(of, spot), factor(by * Math.LOG2E), below))
}

/**
 * 0 for x = -inf, else the power of a finite part of x, less what is finite: the power is 0 by itself, where -inf stays in.
 */
const selection =
  (row: string, spot: Spot): Spelling =>
  (args, call) => {
    const [condition, none, power] = call.args
    const x =
      condition?.kind === 'call' && condition.op === 'eq' && isConst(condition.args[1], -Infinity) && condition.args[0]
    const difference = power?.kind === 'call' && power.op === 'exp' ? writtenOut(power.args[0]!, spot) : undefined
    if (!x || !isConst(none, 0) || !difference || !isSum(difference, 'sub')) return spellings.select(args, call)
    const [above, below] = difference.args
    const isOfX = JSON.stringify(finiteOf(above!)) === JSON.stringify(x)
    if (!isOfX || !finiteOf(below!) || !isOfRows(below!, row, spot)) return spellings.select(args, call)
    const bounded = kernelCall('select', kernelCall('lt', x, kernelConst(Infinity, 'f32')), x, kernelConst(0, 'f32'))
    return powerOfDifference(bounded, below!, row, spot)
  }

const isConst = (e: KernelExpr | undefined, value: number): boolean => e?.kind === 'const' && e.value === value

/** x in `select(abs(x) < inf, x, 0)`. */
function finiteOf(e: KernelExpr): KernelExpr | undefined {
  if (e.kind !== 'call' || e.op !== 'select') return undefined
  const [condition, x, none] = e.args
  const expected = kernelCall('lt', kernelCall('abs', x!), kernelConst(Infinity, 'f32'))
  return isConst(none, 0) && JSON.stringify(condition) === JSON.stringify(expected) ? x : undefined
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

/** 1 / (1 + exp2(-log2 e x)); with the precision `fast` (1 + tanh(x / 2)) / 2, of one instruction with a relative error of 2^-11. */
const sigmoid =
  (row: string, spot: Spot): Spelling =>
  (_, call) => {
    const sum = writtenOut(call.args[0]!, spot)
    const [a, b] = isSum(sum, 'add') && isOfRows(sum.args[1]!, row, spot) ? sum.args : [call.args[0]!, undefined]
    const { by, of } = scaled(a!, spot)
    const times = (c: number): Code =>
      b
        ? invoke('num::fuse', print(of, spot), factor(by * c), join('*', tightness.product, print(b, spot), factor(c)))
        : join('*', tightness.product, print(of, spot), factor(by * c))
    if (isFast(spot)) return invoke('num::fuse', atom('0.5f'), invoke('ptx::tanh', times(0.5)), atom('0.5f'))
    return invoke('ptx::reciprocal', join('+', tightness.sum, atom('1.0f'), invoke('ptx::exp2', times(-Math.LOG2E))))
  }

const isFast = ({ sheet: { program } }: Spot): boolean => program.precision === 'fast'

/**
 * A quotient by a constant is a product with its reciprocal, and one by a number of a row with a reciprocal that is made once a row:
 * they round once more, unless the divisor is a power of two.
 */
const quotient =
  (row: string, spot: Spot): Spelling =>
  (args, call) => {
    const [x, y] = call.args
    const by = y?.kind === 'const' ? Math.abs(Number(y.value)) : 0
    if (call.type !== 'f32') return spellings.div(args, call)
    if (by > 2 ** -60 && by < 2 ** 60)
      return join('*', tightness.product, args[0]!, factor(1 / Number((y as { value: number }).value)))
    const isOfRow = valuesIn(y!).length > 0 && isOfRows(y!, row, spot) && !isOfRows(x!, row, spot)
    if (!isOfRow) return spellings.div(args, call)
    return join('*', tightness.product, args[0]!, join('/', tightness.product, atom('1.0f'), args[1]!))
  }

/** How operations are spelled on fragments. */
export const fragmentSpellings = (row: string, spot: Spot): typeof spellings => ({
  ...spellings,
  ...(isFast(spot) ? { tanh: ([x]) => invoke('ptx::tanh', x!) } : {}),
  exp: exponential(row, spot),
  select: selection(row, spot),
  sigmoid: sigmoid(row, spot),
  div: quotient(row, spot),
})
