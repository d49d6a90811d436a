/** `attnc build`: what is to be built, and where it goes. */
import { emitStage, type Stage, stages } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { type LibraryForm, libraryForms } from '../runtime/native/library.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import { buildAll } from './build-files.ts'
import { type Choices, compileOptions, parseChoices } from './compile-options.ts'
import { configure } from './configured.ts'
import { checkDepfile } from './depfile.ts'
import type { Io } from './io.ts'
import { all, parseChoice } from './options.ts'
import type { Options } from './program.ts'
import { chooseArchitectures } from './resource-usage.ts'
import { readSources, type Source } from './sources.ts'
import { count } from './table.ts'

export async function build(args: readonly string[], given: Options, io: Io): Promise<Answer> {
  const configured = await configure(given)
  if (!configured.ok) return refuse(configured.findings)
  const { options, files: configurations } = configured.value
  const parsed = all<[Choices, Emitted]>(await parseChoices(options), parseEmitted(options.emit))
  if (!parsed.ok) return refuse(parsed.findings)
  const [choices, { stage: emitted, library, types }] = parsed.value
  const where = checkWhere(options, emitted, library)
  if (!where.ok) return refuse(where.findings)
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  const [first] = sources.value
  const prints = emitted !== undefined || options.out === '-'
  if (prints && sources.value.length > 1)
    return refuse([
      problem('ATTN0318', `${count(sources.value.length, 'source')} cannot be printed at once`, '-o FOLDER'),
    ])
  if (emitted !== undefined && first) return printStage(emitted, first, choices)
  const measured = await parseMeasured(options, choices)
  if (!measured.ok) return refuse(measured.findings)
  const architectures = measured.value
  return buildAll(sources.value, { ...choices, library, types, configurations, architectures }, options, io)
}

/** The architectures of which `--resource-usage` says what kernels take; undefined: it is not asked for. */
async function parseMeasured(
  { resourceUsage, arch, out = '-' }: Options,
  { target }: Choices,
): Promise<Outcome<readonly string[] | undefined>> {
  if (!resourceUsage) {
    if (arch === undefined) return done(undefined)
    return failed(
      problem('ATTN0302', '--arch is for --resource-usage: generated code is for every architecture from sm_80 on'),
    )
  }
  if (target !== 'cuda')
    return failed(
      problem('ATTN0302', `--resource-usage is of kernels of the target cuda, not ${target}`, 'add --target cuda'),
    )
  if (out === '-') return failed(problem('ATTN0318', '--resource-usage prints a table beside files', '-o FOLDER'))
  return chooseArchitectures(arch)
}

/** What `--emit` asks for: a stage to be printed, a library, and in which forms besides its source, or types of modules. */
interface Emitted {
  readonly stage: Stage | undefined
  readonly library: readonly LibraryForm[] | undefined
  readonly types: boolean
}

function parseEmitted(value: string | undefined): Outcome<Emitted> {
  const nothing = { stage: undefined, library: undefined, types: false }
  if (value === undefined) return done(nothing)
  if (value === 'dts') return done({ ...nothing, types: true })
  const words = value.split(',')
  const isStage = words.length === 1 && words[0] !== 'lib'
  if (isStage) {
    const stage = parseChoice('--emit', value, [...stages, 'lib', 'dts'] as const)
    if (!stage.ok) return stage
    return done({ ...nothing, stage: stages.find((one) => one === stage.value) })
  }
  const forms = all<readonly (LibraryForm | 'lib')[]>(
    ...words.map((word) => parseChoice('--emit', word, ['lib', ...libraryForms] as const)),
  )
  return forms.ok ? done({ ...nothing, library: forms.value.filter((form) => form !== 'lib') }) : forms
}

function checkWhere(options: Options, stage: Stage | undefined, library: Emitted['library']): Outcome<undefined> {
  const { out, check } = options
  if (stage === undefined && (out === undefined || out === ''))
    return failed(
      problem('ATTN0318', 'build needs to know where to write', "-o FOLDER, or '-o -' to print the main file"),
    )
  if (stage !== undefined && out !== undefined && out !== '-')
    return failed(problem('ATTN0318', `--emit prints, and writes nothing to ${out}`, 'leave out -o'))
  const writes = stage === undefined && out !== '-'
  if (check && !writes)
    return failed(problem('ATTN0300', '--check compares with files, and none would be written', '-o FOLDER'))
  if (check && library && library.length > 0)
    return failed(problem('ATTN0300', '--check compares sources: compilers need not give the same twice', '--emit lib'))
  if (check && options.depfile) return failed(problem('ATTN0300', '--check writes nothing, so it has no -MD'))
  return checkDepfile(options, writes)
}

async function printStage(stage: Stage, { file, readImport }: Source, choices: Choices): Promise<Answer> {
  const printed = await attempt(() => emitStage(stage, file, compileOptions(choices, readImport)))
  if (!printed.ok) return refuse(printed.findings)
  const text = printed.value.endsWith('\n') ? printed.value : `${printed.value}\n`
  return { exit: 0, findings: printed.warnings, out: text, json: { stage, source: file.path, text } }
}
