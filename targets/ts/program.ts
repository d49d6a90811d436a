/** What the caller of a program sees, and what its kernels are given: names, types, checks. */
import type { Axis, ParamDecl, StorageType } from '../../compiler/attention.ts'
import { invariant } from '../../compiler/invariant.ts'
import type { Expr } from '../../compiler/ir.ts'
import type { Buffer, Kernel, KernelExpr, Program, Step } from '../../compiler/kernel.ts'
import { atom, printExpr, type Words } from '../expression.ts'
import { definitionsInOrder } from '../lengths.ts'
import { Names, safeName } from '../names.ts'
import { propertyName, reserved } from './reserved.ts'
import type { ArgumentNames } from './spot.ts'
import { constant, spellings } from './words.ts'

export const arrayTypes: Readonly<Record<StorageType, string>> = {
  f32: 'Float32Array',
  f16: 'Float16Array',
  bf16: 'Uint16Array',
  i32: 'Int32Array',
  bool: 'Uint8Array',
}
/** Workspace keeps what was computed, in f64, so that a value read again compares equal to itself computed again. */
export const arrayTypeOf = ({ role, storage }: Buffer): string =>
  role === 'workspace' && storage === 'f32' ? 'Float64Array' : arrayTypes[storage]

/** The names of everything a program brings into its module. */
export interface ProgramNames {
  readonly entry: string
  readonly parallel: string
  readonly prepare: string
  readonly steps: string
  readonly inputs: string
  readonly results: string
  readonly params: string
  readonly options: string
  readonly arguments: string
  readonly kernels: ReadonlyMap<Kernel, string>
  readonly given: ArgumentNames
}

/** `exported`: names of the module that callers see, which nothing else may take. */
export function nameProgram(program: Program, module: Names): ProgramNames {
  const entry = safeName(program.name, reserved)
  const type = entry.charAt(0).toUpperCase() + entry.slice(1)
  const made = (suffix: string): string => module.fresh(`${type}${suffix}`)
  const kernels = new Map(
    kernelsOf(program.steps).map((kernel) => [kernel, module.fresh(`${entry}${capital(kernel.name)}`)]),
  )
  const own = new Names(reserved, ['lengths', 'results', 'given', 'inputs', 'options', 'next', 'block'])
  return {
    entry,
    parallel: module.fresh(`${entry}Parallel`),
    prepare: module.fresh(`prepare${type}`),
    steps: module.fresh(`${entry}Steps`),
    inputs: made('Inputs'),
    results: made('Results'),
    params: made('Params'),
    options: made('Options'),
    arguments: made('Arguments'),
    kernels,
    given: {
      buffers: new Map(program.buffers.map(({ name }) => [name, own.fresh(name)])),
      params: new Map(program.params.map(({ name }) => [name, own.fresh(name)])),
      sizes: new Map(program.axes.map(({ name }) => [name, own.fresh(`${name}Size`)])),
    },
  }
}

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

export const kernelsOf = (steps: readonly Step[]): readonly Kernel[] =>
  steps.flatMap((step) => (step.kind === 'rounds' ? kernelsOf(step.steps) : [step]))

export const buffersOf = ({ buffers }: Program, role: Buffer['role']): readonly Buffer[] =>
  buffers.filter((b) => b.role === role)

/** Parameters that a caller may give. */
export const openParams = ({ params }: Program): readonly ParamDecl[] => params.filter(({ time }) => time === 'run')

/** Prints an expression of sizes and params with the names in scope. */
export function printUniform(e: KernelExpr, program: Program, given: ArgumentNames): string {
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
export const definitions = (program: Program, given: ArgumentNames): readonly string[] =>
  definitionsInOrder(program, {
    axis: (axis, print, needs) =>
      program.sizes[axis.name] === undefined ? sizeLines(axis, given, print, needs, program) : [],
    param: (param, print) => paramLines(param, given, print),
    print: (e) => printUniform(e, program, given),
  })

type Print = (e: Expr) => string

function sizeLines(
  { name, length }: Axis,
  given: ArgumentNames,
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

function paramLines(param: ParamDecl, given: ArgumentNames, print: Print): readonly string[] {
  const { name, type, range, time } = param
  const own = given.params.get(name)
  const other = param.default && print(param.default)
  if (time === 'compile') return other === undefined ? [] : [`const ${own} = ${other}`]
  const asked = `options.params?.${propertyName(name)}`
  if (type === 'bool') return [`const ${own} = chooseBoolean('${name}', ${asked}, ${other})`]
  const line = `const ${own} = chooseNumber('${name}', ${asked}, ${other}, ${type === 'i32'})`
  return range ? [line, `checkRange('${name}', ${own}, ${print(range.lo)}, ${print(range.hi)})`] : [line]
}
