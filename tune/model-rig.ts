/**
 * Candidates for a GPU that is not here: nvcc compiles them for it, and a model says how long its instructions take. No time is measured.
 * What would become the choice is verified as ever, on this processor.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveSizes, type Sizes } from '../compiler/interpret.ts'
import type { Buffer, Kernel, Program, TileLoop } from '../compiler/kernel.ts'
import { splitAxis } from '../compiler/lower/split.ts'
import { own } from '../compiler/own.ts'
import { targets, version } from '../index.ts'
import { type CompiledKernel, compileKernels } from '../runtime/cuda/model/kernels.ts'
import { type Load, millisecondsOf } from '../runtime/cuda/model/time.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import type { Scalars } from '../runtime/runners.ts'
import { fragmentsOf, nameProgram, namesOfFile } from '../targets/cuda/program.ts'
import { lower, type Subject } from './declare.ts'
import { inTurn } from './in-turn.ts'
import { optionsOf } from './options.ts'
import { statementsIn } from './resources.ts'
import { fails, type Rig, succeeded, type Tried } from './rig.ts'
import { keyOf, type Parameter, type Point } from './space.ts'
import { type Work, workOf } from './work.ts'

export interface Modelled {
  readonly subject: Subject
  readonly params: Scalars
  readonly architecture: string // one of runtime/cuda/model/devices.ts
  readonly parameters: readonly Parameter[]
  readonly check: Pick<Rig, 'verify' | 'close'> // of the same points, on what runs here
}

export function modelRig({ subject, params, architecture, parameters, check }: Modelled): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-model-'))
  const times = new Map<string, number>()
  const build = async (point: Point): Promise<Tried<undefined>> => {
    if (times.has(keyOf(point))) return succeeded(undefined)
    const place = mkdtempSync(join(folder, 'candidate-'))
    try {
      const found = await modelledTime(subject, params, architecture, point, place)
      if (!found.ok) return fails('compile', found.findings.map(({ message }) => message).join('; '))
      times.set(keyOf(point), found.value)
      return succeeded(undefined)
    } catch (error) {
      return fails('compile', error instanceof Error ? error.message.slice(0, 2000) : String(error))
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  }
  const timesOf = (point: Point | undefined, rounds: number): readonly number[] =>
    point ? Array.from({ length: rounds }, () => times.get(keyOf(point)) ?? Number.NaN) : []
  const ordering = parameters.filter(({ ordersSums }) => ordersSums)
  return {
    build: (points) => inTurn(points, build),
    // Nothing is computed: bits are taken to agree where nothing that was chosen changes them.
    bits: async (point) => succeeded(keyOf(Object.fromEntries(ordering.map(({ name }) => [name, point[name]!])))),
    verify: (point) => check.verify(point),
    turns: async (point, other, rounds) => {
      const missing = [point, ...(other ? [other] : [])].filter((one) => !times.has(keyOf(one)))
      const [bad] = (await inTurn(missing, build)).filter(({ ok }) => !ok)
      if (bad && !bad.ok) return bad
      return succeeded({ own: timesOf(point, rounds), other: timesOf(other, rounds) })
    },
    close: async () => {
      await check.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Why there is no model of an attention, in its usual form. */
export async function checkModelled(subject: Subject): Promise<Outcome<undefined>> {
  const lowered = await lower(subject, {})
  if (!lowered.ok) return lowered
  const program = lowered.value
  const elsewhere = 'tune where the GPU is'
  if (program.steps.some(({ kind }) => kind === 'rounds'))
    return failed(
      problem('ATTN0373', `${program.name} repeats kernels until they are done, of which there is no model`, elsewhere),
    )
  const known = new Set(fragmentsOf(program).map(({ name }) => name))
  const names = nameProgram(program, namesOfFile([program])).kernels
  const other = [...names].find(([kernel, name]) => isTiled(kernel) && !known.has(onTensorCores(name)))
  if (!other && known.size > 0) return done(undefined)
  const what = other ? `the kernel ${other[1]} is` : `the kernels of ${program.name} are`
  const { dtype = 'f32' } = subject.options
  return failed(
    problem(
      'ATTN0373',
      `${what} not on tensor cores with ${dtype}, and there is no model of others`,
      `widths in multiples of ${dtype === 'f32' ? 4 : 8}, where they are not; or ${elsewhere}`,
    ),
  )
}

const onTensorCores = (name: string): string => `${name}_on_tensor_cores`
const isTiled = ({ body }: Kernel): boolean => body.some((one) => one.kind === 'loop' && one.over.kind === 'tiles')

