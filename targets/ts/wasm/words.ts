/** How WebAssembly spells the operations. Pieces of code are *wide* if they have a lane for each of four rows. */
import type { ElementType } from '../../../compiler/ir.ts'
import type { KernelCall, KernelConst } from '../../../compiler/kernel.ts'
import type { Op } from '../../../compiler/ops.ts'
import { isPlain } from '../../ranges.ts'
import type { Block } from './block.ts'
import * as codes from './code.ts'
import { add, type Code, call, code, constantOf, isWide, multiply, splat, subtract } from './code.ts'
import type { VectorFunction } from './functions.ts'
import * as functions from './functions.ts'
import type { ValueType } from './instructions.ts'
import type { Module } from './module.ts'

/** Where code is written. */
export interface Site {
  readonly block: Block
  readonly module: Module
}
type Spelling = (args: readonly Code[], call: KernelCall, site: Site) => Code

export const constant = ({ value, type }: KernelConst): Code =>
  type === 'f32' ? codes.float(Number(value)) : codes.integer(Number(value))

/** A narrow piece of code as a vector; a truth as a mask of -1 and 0. */
export function widen(value: Code, type: ElementType, { block }: Site): Code {
  if (isWide(value)) return value
  if (type !== 'bool') return fixed(splat(value, type), block)
  const known = constantOf(value)
  return known === undefined
    ? splat(code('i32.sub', [codes.zero, value]), 'i32')
    : fixed(codes.words(known === 0 ? 0 : -1), block)
}
const fixed = (wide: Code, block: Block): Code => (wide.op === 'v128.const' ? block.constant(wide) : wide)

/** One lane of a vector, as a value of its type. */
export function laneOf(wide: Code, n: number, type: ElementType): Code {
  if (type === 'f32') return code('f32x4.extract_lane', [wide], [n])
  const word = code('i32x4.extract_lane', [wide], [n])
  return type === 'bool' ? code('i32.ne', [word, codes.zero]) : word
}

/** Four values as the lanes of a vector. */
export function inLanes(of: readonly Code[], type: ElementType): Code {
  const all = type === 'bool' ? of.map((truth) => code('i32.sub', [codes.zero, truth])) : of
  const [first, ...rest] = all
  return rest.reduce(
    (wide, value, n) => code(type === 'f32' ? 'f32x4.replace_lane' : 'i32x4.replace_lane', [wide, value], [n + 1]),
    splat(first!, type === 'f32' ? 'f32' : 'i32'),
  )
}

/** Operands of one kind: all wide if one is. */
function alike(args: readonly Code[], { args: of }: KernelCall, site: Site): readonly Code[] {
  return args.some(isWide) ? args.map((arg, n) => widen(arg, of[n]?.type ?? 'f32', site)) : args
}

type Name = 'abs' | 'neg' | 'ceil' | 'floor' | 'nearest' | 'sqrt' | 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max'
/** An instruction that there is for one float and for four. */
const real =
  (name: Name): Spelling =>
  (given, call, site) => {
    const args = alike(given, call, site)
    return code(args.some(isWide) ? `f32x4.${name}` : `f32.${name}`, args)
  }
const either =
  (integer: Spelling, float: Spelling): Spelling =>
  (args, call, site) =>
    (call.type === 'i32' ? integer : float)(args, call, site)
const first: Spelling = ([a]) => a!

const lowest = (a: Code, b: Code): Code => codes.select(codes.isLess(b, a), b, a)
const highest = (a: Code, b: Code): Code => codes.select(codes.isLess(a, b), b, a)

export { highest, lowest }

const integers =
  (narrow: (a: Code, b: Code) => Code, wide: 'add' | 'sub' | 'mul' | 'min_s' | 'max_s'): Spelling =>
  (given, call, site) => {
    const [a, b] = alike(given, call, site) as [Code, Code]
    return isWide(a) ? code(`i32x4.${wide}`, [a, b]) : narrow(a, b)
  }

type Comparison = 'lt' | 'le' | 'eq' | 'ne'
const compared =
  (name: Comparison): Spelling =>
  (given, call, site) => {
    const args = alike(given, call, site)
    const wide = args.some(isWide)
    if (call.args[0]?.type === 'f32') return code(wide ? `f32x4.${name}` : `f32.${name}`, args)
    const signed = name === 'lt' || name === 'le' ? (`${name}_s` as const) : name
    return code(wide ? `i32x4.${signed}` : `i32.${signed}`, args)
  }

const logical =
  (name: 'and' | 'or'): Spelling =>
  (given, call, site) => {
    const [a, b] = alike(given, call, site) as [Code, Code]
    const absorbing = name === 'and' ? 0 : 1
    if (!isWide(a)) {
      for (const [x, y] of [
        [a, b],
        [b, a],
      ] as const) {
        const known = constantOf(x)
        if (known !== undefined) return known === absorbing ? x : y
      }
    }
    return code(isWide(a) ? `v128.${name}` : `i32.${name}`, [a, b])
  }

