/** How JavaScript spells the operations: f32 values are numbers in f64, i32 values are kept in range by `| 0`. */
import type { KernelCall, KernelConst } from '../compiler/kernel.ts'
import type { Op } from '../compiler/ops.ts'
import { atom, type Code, choice, inside, invoke, join, prefixed, type Spelling, tightness } from './expression.ts'
import { isPlain, staysInRange } from './ranges.ts'

const { sum, product, prefix, bits, order, equality, and, or } = tightness
const isInteger = (call: KernelCall): boolean => call.type === 'i32'

/** Wraps a sum of i32 numbers, unless it is known to stay in range. */
function wrapped(code: Code, call: KernelCall): Code {
  return staysInRange(call) ? code : join('|', bits, code, atom('0'))
}

const infix =
  (sign: string, tight: number): Spelling =>
  ([a, b]) =>
    join(sign, tight, a!, b!)
/** `last + 1`, which ends most ranges, is not written as `first + count - 1 + 1`. */
const isUndone = ([a, b]: readonly Code[], { op }: KernelCall): boolean =>
  op === 'add' && b!.text === '1' && a!.tight === sum && a!.text.endsWith(' - 1')
const summed =
  (sign: string): Spelling =>
  (args, call) => {
    const [a, b] = args as [Code, Code]
    if (!isInteger(call)) return join(sign, sum, a, b)
    return wrapped(isUndone(args, call) ? { ...a, text: a.text.slice(0, -4) } : join(sign, sum, a, b), call)
  }
export const named =
  (name: string): Spelling =>
  (args) =>
    invoke(name, ...args)
const either =
  (integer: Spelling, real: Spelling): Spelling =>
  (args, call) =>
    (isInteger(call) ? integer : real)(args, call)
const integer =
  (of: Spelling): Spelling =>
  (args, call) =>
    join('|', bits, of(args, call), atom('0'))
const first: Spelling = ([a]) => a!
const divided = (a: Code, b: Code): Code => join('/', product, a, b)

function power([x, y]: readonly Code[], { args }: KernelCall): Code {
  const exponent = args[1]
  if (exponent?.kind === 'const' && exponent.value === 2 && x!.tight === tightness.atom && x!.text.length < 30) {
    return join('*', product, x!, x!)
  }
  return invoke(exponent?.type === 'i32' ? 'integerPower' : 'realPower', x!, y!)
}

const multiplied: Spelling = ([a, b], call) => {
  return !isInteger(call) || staysInRange(call) ? join('*', product, a!, b!) : invoke('Math.imul', a!, b!)
}

const asNumber: Spelling = ([a], { args }) => (args[0]?.type === 'bool' ? choice(a!, atom('1'), atom('0')) : a!)
const negated: Spelling = ([a]) => prefixed('-', a!)
export const sigmoidBy =
  (exp: Spelling): Spelling =>
  ([x], call) => {
    const raised = exp([prefixed('-', x!)], call)
    return divided(atom('1'), atom(`(1 + ${raised.text})`, raised.level))
  }

export const spellings: Readonly<Record<Op, Spelling>> = {
  neg: either(integer(negated), negated),
  not: ([a]) => prefixed('!', a!),
  abs: either(integer(named('Math.abs')), named('Math.abs')),
  sign: named('Math.sign'),
  floor: named('Math.floor'),
  ceil: named('Math.ceil'),
  round: named('roundEven'),
  int: (args, call) => (call.args[0]?.type === 'f32' ? invoke('toInteger', args[0]!) : asNumber(args, call)),
  float: asNumber,
  exp: named('Math.exp'),
  exp2: ([x]) => ({ text: `2 ** ${inside(x!, tightness.atom)}`, tight: prefix - 1, level: x!.level }),
  expm1: named('Math.expm1'),
  log: named('Math.log'),
  log2: named('Math.log2'),
  log1p: named('Math.log1p'),
  sqrt: named('Math.sqrt'),
  rsqrt: ([x]) => divided(atom('1'), invoke('Math.sqrt', x!)),
  tanh: named('Math.tanh'),
  sin: named('Math.sin'),
  cos: named('Math.cos'),
  erf: named('erf'),
  sigmoid: sigmoidBy(named('Math.exp')),
  softplus: named('softplus'),
  stop_gradient: first,
  add: summed('+'),
  sub: summed('-'),
  mul: multiplied,
  div: ([a, b]) => divided(a!, b!),
  idiv: either(
    ([a, b], call) => (isPlain(call) ? invoke('Math.floor', divided(a!, b!)) : invoke('floorDivide', a!, b!)),
    named('realQuotient'),
  ),
  mod: either(
    ([a, b], call) => (isPlain(call) ? join('%', product, a!, b!) : invoke('floorModulo', a!, b!)),
    named('realModulo'),
  ),
  pow: power,
  min: named('Math.min'),
  max: named('Math.max'),
  atan2: named('Math.atan2'),
  logaddexp: named('logAddExp'),
  lt: infix('<', order),
  le: infix('<=', order),
  eq: infix('===', equality),
  ne: infix('!==', equality),
  and: infix('&&', and),
  or: infix('||', or),
  straight_through: first,
  select: ([c, x, y]) => (c!.text === 'true' ? x! : choice(c!, x!, y!)),
  random: named('random'),
}

export function constant({ value, type }: KernelConst): Code {
  if (typeof value === 'boolean') return atom(String(type === 'bool' ? value : Number(value)))
  if (Number.isNaN(value)) return atom('Number.NaN')
  const text = Object.is(value, -0) ? '-0' : String(type === 'i32' ? value | 0 : value)
  return text.startsWith('-') ? { text, tight: prefix, level: 0 } : atom(text)
}
