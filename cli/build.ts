/** `attnc build`: what is to be built, and where it goes. */
import { emitStage, type Stage } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { cudaMakers, shippedArchitectures } from '../runtime/cuda/library.ts'
import { nativeMakers } from '../runtime/native/library.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import { buildAll } from './build-files.ts'
import { type Choices, compileOptions, parseChoices } from './compile-options.ts'
import { configure } from './configured.ts'
import { checkDepfile } from './depfile.ts'
import { type Emitted, parseEmitted } from './emitted.ts'
import type { Io } from './io.ts'
import { all } from './options.ts'
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
  const [choices, emission] = parsed.value
  const { stage: emitted, library, torch, types } = emission
  const where = checkWhere(options, emission)
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
  const devices = await parseDevices(options, choices, emission)
  if (!devices.ok) return refuse(devices.findings)
  const { measured, compiled } = devices.value
  const made = library && { forms: library, makers: compiled ? cudaMakers(compiled) : nativeMakers }
  const wanted = { ...choices, library: made, torch, types, configurations, architectures: measured }
  return buildAll(sources.value, wanted, options, io)
}

/** Architectures of CUDA: those of which `--resource-usage` says what kernels take, and those that libraries are compiled for. */
interface Devices {
  readonly measured?: readonly string[]
  readonly compiled?: readonly string[]
}

async function parseDevices(options: Options, choices: Choices, { library = [] }: Emitted): Promise<Outcome<Devices>> {
  const compiles = choices.target === 'cuda' && library.length > 0
  const { resourceUsage, arch } = options
  if (!resourceUsage && !compiles) {
    if (arch === undefined) return done({})
    const why = 'generated code is for every architecture from sm_80 on'
    return failed(problem('ATTN0302', `--arch is for --resource-usage and --emit lib,so or lib,a: ${why}`))
  }
  const measured = resourceUsage ? await parseMeasured(options, choices) : done(undefined)
  if (!measured.ok || !compiles) return measured.ok ? done({ measured: measured.value! }) : measured
  const compiled = await (arch === undefined ? shippedArchitectures() : chooseArchitectures(arch))
  if (!compiled.ok) return compiled
  return done({ ...(measured.value ? { measured: measured.value } : {}), compiled: compiled.value })
}

async function parseMeasured({ arch, out = '-' }: Options, { target }: Choices): Promise<Outcome<readonly string[]>> {
  if (target !== 'cuda')
    return failed(
      problem('ATTN0302', `--resource-usage is of kernels of the target cuda, not ${target}`, 'add --target cuda'),
    )
  if (out === '-') return failed(problem('ATTN0318', '--resource-usage prints a table beside files', '-o FOLDER'))
  return chooseArchitectures(arch)
}

function checkWhere(options: Options, { stage, library, torch }: Emitted): Outcome<undefined> {
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
  if (torch && out === '-')
    return failed(problem('ATTN0318', '--emit torch writes several files, and none is the main one', '-o FOLDER'))
  if (check && options.depfile) return failed(problem('ATTN0300', '--check writes nothing, so it has no -MD'))
  return checkDepfile(options, writes)
}

async function printStage(stage: Stage, { file, readImport }: Source, choices: Choices): Promise<Answer> {
  const printed = await attempt(() => emitStage(stage, file, compileOptions(choices, readImport)))
  if (!printed.ok) return refuse(printed.findings)
  const text = printed.value.endsWith('\n') ? printed.value : `${printed.value}\n`
  return { exit: 0, findings: printed.warnings, out: text, json: { stage, source: file.path, text } }
}
