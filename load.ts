/**
 * Attentions of sources on disk, as functions. What was checked and built before is found without the compiler, which is loaded when
 * there is something to compile: this module and all that it imports at once stay small.
 */
import { existsSync } from 'node:fs'
import type { Attention, Axis } from './compiler/attention.ts'
import { compileTimeSizes } from './compiler/compile-time-sizes.ts'
import type { Sizes } from './compiler/interpret.ts'
import type { Diagnostic } from './grammar/diagnostic.ts'
import type { SourceFile } from './grammar/source.ts'
import type { CompileOptions, Prepared, ReadImport } from './index.ts'
import { AttncError, emitWarning, valueOrThrow } from './runtime/attnc-error.ts'
import { sharedCache, withoutCache } from './runtime/cache/cache.ts'
import { checkedKeyOf, keyedOptions, keyOf, showOptions } from './runtime/cache/key.ts'
import type { Work } from './runtime/cache/provide.ts'
import { gatherSources } from './runtime/cache/sources.ts'
import { type Argument, checkSizes, prepareCall } from './runtime/call.ts'
import { readSource } from './runtime/files.ts'
import { importReader } from './runtime/imports.ts'
import { moveInto } from './runtime/into.ts'
import { kept } from './runtime/kept.ts'
import type { Launch } from './runtime/launch.ts'
import type { AnyArrays, Arrays, CallOptions, LoadedAttention, LoadOptions } from './runtime/loaded.ts'
import { done, failed, type Outcome, problem } from './runtime/problem.ts'
import { remembering } from './runtime/remember.ts'
import {
  firstThatRuns,
  type Inputs,
  type Keeping,
  type Loaded,
  type Manner,
  type Runner,
  rowsOf,
  runnerOf,
} from './runtime/runners.ts'
import { type Signature, signatureOf } from './runtime/signature.ts'
import { type StoredTensor, toStored } from './runtime/stored.ts'
import { recordOf } from './runtime/tensor.ts'
import { allThreads, checkThreads } from './runtime/threads.ts'
import { asWarnings, type Picked, pickTuned, shapeClass, withTuned } from './runtime/tuned/pick.ts'
import { tunedPath } from './runtime/tuned/tuned-file.ts'
import { unknownNames } from './runtime/unknown-names.ts'

export { AttncError, type Place } from './runtime/attnc-error.ts'
export type { Argument } from './runtime/call.ts'
export type { CallOptions, LoadedAttention, LoadOptions } from './runtime/loaded.ts'
export { allocate } from './runtime/native/allocate.ts'
export type { Finding, Outcome, Problem } from './runtime/problem.ts'
export type { Keeping } from './runtime/runners.ts'
export type { StoredData, StoredTensor } from './runtime/stored.ts'

export interface SourceOnDisk {
  readonly file: SourceFile
  readonly readImport: ReadImport
}

export function openSource(path: string): Outcome<SourceOnDisk> {
  const file = readSource(path)
  return file.ok ? done({ file: file.value, readImport: importReader(file.value) }) : file
}

/** What a source declares, and what its checks warn of. */
export interface Checked {
  readonly attentions: readonly Attention[]
  readonly warnings: readonly Diagnostic[]
}

/** Checks a source, or finds what came of it before. */
export function checkSource(source: SourceOnDisk, keeping: Keeping = nothingKept): Promise<Outcome<Checked>> {
  const { file, readImport } = source
  const sources = keeping.cache && gatherSources(file, readImport)
  const about = { source: file.path, target: 'any', options: 'checked' }
  return kept(sources && checkedKeyOf(sources), about, () => check(source), keeping)
}

async function check({ file, readImport }: SourceOnDisk): Promise<Outcome<Checked>> {
  const { analyze } = await import('./index.ts')
  const module = analyze(file, readImport)
  if (!module.ok) return failed(...module.diagnostics)
  return done({ attentions: module.value.attentions, warnings: module.warnings })
}

/**
 * The one of this name, or the only one.
 *
 * @param hint  how the caller's user says which one
 */
