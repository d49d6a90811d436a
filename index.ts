/** The compiler: text in, text out. Nothing here or below touches files, processes or devices, so it runs in a browser. */
import type { Attention, Module } from './compiler/attention.ts'
import { checkFile, type ReadImport } from './compiler/check/check.ts'
import { compileTimeSizes } from './compiler/compile-time-sizes.ts'
import {
  type ExplainOptions,
  type Explanation,
  explainAttention,
  type LoweredAttention,
} from './compiler/explain/explain.ts'
import type { Draw } from './compiler/explain/lengths.ts'
import { printExplanation } from './compiler/explain/print.ts'
import { invariant } from './compiler/invariant.ts'
import type { Machine, Program } from './compiler/kernel.ts'
import { lowerProgram } from './compiler/lower/program.ts'
import { checkOptions, OptionError, type StageOptions } from './compiler/options.ts'
import { withPairResults } from './compiler/pair-results.ts'
import { makePlan, type Planned, type PlanOptions } from './compiler/plan/make-plan.ts'
import type { Plan } from './compiler/plan/plan.ts'
import { printPlan } from './compiler/plan/print-plan.ts'
import { printModule } from './compiler/print-ir.ts'
import { printProgram } from './compiler/print-kernel.ts'
import { verifyModule } from './compiler/verify-ir.ts'
import { verifyProgram } from './compiler/verify-kernel.ts'
import { version } from './generated/version.ts'
import { type Diagnostic, type Result, succeed } from './grammar/diagnostic.ts'
import { parse } from './grammar/parse.ts'
import { placeOf, type SourceFile } from './grammar/source.ts'
import { deviceFor } from './targets/device.ts'
import { targets } from './targets/index.ts'
import type { Device, OutFile, Simd, Target } from './targets/target.ts'

export { renderHuman, renderShort } from './grammar/diagnostic.ts'
export type { Attention, Draw, ExplainOptions, Explanation, Module, OutFile, Plan, Program, ReadImport, StageOptions }
export { compileTimeSizes, type Diagnostic, OptionError, placeOf, type Result, type SourceFile, targets, version }

/** Everything that is fixed when code is generated. */
export interface CompileOptions extends StageOptions {
  readonly target: string // a key of `targets`
  readonly library?: boolean // to be shipped: code for each level of instructions, chosen when it runs, where the target has them; default false
  readonly torch?: boolean // also an extension of PyTorch around the kernels, where the target has one: target 'cuda'; default false
  readonly simd?: Simd // whether kernels are in WebAssembly too, or only, where the target has them so; default auto: too
  readonly features?: readonly string[] // optional features that every device for the code has, as 'shader-f16' and 'subgroups' of wgsl; default: none
  readonly limits?: Readonly<Record<string, number>> // what these devices allow at least, as `adapter.limits` says; default: what every device allows
  readonly threads?: boolean // also a function that shares the work among workers, where the target has one thread; default false
}

/** A source for a target, up to its tile programs. */
export interface Prepared {
  readonly module: Module
  readonly plans: readonly Plan[]
  readonly programs: readonly Program[]
  emit(): Promise<readonly OutFile[]> // the first is the main one
}
export interface Compiled extends Omit<Prepared, 'emit'> {
  readonly files: readonly OutFile[] // the first is the main one
}

/** Stages whose result can be printed, in order. */
export const stages = ['ast', 'ir', 'plan', 'kernel'] as const
export type Stage = (typeof stages)[number]

const noImports: ReadImport = () => ({ problem: 'imports cannot be read here' })

/** Parses and checks a source with everything it imports. Errors of the source are data; only faults of the compiler throw. */
export function analyze(file: SourceFile, readImport: ReadImport = noImports): Result<Module> {
  if (typeof file?.path !== 'string' || typeof file.text !== 'string')
    throw new TypeError('a source is an object of a path, which messages show, and a text')
  const module = checkFile(file, readImport)
  if (module.ok) for (const fault of verifyModule(module.value)) invariant(false, `after check: ${fault}`)
  return module
}

