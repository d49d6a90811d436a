/** Expressions of WebAssembly as trees. Constants are folded as they are built. */
import { type Instruction, resultOf, type ValueType } from './instructions.ts'

/** A function that a call names; its number is known when the module is written. */
export interface Callee {
  readonly name: string
  readonly params: readonly ValueType[]
  readonly result: ValueType | undefined
}

/** `level`: how many loops are around the innermost place where this changes. */
export interface Code {
  readonly op: Instruction
  readonly args: readonly Code[]
  readonly immediates: readonly number[]
  readonly type: ValueType | undefined
  readonly level: number
  readonly callee?: Callee
  readonly moment?: number // of a load of what may change: it is not the same as any other
}

export const isWide = ({ type }: Code): boolean => type === 'v128'
const deepest = (args: readonly Code[]): number => args.reduce((level, arg) => Math.max(level, arg.level), 0)

export function code(op: Instruction, args: readonly Code[] = [], immediates: readonly number[] = []): Code {
  const type = op === 'select' ? args[0]?.type : resultOf(op)
  return { op, args, immediates, type, level: deepest(args) }
}
export const call = (callee: Callee, ...args: readonly Code[]): Code => ({
  ...{ op: 'call', args, immediates: [], callee },
  ...{ type: callee.result, level: deepest(args) },
})
export const getLocal = (n: number, type: ValueType, level: number): Code => ({
  ...{ op: 'local.get', args: [], immediates: [n] },
  ...{ type, level },
})
export const setLocal = (local: Code, value: Code): Code => code('local.set', [value], local.immediates)

export const integer = (value: number): Code => code('i32.const', [], [value | 0])
export const float = (value: number): Code => code('f32.const', [], [Math.fround(value)])
/** One word in all lanes, or one for each. */
export const words = (...all: readonly number[]): Code =>
  code('v128.const', [], all.length === 1 ? [0, 1, 2, 3].map(() => all[0]! | 0) : all)
const bits = new DataView(new ArrayBuffer(4))
export const floatBits = (value: number): number => {
  bits.setFloat32(0, value)
  return bits.getInt32(0)
}
export const floats = (value: number): Code => words(floatBits(value))

export const zero = integer(0)
export const one = integer(1)
export const truth = one

export const constantOf = ({ op, immediates }: Code): number | undefined =>
  op === 'i32.const' || op === 'f32.const' ? immediates[0] : undefined
export const isSimple = ({ op }: Code): boolean => op === 'local.get' || op === 'i32.const' || op === 'f32.const'

/** The same value in all lanes. `of`: whether the value is a float, or bits. */
export function splat(value: Code, of: 'f32' | 'i32'): Code {
  const known = constantOf(value)
  if (known !== undefined) return of === 'f32' ? floats(known) : words(known)
  return code(of === 'f32' ? 'f32x4.splat' : 'i32x4.splat', [value])
}

type Fold = (a: number, b: number) => number
function folded(op: Instruction, fold: Fold, neutral: number | undefined): (a: Code, b: Code) => Code {
  return (a, b) => {
    const [x, y] = [constantOf(a), constantOf(b)]
    if (x !== undefined && y !== undefined) return integer(fold(x, y))
    if (y !== undefined && y === neutral) return a
    if (x !== undefined && x === neutral && op !== 'i32.sub') return b
    return code(op, [a, b])
  }
}
export const add = folded('i32.add', (a, b) => a + b, 0)
export const subtract = folded('i32.sub', (a, b) => a - b, 0)
const times = folded('i32.mul', Math.imul, 1)
/** Products go into sums, so that what does not change in a loop can be worked out before it: exact, since i32 wraps. */
export function multiply(a: Code, b: Code): Code {
  const [x, y] = [constantOf(a), constantOf(b)]
  if (x === 0 || y === 0) return zero
  if (x !== undefined && y === undefined) return multiply(b, a)
  if (y !== undefined && a.op === 'i32.add') return add(multiply(a.args[0]!, b), multiply(a.args[1]!, b))
  if (y !== undefined && a.op === 'i32.mul') {
    const inner = constantOf(a.args[1]!)
    if (inner !== undefined) return times(a.args[0]!, integer(Math.imul(inner, y)))
  }
  return times(a, b)
}
export const isLess = folded('i32.lt_s', (a, b) => Number(a < b), undefined)
export const select = (condition: Code, yes: Code, no: Code): Code => {
  const known = constantOf(condition)
  return known === undefined ? code('select', [yes, no, condition]) : known !== 0 ? yes : no
}
export const not = (a: Code): Code => {
  const known = constantOf(a)
  return known === undefined ? code('i32.eqz', [a]) : integer(Number(known === 0))
}

/** What tells codes apart. */
export const keyOf = ({ op, args, immediates, callee, moment }: Code): string =>
  `${op} ${callee?.name ?? ''}${moment === undefined ? '' : `@${moment} `}${immediates.map((x) => (Object.is(x, -0) ? '-0' : x)).join()}(${args.map(keyOf).join(';')})`
