/** The command line: every command with its options, examples and exit codes. What a command does is in its own file. */
import { Argument, Command, Option } from 'commander'
import { formats } from './present.ts'
import { addHelpers } from './program-helpers.ts'
import { addBench, addTune } from './program-tune.ts'

/** Values as they were written; the commands parse them. Each command declares some of these. */
export interface Options {
  readonly json?: true
  readonly format?: string
  readonly trace?: true
  readonly stdinName: string
  readonly target?: readonly string[]
  readonly out?: string
  readonly svg?: true
  readonly emit?: string
  readonly dtype?: string
  readonly precision?: string
  readonly resourceUsage?: boolean
  readonly arch?: string
  readonly plan?: string
  readonly rows?: string
  readonly simd?: string
  readonly features?: readonly string[]
  readonly limits?: readonly string[]
  readonly threads?: true | string // of `build` a switch, of other commands a number
  readonly attention?: string
  readonly size: readonly string[]
  readonly tile: readonly string[]
  readonly shape: readonly string[]
  readonly param: readonly string[]
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly seed?: string
  readonly probes: boolean
  readonly cache?: boolean
  readonly maxSize?: string
  readonly space?: readonly string[]
  readonly showSpace?: true
  readonly strategy?: string
  readonly effort?: string
  readonly numerics?: string
  readonly time?: string
  readonly maxEvals?: string
  readonly simulate?: string
  readonly log?: string
  readonly csv?: true
  readonly tuned?: boolean
  readonly sweep?: string
  readonly baseline?: string
  readonly failOver?: string
  readonly check?: true
  readonly fix?: true
  readonly watch?: true
  readonly depfile?: true
  readonly depfilePath?: string
  readonly depfileTarget?: readonly string[]
  readonly depfilePhony?: true
  readonly writeIfChanged?: true
  readonly quiet?: true
  readonly config?: string | boolean
  readonly template?: string
  readonly for?: string
}

export const commandNames = [
  'check',
  'build',
  'run',
  'verify',
  'tune',
  'bench',
  'explain',
  'fmt',
  'init',
  'doctor',
  'targets',
  'cache',
  'complete',
  'cmake-dir',
] as const
export type CommandName = (typeof commandNames)[number]
export type Handler = (command: CommandName, args: readonly string[], options: Options) => Promise<void>

/** Texts that commander would print itself. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly fault: (text: string) => void // instead of printing what is wrong with the command line
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Likewise an argument. */
export function oneOf(name: string, words: readonly string[]): Argument {
  const argument = new Argument(name)
  argument.argChoices = [...words]
  return argument
}

export const list = (flags: string, text: string): Option =>
  new Option(flags, text).argParser(collect).default([], 'none')

/** One of a few words. The commands parse it: they say what was meant where it is misspelt. */
export function choice(flags: string, text: string, words: readonly string[]): Option {
  const option = new Option(flags, text)
  option.argChoices = [...words]
  return option
}

export const shared = {
  stdinName: new Option('--stdin-name <name>', "what '-' is called in messages and output").default('stdin.attn'),
  target: new Option('-t, --target <name>', 'what to generate; see attnc targets').argParser(collect),
  dtype: choice('--dtype <type>', 'of float tensors whose type the source leaves open', ['f32', 'f16', 'bf16']),
  precision: choice('--precision <class>', 'of elementary functions (default: accurate)', ['accurate', 'fast']),
  plan: choice('--plan <kind>', 'materialised keeps every reduction in memory (default: auto)', [
    'auto',
    'materialised',
  ]),
  simd: choice('--simd <form>', 'of target ts: WebAssembly and plain code, or one of them (default: auto)', [
    'auto',
    'wasm',
    'none',
  ]),
  features: list('--features <names>', 'of target wgsl: what the device has, as shader-f16,subgroups'),
  limits: list('--limits <limits>', 'of target wgsl: what the device allows, as name=value, or a JSON file of them'),
  size: list('--size <lengths>', 'lengths known at compile time, as d=64,e=64'),
  tile: list('--tile <lengths>', 'tile of a pair kernel, as i=64,j=64'),
  shape: list('--shape <lengths>', 'lengths of axes, as b=1,h=2,i=33,j=65; others take 1 to 4'),
  seed: new Option('--seed <number>', 'of random tensors (default: 0)'),
  param: list('--param <name=value>', 'a parameter of the attention'),
  threads: new Option('--threads <number>', 'that share the work of a call, where the target has threads'),
  noCache: new Option('--no-cache', 'neither use nor keep what is built'),
  noTuned: new Option('--no-tuned', 'leave aside what attnc tune found'),
  watch: new Option('-w, --watch', 'run again whenever a source has changed, or one that it imports'),
  attention: new Option('--attention <name>', 'which one, where the source has several'),
}

