/** What the caller of a program sees, and what its kernels are given: names, types, checks. */
import type { Axis, ParamDecl, StorageType } from '../../compiler/attention.ts'
import { invariant } from '../../compiler/invariant.ts'
import type { Expr } from '../../compiler/ir.ts'
import {
  type Buffer,
  type Kernel,
  type KernelExpr,
  kernelCall,
  kernelConst,
  type Program,
  paramRef,
  type Step,
  sizeRef,
} from '../../compiler/kernel.ts'
import { atom, printExpr, type Words } from '../expression.ts'
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

/** A uniform expression of the source: sizes, params and constants. */
function uniform(e: Expr): KernelExpr {
  if (e.kind === 'const') return kernelConst(e.value, e.type)
  if (e.kind === 'size') return sizeRef(e.axis)
  if (e.kind === 'param') return paramRef(e.name, e.type)
  if (e.kind === 'spread') return uniform(e.of)
  invariant(e.kind === 'call', `${e.kind} in a length, default or range`)
  return kernelCall(e.op, ...e.args.map(uniform))
}

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

/** Lines that define every length and parameter, each after those that it rests on. */
export function definitions(program: Program, given: ArgumentNames): readonly string[] {
  const done = new Set<string>()
  const lines: string[] = []
  const print = (e: Expr): string => {
    for (const ref of refsOf(uniform(e))) need(ref)
    return printUniform(uniform(e), program, given)
  }
  const need = (key: string): void => {
    if (done.has(key)) return
    done.add(key)
    const axis = program.axes.find(({ name }) => key === `size ${name}`)
    const param = program.params.find(({ name }) => key === `param ${name}`)
    if (axis && program.sizes[axis.name] === undefined) lines.push(...sizeLines(axis, given, print, need, program))
    if (param) lines.push(...paramLines(param, given, print))
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

type Print = (e: Expr) => string
type Need = (key: string) => void

function sizeLines(
  { name, length }: Axis,
  given: ArgumentNames,
  print: Print,
  need: Need,
  program: Program,
): readonly string[] {
  const own = given.sizes.get(name)
  const read = `const ${own} = lengthOf(lengths, '${name}')`
  const follows = (text: string): readonly string[] => [`const ${own} = agree(lengths, '${name}', ${text})`]
  if (length.kind === 'input') return [read]
  if (length.kind === 'fixed') return follows(print(length.value))
  need(`size ${length.of}`)
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