/** ms of a call. */
async function modelledTime(
  subject: Subject,
  params: Scalars,
  architecture: string,
  point: Point,
  folder: string,
): Promise<Outcome<number>> {
  const lowered = await lower(subject, point)
  if (!lowered.ok) return lowered
  const program = lowered.value
  const compiled = await compileAlone(program, subject, architecture, folder)
  if (!compiled.ok) return compiled
  const { source, attention, options, tile, sizes } = subject
  const work = await workOf(source, attention, { ...options, tile: { ...tile, ...optionsOf(point).tile } }, sizes)
  const names = nameProgram(program, namesOfFile([program])).kernels
  const all = lengthsOf(program, subject, params)
  let total = 0
  for (const kernel of names.keys()) {
    const one = kernelFor(names.get(kernel)!, kernel, compiled.value)
    if (!one) return failed(problem('ATTN0373', `with these tiles ${names.get(kernel)} is not on tensor cores`))
    const load = loadOf(kernel, program, all, work, [...names.keys()])
    total += millisecondsOf(one, load, architecture)
  }
  return done(total)
}

/** One program by itself: nothing else of its source is compiled. */
async function compileAlone(
  program: Program,
  { attention, options }: Subject,
  architecture: string,
  folder: string,
): Promise<Outcome<readonly CompiledKernel[]>> {
  const cuda = await targets.cuda!()
  const files = await cuda.emit({ name: attention.name, programs: [program], dtype: options.dtype ?? 'f32', version })
  for (const { path, text } of files) writeFileSync(join(folder, path), text)
  return compileKernels(folder, files[0]!.path, architecture, [program])
}

/** The form of a kernel that runs; undefined where it walks tiles without tensor cores. */
function kernelFor(name: string, kernel: Kernel, compiled: readonly CompiledKernel[]): CompiledKernel | undefined {
  const [fast, plain] = [onTensorCores(name), name].map((wanted) => compiled.find((one) => one.name === wanted))
  return fast ?? (isTiled(kernel) ? undefined : plain && { ...plain, round: undefined })
}

/** Every axis, those that only the program has included. */
function lengthsOf(program: Program, { attention, sizes }: Subject, params: Scalars): Sizes {
  const found = resolveSizes({ ...attention, axes: program.axes }, { sizes, params })
  return found.ok ? { ...found.value, ...program.sizes } : { ...sizes, ...program.sizes }
}

const widths: Readonly<Record<Buffer['storage'], number>> = { f32: 4, i32: 4, f16: 2, bf16: 2, bool: 1 }

/** What one start of a kernel has to do, of all that a call has to. */
function loadOf(kernel: Kernel, program: Program, sizes: Sizes, work: Work | undefined, all: readonly Kernel[]): Load {
  const length = (axis: string): number => own(sizes, axis) ?? 1
  const blocks = kernel.grid.reduce((n, { axis, tile = 1 }) => n * Math.ceil(length(axis) / tile), 1)
  const touched = new Set(statementsIn(kernel.body).flatMap((s) => ('buffer' in s ? [s.buffer] : [])))
  const bytes = program.buffers
    .filter(({ name }) => touched.has(name))
    .reduce((sum, { axes, storage }) => sum + axes.reduce((n, axis) => n * length(axis), widths[storage]), 0)
  return { blocks, bytes, rounds: blocks * roundsOf(kernel, length, work, all), width: widthOf(kernel, length) }
}

/** Tiles of keys that a block walks: the mean over blocks, without those that the mask leaves out. Of kernels that share a walk each has its part. */
function roundsOf(
  kernel: Kernel,
  length: (axis: string) => number,
  work: Work | undefined,
  all: readonly Kernel[],
): number {
  const row = rowOf(kernel)
  const parts = kernel.grid.some(({ axis }) => axis === splitAxis) ? length(splitAxis) : 1
  return loopsOf(kernel).reduce((sum, { axis, tile }) => {
    const passes = work?.passes.filter((pass) => pass.row === row && pass.stream === axis) ?? []
    const walks = all.flatMap((one) => (rowOf(one) === row ? loopsOf(one) : [])).filter((one) => one.axis === axis)
    const shares = passes.map(({ pairs, densePairs }) => (densePairs === 0 ? 0 : pairs / densePairs))
    const share = shares.length === 0 ? 1 : shares.reduce((a, b) => a + b, 0) / Math.max(shares.length, walks.length)
    return sum + (share * Math.ceil(length(axis) / tile)) / parts
  }, 0)
}

const rowOf = ({ grid }: Kernel): string | undefined => grid.find(({ tile }) => tile !== undefined)?.axis
const loopsOf = ({ body }: Kernel): readonly TileLoop[] =>
  body.flatMap((one) => (one.kind === 'loop' && one.over.kind === 'tiles' ? [one.over] : []))

/** Of the widest value that is carried from tile to tile. */
const widthOf = ({ body }: Kernel, length: (axis: string) => number): number =>
  Math.max(
    1,
    ...body
      .flatMap((one) => (one.kind === 'loop' ? one.carried : []))
      .map(({ value }) => value.axes.reduce((n, { axis, extent }) => (extent === 'whole' ? n * length(axis) : n), 1)),
  )
