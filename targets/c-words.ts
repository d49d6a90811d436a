/** What C++ is alike in for kernels of any kind: constants, and uniform expressions outside of kernels, in f64. */
import type { KernelConst } from '../compiler/kernel.ts'
import type { Op } from '../compiler/ops.ts'
import { atom, type Code, invoke, join, type Spelling, tightness } from './expression.ts'

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

const either =
  (integer: Spelling, real: Spelling): Spelling =>
  (args, call) =>
    (call.type === 'i32' ? integer : real)(args, call)
const std =
  (name: string): Spelling =>
  (args) =>
    invoke(`std::${name}`, ...args.map((arg) => atom(`double(${arg.text})`)))
const quotient: Spelling = ([a, b]) =>
  join('/', tightness.product, atom(`double(${a!.text})`), atom(`double(${b!.text})`))
const minmax = (integer: Spelling, sign: '<' | '>'): Spelling =>
  either(integer, ([a, b]) => atom(`(${a!.text} ${sign} ${b!.text} ? ${a!.text} : ${b!.text})`))

/** Uniform expressions of the source in f64; integers, and what has no meaning there, are left as kernels have them. */
export const doubleSpellings = (spellings: Readonly<Record<Op, Spelling>>): Readonly<Record<Op, Spelling>> => ({
  ...spellings,
  abs: either(spellings.abs, std('fabs')),
  floor: std('floor'),
  ceil: std('ceil'),
  round: std('nearbyint'),
  int: (args, call) => (call.args[0]?.type === 'f32' ? atom(`int32_t(${args[0]!.text})`) : spellings.int(args, call)),
  float: (args) => atom(`double(${args[0]!.text})`),
  exp: std('exp'),
  exp2: std('exp2'),
  expm1: std('expm1'),
  log: std('log'),
  log2: std('log2'),
  log1p: std('log1p'),
  sqrt: std('sqrt'),
  rsqrt: (args, call) => join('/', tightness.product, atom('1.0'), std('sqrt')(args, call)),
  tanh: std('tanh'),
  sin: std('sin'),
  cos: std('cos'),
  erf: std('erf'),
  sigmoid: ([x]) => atom(`(1.0 / (1.0 + std::exp(-(${x!.text}))))`),
  div: quotient,
  pow: std('pow'),
  min: minmax(spellings.min, '<'),
  max: minmax(spellings.max, '>'),
  atan2: std('atan2'),
})

export const realConstant = (e: KernelConst): Code => {
  if (e.type !== 'f32') return constant(e)
  const x = Number(e.value)
  if (Number.isNaN(x)) return atom('double(NAN)')
  if (!Number.isFinite(x)) return atom(x > 0 ? 'double(INFINITY)' : '(-double(INFINITY))')
  const text = /[.e]/.test(String(x)) ? String(x) : `${x}.0`
  return text.startsWith('-') ? atom(`(${text})`) : atom(text)
}
