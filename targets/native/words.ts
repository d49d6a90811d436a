/**
 * How C++ spells the operations. A piece of code is *wide* if it is a vector with a lane for each row, and its `level` is 1 then:
 * operators take wide and narrow operands together, functions of `vec` want all of one kind.
 */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelCall, KernelConst } from '../../compiler/kernel.ts'
import type { Op } from '../../compiler/ops.ts'
import { atom, type Code, choice, deepest, invoke, join, prefixed, type Spelling, tightness } from '../expression.ts'
import { isPlain, staysInRange } from '../ranges.ts'

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

export function constant({ value, type }: KernelConst): Code {
  if (type === 'bool') return atom(String(Boolean(value)))
  const negative = (text: string): Code =>
    text.startsWith('-') ? { text, tight: tightness.prefix, level: 0 } : atom(text)
  if (type === 'f32') return negative(float(Number(value)))
  return Number(value) === -(2 ** 31) ? atom('(-2147483647 - 1)') : negative(String(Number(value) | 0))
}

/** The shortest decimal that the nearest f32 of a number has. */
function float(x: number): string {
  const nearest = Math.fround(x)
  if (Number.isNaN(nearest)) return 'NAN'
  if (!Number.isFinite(nearest)) return nearest > 0 ? 'INFINITY' : '-INFINITY'
  if (Object.is(nearest, -0)) return '-0.0f'
  const short = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digits) => Number(nearest.toPrecision(digits)))
  const text = String(short.find((y) => Math.fround(y) === nearest) ?? nearest)
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`
}

// Outside of kernels: in f64.

const std =
  (name: string): Spelling =>
  (args) =>
    invoke(`std::${name}`, ...args.map((arg) => atom(`double(${arg.text})`)))
const quotient: Spelling = ([a, b]) => join('/', product, atom(`double(${a!.text})`), atom(`double(${b!.text})`))
const minmax = (name: string): Spelling =>
  either(
    (args) => invoke(`vec::${name}`, ...args),
    ([a, b]) => atom(`(${a!.text} ${name === 'largest' ? '>' : '<'} ${b!.text} ? ${a!.text} : ${b!.text})`),
  )

/** Uniform expressions of the source; what has no meaning there is left as kernels have it. */
export const doubleSpellings: Readonly<Record<Op, Spelling>> = {
  ...spellings,
  abs: either(named('magnitude'), std('fabs')),
  floor: std('floor'),
  ceil: std('ceil'),
  round: std('nearbyint'),
  int: (args, call) =>
    call.args[0]?.type === 'f32' ? atom(`int32_t(${args[0]!.text})`) : invoke('vec::toInteger', ...args),
  float: (args) => atom(`double(${args[0]!.text})`),
  exp: std('exp'),
  exp2: std('exp2'),
  expm1: std('expm1'),
  log: std('log'),
  log2: std('log2'),
  log1p: std('log1p'),
  sqrt: std('sqrt'),
  rsqrt: (args, call) => join('/', product, atom('1.0'), std('sqrt')(args, call)),
  tanh: std('tanh'),
  sin: std('sin'),
  cos: std('cos'),
  erf: std('erf'),
  sigmoid: ([x]) => atom(`(1.0 / (1.0 + std::exp(-(${x!.text}))))`),
  div: quotient,
  pow: std('pow'),
  min: minmax('smallest'),
  max: minmax('largest'),
  atan2: std('atan2'),
}

export const realConstant = (e: KernelConst): Code => {
  if (e.type !== 'f32') return constant(e)
  const x = Number(e.value)
  if (Number.isNaN(x)) return atom('double(NAN)')
  if (!Number.isFinite(x)) return atom(x > 0 ? 'double(INFINITY)' : '(-double(INFINITY))')
  const text = /[.e]/.test(String(x)) ? String(x) : `${x}.0`
  return text.startsWith('-') ? atom(`(${text})`) : atom(text)
}
