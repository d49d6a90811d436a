/** What a call's lengths and parameters are: statements of C++ in the order of what rests on what. */
import type { Axis, ParamDecl } from '../../compiler/attention.ts'
import { invariant } from '../../compiler/invariant.ts'
import type { Expr } from '../../compiler/ir.ts'
import { type KernelExpr, kernelCall, kernelConst, type Program, paramRef, sizeRef } from '../../compiler/kernel.ts'
import { atom, printExpr, type Words } from '../expression.ts'
import type { GivenNames } from './sheet.ts'
import { doubleSpellings, realConstant } from './words.ts'

/** An expression of lengths, params and constants. */
export function uniform(e: Expr): KernelExpr {
  if (e.kind === 'const') return kernelConst(e.value, e.type)
  if (e.kind === 'size') return sizeRef(e.axis)
  if (e.kind === 'param') return paramRef(e.name, e.type)
  if (e.kind === 'spread') return uniform(e.of)
  invariant(e.kind === 'call', `${e.kind} in a length, default or range`)
  return kernelCall(e.op, ...e.args.map(uniform))
}

/** Prints a uniform expression in f64, as the definition has it: the default of a parameter is rounded once. */
export function printUniform(e: KernelExpr, program: Program, names: GivenNames): string {
  const never = (): never => invariant(false, 'a value or an index outside of a kernel') as never
  const words: Words = {
    constant: realConstant,
    value: never,
    index: never,
    size: ({ axis }) => atom(sizeText(axis, program, names)),
    param: ({ name, type }) =>
      atom(type === 'f32' ? `double(given.${names.params.get(name)})` : `given.${names.params.get(name)}`),
    ops: doubleSpellings,
  }
  return printExpr(e, words).text
}

export const sizeText = (axis: string, program: Program, names: GivenNames): string =>
  program.sizes[axis] === undefined ? `given.${names.sizes.get(axis)}` : String(program.sizes[axis])

/** Statements that define every length and parameter, each after those that it rests on; a fault makes them return false. */
export function definitions(
  program: Program,
  names: GivenNames,
  lengthOf: (axis: string) => string,
): readonly string[] {
  const done = new Set<string>()
  const lines: string[] = []
  const print = (e: Expr): string => {
    for (const ref of refsOf(uniform(e))) need(ref)
    return printUniform(uniform(e), program, names)
  }
  const need = (key: string): void => {
    if (done.has(key)) return
    done.add(key)
    const axis = program.axes.find(({ name }) => key === `size ${name}`)
    const param = program.params.find(({ name }) => key === `param ${name}`)
    if (axis) lines.push(...axisLines(axis, { program, names, lengthOf, print, need }))
    if (param) lines.push(...paramLines(param, names, print))
  }
  for (const { name } of program.axes) need(`size ${name}`)
  for (const { name } of program.params) need(`param ${name}`)
  return lines
}

const refsOf = (e: KernelExpr): readonly string[] =>
  e.kind === 'size'
    ? [`size ${e.axis}`]
    : e.kind === 'param'
      ? [`param ${e.name}`]
      : e.kind === 'call'
        ? e.args.flatMap(refsOf)
        : []

interface Tools {
  readonly program: Program
  readonly names: GivenNames
  readonly lengthOf: (axis: string) => string // the name of what was measured
  readonly print: (e: Expr) => string
  readonly need: (key: string) => void
}

function axisLines({ name, length }: Axis, { program, names, lengthOf, print, need }: Tools): readonly string[] {
  const own = lengthOf(name)
  const set = program.sizes[name] === undefined ? [`given.${names.sizes.get(name)} = int32_t(${own}.length);`] : []
  const known = `if (!${own}.known()) return call::refuse(fault, "no tensor has the length of axis ${name}");`
  const follows = (text: string): readonly string[] => [`if (!${own}.follow(${text}, fault)) return false;`, ...set]
  if (length.kind === 'input') return [known, ...set]
  if (length.kind === 'fixed') return follows(print(length.value))
  need(`size ${length.of}`)
  const of = sizeText(length.of, program, names)
  if (length.kind === 'like') return follows(of)
  if (length.kind === 'part') {
    const by = print(length.by)
    return follows(length.role === 'inner' ? by : `(int64_t(${of}) + ${by} - 1) / ${by}`)
  }
  const divides = `if (${own}.length == 0 ? ${of} != 0 : ${of} % ${own}.length != 0)`
  const text = `"axis ${name} is %lld long, which does not divide the %lld of axis ${length.of}"`
  return [known, `${divides} return call::refuse(fault, ${text}, (long long)${own}.length, (long long)${of});`, ...set]
}

const cTypes = { f32: 'float', i32: 'int32_t', bool: 'bool' } as const

function paramLines(param: ParamDecl, names: GivenNames, print: (e: Expr) => string): readonly string[] {
  const { name, type, range, time } = param
  const own = names.params.get(name)
  const other = param.default && print(param.default)
  if (time === 'compile') return other === undefined ? [] : [`given.${own} = ${cTypes[type]}(${other});`]
  const missing = `return call::refuse(fault, "param ${name} has no default, and is not given")`
  const lines = [
    `if (call.${own}) given.${own} = *call.${own}${type === 'bool' ? ' != 0' : ''};`,
    `else ${other === undefined ? missing : `given.${own} = ${cTypes[type]}(${other})`};`,
  ]
  if (!range || type === 'bool') return lines
  const [lo, hi] = [print(range.lo), print(range.hi)]
  const text = `"param ${name} is %g, outside of its range [%g, %g]"`
  return [
    ...lines,
    `if (!(double(given.${own}) >= ${lo} && double(given.${own}) <= ${hi}))`,
    `  return call::refuse(fault, ${text}, double(given.${own}), double(${lo}), double(${hi}));`,
  ]
}
