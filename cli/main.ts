/** The command line's entry: reads it, runs one command, prints its answer. Only `cli/` prints. */
import { CommanderError } from 'commander'
import { version } from '../generated/version.ts'
import { type Finding, problem } from '../runtime/problem.ts'
import { type Answer, type Exit, refuse } from './answer.ts'
import { longFlags } from './gcc-flags.ts'
import { type Io, processIo } from './io.ts'
import { formatIn, parseFormat, present } from './present.ts'
import { buildProgram, type CommandName, commandNames, type Options } from './program.ts'

type Run = (args: readonly string[], options: Options, io: Io) => Promise<Answer>

/** Each command is loaded when it is asked for. */
const commands: Readonly<Record<CommandName, () => Promise<Run>>> = {
  check: async () => (await import('./check.ts')).check,
  build: async () => (await import('./build.ts')).build,
  run: async () => (await import('./run.ts')).run,
  verify: async () => (await import('./verify.ts')).verify,
  tune: async () => (await import('./tune.ts')).tune,
  bench: async () => (await import('./bench.ts')).bench,
  explain: async () => (await import('./explain.ts')).explain,
  fmt: async () => (await import('./fmt.ts')).fmt,
  init: async () => (await import('./init.ts')).init,
  doctor: async () => (await import('./doctor.ts')).doctor,
  complete: async () => (await import('./complete.ts')).complete,
  lsp: async () => (await import('./lsp.ts')).lsp,
  'cmake-dir': async () => (await import('./cmake-dir.ts')).cmakeDir,
  targets: async () => (await import('./targets.ts')).targets,
  cache: async () => (await import('./cache.ts')).cache,
}

/** Gives the exit code. With an `io` of its own it leaves the process alone. */
export async function main(argv: readonly string[], io?: Io): Promise<number> {
  if (io) return runGuarded(argv, io)
  const [{ whileInterruptible }, { hearStreams }] = await Promise.all([
    import('./interrupt.ts'),
    import('./streams.ts'),
  ])
  hearStreams()
  return whileInterruptible(() => runGuarded(argv, processIo()))
}

async function runGuarded(argv: readonly string[], io: Io): Promise<Exit> {
  try {
    return await runCommand(argv, io)
  } catch (error) {
    const { answerCrash } = await import('./crash.ts')
    return present(io, { command: commandOf(argv), format: formatIn(argv) }, answerCrash(error, argv))
  }
}

async function runCommand(argv: readonly string[], io: Io): Promise<Exit> {
  let exit: Exit = 0
  let fault = ''
  const setFault = (text: string): void => {
    fault = text
  }
  const output = { out: io.out, err: io.err, fault: setFault }
  const program = buildProgram(version, output, async (name, args, options) => {
    exit = await answer(name, args, options, io)
  })
  try {
    await program.parseAsync([...longFlags(argv)], { from: 'user' })
    return exit
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    if (fault === '') return 2 // it printed its help
    return present(io, { command: commandOf(argv), format: formatIn(argv) }, refuse([misuse(fault, argv)]))
  }
}

async function answer(command: CommandName, args: readonly string[], options: Options, io: Io): Promise<Exit> {
  const format = parseFormat(options)
  if (!format.ok) return present(io, { command, format: 'human' }, refuse(format.findings))
  const run = await commands[command]()
  const form = { command, format: format.value, repeated: options.watch ?? false }
  const show = (one: Answer): Promise<Exit> => present(io, form, one)
  if (!options.watch) return show(await run(args, options, io))
  const [{ repeat }, { readBesides }] = await Promise.all([import('./watch.ts'), import('./besides.ts')])
  const besides = (sources: readonly string[]) => readBesides(command, sources, options)
  return repeat({ args, run: () => run(args, options, io), show, besides }, io)
}

/** What commander says, as a problem of ours. */
function misuse(fault: string, argv: readonly string[]): Finding {
  const [, message = fault, guess] = /^error: (.*?)\n?(?:\(Did you mean (.*)\?\))?\n?$/s.exec(fault) ?? []
  const name = commandOf(argv)
  const help = name === 'attnc' ? 'attnc --help' : `attnc ${name} --help`
  return problem('ATTN0300', message.trim(), guess === undefined ? `see ${help}` : `did you mean ${guess}?`)
}

const commandOf = (argv: readonly string[]): CommandName | 'attnc' =>
  commandNames.find((name) => name === argv[0]) ?? 'attnc'
