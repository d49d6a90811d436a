/** The side of a module that shares work among threads: a twin of each program's function, and the threads. */
import { type Kernel, type Program, sizeRef } from '../../compiler/kernel.ts'
import { printUniform, propertyName } from '../javascript-lengths.ts'
import type { Names } from '../names.ts'
import { fill } from '../template.ts'
import { inGiven, runSteps } from './declare.ts'
import { type FastNames, isOwnFunction, wasmFunctions } from './fast.ts'
import { blocksOf, buffersOf, type ProgramNames } from './program.ts'

/** The names of what a module has for threads, whatever its programs. */
export interface ThreadNames {
  readonly list: string // of plain kernels
  readonly numbers: ReadonlyMap<Kernel, number> // their places there
  readonly plain: { readonly code: string; readonly pool: string }
  readonly fast: { readonly code: string; readonly pool: string }
  readonly start: string
  readonly close: string
  readonly why: string
}

export function nameThreads(kernels: readonly Kernel[], module: Names): ThreadNames {
  const made = (form: string) => ({ code: module.fresh(`${form}Code`), pool: module.fresh(`${form}Threads`) })
  return {
    ...{ list: module.fresh('kernels'), numbers: new Map(kernels.map((kernel, n) => [kernel, n])) },
    ...{ plain: made('plain'), fast: made('wasm') },
    ...{ start: module.fresh('startThreads'), close: module.fresh('closeThreads') },
    why: module.fresh('whyFewerThreads'),
  }
}

/** The twin of a program's function. */
export function declareParallel(
  program: Program,
  names: ProgramNames,
  { list, plain, numbers }: ThreadNames,
  fast: FastNames | undefined,
): string {
  const { inputs, options, results, prepare, given, parallel } = names
  const size = (axis: string): string => printUniform(sizeRef(axis), program, inGiven(names))
  const call = (kernel: Kernel): string =>
    `await runKernel(${[plain.pool, list, numbers.get(kernel), 'given', 'threads', blocksOf(kernel, size)].join(', ')})`
  const outputs = buffersOf(program, 'result').map(({ name }) => ({
    property: propertyName(name),
    name: given.buffers.get(name),
  }))
  return fill('ts/parallel', {
    ...{ name: parallel, inputs, options, results, prepare, pool: plain.pool },
    ...{ isFast: fast !== undefined, source: fast?.source ?? '', fast: names.fastParallel },
    hasPlain: !fast || fast.isOptional,
    spares: fast !== undefined && buffersOf(program, 'workspace').length > 0,
    lines: runSteps(program.steps, program, names, call),
    outputs,
  }).trimEnd()
}

/** What threads are made of, and the functions that callers have for them. `kernels`: plain ones. */
export function declareThreads(
  { list, plain, fast: wasm, start, close, why }: ThreadNames,
  fast: FastNames | undefined,
  kernels: readonly string[],
  helpers: readonly string[],
  constants: readonly string[],
): string {
  const hasPlain = !fast || fast.isOptional
  const pools = [...(hasPlain ? [plain.pool] : []), ...(fast ? [wasm.pool] : [])]
  const imports = fast?.compiled.imports ?? []
  return fill('ts/threads', {
    ...{ list, kernels: kernels.join(', '), helpers, constants, pools, start, close, why },
    ...{ hasPlain, plainCode: plain.code, plainPool: plain.pool },
    ...{ isFast: fast !== undefined, wasmCode: wasm.code, wasmPool: wasm.pool, source: fast?.source ?? '' },
    pool: !fast ? plain.pool : hasPlain ? `(startWasm(${fast.source}) ? ${wasm.pool} : ${plain.pool})` : wasm.pool,
    own: `${hasPlain ? list : '[]'}, ${fast ? `${fast.source}.functions` : '{}'}`,
    wasmHelpers: imports.filter(isOwnFunction),
    functions: wasmFunctions(imports, (name) => `\${${name}.name}`),
  }).trimEnd()
}