/** A function of vectors. `inline`: written out where it is used; else a function of the module. */
const vector =
  (name: string, of: VectorFunction, inline = false): Spelling =>
  (args, _, site) => {
    const wide = args.map((arg) => widen(arg, 'f32', site))
    const result = inline ? of(site.block, wide[0]!, wide[1] ?? wide[0]!) : callVector(name, of, wide, site)
    return args.some(isWide) ? result : laneOf(result, 0, 'f32')
  }
export function callVector(name: string, of: VectorFunction, args: readonly Code[], { module }: Site): Code {
  const types = args.map((): ValueType => 'v128')
  const callee = module.define(name, types, 'v128', (body, param) => of(body, param(0), param(1 % args.length)))
  return call(callee, ...args)
}

/** By a function of the module's surroundings, lane by lane, in f64. */
const outside =
  (name: string): Spelling =>
  (given, call_, site) => {
    const args = alike(given, call_, site).map((arg) => (isWide(arg) ? site.block.keep(arg) : arg))
    const types = call_.args.map(({ type }): ValueType => (type === 'f32' ? 'f64' : 'i32'))
    const callee = site.module.importFunction(name, types, 'f64')
    const of = (lane: (arg: Code, n: number) => Code): Code => {
      const own = args.map((arg, n) => (types[n] === 'f64' ? code('f64.promote_f32', [lane(arg, n)]) : lane(arg, n)))
      return code('f32.demote_f64', [call(callee, ...own)])
    }
    if (!args.some(isWide)) return of((arg) => arg)
    const each = [0, 1, 2, 3].map((at) => of((arg, n) => laneOf(arg, at, call_.args[n]?.type ?? 'f32')))
    return inLanes(each, 'f32')
  }

/** A function of two integers, for vectors lane by lane. */
const integerFunction =
  (plain: 'i32.div_s' | 'i32.rem_s', name: string, of: (body: Block, a: Code, b: Code) => Code): Spelling =>
  (given, call_, site) => {
    const one = (a: Code, b: Code): Code => {
      if (isPlain(call_)) return code(plain, [a, b])
      return call(
        site.module.define(name, ['i32', 'i32'], 'i32', (body, param) => of(body, param(0), param(1))),
        a,
        b,
      )
    }
    const [a, b] = alike(given, call_, site) as [Code, Code]
    if (!isWide(a)) return one(a, b)
    const [x, y] = [site.block.keep(a), site.block.keep(b)]
    return inLanes(
      [0, 1, 2, 3].map((n) => one(laneOf(x, n, 'i32'), laneOf(y, n, 'i32'))),
      'i32',
    )
  }

/** Divisors that trap, or whose quotient does, are 1 instead; `by` 0 gives 0. */
function floorDivide(body: Block, a: Code, b: Code): Code {
  const isMinus = code('i32.eq', [b, codes.integer(-1)])
  const safe = body.keep(codes.select(code('i32.or', [isMinus, code('i32.eqz', [b])]), codes.one, b))
  const rest = body.keep(code('i32.rem_s', [a, safe]))
  const isApart = code('i32.lt_s', [code('i32.xor', [rest, safe]), codes.zero])
  const down = code('i32.and', [code('i32.ne', [rest, codes.zero]), isApart])
  const quotient = subtract(code('i32.div_s', [a, safe]), down)
  return codes.select(code('i32.eqz', [b]), codes.zero, codes.select(isMinus, subtract(codes.zero, a), quotient))
}

function floorModulo(body: Block, a: Code, b: Code): Code {
  const isNone = code('i32.or', [code('i32.eq', [b, codes.integer(-1)]), code('i32.eqz', [b])])
  const safe = body.keep(codes.select(isNone, codes.one, b))
  const rest = body.keep(code('i32.rem_s', [a, safe]))
  const isApart = code('i32.lt_s', [code('i32.xor', [rest, safe]), codes.zero])
  const down = code('i32.and', [code('i32.ne', [rest, codes.zero]), isApart])
  return codes.select(isNone, codes.zero, add(rest, codes.select(down, safe, codes.zero)))
}

/** Exact for powers of two. */
const divided: Spelling = (args, call, site) => {
  const by = constantOf(args[1]!)
  const isPower = by !== undefined && by !== 0 && Number.isInteger(Math.log2(Math.abs(by))) && Math.abs(by) < 2 ** 100
  return isPower ? real('mul')([args[0]!, codes.float(1 / by)], call, site) : real('div')(args, call, site)
}

const inverse: Spelling = (args, call, site) => {
  const root = real('sqrt')(args, call, site)
  return isWide(root)
    ? code('f32x4.div', [widen(codes.float(1), 'f32', site), root])
    : code('f32.div', [codes.float(1), root])
}