/**
 * Text in, files out. Async, since a target is loaded when it is asked for. What is wrong with the source is data; an
 * `OptionError` or a `TypeError` says that the call is wrong: a target there is not, a length that is none.
 */
export async function compile(file: SourceFile, options: CompileOptions): Promise<Result<Compiled>> {
  const prepared = await prepare(file, options)
  if (!prepared.ok) return prepared
  const { emit, ...rest } = prepared.value
  return succeed({ files: await emit(), ...rest }, prepared.warnings)
}

/** As `compile`, for who may have the files already: they are generated when `emit` is called. */
export async function prepare(file: SourceFile, options: CompileOptions): Promise<Result<Prepared>> {
  const target = await targetOf(options.target)
  const studied = study(file, options.readImport)
  return studied.ok ? succeed(studied.value.prepare(target, options), studied.warnings) : studied
}

async function targetOf(name: string): Promise<Target> {
  const load = Object.hasOwn(targets, name) ? targets[name] : undefined
  const known = Object.keys(targets)
  if (!load) throw new OptionError('target', `no target ${name}; there are ${known.join(', ')}`, { name, known })
  return load()
}

/** A source that was checked, for who asks several things of it: what they have in common is worked out once. */
export interface Study {
  readonly module: Module
  explain(options?: ExplainOptions): Explained
  /** @param target  that of `options`, loaded */
  prepare(target: Target, options: CompileOptions): Prepared
}

export function study(file: SourceFile, readImport?: ReadImport): Result<Study> {
  const analyzed = analyze(file, readImport)
  if (!analyzed.ok) return analyzed
  const module = analyzed.value
  const lower = createLowering()
  return succeed(
    {
      module,
      explain: (options = {}) => explainModule(module, options, lower),
      prepare: (target, options) => prepareModule(module, baseName(file.path), target, options, lower),
    },
    analyzed.warnings,
  )
}

function prepareModule(module: Module, name: string, target: Target, options: CompileOptions, lower: Lower): Prepared {
  const attentions = module.attentions.map((attention) => withPairResults(attention, options.results))
  checkOptions(options, attentions)
  const simd = simdOf(options)
  const device = deviceFor(target, options.features, options.limits)
  const lowered = attentions.map((attention) => {
    const machines = target.machinesFor?.(options.dtype ?? 'f32', simd, device, options.rows) ?? [target.machine]
    return firstThatFits(machines, target, device, (machine) => lower(attention, options, machine))
  })
  for (const { program } of options.tile ? lowered : []) {
    const reason = target.refuses?.(program, device)
    if (reason) throw new OptionError('resources', reason)
  }
  const programs = lowered.map((x) => x.program)
  const { dtype = 'f32', threads = false, library = false, torch = false } = options
  if (library && !target.makesLibraries) throw new OptionError('library', `target ${options.target} makes no libraries`)
  if (torch) checkExtension(name, target)
  const emit = () => target.emit({ name, programs, dtype, version, threads, library, torch, simd, device })
  return { module, plans: lowered.map((x) => x.plan), programs, emit }
}

/** The module of Python is named after the source. */
function checkExtension(name: string, target: Target): void {
  if (!target.makesExtensions)
    throw new OptionError('torch', `target ${target.name} makes no extension of PyTorch: that is for the target cuda`)
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name))
    throw new OptionError('torch', `no module of Python can be called ${JSON.stringify(name)}: rename the source`)
}

function simdOf({ simd = 'auto' }: CompileOptions): Simd {
  if (!['auto', 'wasm', 'none'].includes(simd))
    throw new OptionError('simd', `simd is one of auto, wasm, none, not ${String(simd)}`)
  return simd
}

function firstThatFits(
  machines: readonly Machine[],
  { fits }: Target,
  device: Device,
  make: (machine: Machine) => LoweredAttention,
): LoweredAttention {
  for (const machine of machines.slice(0, -1)) {
    const made = make(machine)
    if (!fits || fits(made.program, device)) return made
  }
  return make(machines.at(-1)!)
}