export function chooseAttention(
  attentions: readonly Attention[],
  name: string | undefined,
  hint: (name: string) => string = (one) => `{ attention: '${one}' }`,
): Outcome<Attention> {
  const [only, ...others] = name === undefined ? attentions : attentions.filter((attention) => attention.name === name)
  if (only && others.length === 0) return done(only)
  const list = attentions.length > 0 ? attentions.map((attention) => attention.name).join(', ') : 'none'
  if (name !== undefined)
    return failed(problem('ATTN0309', `there is no attention '${name}' in this source`, `there is ${list}`))
  const [first] = attentions
  if (!first) return failed(problem('ATTN0309', 'this source has no attention to run'))
  return failed(problem('ATTN0309', `this source has several attentions: ${list}`, hint(first.name)))
}

/** One attention, built for a target and loaded. */
export interface Ready {
  readonly runner: Runner
  readonly program: Signature
  readonly loaded: Loaded
}

const nothingKept: Keeping = { cache: undefined, warn: () => {} }
const signatures = 'signatures.json'

/** @param options  `sizes` may name every axis: of those, the compile-time ones are used; `threads`: whether calls may have several */
export async function loadAttention(
  source: SourceOnDisk,
  attention: Attention,
  options: CompileOptions,
  keeping: Keeping = nothingKept,
): Promise<Outcome<Ready>> {
  const { cache, warn } = keeping
  const runner = await runnerOf(options.target)
  if (!runner.ok) return runner
  const { machine, build, load, threadsOnDemand = false } = runner.value
  const fixed = {
    ...{ ...options, threads: threadsOnDemand && (options.threads ?? false) },
    ...{ sizes: compileTimeSizes(attention, options.sizes ?? {}), readImport: source.readImport },
  }
  const work: Work<Ready> = {
    build: async (staging) => {
      const prepared = await prepareSource(source.file, fixed)
      if (!prepared.ok) return prepared
      const built = await build(await prepared.value.emit(), staging, keeping)
      if (built.ok) staging.write(signatures, JSON.stringify(prepared.value.programs.map(signatureOf)))
      return built
    },
    use: async (made) => {
      const programs = JSON.parse(new TextDecoder().decode(made.read(signatures))) as readonly Signature[]
      const loaded = await load(made, keeping, programs)
      if (!loaded.ok) return loaded
      const program = programs.find(({ name }) => name === attention.name)
      if (!program) throw new Error(`no program for ${attention.name}`)
      return done({ runner: runner.value, program, loaded: loaded.value })
    },
  }
  const keyed = keyedOptions(fixed)
  const sources = cache && gatherSources(source.file, source.readImport)
  const key = sources && keyOf(sources, keyed, await machine())
  const about = { source: source.file.path, target: options.target, options: showOptions(keyed) }
  return cache && key !== undefined ? cache.provide({ ...work, key, about, warn }) : withoutCache(work)
}

async function prepareSource(file: SourceFile, options: CompileOptions): Promise<Outcome<Prepared>> {
  const [{ prepare }, { attempt }] = await Promise.all([import('./index.ts'), import('./runtime/attempt.ts')])
  return attempt(() => prepare(file, options))
}

/** Calls what was loaded; what it says of shapes is a problem of the caller. */
export async function callAttention(
  { program, loaded }: Ready,
  { inputs, params }: Pick<Launch, 'inputs' | 'params'>,
  manner?: Manner,
): Promise<Outcome<Inputs>> {
  try {
    return done(await loaded.call(program, inputs, params, manner))
  } catch (error) {
    if (error instanceof RangeError) return failed(problem('ATTN0324', error.message))
    if (error instanceof AttncError) return failed(...error.findings)
    throw error
  }
}

/**
 * Reads a source, and gives one of its attentions as a function. It is compiled when it is first called with lengths that are fixed
 * in generated code, or at once where `sizes` has them all. Throws an `AttncError` where source or options are wrong.
 */
