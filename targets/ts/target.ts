import type { Program } from '../../compiler/kernel.ts'
import { escapeDoc } from '../doc.ts'
import { Names, safeName } from '../names.ts'
import type { EmitSource, OutFile, Target } from '../target.ts'
import { fill } from '../template.ts'
import { declareProgram, declareThreads, type ThreadNames } from './declare.ts'
import { helpersFor } from './helpers.ts'
import { type TypedModule, toDeclarations, toJavaScript, writeModule } from './morph.ts'
import { nameProgram, type ProgramNames } from './program.ts'
import { reserved } from './reserved.ts'

/** A module without dependencies: NAME.ts, and the same as NAME.js with NAME.d.ts. */
export const ts: Target = {
  name: 'ts',
  machine: { tile: { i: 48, j: 32 }, accumulator: { largest: Number.MAX_VALUE, tiny: 2 ** -1022 } },
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
  const { programs, threads } = source
  const { names, threadNames } = nameAll(programs, threads ?? false)
  const declared = programs.flatMap((program) => declareProgram(program, names.get(program)!, threadNames))
  const text = declared.filter((one) => typeof one === 'string').join('\n')
  const called = helpersFor(text)
  const kernels = [...names.values()].flatMap((all) => [...all.kernels.values()])
  const rest = threadNames
    ? [
        declareThreads(
          threadNames,
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
  readonly names: ReadonlyMap<Program, ProgramNames>
  readonly threadNames: ThreadNames | undefined
}

/** Exported functions keep their names; all others give way. */
function nameAll(programs: readonly Program[], threads: boolean): ModuleNames {
  const module = new Names(
    reserved,
    programs.map(({ name }) => safeName(name, reserved)),
  )
  const names = new Map(programs.map((program) => [program, nameProgram(program, module)]))
  if (!threads) return { names, threadNames: undefined }
  const numbers = new Map(
    [...names.values()].flatMap(({ kernels }) => [...kernels.keys()]).map((kernel, n) => [kernel, n]),
  )
  return { names, threadNames: { list: module.fresh('kernels'), code: module.fresh('threadCode'), numbers } }
}
