/**
 * Candidates for a GPU that is not here: nvcc compiles them for it, and a model says how long its instructions take. No time is measured.
 * What would become the choice is verified as ever, on this processor.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveSizes, type Sizes } from '../compiler/interpret.ts'
import type { Kernel, Program } from '../compiler/kernel.ts'
import { type Draw, targets, version } from '../index.ts'
import { type CompiledKernel, compileKernels } from '../runtime/cuda/model/kernels.ts'
import { millisecondsOf } from '../runtime/cuda/model/time.ts'
import { drawInput } from '../runtime/draw.ts'
import { done, failed, type Outcome, problem } from '../runtime/problem.ts'
import type { Scalars } from '../runtime/runners.ts'
import type { Tensor } from '../runtime/tensor.ts'
import { fragmentsOf, nameProgram, namesOfFile } from '../targets/cuda/program.ts'
import { lower, type Subject } from './declare.ts'
import { inTurn } from './in-turn.ts'
import { loadOf, startsOf } from './load-of.ts'
import { optionsOf } from './options.ts'
import { fails, type Rig, succeeded, type Tried } from './rig.ts'
import { keyOf, type Parameter, type Point } from './space.ts'
import { workOf } from './work.ts'

export interface Modelled {
  readonly subject: Subject
  readonly params: Scalars
  readonly architecture: string // one of runtime/cuda/model/devices.ts
  readonly parameters: readonly Parameter[]
  readonly seed: number // of random tensors
  readonly check: Pick<Rig, 'verify' | 'close'> // of the same points, on what runs here
}

export function modelRig({ subject, params, architecture, parameters, seed, check }: Modelled): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'attnc-model-'))
  const times = new Map<string, number>()
  const draw = drawOf(subject, params, seed)
  const build = async (point: Point): Promise<Tried<undefined>> => {
    if (times.has(keyOf(point))) return succeeded(undefined)
    const place = mkdtempSync(join(folder, 'candidate-'))
    try {
      const found = await modelledTime(subject, params, architecture, point, place, draw)
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
    restart: async () => {},
    close: async () => {
      await check.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Why there is no model of an attention, in its usual form. */
export async function checkModelled(subject: Subject, params: Scalars): Promise<Outcome<undefined>> {
  const lowered = await lower(subject, {})
  if (!lowered.ok) return lowered
  const program = lowered.value
  const elsewhere = 'tune where the GPU is'
  if (!startsOf(program.steps, subject.sizes, params))
    return failed(
      problem(
        'ATTN0373',
        `how often ${program.name} repeats kernels is computed, of which there is no model`,
        elsewhere,
      ),
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
  draw: Draw,
): Promise<Outcome<number>> {
  const lowered = await lower(subject, point)
  if (!lowered.ok) return lowered
  const program = lowered.value
  const compiled = await compileAlone(program, subject, architecture, folder)
  if (!compiled.ok) return compiled
  const { source, attention, options, tile, sizes } = subject
  const tiles = { ...options, tile: { ...tile, ...optionsOf(point).tile } }
  const work = await workOf(source, attention, tiles, sizes, draw)
  const names = nameProgram(program, namesOfFile([program])).kernels
  const all = lengthsOf(program, subject, params)
  let total = 0
  for (const [kernel, times] of startsOf(program.steps, all, params) ?? []) {
    const one = kernelFor(names.get(kernel)!, kernel, compiled.value)
    if (!one) return failed(problem('ATTN0373', `with these tiles ${names.get(kernel)} is not on tensor cores`))
    const load = loadOf(kernel, program, all, work, [...names.keys()])
    total += times * millisecondsOf(one, load, architecture)
  }
  return done(total)
}

/** Tensors that masks read, as they are drawn where candidates are timed; each once. */
function drawOf({ sizes, options: { dtype = 'f32' } }: Subject, params: Scalars, seed: number): Draw {
  const drawn = new Map<string, Tensor>()
  const input: Draw['input'] = (one) => {
    const tensor = drawn.get(one.name) ?? drawInput(one, sizes, { seed, dtype, params })
    drawn.set(one.name, tensor)
    return { data: tensor.data, about: 'drawn' }
  }
  return { params: () => params, input }
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
