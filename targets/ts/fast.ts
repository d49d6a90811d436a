/** The side of a module that runs kernels in WebAssembly: its bytes, its memory, and a function for each program. */
import { type Buffer, type Kernel, type Program, type Rounds, sizeRef } from '../../compiler/kernel.ts'
import { printUniform } from '../javascript-lengths.ts'
import type { Names } from '../names.ts'
import { fill } from '../template.ts'
import { inGiven, runSteps } from './declare.ts'
import { blocksOf, buffersOf, kernelsOf, type ProgramNames } from './program.ts'
import { type Compiled, givenOf } from './wasm/kernel.ts'
import { bytesOf } from './wasm/spot.ts'

/** The names of what a module has for WebAssembly, whatever its programs. */
export interface FastNames {
  readonly compiled: Compiled
  readonly source: string
  readonly why: string
  readonly allocate: string
  readonly free: string
  readonly isOptional: boolean // whether there is plain code beside it
}

export const nameFast = (compiled: Compiled, module: Names, isOptional: boolean): FastNames => ({
  ...{ compiled, isOptional, source: module.fresh('wasmSource') },
  ...{ why: module.fresh('whyPlain'), allocate: module.fresh('allocate'), free: module.fresh('free') },
})

/** The body of an entry: WebAssembly where there is a machine, else `plain`. */
export function openFast(
  program: Program,
  names: ProgramNames,
  { source, isOptional }: FastNames,
  plain: readonly string[],
): readonly string[] {
  const start = `startWasm(${source})`
  const hasWorkspace = buffersOf(program, 'workspace').length > 0
  const prepare = `const { given, results } = ${names.prepare}(inputs, options${hasWorkspace ? ', machine !== undefined' : ''})`
  if (!isOptional)
    return [
      `const machine = ${start}`,
      `if (!machine) throw new Error(\`WebAssembly cannot be used here. \${${source}.refusal}\`)`,
      prepare,
      `${names.fast}(given, machine)`,
      'return results',
    ]
  return [
    `const machine = options.simd === false ? undefined : ${start}`,
    prepare,
    `if (machine) ${names.fast}(given, machine)`,
    'else {',
    ...plain.map((line) => `  ${line}`),
    '}',
    'return results',
  ]
}

/** The function that runs a program's kernels in WebAssembly. */
export function declareFast(program: Program, names: ProgramNames, { compiled }: FastNames): string {
  const { view, args, size } = viewOf(program, names)
  const call = (kernel: Kernel): string =>
    `machine.kernels.${compiled.names.get(kernel)}!(${['0', '0', blocksOf(kernel, size), ...args].join(', ')})`
  return fill('ts/fast', { ...view, name: names.fast, lines: linesOf(program, names, size, call) }).trimEnd()
}

/** The same on several threads. */
export function declareFastParallel(
  program: Program,
  names: ProgramNames,
  { compiled }: FastNames,
  pool: string,
): string {
  const { view, args, size } = viewOf(program, names)
  const call = (kernel: Kernel): string => {
    const given = [pool, 'machine', `'${compiled.names.get(kernel)}'`, 'threads', blocksOf(kernel, size)]
    return `await runWasm(${given.join(', ')}, [${args.join(', ')}])`
  }
  const lines = linesOf(program, names, size, call)
  const all = new Set(kernelsOf(program.steps).map((kernel) => blocksOf(kernel, size)))
  const blocks = all.size > 1 ? `Math.max(${[...all].join(', ')})` : [...all].join()
  return fill('ts/fast-parallel', { ...view, name: names.fastParallel, pool, blocks, lines }).trimEnd()
}

/** What both have: where arrays lie in the memory, and what kernels are given. */
function viewOf(program: Program, names: ProgramNames) {
  const own = inGiven(names)
  const size = (axis: string): string => printUniform(sizeRef(axis), program, own)
  const [inputs, results] = [buffersOf(program, 'input'), buffersOf(program, 'result')]
  const workspace = buffersOf(program, 'workspace')
  const all = (buffers: readonly Buffer[], show: (buffer: Buffer) => string): string => buffers.map(show).join(', ')
  const arrayOf = ({ name }: Buffer): string => own.buffers.get(name)!
  const given = givenOf(program)
  const args = [
    ...given.buffers.map((name) => placeName(name, names)),
    ...given.sizes.map((axis) => own.sizes.get(axis)),
    ...given.params.map(({ name }) => own.params.get(name)),
  ]
  const view = {
    ...{ title: program.name, argumentsType: names.arguments },
    ...{ inputs: all(inputs, arrayOf), results: all(results, arrayOf) },
    work: all(workspace, (buffer) => bytesIn(buffer, size)),
    places: all([...inputs, ...results, ...workspace], ({ name }) => `${placeName(name, names)} = 0`),
  }
  return { view, args, size }
}

const placeName = (buffer: string, names: ProgramNames): string => `${names.given.buffers.get(buffer)}At`
const bytesIn = ({ axes, storage }: Buffer, size: (axis: string) => string): string =>
  [String(bytesOf[storage]), ...axes.map(size)].join(' * ')

function linesOf(
  program: Program,
  names: ProgramNames,
  size: (axis: string) => string,
  call: (kernel: Kernel) => string,
): readonly string[] {
  const find = (name: string): Buffer => program.buffers.find((b) => b.name === name)!
  const become = ({ become: all }: Rounds): readonly string[] => {
    const piece = (name: string): string => `bytesAt(machine, ${placeName(name, names)}, ${bytesIn(find(name), size)})`
    const overwritten = all.filter(({ from }) => all.some(({ to }) => to === from)).map(({ from }) => from)
    const next = (name: string): string => `${names.given.buffers.get(name)}Next`
    return [
      ...overwritten.map((name) => `const ${next(name)} = ${piece(name)}.slice()`),
      ...all.map(({ to, from }) => `${piece(to)}.set(${overwritten.includes(from) ? next(from) : piece(from)})`),
    ]
  }
  return runSteps(program.steps, program, names, call, become)
}

/** What kernels take from their surroundings: functions of JavaScript, and of the module. */
const surroundings: Readonly<Record<string, string>> = Object.fromEntries(
  ['expm1', 'log2', 'sin', 'cos', 'atan2'].map((name) => [name, `Math.${name}`]),
)
export const isOwnFunction = (name: string): boolean => !Object.hasOwn(surroundings, name)

/** As members of an object. `show`: how one of the module is called there. */
export const wasmFunctions = (imports: readonly string[], show: (name: string) => string): string =>
  imports.map((name) => `${name}: ${isOwnFunction(name) ? show(name) : surroundings[name]}`).join(', ')

/** The bytes, and what callers see beside the programs. */
export function declareMachine({ compiled, source, why, allocate, free }: FastNames): readonly string[] {
  const { bytes, imports, ownBytes, flagAt, fusable } = compiled
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  const memory =
    flagAt === undefined
      ? { open: 'openAlone', flagged: false, flagAt: 0 }
      : { open: 'openShareable', flagged: true, flagAt }
  const functions = wasmFunctions(imports, (name) => name)
  return [
    fill('ts/machine', {
      source,
      why,
      allocate,
      free,
      base64,
      functions,
      ownBytes,
      ...memory,
      fusable: fusable.join(),
    }).trimEnd(),
  ]
}
