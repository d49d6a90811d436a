import type { Machine, Program } from '../../compiler/kernel.ts'
import { escapeDoc } from '../doc.ts'
import type { Names } from '../names.ts'
import type { EmitSource, OutFile, Target } from '../target.ts'
import { fill } from '../template.ts'
import { declareProgram } from './declare.ts'
import { declareMachine, nameFast } from './fast.ts'
import { helpersFor } from './helpers.ts'
import { type TypedModule, toDeclarations, toJavaScript, writeModule } from './morph.ts'
import { declareThreads, nameThreads, type ThreadNames } from './parallel.ts'
import { nameFunctions, nameProgram, type ProgramNames } from './program.ts'
import { compileKernels } from './wasm/kernel.ts'

/** A module without dependencies: NAME.ts, and the same as NAME.js with NAME.d.ts. */
export const ts: Target = {
  name: 'ts',
  machine: { tile: { i: 48, j: 32 }, accumulator: { largest: Number.MAX_VALUE, tiny: 2 ** -1022 } },
  machinesFor: (_, simd) => [simd === 'none' ? ts.machine : vectors],
  choices: {
    tiles: [4, 8, 16, 24, 32, 48, 64, 96, 128],
    splits: [1],
    threads: false,
    near: { bytes: 2 ** 20, what: 'the second-level cache of a core' },
  },
  async emit(source) {
    const module = await emitModule(source)
    return [
      { path: `${source.name}.ts`, text: module.file.getFullText() },
      madeWhenRead(`${source.name}.js`, () => toJavaScript(module)),
      madeWhenRead(`${source.name}.d.ts`, () => `${headerOf(source)}${toDeclarations(module)}`),
    ]
  },
}

/** Of WebAssembly: sums in f32. Plain code of the same tile programs stands beside it. */
const vectors: Machine = {
  tile: { i: 48, j: 64 },
  together: 48,
  accumulator: { largest: 3.4028234663852886e38, tiny: 2 ** -125 },
}

/** A file whose text costs time: who runs a module never reads its declarations. */
function madeWhenRead(path: string, make: () => string): OutFile {
  let made: string | undefined
  return {
    path,
    get text() {
      made ??= make()
      return made
    },
  }
}

/** The module, written and parsed. */
export async function emitModule(source: EmitSource): Promise<TypedModule> {
  const { programs, threads, simd = 'none' } = source
  const { names, module, threadNames } = nameAll(programs, threads ?? false)
  const fast = simd === 'none' ? undefined : nameFast(compileKernels(programs, threads), module, simd === 'auto')
  const extras = { threads: threadNames, fast }
  const declared = [
    ...programs.flatMap((program) => declareProgram(program, names.get(program)!, extras)),
    ...(fast ? declareMachine(fast) : []),
  ]
  const text = declared.filter((one) => typeof one === 'string').join('\n')
  const called = helpersFor(text)
  const kernels = [...names.values()].flatMap((all) => [...all.kernels.values()])
  const rest = threadNames
    ? [
        declareThreads(
          threadNames,
          fast,
          kernels,
          called.filter(({ inThreads }) => inThreads === 'as a function').map(({ name }) => name),
          called.filter(({ inThreads }) => inThreads === 'as a constant').map(({ text: constant }) => constant),
        ),
      ]
    : []
  const helpers = helpersFor(['Tensor', text, ...rest].join('\n'))
  return writeModule(headerOf(source), [
    ...declared,
    ...rest,
    ...helpers.map((helper) => helper.text.replace(/^interface Tensor/m, 'export $&')),
  ])
}

const headerOf = ({ name, version, programs }: EmitSource): string =>
  fill('ts/header', {
    version,
    source: escapeDoc(`${name}.attn`),
    summary: programs.map((program) => program.name).join(', '),
  })

interface ModuleNames {
  readonly module: Names
  readonly names: ReadonlyMap<Program, ProgramNames>
  readonly threadNames: ThreadNames | undefined
}

/** Exported functions keep their names; all others give way. */
function nameAll(programs: readonly Program[], threads: boolean): ModuleNames {
  const { module, functions } = nameFunctions(programs.map(({ name }) => name))
  const names = new Map(
    programs.map((program) => [program, nameProgram(program, functions.get(program.name)!, module)]),
  )
  if (!threads) return { names, module, threadNames: undefined }
  const kernels = [...names.values()].flatMap((all) => [...all.kernels.keys()])
  return { names, module, threadNames: nameThreads(kernels, module) }
}
