/**
 * How C++ spells the operations. A piece of code is *wide* if it is a vector with a lane for each row, and its `level` is 1 then:
 * operators take wide and narrow operands together, functions of `vec` want all of one kind.
 */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelCall } from '../../compiler/kernel.ts'
import type { Op } from '../../compiler/ops.ts'
import { atom, type Code, choice, deepest, invoke, join, prefixed, type Spelling, tightness } from '../expression.ts'
import { isPlain, staysInRange } from '../ranges.ts'

export { constant } from '../c-words.ts'

const { sum, product, bits, order, equality, and, or } = tightness

export const isWide = (code: Code): boolean => code.level > 0

/** A narrow piece of code as a vector. */
export const widen = (code: Code, type: ElementType): Code =>
  isWide(code) ? code : atom(`vec::${type === 'bool' ? 'mask' : 'wide'}(${code.text})`, 1)

/** Operands of one kind. */
function alike(args: readonly Code[], call: KernelCall): readonly Code[] {
  return args.some(isWide) ? args.map((arg, n) => widen(arg, call.args[n]?.type ?? 'f32')) : args
}

const named =
  (name: string): Spelling =>
  (args, call) =>
    invoke(`vec::${name}`, ...alike(args, call))
/** A function that takes wide and narrow operands together. */
const mixing =
  (name: string): Spelling =>
  (args) =>
    invoke(`vec::${name}`, ...args)
const infix =
  (sign: string, tight: number): Spelling =>
  ([a, b]) =>
    join(sign, tight, a!, b!)
const either =
  (integer: Spelling, real: Spelling): Spelling =>
  (args, call) =>
    (call.type === 'i32' ? integer : real)(args, call)
/** An operator on i32 that may wrap, which C++ leaves undefined, is a function. */
const wrapping = (sign: string, tight: number, name: string): Spelling =>
  either(
    (args, call) => (staysInRange(call) ? infix(sign, tight)(args, call) : named(name)(args, call)),
    infix(sign, tight),
  )
const first: Spelling = ([a]) => a!
const isOfBools = (call: KernelCall): boolean => call.args[0]?.type === 'bool'

const compared =
  (sign: string, tight: number): Spelling =>
  (args, call) => {
    const [a, b] = isOfBools(call) ? alike(args, call) : args
    return join(sign, tight, a!, b!)
  }
const logical =
  (narrow: string, wide: string, tight: number): Spelling =>
  (args, call) => {
    const [a, b] = alike(args, call)
    return deepest(args) > 0 ? join(wide, bits, a!, b!) : join(narrow, tight, a!, b!)
  }

function selected([c, x, y]: readonly Code[], { type }: KernelCall): Code {
  if (c!.text === 'true') return x!
  if (deepest([c!, x!, y!]) === 0) return choice(c!, x!, y!)
  const [a, b] = [widen(x!, type), widen(y!, type)]
  return isWide(c!) ? invoke('vec::select', c!, a, b) : choice(c!, a, b)
}

const truths = (args: readonly Code[], call: KernelCall): readonly Code[] =>
  isOfBools(call) && isWide(args[0]!) ? [invoke('vec::oneOf', args[0]!)] : args

function power(args: readonly Code[], call: KernelCall): Code {
  const exponent = call.args[1]
  const [x] = args
  if (exponent?.kind === 'const' && exponent.value === 2 && x!.tight === tightness.atom && x!.text.length < 30)
    return join('*', product, x!, x!)
  return exponent?.type === 'i32' ? mixing('integerPower')(args, call) : named('realPower')(args, call)
}

export const spellings: Readonly<Record<Op, Spelling>> = {
  neg: either(
    (args, call) => {
      const zero = atom('0')
      return staysInRange({ ...call, op: 'sub', args: [{ kind: 'const', type: 'i32', value: 0 }, ...call.args] })
        ? prefixed('-', args[0]!)
        : invoke('vec::subtract', isWide(args[0]!) ? widen(zero, 'i32') : zero, args[0]!)
    },
    ([a]) => prefixed('-', a!),
  ),
  not: ([a]) => prefixed(isWide(a!) ? '~' : '!', a!),
  abs: named('magnitude'),
  sign: named('sign'),
  floor: named('floor'),
  ceil: named('ceil'),
  round: named('roundEven'),
  int: (args, call) => invoke('vec::toInteger', ...truths(args, call)),
  float: (args, call) => invoke('vec::toFloat', ...truths(args, call)),
  exp: named('exp'),
  exp2: named('exp2'),
  expm1: named('expm1'),
  log: named('log'),
  log2: named('log2'),
  log1p: named('log1p'),
  sqrt: named('squareRoot'),
  rsqrt: named('inverseRoot'),
  tanh: named('tanh'),
  sin: named('sin'),
  cos: named('cos'),
  erf: named('erf'),
  sigmoid: named('sigmoid'),
  softplus: named('softplus'),
  stop_gradient: first,
  add: wrapping('+', sum, 'add'),
  sub: wrapping('-', sum, 'subtract'),
  mul: wrapping('*', product, 'multiply'),
  div: infix('/', product),
  idiv: either(
    (args, call) => (isPlain(call) ? infix('/', product)(args, call) : named('floorDivide')(args, call)),
    named('floorDivide'),
  ),
  mod: either(
    (args, call) => (isPlain(call) ? infix('%', product)(args, call) : named('floorModulo')(args, call)),
    named('floorModulo'),
  ),
  pow: power,
  min: named('smallest'),
  max: named('largest'),
  atan2: named('atan2'),
  logaddexp: named('logAddExp'),
  lt: compared('<', order),
  le: compared('<=', order),
  eq: compared('==', equality),
  ne: compared('!=', equality),
  and: logical('&&', '&', and),
  or: logical('||', '|', or),
  straight_through: first,
  select: selected,
  random: mixing('random'),
}