/** Exit codes of all commands; each command's help shows those it has. */
const exitCodes: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'the source, a tensor or a result is wrong',
  2: 'wrong command line, or a path that cannot be read or written',
  3: 'a tool or device is missing or fails',
  4: 'a bug of attnc: it says where it left a report',
  130: 'interrupted',
}

const epilogue = (examples: readonly string[], exits: readonly number[]): string =>
  [
    '\nExamples:',
    ...examples.map((example) => `  ${example}`),
    '\nExit codes:',
    ...exits.map((exit) => `  ${`${exit}`.padEnd(4)} ${exitCodes[exit]}`),
  ].join('\n')

export function buildProgram(version: string, output: Output, handle: Handler): Command {
  const program = new Command('attnc')
    .description('A compiler for attention kernels: a definition in, kernels out.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help on a command')
    .exitOverride()
    .configureOutput({ writeOut: output.out, writeErr: output.err, outputError: output.fault })
    .addHelpText('after', epilogue(overview, [0, 1, 2, 3, 4, 130]))
  const add = (
    name: CommandName,
    usage: string,
    text: string,
    examples: readonly string[],
    exits: readonly number[],
  ): Command =>
    program
      .command(`${name}${usage}`)
      .description(text)
      .addOption(choice('--format <form>', 'how findings are shown', formats))
      .option('--json', 'the same as --format json: one object on stdout')
      .option('--trace', 'show the stack of an internal error')
      .addHelpText('after', epilogue(examples, exits))
      .action((...given: readonly unknown[]) => {
        const command = given.at(-1)
        return command instanceof Command ? handle(name, command.args, command.opts<Options>()) : undefined
      })
  for (const addTo of [addCheck, addBuild, addRun, addVerify, addTune, addBench, addOthers, addHelpers, addCache])
    addTo(add)
  return program
}

const overview = [
  'attnc check kernels/',
  'attnc build sigmoid.attn --target ts -o out',
  'attnc verify sigmoid.attn',
  'attnc explain ATTN0123',
]

export type Add = (
  name: CommandName,
  usage: string,
  text: string,
  examples: readonly string[],
  exits: readonly number[],
) => Command

function addCheck(add: Add): void {
  const examples = ['attnc check sigmoid.attn', 'attnc check kernels/ --fix', 'attnc check - < sigmoid.attn']
  add(
    'check',
    ' <files...>',
    'Reports what is wrong with sources; folders are searched for .attn files.',
    examples,
    [0, 1, 2, 4],
  )
    .option('--fix', 'write what is surely meant where a hint says so; of standard input, print it')
    .addOption(shared.watch)
    .addOption(shared.stdinName)
}

function addBuild(add: Add): void {
  const examples = [
    'attnc build sigmoid.attn --target ts -o out',
    'attnc build sigmoid.attn --size d=128,e=128 --dtype f16 -o out',
    'attnc build sigmoid.attn --emit kernel',
    'attnc build kernels/ --target ts -o out --check',
    'attnc build sigmoid.attn --target native -o out -MD -MF out/sigmoid.d -MP',
    'attnc build - --stdin-name sigmoid.attn --target ts -o - < sigmoid.attn',
  ]
  add('build', ' <files...>', 'Generates kernels: one main file per source, named after it.', examples, [0, 1, 2, 3, 4])
    .addOption(shared.target)
    .option('-o, --out <folder>', "where to write; made if missing; '-' prints the main file")
    .addOption(
      choice(
        '--emit <what>',
        'print a stage instead, or write a library (lib; lib,so,a), a PyTorch extension (torch) or types of modules (dts)',
        ['ast', 'ir', 'plan', 'kernel', 'lib', 'torch', 'dts'],
      ),
    )
    .addOption(shared.dtype)
    .addOption(shared.precision)
    .addOption(shared.size)
    .addOption(shared.tile)
    .addOption(shared.plan)
    .addOption(shared.simd)
    .addOption(shared.features)
    .addOption(shared.limits)
    .addOption(choice('--rows <count>', 'queries of a head in a call: many, or few (default: many)', ['many', 'few']))
    .addOption(shared.noTuned)
    .option('--threads', 'also a function that runs on several threads, where the target is one-threaded')
    .option('--resource-usage', 'also print what kernels of the target cuda take of devices, as nvcc says')
    .option('--arch <names>', 'devices of --resource-usage and of libraries of the target cuda, as sm_80,sm_90')
    .option('--check', 'write nothing; exit 1 if a file would change')
    .option('--config <file>', 'instead of the nearest attnc.config.ts or .toml')
    .option('--no-config', 'take none')
    .option('-q, --quiet', 'do not list what was written')
    .option('--write-if-changed', 'leave files alone that are as they should be, for Ninja with restat')
    .option('--depfile', '-MD: also write which files were read, for Make and Ninja')
    .option('--depfile-path <file>', '-MF: where to (default: NAME.d beside the main file)')
    .addOption(
      new Option('--depfile-target <name>', '-MT: what depends on them (default: all that is written)').argParser(
        collect,
      ),
    )
    .option('--depfile-phony', '-MP: no error in Make where one of them was removed')
    .addOption(shared.watch)
    .addOption(shared.stdinName)
}

