/** What the caller of a program sees, and what its kernels are given: names, types, checks. */
import type { ParamDecl, StorageType } from '../../compiler/attention.ts'
import type { Buffer, Kernel, Program, Step } from '../../compiler/kernel.ts'
import { Names, safeName } from '../names.ts'
import { reserved } from './reserved.ts'
import type { ArgumentNames } from './spot.ts'

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
  readonly fast: string
  readonly fastParallel: string
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

/** What the functions of programs and their twins for several threads are called, by the names of the programs: all that they depend on. */
export function nameFunctions(programs: readonly string[]): {
  readonly module: Names
  readonly functions: ReadonlyMap<string, Pick<ProgramNames, 'entry' | 'parallel'>>
} {
  const entries = programs.map((name) => safeName(name, reserved))
  const module = new Names(reserved, entries)
  const named = entries.map((entry) => ({ entry, parallel: module.fresh(`${entry}Parallel`) }))
  return { module, functions: new Map(programs.map((name, n) => [name, named[n]!])) }
}

/** `module`: names that callers see, which nothing else may take. */
export function nameProgram(
  program: Program,
  { entry, parallel }: Pick<ProgramNames, 'entry' | 'parallel'>,
  module: Names,
): ProgramNames {
  const type = entry.charAt(0).toUpperCase() + entry.slice(1)
  const made = (suffix: string): string => module.fresh(`${type}${suffix}`)
  const kernels = new Map(
    kernelsOf(program.steps).map((kernel) => [kernel, module.fresh(`${entry}${capital(kernel.name)}`)]),
  )
  const own = new Names(reserved, [
    'lengths',
    'results',
    'given',
    'inputs',
    'options',
    'next',
    'block',
    'machine',
    'room',
    'threads',
  ])
  return {
    entry,
    parallel,
    fast: module.fresh(`${entry}Fast`),
    fastParallel: module.fresh(`${entry}FastParallel`),
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

/** The number of blocks of a kernel's grid. `size`: how the length of an axis is read. */
export function blocksOf({ grid }: Kernel, size: (axis: string) => string): string {
  const counts = grid.map(({ axis, tile }) => (tile === undefined ? size(axis) : `Math.ceil(${size(axis)} / ${tile})`))
  return counts.join(' * ') || '1'
}

/** Parameters that a caller may give. */
export const openParams = ({ params }: Program): readonly ParamDecl[] => params.filter(({ time }) => time === 'run')