/** How attentions are computed, for people: data, and the page that says it. Made for default tiles, as plans are. */
export function explain(file: SourceFile, options: ExplainOptions = {}): Result<Explained> {
  const studied = study(file, options.readImport)
  return studied.ok ? succeed(studied.value.explain(options), studied.warnings) : studied
}

function explainModule({ attentions }: Module, options: ExplainOptions, lower: Lower): Explained {
  checkOptions(options, attentions)
  const plans: string[] = []
  const explanations = attentions.map((attention) => {
    const { explanation, plan } = explainBy(lower, attention, options)
    plans.push(printPlan(plan))
    return explanation
  })
  return { explanations, text: explanations.map(printExplanation).join('\n'), plan: plans.join('\n') }
}
/** The same of one attention that has been checked. */
export const explainOne = (attention: Attention, options: ExplainOptions = {}): Explanation =>
  explainBy(createLowering(), attention, options).explanation

function explainBy(
  lower: Lower,
  attention: Attention,
  options: ExplainOptions,
): { readonly explanation: Explanation; readonly plan: Plan } {
  const fixed = compileTimeShape(attention, options.shape ?? {})
  const all = { ...options, sizes: { ...options.sizes, ...fixed } }
  checkOptions(all, [attention])
  const lowered = lower(attention, all, defaultMachine)
  return { explanation: explainAttention(lowered, defaultMachine, options), plan: lowered.plan }
}
export interface Explained {
  readonly explanations: readonly Explanation[]
  readonly text: string // the pages
  readonly plan: string // as `--emit plan` prints it
}
/** Lengths of a shape that have to be known when code is generated. */
const compileTimeShape = (attention: Attention, shape: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(shape).filter(([name]) =>
      attention.axes.some((axis) => axis.name === name && axis.time === 'compile'),
    ),
  )

/** What `--emit` prints. Plans and kernels are made for a machine of default tiles: they are the same for every target. */
export function emitStage(stage: Stage, file: SourceFile, options: StageOptions = {}): Result<string> {
  if (stage === 'ast') {
    const parsed = parse(file)
    return parsed.ok ? succeed(`${JSON.stringify(parsed.value.items, withoutSpans, 2)}\n`, parsed.warnings) : parsed
  }
  const analyzed = analyze(file, options.readImport)
  if (!analyzed.ok) return analyzed
  if (stage === 'ir') return succeed(printModule(analyzed.value), analyzed.warnings)
  checkOptions(options, analyzed.value.attentions)
  const lower = createLowering()
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

type Lower = (attention: Attention, options: StageOptions, machine: Machine) => LoweredAttention

/** Plans are the same for every machine: each is made once. */
function createLowering(): Lower {
  const plans = new Map<Attention, Map<string, Planned>>()
  const planOf = (attention: Attention, options: PlanOptions): Planned => {
    const known = plans.get(attention) ?? new Map<string, Planned>()
    plans.set(attention, known)
    const key = JSON.stringify([
      Object.entries(options.sizes).sort(),
      options.results,
      options.kind ?? 'auto',
      options.rows ?? 'many',
    ])
    const planned = known.get(key) ?? makePlan(attention, options)
    known.set(key, planned)
    return planned
  }
  return (attention, options, machine) => {
    const sizes = compileTimeSizes(attention, options.sizes ?? {})
    const planned = planOf(attention, { sizes, results: options.results, kind: options.plan, rows: options.rows })
    const lowered = lowerProgram(planned, {
      machine,
      dtype: options.dtype ?? 'f32',
      sizes,
      tile: options.tile ?? {},
      splits: options.splits,
      rows: options.rows,
    })
    for (const fault of verifyProgram(lowered.program)) invariant(false, `after lowering ${attention.name}: ${fault}`)
    const precision = options.precision ?? attention.precision
    const program = precision === 'fast' ? { ...lowered.program, precision } : lowered.program
    return { ...lowered, program, planned, sizes }
  }
}

const baseName = (path: string): string => (path.split(/[\\/]/).pop() ?? path).replace(/\.attn$/, '') || 'attention'