const chosen: Spelling = ([c, x, y], { type }, site) => {
  const known = constantOf(c!)
  if (known !== undefined) return known !== 0 ? x! : y!
  if (![c!, x!, y!].some(isWide)) return codes.select(c!, x!, y!)
  const [yes, no] = [widen(x!, type, site), widen(y!, type, site)]
  return isWide(c!) ? code('v128.bitselect', [yes, no, c!]) : codes.select(c!, yes, no)
}

/** Small fixed exponents by multiplication. */
const power: Spelling = (args, call, site) => {
  const [, exponent] = call.args
  const n = exponent?.kind === 'const' ? Number(exponent.value) : 0
  if (exponent?.type !== 'i32' && n !== 2) return outside('realPower')(args, call, site)
  if (!(n >= 1 && n <= 8)) return outside('integerPower')(args, call, site)
  const x = site.block.keep(args[0]!)
  const product = (a: Code, b: Code): Code => code(isWide(x) ? 'f32x4.mul' : 'f32.mul', [a, b])
  const raised = (m: number): Code => {
    if (m === 1) return x
    const half = site.block.keep(raised(Math.floor(m / 2)))
    return m % 2 === 0 ? product(half, half) : product(product(half, half), x)
  }
  return raised(n)
}

const asInteger: Spelling = ([a], { args: [of] }) => {
  if (of?.type === 'f32') return code(isWide(a!) ? 'i32x4.trunc_sat_f32x4_s' : 'i32.trunc_sat_f32_s', [a!])
  return of?.type === 'bool' && isWide(a!) ? code('i32x4.neg', [a!]) : a!
}
const asFloat: Spelling = (args, call, site) => {
  if (call.args[0]?.type === 'f32') return args[0]!
  const whole = asInteger(args, call, site)
  return code(isWide(whole) ? 'f32x4.convert_i32x4_s' : 'f32.convert_i32_s', [whole])
}

const negated: Spelling = ([a]) => (isWide(a!) ? code('i32x4.neg', [a!]) : subtract(codes.zero, a!))
const integerSize: Spelling = ([a], _, { block }) => {
  if (isWide(a!)) return code('i32x4.abs', [a!])
  const x = block.keep(a!)
  return codes.select(code('i32.lt_s', [x, codes.zero]), subtract(codes.zero, x), x)
}
const integerSign: Spelling = ([a], _, site) => {
  const x = site.block.keep(a!)
  const none = isWide(x) ? widen(codes.zero, 'i32', site) : codes.zero
  const [low, high] = isWide(x)
    ? [code('i32x4.lt_s', [x, none]), code('i32x4.gt_s', [x, none])]
    : [code('i32.gt_s', [x, none]), code('i32.lt_s', [x, none])]
  return code(isWide(x) ? 'i32x4.sub' : 'i32.sub', [low, high])
}

/** An operand that is written twice gets a name. */
const extreme =
  (narrow: (a: Code, b: Code) => Code, wide: 'min_s' | 'max_s'): Spelling =>
  (args, call, site) =>
    integers(narrow, wide)(
      args.map((arg) => (isWide(arg) ? arg : site.block.keep(arg))),
      call,
      site,
    )

export const spellings: Readonly<Record<Op, Spelling>> = {
  neg: either(negated, real('neg')),
  not: ([a]) => (isWide(a!) ? code('v128.not', [a!]) : codes.not(a!)),
  abs: either(integerSize, real('abs')),
  sign: either(integerSign, vector('sign', functions.sign)),
  floor: real('floor'),
  ceil: real('ceil'),
  round: real('nearest'),
  int: asInteger,
  float: asFloat,
  exp: vector('exp', functions.exp, true),
  exp2: vector('exp2', functions.exp2, true),
  expm1: outside('expm1'),
  log: vector('log', functions.log),
  log2: outside('log2'),
  log1p: vector('log1p', functions.log1p),
  sqrt: real('sqrt'),
  rsqrt: inverse,
  tanh: vector('tanh', functions.tanh),
  sin: outside('sin'),
  cos: outside('cos'),
  erf: outside('erf'),
  sigmoid: vector('sigmoid', functions.sigmoid, true),
  softplus: vector('softplus', functions.softplus),
  stop_gradient: first,
  add: either(integers(add, 'add'), real('add')),
  sub: either(integers(subtract, 'sub'), real('sub')),
  mul: either(integers(multiply, 'mul'), real('mul')),
  div: divided,
  idiv: either(integerFunction('i32.div_s', 'floorDivide', floorDivide), outside('realQuotient')),
  mod: either(integerFunction('i32.rem_s', 'floorModulo', floorModulo), outside('realModulo')),
  pow: power,
  min: either(extreme(lowest, 'min_s'), real('min')),
  max: either(extreme(highest, 'max_s'), real('max')),
  atan2: outside('atan2'),
  logaddexp: vector('logAddExp', functions.logAddExp),
  lt: compared('lt'),
  le: compared('le'),
  eq: compared('eq'),
  ne: compared('ne'),
  and: logical('and'),
  or: logical('or'),
  straight_through: first,
  select: chosen,
  random: outside('random'),
}
