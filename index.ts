/** The compiler: text in, text out. Nothing here or below touches files, processes or devices, so it runs in a browser. */
import type { Attention, Module } from './compiler/attention.ts'
import { checkFile } from './compiler/check/check.ts'
import { invariant } from './compiler/invariant.ts'
import type { Machine, Program } from './compiler/kernel.ts'
import { knownScalar } from './compiler/known-scalar.ts'
import { lowerProgram } from './compiler/lower/program.ts'
import { own } from './compiler/own.ts'
import { makePlan } from './compiler/plan/make-plan.ts'
import type { Plan } from './compiler/plan/plan.ts'
import { printPlan } from './compiler/plan/print-plan.ts'
import { printModule } from './compiler/print-ir.ts'
import { printProgram } from './compiler/print-kernel.ts'
import { verifyModule } from './compiler/verify-ir.ts'
import { verifyProgram } from './compiler/verify-kernel.ts'
import { version } from './generated/version.ts'
import { type Diagnostic, type Result, succeed } from './grammar/diagnostic.ts'
import { parse } from './grammar/parse.ts'
import type { SourceFile } from './grammar/source.ts'
import { targets } from './targets/index.ts'
import type { OutFile } from './targets/target.ts'

export type { Attention, Module, OutFile, Plan, Program }
export { type Diagnostic, type Result, type SourceFile, targets, version }

/** Everything that is fixed when a kernel is generated. */
export interface CompileOptions extends StageOptions {
  readonly target: string // a key of `targets`
  readonly threads?: boolean
}
export interface StageOptions {
  readonly dtype?: 'f32' | 'f16' | 'bf16' // of float inputs without a declared type, and of results with a feature axis; default f32
  readonly precision?: 'accurate' | 'fast' // of elementary functions, where a target has a choice; default: the source's, else accurate
  readonly sizes?: Readonly<Record<string, number>> // compile-time lengths; default d = e = 64, others from the first check line
  readonly tile?: Readonly<Record<string, number>>
  readonly results?: readonly string[] // default: all
  readonly splits?: number // parts of the streamed axis, merged by a second kernel; default 1
  readonly plan?: 'auto' | 'materialised'
  readonly readImport?: ReadImport
}
/** Gives the file that `path`, written in `from`, names; or says why there is none. */
export type ReadImport = (from: SourceFile, path: string) => SourceFile | { readonly problem: string }

export interface Compiled {
  readonly files: readonly OutFile[] // the first is the main one
  readonly module: Module
  readonly plans: readonly Plan[]
  readonly programs: readonly Program[]
}

/** Stages whose result can be printed, in order. */
export const stages = ['ast', 'ir', 'plan', 'kernel'] as const
export type Stage = (typeof stages)[number]

const noImports: ReadImport = () => ({ problem: 'imports cannot be read here' })

/** Parses and checks a source with everything it imports. Errors of the source are data; only faults of the compiler throw. */
export function analyze(file: SourceFile, readImport: ReadImport = noImports): Result<Module> {
  const module = checkFile(file, readImport)
  if (module.ok) for (const fault of verifyModule(module.value)) invariant(false, `after check: ${fault}`)
  return module
}

/** Text in, files out. Async, since a target is loaded when it is asked for. Throws `RangeError` for a target there is not. */
export async function compile(file: SourceFile, options: CompileOptions): Promise<Result<Compiled>> {
  const load = Object.hasOwn(targets, options.target) ? targets[options.target] : undefined
  if (!load) throw new RangeError(`no target ${options.target}; there are ${Object.keys(targets).join(', ')}`)
  const analyzed = analyze(file, options.readImport)
  if (!analyzed.ok) return analyzed
  const target = await load()
  const lowered = analyzed.value.attentions.map((attention) => lower(attention, options, target.machine))
  const programs = lowered.map((x) => x.program)
  const files = await target.emit({
    name: baseName(file.path),
    programs,
    dtype: options.dtype ?? 'f32',
    version,
    threads: options.threads ?? false,
  })
  return succeed({ files, module: analyzed.value, plans: lowered.map((x) => x.plan), programs }, analyzed.warnings)
}

/** What `--emit` prints. Plans and kernels are made for a machine of default tiles: they are the same for every target. */
export function emitStage(stage: Stage, file: SourceFile, options: StageOptions = {}): Result<string> {
  if (stage === 'ast') {
    const parsed = parse(file)
    return parsed.ok ? succeed(`${JSON.stringify(parsed.value.items, withoutSpans, 2)}\n`, parsed.warnings) : parsed
  }
  const analyzed = analyze(file, options.readImport)
  if (!analyzed.ok) return analyzed
  if (stage === 'ir') return succeed(printModule(analyzed.value), analyzed.warnings)
  const lowered = analyzed.value.attentions.map((attention) => lower(attention, options, defaultMachine))
  const text = stage === 'plan' ? lowered.map((x) => printPlan(x.plan)) : lowered.map((x) => printProgram(x.program))
  return succeed(text.join('\n'), analyzed.warnings)
}
const withoutSpans = (key: string, value: unknown): unknown =>
  key === 'span' || key.endsWith('Span') || key === 'file' ? undefined : value

const defaultMachine: Machine = {
  tile: { i: 32, j: 32 },
  accumulator: { largest: 3.4028234663852886e38, tiny: 2 ** -126 },
}

function lower(
  attention: Attention,
  options: StageOptions,
  machine: Machine,
): { readonly plan: Plan; readonly program: Program } {
  const sizes = compileTimeSizes(attention, options.sizes ?? {})
  const planned = makePlan(attention, { sizes, results: options.results, kind: options.plan })
  const lowered = lowerProgram(planned, {
    machine,
    dtype: options.dtype ?? 'f32',
    sizes,
    tile: options.tile ?? {},
    splits: options.splits,
  })
  for (const fault of verifyProgram(lowered.program)) invariant(false, `after lowering ${attention.name}: ${fault}`)
  return lowered
}

/** Lengths of compile-time axes: given, else declared, else d = e = 64 and the first check line for others. */
export function compileTimeSizes(
  attention: Attention,
  given: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  // Without a prototype: an axis may be called `constructor`.
  const sizes: Record<string, number> = Object.create(null)
  const find = (name: string): number | undefined => {
    if (sizes[name] !== undefined) return sizes[name]
    const axis = attention.axes.find((a) => a.name === name)
    if (axis?.time !== 'compile') return undefined
    const { length } = axis
    const value =
      length.kind === 'like'
        ? (own(given, name) ?? find(length.of) ?? own(given, length.of) ?? checked(attention, length.of))
        : length.kind === 'fixed'
          ? knownScalar(length.value, { ...sizes, ...given })
          : length.kind === 'part' && length.role === 'inner'
            ? knownScalar(length.by, { ...sizes, ...given })
            : (own(given, name) ?? (name === 'd' || name === 'e' ? 64 : checked(attention, name)))
    if (value !== undefined) sizes[name] = value
    return value
  }
  for (const axis of attention.axes) find(axis.name)
  for (const { name, length } of attention.axes)
    if (length.kind === 'like' && sizes[name] !== undefined) sizes[length.of] ??= sizes[name]
  return sizes
}
const checked = (attention: Attention, name: string): number | undefined => own(attention.checks[0]?.sizes, name)

const baseName = (path: string): string => (path.split(/[\\/]/).pop() ?? path).replace(/\.attn$/, '') || 'attention'
