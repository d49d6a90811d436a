/** A program in CUDA: what its kernels are given, and the functions that callers see. */
import type { StorageType } from '../../compiler/attention.ts'
import { invariant } from '../../compiler/invariant.ts'
import type { Buffer, Kernel, Program, Rounds, Step } from '../../compiler/kernel.ts'
import { indented } from '../block.ts'
import { definitions, type GivenNames, printUniform, sizeText } from '../c-lengths.ts'
import { escapeDoc } from '../doc.ts'
import { Names, safeName } from '../names.ts'
import { fill } from '../template.ts'
import { blocksOf, type PrintedKernel, printKernel } from './kernel.ts'
import { reserved } from './reserved.ts'
import { spellings } from './words.ts'

/** The names of everything a program brings into its file. */
export interface ProgramNames {
  readonly entry: string // before `_call`, `_shapes`, `_workspace` and `_run`
  readonly type: string // of what kernels are given
  readonly prepare: string
  readonly lay: string
  readonly scratch: string
  readonly kernels: ReadonlyMap<Kernel, string>
  readonly given: GivenNames
  readonly asides: ReadonlyMap<string, string> // room for buffers that are read and overwritten at the end of a round
}

export const entryOf = ({ name }: Program): string => safeName(name, reserved)

export function nameProgram(program: Program, file: Names): ProgramNames {
  const entry = entryOf(program)
  const own = new Names(reserved)
  const buffers = new Map(program.buffers.map(({ name }) => [name, own.fresh(name)]))
  return {
    entry,
    type: file.fresh(`${entry}_given`),
    prepare: file.fresh(`${entry}_prepare`),
    lay: file.fresh(`${entry}_lay`),
    scratch: file.fresh(`${entry}_scratch`),
    kernels: new Map(kernelsOf(program.steps).map((kernel) => [kernel, file.fresh(`${entry}_${kernel.name}`)])),
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
const withRole = ({ buffers }: Program, role: Buffer['role']): readonly Buffer[] =>
  buffers.filter((b) => b.role === role)
const openParams = ({ params }: Program) => params.filter(({ time }) => time === 'run')

const elementTypes: Readonly<Record<StorageType, string>> = {
  f32: 'float',
  f16: 'uint16_t',
  bf16: 'uint16_t',
  i32: 'int32_t',
  bool: 'uint8_t',
}
const bytesOf: Readonly<Record<StorageType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4, bool: 1 }
const cTypes = { f32: 'float', i32: 'int32_t', bool: 'uint8_t' } as const
const cudaTypes = { f32: 'float', i32: 'int32_t', bool: 'bool' } as const

/** The part of the header for one program. */
export function declareCall(program: Program, { entry, given }: ProgramNames): string {
  const tensor = ({ name, axes, storage }: Buffer): object => ({
    name: given.buffers.get(name),
    about: `${storage} [${axes.join(', ')}]`,
  })
  return fill('cuda/call', {
    entry,
    doc: program.doc.map(escapeDoc),
    fixed:
      Object.entries(program.sizes)
        .map(([axis, length]) => `${axis} = ${length}`)
        .join(', ') || 'any lengths',
    inputs: withRole(program, 'input').map(tensor),
    results: withRole(program, 'result').map(tensor),
    params: openParams(program).map(({ name, type, default: other }) => ({
      name: given.params.get(name),
      type: cTypes[type],
      about: other ? 'or null for its default' : 'has to be given',
    })),
  })
}

/** The kernels of one program and the functions that callers see. */
export function defineProgram(program: Program, names: ProgramNames): string {
  const { entry, type, prepare, lay, scratch, kernels, given, asides } = names
  const printed = new Map(
    [...kernels].map(([kernel, name]) => [kernel, printKernel(kernel, program, name, type, given)]),
  )
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
    elements: ['int64_t(1)', ...buffer.axes.map(size)].join(' * '),
    lengths: buffer.axes.map((axis, n) => ({ n, size: size(axis) })),
  })
  return fill('cuda/program', {
    entry,
    type,
    prepare,
    lay,
    scratch,
    members: membersOf(program, names),
    kernels: [...printed.values()].flatMap(({ lines, fragments }) =>
      (fragments ? [lines, fragments.lines] : [lines]).map((all) => all.join('\n')),
    ),
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
    tiles: [...printed].flatMap(([kernel, one]) => {
      const blocks = blocksOf(kernel, size)
      const bytes = one.fragments ? redoneBytes(blocks, one) : `launch::tileBytes(${blocks}, ${one.scratchBytes})`
      return one.scratchBytes === 0 && !one.fragments ? [] : [`most = launch::larger(most, ${bytes});`]
    }),
    steps: runSteps(program.steps, program, names, printed),
  })
}

