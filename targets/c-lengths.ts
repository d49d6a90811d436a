/** What a call's lengths and parameters are: statements of C++ in the order of what rests on what. */
import type { Axis, ParamDecl } from '../compiler/attention.ts'
import { invariant } from '../compiler/invariant.ts'
import type { Expr } from '../compiler/ir.ts'
import type { KernelExpr, Program } from '../compiler/kernel.ts'
import type { Op } from '../compiler/ops.ts'
import { doubleSpellings, realConstant } from './c-words.ts'
import { atom, printExpr, type Spelling, type Words } from './expression.ts'
import { definitionsInOrder } from './lengths.ts'

/** The names under which a program's kernels find their arguments. */
export interface GivenNames {
  readonly buffers: ReadonlyMap<string, string>
  readonly strides: ReadonlyMap<string, readonly string[]> // of each axis of a buffer
  readonly sizes: ReadonlyMap<string, string>
  readonly params: ReadonlyMap<string, string>
}
export type Spellings = Readonly<Record<Op, Spelling>>

/** Prints a uniform expression in f64, as the definition has it: the default of a parameter is rounded once. */
export function printUniform(e: KernelExpr, program: Program, names: GivenNames, spellings: Spellings): string {
  const never = (): never => invariant(false, 'a value or an index outside of a kernel') as never
  const words: Words = {
    constant: realConstant,
    value: never,
    index: never,
    size: ({ axis }) => atom(sizeText(axis, program, names)),
    param: ({ name, type }) =>
      atom(type === 'f32' ? `double(given.${names.params.get(name)})` : `given.${names.params.get(name)}`),
    ops: doubleSpellings(spellings),
  }
  return printExpr(e, words).text
}

export const sizeText = (axis: string, program: Program, names: GivenNames): string =>
  program.sizes[axis] === undefined ? `given.${names.sizes.get(axis)}` : String(program.sizes[axis])

/** Statements that define every length and parameter; a fault makes them return false. */
export const definitions = (
  program: Program,
  names: GivenNames,
  lengthOf: (axis: string) => string, // the name of what was measured
  spellings: Spellings,
): readonly string[] =>
  definitionsInOrder(program, {
    axis: (axis, print, needs) => axisLines(axis, { program, names, lengthOf, print, needs }),
    param: (param, print) => paramLines(param, names, print),
    print: (e) => printUniform(e, program, names, spellings),
  })

interface Tools {
  readonly program: Program
  readonly names: GivenNames
  readonly lengthOf: (axis: string) => string
  readonly print: (e: Expr) => string
  readonly needs: (axis: string) => void
}

function axisLines({ name, length }: Axis, { program, names, lengthOf, print, needs }: Tools): readonly string[] {
  const own = lengthOf(name)
  const set = program.sizes[name] === undefined ? [`given.${names.sizes.get(name)} = int32_t(${own}.length);`] : []
  const known = `if (!${own}.known()) return call::refuse(fault, "no tensor has the length of axis ${name}");`
  const follows = (text: string): readonly string[] => [`if (!${own}.follow(${text}, fault)) return false;`, ...set]
  if (length.kind === 'input') return [known, ...set]
  if (length.kind === 'fixed') return follows(print(length.value))
  needs(length.of)
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
