/** attnc in Node: the compiler of `index.ts`, and what reads sources and runs what they say. It prints nothing and never exits. */
import type { Attention } from './compiler/attention.ts'
import type { Sizes } from './compiler/interpret.ts'
import type { Program } from './compiler/kernel.ts'
import type { SourceFile } from './grammar/source.ts'
import { analyze, type CompileOptions, compile, type ReadImport } from './index.ts'
import { readSource } from './runtime/files.ts'
import { importReader } from './runtime/imports.ts'
import { emptyLaunch, type Launch, prepareLaunch } from './runtime/launch.ts'
import { done, failed, type Outcome, problem } from './runtime/problem.ts'
import { firstThatRuns, type Inputs, type Loaded, type Runner, runnerOf, type Scalars } from './runtime/runners.ts'
import { recordOf } from './runtime/tensor.ts'

export * from './index.ts'
export { importJavaScript, type Kernel } from './runtime/load-ts.ts'
export { decodeNpy, encodeNpy, readNpy, tensorOf } from './runtime/npy.ts'
export type { Finding, Outcome, Problem } from './runtime/problem.ts'
export type { Tensor } from './runtime/tensor.ts'

export interface SourceOnDisk {
  readonly file: SourceFile
  readonly readImport: ReadImport
}

export function openSource(path: string): Outcome<SourceOnDisk> {
  const file = readSource(path)
  return file.ok ? done({ file: file.value, readImport: importReader(file.value) }) : file
}

/** The one of this name, or the only one. */
export function chooseAttention(attentions: readonly Attention[], name: string | undefined): Outcome<Attention> {
  const [only, ...others] = name === undefined ? attentions : attentions.filter((attention) => attention.name === name)
  if (only && others.length === 0) return done(only)
  const list = attentions.length > 0 ? attentions.map((attention) => attention.name).join(', ') : 'none'
  if (name !== undefined)
    return failed(problem('ATTN0309', `there is no attention '${name}' in this source`, `there is ${list}`))
  const [first] = attentions
  if (!first) return failed(problem('ATTN0309', 'this source has no attention to run'))
  return failed(problem('ATTN0309', `this source has several attentions: ${list}`, `--attention ${first.name}`))
}

/** One attention, built for a target and loaded. */
export interface Ready {
  readonly runner: Runner
  readonly program: Program
  readonly loaded: Loaded
}

/** @param options  `sizes` may name every axis: of those, the compile-time ones are used */
export async function loadAttention(
  source: SourceOnDisk,
  attention: Attention,
  options: CompileOptions,
): Promise<Outcome<Ready>> {
  const runner = await runnerOf(options.target)
  if (!runner.ok) return runner
  const fixed = attention.axes
    .filter(({ time }) => time === 'compile')
    .flatMap(({ name }) => {
      const length = options.sizes?.[name]
      return length === undefined ? [] : [[name, length] as const]
    })
  const compiled = await compile(source.file, {
    ...options,
    sizes: Object.fromEntries(fixed),
    readImport: source.readImport,
  })
  if (!compiled.ok) return failed(...compiled.diagnostics)
  const program = compiled.value.programs.find(({ name }) => name === attention.name)
  if (!program) throw new Error(`no program for ${attention.name}`)
  const loaded = await runner.value.load(compiled.value.files)
  return loaded.ok ? done({ runner: runner.value, program, loaded: loaded.value }) : loaded
}

/** Calls what was loaded; what it says of shapes is a problem of the caller. */
export async function callAttention(
  { program, loaded }: Ready,
  { inputs, params }: Pick<Launch, 'inputs' | 'params'>,
): Promise<Outcome<Inputs>> {
  try {
    return done(await loaded.call(program, inputs, params))
  } catch (error) {
    if (error instanceof RangeError) return failed(problem('ATTN0324', error.message))
    throw error
  }
}

export interface RunOptions extends Partial<CompileOptions> {
  readonly attention?: string // where the source has several
  readonly inputs?: Inputs
  readonly params?: Scalars
  readonly shape?: Sizes
  readonly seed?: number // draws the inputs that are not given
}

/** Runs an attention of a source file on tensors. */
export async function run(path: string, options: RunOptions = {}): Promise<Outcome<Inputs>> {
  const source = openSource(path)
  if (!source.ok) return source
  const module = analyze(source.value.file, source.value.readImport)
  if (!module.ok) return failed(...module.diagnostics)
  const attention = chooseAttention(module.value.attentions, options.attention)
  if (!attention.ok) return attention
  const given = {
    ...emptyLaunch,
    inputs: recordOf(Object.entries(options.inputs ?? {})),
    params: recordOf(Object.entries(options.params ?? {})),
    dtype: options.dtype ?? 'f32',
  }
  const launch = prepareLaunch(attention.value, given, { ...options.sizes, ...options.shape }, options.seed)
  if (!launch.ok) return launch
  const target = options.target ?? (await firstThatRuns())
  const ready = await loadAttention(source.value, attention.value, { ...options, target, sizes: launch.value.sizes })
  return ready.ok ? callAttention(ready.value, launch.value) : ready
}
