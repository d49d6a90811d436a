/** What targets that are called from C have in common: the structure of a call, what kernels are given, and the rounds of a run. */
import type { StorageType } from '../compiler/attention.ts'
import { invariant } from '../compiler/invariant.ts'
import type { Buffer, Kernel, Program, Rounds, Step } from '../compiler/kernel.ts'
import { indented } from './block.ts'
import { definitions, type GivenNames, printUniform, type Spellings, sizeText } from './c-lengths.ts'
import { escapeDoc } from './doc.ts'
import { Names, type Reserved } from './names.ts'
import { fill, type TemplateName } from './template.ts'

/** The names of everything but kernels that a program brings into its file. */
export interface CallNames {
  readonly entry: string // before `_call`, `_shapes`, `_workspace` and `_run`
  readonly type: string // of what kernels are given
  readonly prepare: string
  readonly lay: string
  readonly given: GivenNames
  readonly asides: ReadonlyMap<string, string> // room for buffers that are read and overwritten at the end of a round
}

export function nameCall(program: Program, entry: string, file: Names, reserved: Reserved): CallNames {
  const own = new Names(reserved)
  const buffers = new Map(program.buffers.map(({ name }) => [name, own.fresh(name)]))
  return {
    entry,
    type: file.fresh(`${entry}_given`),
    prepare: file.fresh(`${entry}_prepare`),
    lay: file.fresh(`${entry}_lay`),
    asides: new Map([...new Set(overwritten(program.steps))].map((name) => [name, own.fresh(`${name}_aside`)])),
    given: {
      buffers,
      params: new Map(program.params.map(({ name }) => [name, own.fresh(name)])),
      sizes: new Map(program.axes.map(({ name }) => [name, own.fresh(`${name}Size`)])),
      strides: new Map(
        program.buffers.map(({ name, axes }) => [name, axes.map((axis) => own.fresh(`${buffers.get(name)}_${axis}`))]),
      ),
    },
  }
}

export const kernelsOf = (steps: readonly Step[]): readonly Kernel[] =>
  steps.flatMap((step) => (step.kind === 'rounds' ? kernelsOf(step.steps) : [step]))

/** What a round both reads as a new content and overwrites. */
const overwritten = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => {
    if (step.kind === 'kernel') return []
    const own = step.become.flatMap(({ from }) => (step.become.some(({ to }) => to === from) ? [from] : []))
    return [...own, ...overwritten(step.steps)]
  })

const withRole = ({ buffers }: Program, role: Buffer['role']): readonly Buffer[] =>
  buffers.filter((b) => b.role === role)

const elementTypes: Readonly<Record<StorageType, string>> = {
  f32: 'float',
  f16: 'uint16_t',
  bf16: 'uint16_t',
  i32: 'int32_t',
  bool: 'uint8_t',
}
const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }
const paramTypes = { f32: 'float', i32: 'int32_t', bool: 'bool' } as const
const callerTypes = { ...paramTypes, bool: 'uint8_t' } as const

/** The part of the header for one program. */
export function declareCall(frame: TemplateName, program: Program, { entry, given }: CallNames): string {
  const tensor = ({ name, axes, storage }: Buffer): object => ({
    name: given.buffers.get(name),
    about: `${storage} [${axes.join(', ')}]`,
  })
  return fill(frame, {
    entry,
    doc: program.doc.map(escapeDoc),
    fixed:
      Object.entries(program.sizes)
        .map(([axis, length]) => `${axis} = ${length}`)
        .join(', ') || 'any lengths',
    inputs: withRole(program, 'input').map(tensor),
    results: withRole(program, 'result').map(tensor),
    params: program.params
      .filter(({ time }) => time === 'run')
      .map(({ name, type, default: other }) => ({
        name: given.params.get(name),
        type: callerTypes[type],
        about: other ? 'or null for its default' : 'has to be given',
      })),
  })
}

