/** How WGSL spells the operations. Functions with an error that devices differ in are written out in templates/wgsl. */
import type { ElementType } from '../../compiler/ir.ts'
import type { KernelCall, KernelConst } from '../../compiler/kernel.ts'
import type { Op } from '../../compiler/ops.ts'
import { atom, type Code, inside, invoke, join, prefixed, type Spelling, tightness } from '../expression.ts'
import { isPlain } from '../ranges.ts'

const { sum, product, order, equality, and, or, atom: tight } = tightness

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

/** WGSL gives `&&` and `||` no order: one within the other stands in parentheses, and so do comparisons of truths. */
const logical =
  (sign: string, own: number, other: number): Spelling =>
  ([a, b]) => {
    const apart = (code: Code): Code => (code.tight === other ? atom(`(${code.text})`, code.level) : code)
    return join(sign, own, apart(a!), apart(b!))
  }
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
  idiv: either(
    (args, call) => (isPlain(call) ? infix('/', product)(args, call) : named('floorDivide')(args, call)),
    named('realQuotient'),
  ),
  mod: either(
    (args, call) => (isPlain(call) ? infix('%', product)(args, call) : named('floorModulo')(args, call)),
    named('realModulo'),
  ),
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
  and: logical('&&', and, or),
  or: logical('||', or, and),
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
