/** How WGSL spells the operations. Functions with an error that devices differ in are written out in templates/wgsl. */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelCall, KernelConst } from '../../compiler/kernel.ts'
import type { Op } from '../../compiler/ops.ts'
import { atom, type Code, inside, invoke, join, prefixed, type Spelling, tightness } from '../expression.ts'
import { isPlain } from '../ranges.ts'

const { sum, product, prefix, bits, order, equality, or, atom: tight } = tightness

export const wgslTypes: Readonly<Record<ElementType, string>> = { f32: 'f32', i32: 'i32', bool: 'bool' }

const named =
  (name: string): Spelling =>
  (args) =>
    invoke(name, ...args)
const infix =
  (sign: string, tightness: number): Spelling =>
  ([a, b]) =>
    join(sign, tightness, a!, b!)
const either =
  (integer: Spelling, real: Spelling): Spelling =>
  (args, call) =>
    (call.type === 'i32' ? integer : real)(args, call)
const first: Spelling = ([a]) => a!

/**
 * Both sides are worked out: a branch for each `&&` costs devices more, and software adapters many times more when they compile.
 * WGSL gives these operators no order among others.
 */
const logical =
  (sign: '&' | '|'): Spelling =>
  ([a, b]) => {
    const left = a!.tight === bits && isChain(a!.text, sign)
    return {
      text: `${left ? a!.text : inside(a!, prefix)} ${sign} ${inside(b!, prefix)}`,
      tight: bits,
      level: 0,
    }
  }
/** Operands in parentheses, names and calls, joined by nothing but this sign. */
const isChain = (text: string, sign: '&' | '|'): boolean =>
  !text.includes(' >> ') && text.includes(` ${sign} `) && !text.includes(sign === '&' ? ' | ' : ' & ')

/** Where one side decides for a whole tile, the other is not worked out. */
export const decidedBy = (decides: Code, otherwise: Code): Code => ({
  text: `${inside(decides, prefix)} || ${inside(otherwise, order)}`,
  tight: or,
  level: 0,
})

/** WGSL does not order comparisons among themselves. */
const compared =
  (sign: string): Spelling =>
  ([a, b]) => ({
    text: `${inside(a!, sum)} ${sign} ${inside(b!, sum)}`,
    tight: sign === '<' || sign === '<=' ? order : equality,
    level: 0,
  })

function selected([c, x, y]: readonly Code[]): Code {
  return c!.text === 'true' ? x! : invoke('select', y!, x!, c!)
}

function power(args: readonly Code[], call: KernelCall): Code {
  const exponent = call.args[1]
  const [x] = args
  if (exponent?.kind === 'const' && exponent.value === 2 && x!.tight === tight && x!.text.length < 30)
    return join('*', product, x!, x!)
  return invoke(exponent?.type === 'i32' ? 'integerPower' : 'realPower', ...args)
}

/** The exponent of a divisor that is a power of 2: shifts and masks round down, whatever the sign. */
function exponentOf({ args }: KernelCall): number | undefined {
  const [, by] = args
  const exponent = by?.kind === 'const' && Number(by.value) > 0 ? Math.log2(Number(by.value)) : Number.NaN
  return Number.isInteger(exponent) ? exponent : undefined
}

const byBits = (a: Code, text: string): Code => ({ text: `${inside(a, prefix)} ${text}`, tight: bits, level: 0 })

const divided: Spelling = (args, call) => {
  const exponent = exponentOf(call)
  if (exponent !== undefined) return byBits(args[0]!, `>> ${exponent}u`)
  return (isPlain(call) ? infix('/', product) : named('floorDivide'))(args, call)
}
const remaining: Spelling = (args, call) => {
  const exponent = exponentOf(call)
  if (exponent !== undefined) return byBits(args[0]!, `& ${2 ** exponent - 1}`)
  return (isPlain(call) ? infix('%', product) : named('floorModulo'))(args, call)
}

/** NaN turns a comparison that a compiler may turn around: `x < y` of numbers is asked as it stands, `x == y` too. */
export const spellings: Readonly<Record<Op, Spelling>> = {
  neg: ([a]) => prefixed('-', a!),
  not: ([a]) => prefixed('!', a!),
  abs: named('abs'),
  sign: either(named('sign'), named('signOf')),
  floor: named('floor'),
  ceil: named('ceil'),
  round: named('round'),
  int: (args, call) =>
    call.args[0]?.type === 'f32'
      ? invoke('toInteger', ...args)
      : call.args[0]?.type === 'bool'
        ? invoke('i32', ...args)
        : args[0]!,
  float: (args, call) => (call.args[0]?.type === 'f32' ? args[0]! : invoke('f32', ...args)),
  exp: named('raise'),
  exp2: named('raise2'),
  expm1: named('expMinus1'),
  log: named('logarithm'),
  log2: named('logarithm2'),
  log1p: named('logOf1Plus'),
  sqrt: named('squareRoot'),
  rsqrt: named('inverseRoot'),
  tanh: named('tangent'),
  sin: named('sine'),
  cos: named('cosine'),
  erf: named('erf'),
  sigmoid: named('logistic'),
  softplus: named('softplus'),
  stop_gradient: first,
  add: infix('+', sum),
  sub: infix('-', sum),
  mul: infix('*', product),
  div: infix('/', product),
  idiv: either(divided, named('realQuotient')),
  mod: either(remaining, named('realModulo')),
  pow: power,
  min: either(named('min'), named('smallest')),
  max: either(named('max'), named('largest')),
  atan2: named('arc'),
  logaddexp: named('logAddExp'),
  lt: compared('<'),
  le: compared('<='),
  eq: compared('=='),
  ne: (args, call) =>
    call.args[0]?.type === 'f32'
      ? prefixed('!', atom(`(${compared('==')(args, call).text})`))
      : compared('!=')(args, call),
  and: logical('&'),
  or: logical('|'),
  straight_through: first,
  select: selected,
  random: named('random'),
}

export function constant({ value, type }: KernelConst): Code {
  if (type === 'bool') return atom(String(Boolean(value)))
  const negative = (text: string): Code =>
    text.startsWith('-') ? { text, tight: tightness.prefix, level: 0 } : atom(text)
  if (type === 'f32') return real(Number(value), negative)
  return Number(value) === -(2 ** 31) ? atom('i32(-2147483648)') : negative(String(Number(value) | 0))
}

/** The shortest decimal that the nearest f32 of a number has; what is not finite is no constant of WGSL. */
function real(x: number, negative: (text: string) => Code): Code {
  const nearest = Math.fround(x)
  if (Number.isNaN(nearest)) return atom('nan()')
  if (!Number.isFinite(nearest)) return negative(nearest > 0 ? 'infinity()' : '-infinity()')
  if (Object.is(nearest, -0)) return negative('-0.0')
  const short = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digits) => Number(nearest.toPrecision(digits)))
  const text = String(short.find((y) => Math.fround(y) === nearest) ?? nearest)
  return negative(/[.e]/.test(text) ? text : `${text}.0`)
}