export async function load<Inputs extends Arrays<Inputs> = AnyArrays, Results extends Arrays<Results> = AnyArrays>(
  path: string,
  options: LoadOptions = {},
): Promise<LoadedAttention<Inputs, Results>> {
  const {
    attention: name,
    target: asked = 'auto',
    cache = true,
    threads,
    tuned = true,
    onTuned = () => {},
    onWarning: warn = emitWarning,
    ...rest
  } = options
  const source = valueOrThrow(openSource(path))
  const keeping = { cache: cache ? sharedCache() : undefined, warn }
  const { attentions, warnings } = valueOrThrow(await checkSource(source, keeping))
  for (const warning of warnings) warn(warning)
  const attention = valueOrThrow(chooseAttention(attentions, name))
  const faults = [...checkSizes(attention, rest.sizes ?? {}), ...(threads === undefined ? [] : checkThreads(threads))]
  if (faults.length > 0) throw new AttncError(faults)
  const target = asked === 'auto' ? await firstThatRuns() : asked
  const looks = tuned && existsSync(tunedPath(path))
  const lookUp = looks ? tunedLookUp(source, attention, { warn, onTuned }) : async () => undefined
  const call = await callable(source, attention, { ...rest, target, threads: true }, threads, keeping, lookUp)
  return Object.assign(call, { attention, target }) as unknown as LoadedAttention<Inputs, Results> // by the names of the caller
}

interface Specialised {
  readonly ready: Ready
  readonly threads: number | undefined // that were tuned
}

type LookUp = (options: CompileOptions, sizes: Sizes) => Promise<Picked | undefined>

/** Of each class of lengths it is asked once: the file is read then. */
function tunedLookUp(
  { file }: SourceOnDisk,
  attention: Attention,
  { warn, onTuned }: { readonly warn: Keeping['warn']; readonly onTuned: (about: string) => void },
): LookUp {
  const known = new Map<string, Promise<Picked | undefined>>()
  const find = async (options: CompileOptions, sizes: Sizes): Promise<Picked | undefined> => {
    const picked = await pickTuned(file.path, { attention, target: options.target, options, sizes })
    if (!picked.ok) for (const finding of asWarnings(picked.findings)) warn(finding)
    else if (picked.value) onTuned(picked.value.about)
    return picked.ok ? picked.value : undefined
  }
  return (options, sizes) => {
    const key = JSON.stringify([options.dtype, shapeClass(attention, sizes)])
    const found = known.get(key) ?? find(options, sizes)
    known.set(key, found)
    return found
  }
}

type Call = (inputs: Readonly<Record<string, Argument>>, options?: CallOptions) => Promise<AnyTensors>
type AnyTensors = Readonly<Record<string, StoredTensor>>

async function callable(
  source: SourceOnDisk,
  attention: Attention,
  options: CompileOptions,
  most: number | undefined,
  keeping: Keeping,
  lookUp: LookUp,
): Promise<Call> {
  const { dtype, sizes: known = {} } = options
  const specialise = remembering(
    (fixed: CompileOptions) => JSON.stringify(keyedOptions(fixed)),
    (fixed) => loadAttention(source, attention, fixed, keeping),
  )
  const specialised = async (sizes: Sizes, type: Launch['dtype']): Promise<Specialised> => {
    const picked = await lookUp({ ...options, dtype: type }, sizes)
    const given = withTuned({ ...options, dtype: type, sizes: compileTimeSizes(attention, sizes) }, picked)
    const rows = given.rows ?? rowsOf(options.target, sizes)
    return { ready: valueOrThrow(await specialise({ ...given, rows })), threads: picked?.threads }
  }
  const isKnown = ({ name, time, length }: Axis): boolean =>
    time === 'run' || Object.hasOwn(known, name) || (length.kind !== 'input' && length.kind !== 'divides')
  if (attention.axes.every(isKnown)) await specialised(known, dtype ?? 'f32')
  return async (inputs, { params = {}, sizes, threads = most, signal, into = {} } = {}) => {
    signal?.throwIfAborted()
    const results = attention.results.map(({ name }) => name)
    const faults = [
      ...(threads === undefined ? [] : checkThreads(threads)),
      ...unknownNames('ATTN0305', 'result', Object.keys(into), results),
    ]
    if (faults.length > 0) throw new AttncError(faults)
    const launch = valueOrThrow(prepareCall(attention, { inputs, params, sizes: { ...known, ...sizes } }, dtype))
    const { ready, threads: usual = allThreads() } = await specialised(launch.sizes, launch.dtype)
    const manner = { threads: threads ?? usual, signal, into }
    const made = valueOrThrow(await callAttention(ready, launch, manner))
    return recordOf(
      Object.entries(made).map(([name, tensor]) => [name, moveInto(name, toStored(tensor), tensor.storage, into)]),
    )
  }
}
