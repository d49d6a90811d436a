/** The generated programs themselves in f32, as a target of that arithmetic would run them: for `verifyAttention`. */
import { float32, storageRounding } from '../compiler/arithmetic.ts'
import type { Attention } from '../compiler/attention.ts'
import { resolveSizes } from '../compiler/interpret.ts'
import type { Program } from '../compiler/kernel.ts'
import { knownScalar } from '../compiler/known-scalar.ts'
import type { Op } from '../compiler/ops.ts'
import { compile, type SourceFile } from '../index.ts'
import { randomNumbers } from '../runtime/draw.ts'
import { done } from '../runtime/problem.ts'
import type { Inputs, Scalars } from '../runtime/runners.ts'
import type { VerifyOptions } from '../runtime/verify/verify.ts'
import { type Round, runProgram } from './run-program.ts'

const exactOps: readonly Op[] = [
  'add',
  'sub',
  'mul',
  'div',
  'sqrt',
  'neg',
  'abs',
  'min',
  'max',
  'select',
  'float',
  'mod',
]
const others: readonly Op[] = ['sign', 'floor', 'ceil', 'round', 'idiv', 'random', 'stop_gradient', 'straight_through']
const isExact: ReadonlySet<Op> = new Set([...exactOps, ...others])

/** IEEE f32, and functions off by up to 4 ulp: what `float32` allows. Values that functions have at 0 are exact. */
function coarse(seed: string): Round {
  const random = randomNumbers(0, seed)
  return (x, op) => {
    const off = op === undefined || isExact.has(op) || x === 1 ? 0 : 3.5 * 2 ** -23 * (2 * random.uniform() - 1)
    return Math.fround(off === 0 || !Number.isFinite(x) ? x : x * (1 + off))
  }
}

export const buildF32 =
  (file: SourceFile, functions: 'coarse' | 'rounded' = 'coarse'): VerifyOptions['build'] =>
  async ({ sizes }, { tile }) => {
    const compiled = await compile(file, { target: 'ts', simd: 'none', sizes, dtype: 'f32', ...(tile ? { tile } : {}) })
    const [program, attention] = compiled.ok ? [compiled.value.programs[0], compiled.value.module.attentions[0]] : []
    if (!program || !attention) throw new Error(`${file.path} does not compile`)
    const results = program.buffers.filter(({ role }) => role === 'result')
    const floats = results.filter(({ storage }) => storage === 'f32')
    const storage = Object.fromEntries(floats.map(({ name }) => [name, storageRounding.f32]))
    const call = (inputs: Inputs, params: Scalars): Inputs => {
      const all = lengthsOf(program, attention, inputs, params, sizes)
      const data = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor.data]))
      const given = { sizes: all, params: numbers(params), inputs: data }
      const contents = runProgram(program, given, functions === 'coarse' ? coarse(attention.name) : Math.fround)
      const tensors = results.map((b) => [
        b.name,
        { shape: b.axes.map((axis) => all[axis] as number), data: contents.get(b.name), storage: b.storage },
      ])
      return Object.fromEntries(tensors)
    }
    return done({ arithmetic: { ...float32, storage }, prices: [], call })
  }

const numbers = (params: Scalars): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, Number(value)]))

/** Of all axes, those that plan and masks have added included. */
function lengthsOf(
  program: Program,
  attention: Attention,
  inputs: Inputs,
  params: Scalars,
  sizes: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const shapes = Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, shape]))
  const resolved = resolveSizes(attention, { shapes, sizes, params })
  if (!resolved.ok) throw new Error(resolved.problems.map(({ message }) => message).join('\n'))
  const all: Record<string, number> = { ...program.sizes, ...resolved.value }
  for (const { name, length } of program.axes) {
    if (all[name] !== undefined) continue
    if (length.kind === 'like') all[name] = all[length.of] as number
    if (length.kind === 'part') all[name] = Math.ceil((all[length.of] as number) / (knownScalar(length.by, all) ?? 1))
  }
  return all
}
