/** How CUDA C++ spells the operations. */
import type { KernelCall } from '../../compiler/kernel.ts'
import type { Op } from '../../compiler/ops.ts'
import { choice, invoke, join, prefixed, type Spelling, tightness } from '../expression.ts'
import { isPlain, staysInRange } from '../ranges.ts'

const { sum, product, order, equality, and, or } = tightness

const named =
  (name: string): Spelling =>
  (args) =>
    invoke(`num::${name}`, ...args)
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
  either((args, call) => (staysInRange(call) ? infix(sign, tight) : named(name))(args, call), infix(sign, tight))
/** Division of what is not negative by what is not 0 needs no care. */
const dividing = (sign: string, name: string): Spelling =>
  either((args, call) => (isPlain(call) ? infix(sign, product) : named(name))(args, call), named(name))
const first: Spelling = ([a]) => a!

const power: Spelling = (args, call: KernelCall) => {
  const exponent = call.args[1]
  const [x] = args
  if (exponent?.kind === 'const' && exponent.value === 2 && x!.tight === tightness.atom && x!.text.length < 30)
    return join('*', product, x!, x!)
  return named(exponent?.type === 'i32' ? 'integerPower' : 'realPower')(args, call)
}

export const spellings: Readonly<Record<Op, Spelling>> = {
  neg: either(
    (args, call) =>
      invoke('num::subtract', { text: '0', tight: tightness.atom, level: 0 }, ...args.slice(0, call.args.length)),
    ([a]) => prefixed('-', a!),
  ),
  not: ([a]) => prefixed('!', a!),
  abs: named('magnitude'),
  sign: named('sign'),
  floor: named('floor'),
  ceil: named('ceil'),
  round: named('roundEven'),
  int: named('toInteger'),
  float: named('toFloat'),
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
  idiv: dividing('/', 'floorDivide'),
  mod: dividing('%', 'floorModulo'),
  pow: power,
  min: named('smallest'),
  max: named('largest'),
  atan2: named('atan2'),
  logaddexp: named('logAddExp'),
  lt: infix('<', order),
  le: infix('<=', order),
  eq: infix('==', equality),
  ne: infix('!=', equality),
  and: infix('&&', and),
  or: infix('||', or),
  straight_through: first,
  select: ([c, x, y]) => (c!.text === 'true' ? x! : choice(c!, x!, y!)),
  random: named('random'),
}