function membersOf(program: Program, { given, asides }: ProgramNames): readonly string[] {
  const runTime = program.axes.filter(({ name }) => program.sizes[name] === undefined)
  return [
    ...program.buffers.map((buffer) => `${memberType(buffer)} ${given.buffers.get(buffer.name)};`),
    ...[...asides].map(([name, aside]) => `${memberType(bufferOf(name, program))} ${aside};`),
    ...[...given.strides.values()].flat().map((name) => `ptrdiff_t ${name};`),
    ...runTime.map(({ name }) => `int32_t ${given.sizes.get(name)};`),
    ...program.params.map(({ name, type }) => `${cudaTypes[type]} ${given.params.get(name)};`),
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
function workspaceOf({ name, axes, storage }: Buffer, program: Program, { given }: ProgramNames): object {
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

/** What a run starts, one thing after the other. */
function runSteps(
  steps: readonly Step[],
  program: Program,
  names: ProgramNames,
  printed: ReadonlyMap<Kernel, PrintedKernel>,
): readonly string[] {
  const size = (axis: string): string => sizeText(axis, program, names.given)
  return steps.flatMap((step): readonly string[] => {
    if (step.kind === 'kernel') return startLines(step, size, program, names, printed.get(step)!)
    const count = printUniform(step.count, program, names.given, spellings)
    const inner = [...runSteps(step.steps, program, names, printed), ...becomeLines(step, program, names)]
    return [`for (int32_t round = 0, rounds = ${count}; round < rounds; ++round) {`, ...inner.map(indented), '}']
  })
}

function startLines(
  kernel: Kernel,
  size: (axis: string) => string,
  program: Program,
  { kernels, given }: ProgramNames,
  { threads, elements, sharedBytes, scratchBytes, fragments }: PrintedKernel,
): readonly string[] {
  const name = kernels.get(kernel)
  const blocks = blocksOf(kernel, size)
  const start = (call: string): string => `if (error == cudaSuccess) error = ${call};`
  if (elements) return [start(`launch::startElements(${name}, given, ${blocks}, ${threads}, stream)`)]
  const room = `${threads}, ${sharedBytes}, scratch, ${scratchBytes}`
  if (!fragments) return [start(`launch::start(${name}, given, ${blocks}, ${room}, stream)`)]
  const wanted = fragments.tiles.map(({ buffer }) => alignedText(buffer, given))
  const results = program.buffers.filter(
    ({ role, storage }) => role === 'result' && (storage === 'f16' || storage === 'bf16'),
  )
  const aligned = [...new Set([...wanted, ...results.map((buffer) => alignedText(buffer, given))])].join(' && ')
  return [
    '{',
    `  const int64_t blocks = ${blocks};`,
    `  unsigned char *redo = reinterpret_cast<unsigned char *>(scratch + launch::tileBytes(blocks, ${scratchBytes}));`,
    `  if (!(${aligned}) || blocks > launch::longestGrid) redo = nullptr;`,
    `  if (redo) ${start(`launch::startTiles(${fragments.name}, given, blocks, ${fragments.threads}, ${fragments.sharedBytes}, redo, stream)`)}`,
    `  ${start(`launch::start(${name}, given, blocks, ${room}, stream, redo)`)}`,
    '}',
  ]
}

const redoneBytes = (blocks: string, { scratchBytes }: PrintedKernel): string =>
  `launch::tileBytes(${blocks}, ${scratchBytes}) + ${blocks}`

/** Whether rows of a tensor begin where they can be copied 16 bytes at a time. */
function alignedText({ name, axes }: Buffer, { buffers, strides }: GivenNames): string {
  const own = (strides.get(name) ?? []).map((stride) => `given.${stride}`)
  const last = own.at(axes.length - 1) ?? '1'
  return `tiles::isAligned(${[`given.${buffers.get(name)}`, last, ...own.slice(0, -1)].join(', ')})`
}

/** Copies the new contents; what is both read and overwritten is copied aside first. */
function becomeLines({ become }: Rounds, program: Program, { given, asides }: ProgramNames): readonly string[] {
  const at = (name: string): string => `given.${given.buffers.get(name)}`
  const copy = (to: string, from: string, name: string): string => {
    const buffer = bufferOf(name, program)
    const sizes = buffer.axes.map((axis) => `size_t(${sizeText(axis, program, given)})`)
    const bytes = [bytesOf[buffer.storage], ...sizes].join(' * ')
    return `if (error == cudaSuccess) error = cudaMemcpyAsync(${to}, ${from}, ${bytes}, cudaMemcpyDeviceToDevice, stream);`
  }
  const aside = (name: string): string | undefined => asides.get(name) && `given.${asides.get(name)}`
  return [
    ...become.flatMap(({ from }) => (aside(from) ? [copy(aside(from)!, at(from), from)] : [])),
    ...become.map(({ to, from }) => copy(at(to), aside(from) ?? at(from), from)),
  ]
}

/** What a round both reads as a new content and overwrites. */
const overwritten = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => {
    if (step.kind === 'kernel') return []
    const own = step.become.flatMap(({ from }) => (step.become.some(({ to }) => to === from) ? [from] : []))
    return [...own, ...overwritten(step.steps)]
  })