function addRun(add: Add): void {
  const examples = [
    'attnc run sigmoid.attn --input q=q.npy --input k=k.npy --input v=v.npy --output out=out.npy',
    'attnc run sigmoid.attn --input qkv.npz --output out=results.npz',
    'attnc run sigmoid.attn --shape b=1,h=2,i=128,j=128 --param bias=-4.8',
  ]
  add(
    'run',
    ' <file>',
    'Runs an attention on tensors in .npy, .npz and .safetensors files.',
    examples,
    [0, 1, 2, 3, 4, 130],
  )
    .addOption(list('--input <name=file>', 'an input tensor, of an archive as q=file.npz:name; or an archive of all'))
    .addOption(list('--output <name=file>', 'a result to write; without any, a summary of each is printed'))
    .addOption(shared.param)
    .addOption(shared.shape)
    .addOption(shared.seed)
    .addOption(shared.target)
    .addOption(shared.attention)
    .addOption(shared.dtype)
    .addOption(shared.precision)
    .addOption(shared.size)
    .addOption(shared.tile)
    .addOption(shared.plan)
    .addOption(shared.simd)
    .addOption(shared.features)
    .addOption(shared.limits)
    .addOption(shared.threads)
    .addOption(shared.noTuned)
    .addOption(shared.noCache)
    .addOption(shared.watch)
    .addOption(shared.stdinName)
}

function addVerify(add: Add): void {
  const examples = [
    'attnc verify sigmoid.attn',
    'attnc verify examples/ --target ts --json',
    'attnc verify sigmoid.attn --shape i=33,j=65 --seed 7',
  ]
  add(
    'verify',
    ' <files...>',
    'Compares generated kernels with the definition, on random and on hostile inputs.',
    examples,
    [0, 1, 2, 3, 4, 130],
  )
    .addOption(shared.target)
    .addOption(shared.shape)
    .addOption(shared.seed)
    .addOption(shared.dtype)
    .addOption(shared.param)
    .addOption(shared.tile)
    .addOption(shared.simd)
    .addOption(shared.features)
    .addOption(shared.limits)
    .option('--no-probes', 'random inputs only')
    .addOption(shared.threads)
    .addOption(shared.noCache)
    .addOption(shared.watch)
    .addOption(shared.stdinName)
}

function addOthers(add: Add): void {
  add(
    'explain',
    ' <what>',
    'Explains an error code, or how a source is computed.',
    [
      'attnc explain ATTN0123',
      'attnc explain sigmoid.attn',
      'attnc explain sigmoid.attn --shape i=1,j=4096',
      'attnc explain sigmoid.attn --svg -o figures',
    ],
    [0, 1, 2, 4],
  )
    .option('--svg', 'draw the tiles of the mask, the plan and an attention map instead')
    .option('-o, --out <folder>', 'where to write what is drawn; made if missing')
    .addOption(list('--shape <lengths>', 'lengths to draw and count for, as i=1,j=4096'))
    .addOption(shared.target)
    .addOption(shared.dtype)
    .addOption(shared.size)
    .addOption(shared.tile)
    .addOption(shared.plan)
    .addOption(shared.stdinName)
  add(
    'fmt',
    ' <files...>',
    'Writes sources in the one standard layout.',
    ['attnc fmt kernels/', 'attnc fmt --check .', 'attnc fmt - < sigmoid.attn'],
    [0, 1, 2, 4],
  )
    .option('--check', 'change nothing; exit 1 if a file would change')
    .addOption(shared.stdinName)
  add(
    'targets',
    '',
    'Lists what can be generated, and what can run here.',
    ['attnc targets', 'attnc targets --json'],
    [0, 4],
  )
}

function addCache(add: Add): void {
  const command = add(
    'cache',
    '',
    'Shows what was built and kept (dir, ls), or removes it (prune, clear).',
    ['attnc cache dir', 'attnc cache ls', 'attnc cache prune --max-size 100M', 'attnc cache clear'],
    [0, 2, 4],
  ).option('--max-size <size>', 'of prune: what may be left, as 100M or 1G (default: 512M)')
  command.addArgument(oneOf('<action>', ['dir', 'ls', 'prune', 'clear']))
}
