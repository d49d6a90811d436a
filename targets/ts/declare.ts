/** A program's declarations: its types, its entry, its kernels. */
import { type Buffer, type Kernel, type Program, type Rounds, type Step, sizeRef } from '../../compiler/kernel.ts'
import { docLines } from '../doc.ts'
import { definitions, printUniform, propertyName } from '../javascript-lengths.ts'
import { fill } from '../template.ts'
import { declareFast, declareFastParallel, type FastNames, openFast } from './fast.ts'
import { printKernel } from './kernel.ts'
import type { Declaration, Interface, Property } from './morph.ts'
import { declareParallel, type ThreadNames } from './parallel.ts'
import { arrayTypeOf, arrayTypes, buffersOf, openParams, type ProgramNames } from './program.ts'

const list = (texts: readonly string[]): string => `[${texts.join(', ')}]`
const quoted = (text: string): string => `'${text}'`
const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => (line ? `  ${line}` : line))

/** What a module has beside plain kernels on one thread. */
export interface Extras {
  readonly threads: ThreadNames | undefined
  readonly fast: FastNames | undefined
}

export function declareProgram(program: Program, names: ProgramNames, extras: Extras): readonly Declaration[] {
  const { threads, fast } = extras
  const request = { argumentsType: names.arguments, given: names.given, threads: threads !== undefined }
  const kernels = [...names.kernels].map(([kernel, name]) =>
    printKernel(kernel, program, { ...request, name }).join('\n'),
  )
  return [
    ...declareTypes(program, names, fast?.isOptional ?? false),
    declareEntry(program, names, extras),
    ...(threads ? [declareParallel(program, names, threads, fast)] : []),
    declareArguments(program, names),
    declarePrepare(program, names, fast !== undefined),
    ...(fast ? [declareFast(program, names, fast)] : []),
    ...(fast && threads ? [declareFastParallel(program, names, fast, threads.fast.pool)] : []),
    ...(fast && !fast.isOptional ? [] : kernels),
  ]
}

function declareTypes(program: Program, names: ProgramNames, choosesForm: boolean): readonly Interface[] {
  const tensor = ({ name, storage, axes }: Buffer): Property => ({
    name: propertyName(name),
    type: `Tensor<${arrayTypes[storage]}>`,
    doc: storage === 'bf16' ? `${list(axes)}, the bits of bf16` : list(axes),
  })
  const params = openParams(program)
  const optional = { optional: true }
  const own: Property = {
    name: 'into',
    type: `Partial<${names.results}>`,
    doc: 'Tensors to write results to, apart from the inputs; others are new.',
    ...optional,
  }
  const given: Property = { name: 'params', type: names.params, doc: 'What is not given has its default.', ...optional }
  const form: Property = {
    name: 'simd',
    type: 'boolean',
    doc: 'Whether WebAssembly is used, where it can be: in f32. Default true; false: plain code, in f64.',
    ...optional,
  }
  return [
    exported(names.inputs, `What ${program.name} reads.`, buffersOf(program, 'input').map(tensor)),
    exported(names.results, `What ${program.name} gives.`, buffersOf(program, 'result').map(tensor)),
    exported(names.options, '', [...(params.length > 0 ? [given] : []), own, ...(choosesForm ? [form] : [])]),
    ...(params.length > 0
      ? [
          exported(
            names.params,
            `Scalars of ${program.name}.`,
            params.map(({ name, type }) => ({
              name: propertyName(name),
              type: `${type === 'bool' ? 'boolean' : 'number'} | undefined`,
              ...optional,
            })),
          ),
        ]
      : []),
  ]
}

const exported = (name: string, doc: string, properties: readonly Property[]): Interface => ({
  name,
  isExported: true,
  doc,
  properties,
})

/** The function that callers see. */
function declareEntry(program: Program, names: ProgramNames, { threads, fast }: Extras): string {
  const call = (kernel: Kernel): string => `${names.kernels.get(kernel)}(given${threads ? ', countUp()' : ''})`
  const plain = fast && !fast.isOptional ? [] : runSteps(program.steps, program, names, call)
  const lines = fast
    ? openFast(program, names, fast, plain)
    : [`const { given, results } = ${names.prepare}(inputs, options)`, ...plain, 'return results']
  const head = `export function ${names.entry}(inputs: ${names.inputs}, options: ${names.options} = {}): ${names.results} {`
  return [...docLines(program.doc), head, ...indented(lines), '}'].join('\n')
}

type Call = (kernel: Kernel) => string

export function runSteps(
  steps: readonly Step[],
  program: Program,
  names: ProgramNames,
  call: Call,
  become: (step: Rounds) => readonly string[] = (step) => becomeLines(step, names),
): readonly string[] {
  return steps.flatMap((step): readonly string[] => {
    if (step.kind === 'kernel') return [call(step)]
    const head = `for (let round = 0; round < ${roundCount(step, program, names)}; round++) {`
    return [head, ...indented([...runSteps(step.steps, program, names, call, become), ...become(step)]), '}']
  })
}

