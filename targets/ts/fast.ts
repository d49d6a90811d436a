/** The side of a module that runs kernels in WebAssembly: its bytes, its memory, and a function for each program. */
import { type Buffer, type Kernel, type Program, type Rounds, sizeRef } from '../../compiler/kernel.ts'
import { printUniform } from '../javascript-lengths.ts'
import type { Names } from '../names.ts'
import { fill } from '../template.ts'
import { inGiven, runSteps } from './declare.ts'
import { buffersOf, type ProgramNames } from './program.ts'
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
  const own = inGiven(names)
  const size = (axis: string): string => printUniform(sizeRef(axis), program, own)
  const nameOf = ({ name }: Buffer): string => names.given.buffers.get(name)!
  const at = (name: string): string => `${names.given.buffers.get(name)}At`
  const placeOf = (buffer: Buffer) => ({ name: nameOf(buffer), at: at(buffer.name) })
  const bytes = ({ axes, storage }: Buffer): string => [String(bytesOf[storage]), ...axes.map(size)].join(' * ')
  const given = givenOf(program)
  const args = [
    ...given.buffers.map(at),
    ...given.sizes.map((axis) => own.sizes.get(axis)),
    ...given.params.map(({ name }) => own.params.get(name)),
  ]
  const call = (kernel: Kernel): string =>
    `machine.kernels.${compiled.names.get(kernel)}!(${['0', '0', blocksOf(kernel, size), ...args].join(', ')})`
  const find = (name: string): Buffer => program.buffers.find((b) => b.name === name)!
  const become = ({ become: all }: Rounds): readonly string[] => {
    const piece = (name: string): string => `bytesAt(machine, ${at(name)}, ${bytes(find(name))})`
    const overwritten = all.filter(({ from }) => all.some(({ to }) => to === from)).map(({ from }) => from)
    const next = (name: string): string => `${names.given.buffers.get(name)}Next`
    return [
      ...overwritten.map((name) => `const ${next(name)} = ${piece(name)}.slice()`),
      ...all.map(({ to, from }) => `${piece(to)}.set(${overwritten.includes(from) ? next(from) : piece(from)})`),
    ]
  }
  const [inputs, results] = [buffersOf(program, 'input'), buffersOf(program, 'result')]
  return fill('ts/fast', {
    ...{ title: program.name, name: names.fast, argumentsType: names.arguments },
    arrays: [...inputs, ...results].map(placeOf),
    workspace: buffersOf(program, 'workspace').map((buffer) => ({ ...placeOf(buffer), bytes: bytes(buffer) })),
    inputs: inputs.map(placeOf),
    results: results.map(placeOf),
    lines: runSteps(program.steps, program, names, call, become),
  }).trimEnd()
}

/** The number of blocks of a kernel's grid. */
function blocksOf({ grid }: Kernel, size: (axis: string) => string): string {
  const counts = grid.map(({ axis, tile }) => (tile === undefined ? size(axis) : `Math.ceil(${size(axis)} / ${tile})`))
  return counts.join(' * ') || '1'
}

const surroundings: Readonly<Record<string, string>> = Object.fromEntries(
  ['expm1', 'log2', 'sin', 'cos', 'atan2'].map((name) => [name, `Math.${name}`]),
)

/** The bytes, and what callers see beside the programs. */
export function declareMachine({ compiled, source, why, allocate, free }: FastNames): readonly string[] {
  const { bytes, imports, ownBytes } = compiled
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  const functions = imports.map((name) => (surroundings[name] ? `${name}: ${surroundings[name]}` : name))
  return [
    fill('ts/machine', { source, why, allocate, free, base64, functions: functions.join(', '), ownBytes }).trimEnd(),
  ]
}