/** What the frame of a program's functions shows, but for its kernels. */
export function viewOfCall(program: Program, names: CallNames, reserved: Reserved, spellings: Spellings) {
  const { entry, type, prepare, lay, given, asides } = names
  const lengths = new Names(reserved, ['given', 'fault'])
  const lengthNames = new Map(program.axes.map(({ name }) => [name, lengths.fresh(`${name}Length`)]))
  const lengthOf = (axis: string): string => lengthNames.get(axis)!
  const size = (axis: string): string => sizeText(axis, program, given)
  const tensor = (buffer: Buffer): object => ({
    name: given.buffers.get(buffer.name),
    title: buffer.name,
    type: elementTypes[buffer.storage],
    axes: buffer.axes.map((axis) => `&${lengthOf(axis)}`).join(', '),
    rank: buffer.axes.length,
    strides: (given.strides.get(buffer.name) ?? []).map((stride) => `&given.${stride}`).join(', '),
    steps: buffer.axes.map((axis, n) => `{${size(axis)}, given.${given.strides.get(buffer.name)?.[n]}}`).join(', '),
    lengths: buffer.axes.map((axis, n) => ({ n, size: size(axis) })),
  })
  return {
    ...{ entry, type, prepare, lay },
    members: membersOf(program, names),
    axes: program.axes.map(({ name }) => ({
      name: lengthOf(name),
      axis: name,
      fixed: program.sizes[name] === undefined ? '' : `, ${program.sizes[name]}`,
    })),
    inputs: withRole(program, 'input').map(tensor),
    results: withRole(program, 'result').map(tensor),
    lines: definitions(program, given, lengthOf, spellings),
    workspace: [
      ...withRole(program, 'workspace').map((buffer) => workspaceOf(buffer, program, names)),
      ...[...asides].map(([name, aside]) => ({
        ...workspaceOf(bufferOf(name, program), program, names),
        name: aside,
        strides: [],
      })),
    ],
  }
}

function membersOf(program: Program, { given, asides }: CallNames): readonly string[] {
  const runTime = program.axes.filter(({ name }) => program.sizes[name] === undefined)
  return [
    ...program.buffers.map((buffer) => `${memberType(buffer)} ${given.buffers.get(buffer.name)};`),
    ...[...asides].map(([name, aside]) => `${memberType(bufferOf(name, program))} ${aside};`),
    ...[...given.strides.values()].flat().map((name) => `ptrdiff_t ${name};`),
    ...runTime.map(({ name }) => `int32_t ${given.sizes.get(name)};`),
    ...program.params.map(({ name, type }) => `${paramTypes[type]} ${given.params.get(name)};`),
  ]
}

const bufferOf = (name: string, { buffers }: Program): Buffer => {
  const buffer = buffers.find((b) => b.name === name)
  invariant(buffer, `there is no buffer ${name}`)
  return buffer
}

const memberType = ({ storage, role }: Buffer): string =>
  `${role === 'input' ? 'const ' : ''}${elementTypes[storage]} *`

/** A buffer that lives for one call, row by row. */
function workspaceOf({ name, axes, storage }: Buffer, program: Program, { given }: CallNames): object {
  const sizes = axes.map((axis) => sizeText(axis, program, given))
  const strides = given.strides.get(name) ?? []
  const product = (all: readonly string[]): string => all.map((one) => `ptrdiff_t(${one})`).join(' * ') || '1'
  return {
    name: given.buffers.get(name),
    type: elementTypes[storage],
    sizes: [bytesOf[storage], ...sizes].join(', '),
    strides: strides.map((stride, n) => `given.${stride} = ${product(sizes.slice(n + 1))};`),
  }
}

/** How a target starts a kernel, and how it copies bytes. */
export interface StepLines {
  readonly start: (kernel: Kernel) => readonly string[]
  readonly copy: (to: string, from: string, bytes: string) => string
  readonly spellings: Spellings
}

/** What a run does, one thing after the other. */
export function runLines(
  steps: readonly Step[],
  program: Program,
  names: CallNames,
  words: StepLines,
): readonly string[] {
  return steps.flatMap((step): readonly string[] => {
    if (step.kind === 'kernel') return words.start(step)
    const count = printUniform(step.count, program, names.given, words.spellings)
    const inner = [...runLines(step.steps, program, names, words), ...becomeLines(step, program, names, words)]
    return [`for (int32_t round = 0, rounds = ${count}; round < rounds; ++round) {`, ...inner.map(indented), '}']
  })
}

/** Copies the new contents; what is both read and overwritten is copied aside first. */
function becomeLines(
  { become }: Rounds,
  program: Program,
  { given, asides }: CallNames,
  words: StepLines,
): readonly string[] {
  const at = (name: string): string => `given.${given.buffers.get(name)}`
  const copy = (to: string, from: string, name: string): string => {
    const buffer = bufferOf(name, program)
    const sizes = buffer.axes.map((axis) => `size_t(${sizeText(axis, program, given)})`)
    return words.copy(to, from, [bytesOf[buffer.storage], ...sizes].join(' * '))
  }
  const aside = (name: string): string | undefined => asides.get(name) && `given.${asides.get(name)}`
  return [
    ...become.flatMap(({ from }) => (aside(from) ? [copy(aside(from)!, at(from), from)] : [])),
    ...become.map(({ to, from }) => copy(at(to), aside(from) ?? at(from), from)),
  ]
}
