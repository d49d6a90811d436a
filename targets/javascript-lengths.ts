/** What a call's lengths and parameters are: lines of JavaScript in the order of what rests on what. */
import type { Axis, ParamDecl } from '../compiler/attention.ts'
import { invariant } from '../compiler/invariant.ts'
import type { Expr } from '../compiler/ir.ts'
import type { KernelExpr, Program } from '../compiler/kernel.ts'
import { atom, printExpr, type Words } from './expression.ts'
import { constant, spellings } from './javascript.ts'
import { definitionsInOrder } from './lengths.ts'
import { safeName } from './names.ts'

/** The names of what is known of a call. */
export interface LaunchNames {
  readonly params: ReadonlyMap<string, string>
  readonly sizes: ReadonlyMap<string, string>
}

/** Prints an expression of sizes and params with the names in scope. */
export function printUniform(e: KernelExpr, program: Program, given: LaunchNames): string {
  const never = (): never => invariant(false, 'a value or an index outside of a kernel') as never
  const size = (axis: string): string => String(program.sizes[axis] ?? given.sizes.get(axis))
  const words: Words = {
    constant,
    value: never,
    index: never,
    size: ({ axis }) => atom(size(axis)),
    param: ({ name }) => atom(given.params.get(name) ?? ''),
    ops: spellings,
  }
  return printExpr(e, words).text
}

/** Lines that define every length and parameter. */
export const definitions = (program: Program, given: LaunchNames): readonly string[] =>
  definitionsInOrder(program, {
    axis: (axis, print, needs) =>
      program.sizes[axis.name] === undefined ? sizeLines(axis, given, print, needs, program) : [],
    param: (param, print) => paramLines(param, given, print),
    print: (e) => printUniform(e, program, given),
  })

type Print = (e: Expr) => string

function sizeLines(
  { name, length }: Axis,
  given: LaunchNames,
  print: Print,
  needs: (axis: string) => void,
  program: Program,
): readonly string[] {
  const own = given.sizes.get(name)
  const read = `const ${own} = lengthOf(lengths, '${name}')`
  const follows = (text: string): readonly string[] => [`const ${own} = agree(lengths, '${name}', ${text})`]
  if (length.kind === 'input') return [read]
  if (length.kind === 'fixed') return follows(print(length.value))
  needs(length.of)
  const of = String(program.sizes[length.of] ?? given.sizes.get(length.of))
  if (length.kind === 'like') return follows(of)
  if (length.kind === 'divides') return [read, `checkDivides('${name}', ${own}, '${length.of}', ${of})`]
  const by = print(length.by)
  return follows(length.role === 'inner' ? by : `Math.ceil(${of} / ${by})`)
}

function paramLines(param: ParamDecl, given: LaunchNames, print: Print): readonly string[] {
  const { name, type, range, time } = param
  const own = given.params.get(name)
  const other = param.default && print(param.default)
  if (time === 'compile') return other === undefined ? [] : [`const ${own} = ${other}`]
  const asked = `options.params?.${propertyName(name)}`
  if (type === 'bool') return [`const ${own} = chooseBoolean('${name}', ${asked}, ${other})`]
  const line = `const ${own} = chooseNumber('${name}', ${asked}, ${other}, ${type === 'i32'})`
  return range ? [line, `checkRange('${name}', ${own}, ${print(range.lo)}, ${print(range.hi)})`] : [line]
}

const inherited: ReadonlySet<string> = new Set([
  ...[
    '__proto',
    '__defineGetter',
    '__defineSetter',
    '__lookupGetter',
    '__lookupSetter',
    'constructor',
    'hasOwnProperty',
  ],
  ...['isPrototypeOf', 'propertyIsEnumerable', 'toLocaleString', 'toString', 'valueOf'],
])

/** A source's name as a property: keywords are allowed, what every object has is not. */
export const propertyName = (name: string): string => safeName(name, inherited)