/** With sizes and params read from the kernels' arguments. */
export function inGiven({ given }: ProgramNames): ProgramNames['given'] {
  const read = (names: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map([...names].map(([key, name]) => [key, `given.${name}`]))
  return { buffers: read(given.buffers), sizes: read(given.sizes), params: read(given.params) }
}

const roundCount = ({ count }: Rounds, program: Program, names: ProgramNames): string =>
  printUniform(count, program, inGiven(names))

/** Copies the new contents; what is both read and overwritten is copied aside first. */
function becomeLines({ become }: Rounds, { given }: ProgramNames): readonly string[] {
  const at = (name: string): string => `given.${given.buffers.get(name)}`
  const isOverwritten = (name: string): boolean => become.some(({ to }) => to === name)
  const aside = become.filter(({ from }) => isOverwritten(from))
  return [
    ...aside.map(({ from }) => `const ${given.buffers.get(from)}Next = ${at(from)}.slice()`),
    ...become.map(
      ({ to, from }) => `${at(to)}.set(${isOverwritten(from) ? `${given.buffers.get(from)}Next` : at(from)})`,
    ),
  ]
}

/** What all kernels of the program read: buffers, lengths and parameters. */
function declareArguments(program: Program, names: ProgramNames): Interface {
  const { buffers, sizes, params } = names.given
  const properties: readonly Property[] = [
    ...program.buffers.map((buffer) => ({ name: buffers.get(buffer.name)!, type: arrayTypeOf(buffer) })),
    ...runTimeAxes(program).map((axis) => ({ name: sizes.get(axis)!, type: 'number' })),
    ...knownParams(program).map(({ name, type }) => ({
      name: params.get(name)!,
      type: type === 'bool' ? 'boolean' : 'number',
    })),
  ]
  return { name: names.arguments, isExported: false, doc: `What the kernels of ${program.name} are given.`, properties }
}

const runTimeAxes = ({ axes, sizes }: Program): readonly string[] =>
  axes.map(({ name }) => name).filter((axis) => sizes[axis] === undefined)
const knownParams = ({ params }: Program) => params.filter((param) => param.time === 'run' || param.default)

/** The function that checks what a caller gives, and makes what kernels need. `spares`: whether it can leave out workspace. */
function declarePrepare(program: Program, names: ProgramNames, spares: boolean): string {
  const { given } = names
  const size = (axis: string): string => printUniform(sizeRef(axis), program, given)
  const result = ({ name, storage, axes }: Buffer): object => ({
    title: name,
    property: propertyName(name),
    type: arrayTypes[storage],
    axes: list(axes.map(quoted)),
    shape: list(axes.map(size)),
  })
  const workspace = buffersOf(program, 'workspace').map(
    (buffer) =>
      `const ${given.buffers.get(buffer.name)} = new ${arrayTypeOf(buffer)}(${spares ? 'spares ? 0 : ' : ''}${buffer.axes.map(size).join(' * ') || '1'})`,
  )
  const view = {
    fixed: Object.entries(program.sizes).map(([axis, length]) => ({ axis, length })),
    inputs: buffersOf(program, 'input').map((buffer) => ({
      ...result(buffer),
      shape: '',
      name: given.buffers.get(buffer.name),
    })),
    lines: [...definitions(program, given), ...workspace],
    results: buffersOf(program, 'result').map(result),
    resultsType: names.results,
    argumentsType: names.arguments,
    given: givenLines(program, names),
  }
  const type = `{ readonly given: ${names.arguments}; readonly results: ${names.results} }`
  const parameters = [
    `inputs: ${names.inputs}`,
    `options: ${names.options}`,
    ...(spares && workspace.length > 0 ? ['spares: boolean'] : []),
  ]
  const head = `function ${names.prepare}(${parameters.join(', ')}): ${type} {`
  const doc = '/** Checks what the caller gives; throws a TypeError or a RangeError that says what is wrong. */'
  return [doc, head, ...indented(fill('ts/prepare', view).trimEnd().split('\n')), '}'].join('\n')
}

function givenLines(program: Program, { given }: ProgramNames): readonly string[] {
  const buffer = ({ name, role }: Buffer): string => {
    const own = given.buffers.get(name)!
    return role === 'result' ? `${own}: results.${propertyName(name)}.data` : own
  }
  return [
    ...program.buffers.map(buffer),
    ...runTimeAxes(program).map((axis) => given.sizes.get(axis)!),
    ...knownParams(program).map(({ name }) => given.params.get(name)!),
  ]
}
