/** How Python spells expressions of lengths and parameters, of which a length may be a symbol that PyTorch traces with. */
import type { KernelCall, KernelConst } from '../compiler/kernel.ts'
import type { Op } from '../compiler/ops.ts'
import { atom, type Code, invoke, type Spelling } from './expression.ts'
import type { Reserved } from './names.ts'

const infix =
  (sign: string): Spelling =>
  ([a, b]) =>
    atom(`(${a!.text} ${sign} ${b!.text})`)
const prefix =
  (sign: string): Spelling =>
  ([a]) =>
    atom(`(${sign}${a!.text})`)
const named =
  (name: string): Spelling =>
  (args) =>
    invoke(name, ...args)
/** With the operands for which `#0`, `#1` and `#2` stand. */
const pattern =
  (text: string): Spelling =>
  (args) =>
    atom(`(${text.replaceAll(/#(\d)/g, (_, n: string) => args[Number(n)]!.text)})`)
const either =
  (integer: Spelling, real: Spelling): Spelling =>
  (args, call) =>
    (call.type === 'i32' ? integer : real)(args, call)
const first: Spelling = ([a]) => a!
/** What `int` does to a bool or an integer as well. */
const whole: Spelling = (args, { args: [of] }: KernelCall) =>
  invoke(of?.type === 'f32' ? 'math.trunc' : 'int', args[0]!)
/** Of integers, by 0 too. */
const divided = (sign: string): Spelling => either(pattern(`#0 ${sign} #1 if #1 != 0 else 0`), pattern(`#0 ${sign} #1`))

export const pythonSpellings: Readonly<Record<Op, Spelling>> = {
  neg: prefix('-'),
  not: prefix('not '),
  abs: named('abs'),
  sign: pattern('(#0 > 0) - (#0 < 0)'),
  floor: named('math.floor'),
  ceil: named('math.ceil'),
  round: named('round'),
  int: whole,
  float: named('float'),
  exp: named('math.exp'),
  exp2: pattern('2.0 ** #0'),
  expm1: named('math.expm1'),
  log: named('math.log'),
  log2: named('math.log2'),
  log1p: named('math.log1p'),
  sqrt: named('math.sqrt'),
  rsqrt: pattern('1 / math.sqrt(#0)'),
  tanh: named('math.tanh'),
  sin: named('math.sin'),
  cos: named('math.cos'),
  erf: named('math.erf'),
  sigmoid: pattern('1 / (1 + math.exp(-#0))'),
  softplus: pattern('math.log1p(math.exp(#0))'),
  stop_gradient: first,
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: infix('/'),
  idiv: divided('//'),
  mod: divided('%'),
  pow: infix('**'),
  min: either(named('torch.sym_min'), named('min')),
  max: either(named('torch.sym_max'), named('max')),
  atan2: named('math.atan2'),
  logaddexp: pattern('math.log(math.exp(#0) + math.exp(#1))'),
  lt: infix('<'),
  le: infix('<='),
  eq: infix('=='),
  ne: infix('!='),
  and: infix('and'),
  or: infix('or'),
  straight_through: first,
  select: pattern('#1 if #0 else #2'),
  random: () => {
    throw new Error('a random number in a length')
  },
}

export function pythonConstant({ value, type }: KernelConst): Code {
  if (type === 'bool') return atom(value ? 'True' : 'False')
  const number = Number(value)
  if (Number.isNaN(number)) return atom('math.nan')
  if (!Number.isFinite(number)) return atom(number > 0 ? 'math.inf' : '(-math.inf)')
  return atom(number < 0 || Object.is(number, -0) ? `(${Object.is(number, -0) ? '-0.0' : number})` : String(number))
}

const words = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from global if import in is
  lambda nonlocal not or pass raise return try while with match case type print
  abs bool float int len list max min round self str tuple math torch importlib`.split(/\s+/),
)
/** What nothing made from a source's name may be called: words of Python, and those of the schemas of PyTorch's operators. */
const schemaWords = new Set(['fn', 'enum', 'NoneType', 'inf', 'nan', 'Tensor', 'SymInt', 'Scalar', 'Device'])
export const reservedInPython: Reserved = {
  has: (name) => words.has(name) || schemaWords.has(name) || name.startsWith('_') || name.includes('__'),
}

/** Text within the double quotes of a string of Python. */
export const escapeString = (text: string): string =>
  text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
