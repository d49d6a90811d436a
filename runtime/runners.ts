/** What can run generated code here: one runner per target that has one. */
import { type Arithmetic, float32 } from '../compiler/arithmetic.ts'
import type { OutFile, Simd } from '../targets/target.ts'
import type { Cache } from './cache/cache.ts'
import type { Made, Staging } from './cache/staging.ts'
import type { Into } from './into.ts'
import { describeMachine, missingCompiler } from './native/compiler.ts'
import { needCompiler } from './needs/compiler.ts'
import type { Need } from './needs/need.ts'
import { type Finding, failed, type Outcome, problem } from './problem.ts'
import type { Signature } from './signature.ts'
import type { Tensor } from './tensor.ts'
import { webgpu } from './wgsl/arithmetic.ts'

export type Inputs = Readonly<Record<string, Tensor>>
export type Scalars = Readonly<Record<string, number | boolean>>

/** How a call runs, where a target has a choice: in how many threads, and until when. The event loop goes on meanwhile. */
export interface Manner {
  readonly threads: number
  readonly signal?: AbortSignal | undefined
  readonly into?: Into | undefined // a target that cannot write there gives arrays of its own
}

/**
 * One source, built and loaded. `call` runs one of its attentions; shapes that do not fit throw a RangeError. Results are the same
 * bit for bit however it runs; without a `manner`, it is this thread that does.
 */
export interface Loaded {
  call(program: Signature, inputs: Inputs, params: Scalars, manner?: Manner): Promise<Inputs> | Inputs
}

/** Sums and functions in f64; only results are rounded. Exponentials are quicker than f64 has them: templates/ts/exp.ts. */
const exponential = { relative: 2 ** (53 - 38) }
const float64: Arithmetic = {
  ...float32,
  roundoff: 2 ** -53,
  sumRoundoff: 2 ** -53,
  tiny: 2 ** -1022,
  largest: Number.MAX_VALUE,
  functions: { exp: exponential, sigmoid: exponential },
}

/** In WebAssembly f32 throughout; functions are those of native: targets/ts/wasm/functions.ts. */
const webAssembly: Arithmetic = { ...float32, tiny: 2 ** -125 }

/** f32 throughout. Functions are within 4 units in the last place, and may be 0 below 2^-125: templates/native/functions.h. */
const native: Arithmetic = { ...float32, tiny: 2 ** -125 }

/**
 * f32, with operands of products in the 16 bits that tensors are stored in, whose sums tensor cores truncate. Exponentials are made in
 * base 2 of rounded products, so that their error grows with the exponent, and quotients of reciprocals:
 * targets/cuda/fragments/functions.ts.
 */
const grows = { relative: (x: number): number => 4 + 2 * Math.abs(x) }
const tensorCores = (operand: Arithmetic['operand'], functions: Arithmetic['functions'] = {}): Arithmetic => ({
  ...float32,
  sumRoundoff: 2 ** -23,
  operand,
  functions: { exp: grows, sigmoid: grows, div: { relative: 2 }, ...functions },
})
/** tanh.approx has a relative error of 2^-11; a sigmoid is half of it and a half. */
const fast: Arithmetic['functions'] = { tanh: { relative: 2 ** 13 }, sigmoid: { ...grows, absolute: 2 ** 12 } }
const operands = {
  f16: { roundoff: 2 ** -11, smallest: 2 ** -24 },
  bf16: { roundoff: 2 ** -8, smallest: 2 ** -133 },
}
const cuda = {
  accurate: { f32: float32, f16: tensorCores(operands.f16), bf16: tensorCores(operands.bf16) },
  fast: { f32: float32, f16: tensorCores(operands.f16, fast), bf16: tensorCores(operands.bf16, fast) },
}

/** Where built code is kept, and who is told if that fails. Without a cache nothing is kept. */
export interface Keeping {
  readonly cache: Cache | undefined
  readonly warn: (warning: Finding) => void
}

export interface Runner {
  readonly about: string
  readonly arithmetic: Arithmetic // what verify may expect of it
  /** Where it depends on how tensors are stored, on the precision that the source asks for, and on the form of the code. */
  readonly arithmeticOf?: (dtype: 'f32' | 'f16' | 'bf16', precision: 'accurate' | 'fast', simd: Simd) => Arithmetic
  missing(): Promise<string | undefined> // why it cannot run here
  readonly isTest?: boolean // whether it is for tests: `verify` takes it where it is named
  readonly isSlow?: boolean // whether a build takes a compiler seconds: verify makes fewer
  readonly threadsOnDemand?: boolean // whether calls can have several threads only where code is made for that
  readonly gainsByFew?: boolean // whether calls with few rows are quicker where these are packed and keys are split
  needs?(): Promise<readonly Need[]> // what it takes of the machine, for `attnc doctor`; absent: nothing beside Node
  machine(): Promise<readonly string[]> // what `build` depends on beside the generated files: versions of its tools, the processor
  /** Makes what can be loaded of what was generated; it may be kept, and loaded by other processes. */
  build(files: readonly OutFile[], staging: Staging, keeping: Keeping): Promise<Outcome<unknown>>
  /** @param programs  all that were built, in their order */
  load(made: Made, keeping: Keeping, programs: readonly Signature[]): Promise<Outcome<Loaded>>
}

/** In the order in which `--target auto` tries them; wgsl is used by name only. */
export const runners: Readonly<Record<string, Runner>> = {
  native: {
    about: 'with g++ or clang++',
    arithmetic: native,
    isSlow: true,
    gainsByFew: true,
    missing: async () => missingCompiler(),
    needs: async () => [await needCompiler()],
    machine: async () => describeMachine(),
    build: async (files, staging, keeping) => {
      const { keepLibrary, startLoader } = await import('./native/load-native.ts')
      startLoader(keeping)
      return keepLibrary(files, staging)
    },
    load: async (made, keeping) => (await import('./native/load-native.ts')).loadLibrary(made, keeping),
  },
  ts: {
    about: 'in Node, without tools',
    arithmetic: float64,
    arithmeticOf: (_, __, simd) => (simd === 'none' ? float64 : webAssembly),
    threadsOnDemand: true,
    missing: async () => undefined,
    machine: async () => [],
    build: async (files, staging) => (await import('./load-ts.ts')).keepJavaScript(files, staging),
    load: async (made, _, programs) => (await import('./load-ts.ts')).loadJavaScript(made, programs),
  },
  wgsl: {
    about: 'in Node with the package webgpu',
    arithmetic: webgpu,
    isSlow: true, // where the adapter is software
    missing: async () => (await import('./wgsl/needs.ts')).missingAdapter(),
    needs: async () => (await import('./wgsl/needs.ts')).needsOfWebGpu(),
    machine: async () => [],
    build: async (files, staging) => (await import('./wgsl/load-wgsl.ts')).keepModule(files, staging),
    load: async (made) => (await import('./wgsl/load-wgsl.ts')).loadModule(made),
  },
  cuda: {
    about: 'on an NVIDIA GPU: with nvcc and g++ or clang++',
    arithmetic: cuda.accurate.f32,
    arithmeticOf: (dtype, precision) => cuda[precision][dtype],
    isSlow: true,
    gainsByFew: true,
    missing: async () => (await import('./cuda/load-cuda.ts')).missingDevice(),
    needs: async () => (await import('./needs/cuda.ts')).needsOfCuda(),
    machine: async () => (await import('./cuda/load-cuda.ts')).describeDevice(),
    build: async (files, staging) => (await import('./cuda/load-cuda.ts')).keepDevice(files, staging),
    load: async (made, keeping) => (await import('./cuda/load-cuda.ts')).loadDevice(made, keeping),
  },
  'cuda-emulated': {
    about: 'CUDA on this processor, for tests: with g++ or clang++',
    arithmetic: cuda.accurate.f32,
    arithmeticOf: (dtype, precision) => cuda[precision][dtype],
    isTest: true,
    isSlow: true,
    gainsByFew: true,
    missing: async () => missingCompiler(),
    needs: async () => [await needCompiler()],
    machine: async () => describeMachine(),
    build: async (files, staging) => (await import('./cuda/load-emulated.ts')).keepEmulated(files, staging),
    load: async (made, keeping) => (await import('./cuda/load-emulated.ts')).loadEmulated(made, keeping),
  },
  'cuda-ptx': {
    about: 'the PTX that nvcc makes, interpreted, for tests: with nvcc',
    arithmetic: cuda.accurate.f32,
    arithmeticOf: (dtype, precision) => cuda[precision][dtype],
    isTest: true,
    isSlow: true,
    gainsByFew: true,
    missing: async () => (await import('./cuda/load-ptx.ts')).missingNvcc(),
    needs: async () => [await (await import('./needs/cuda.ts')).needNvcc(), await needCompiler({})], // nvcc asks for no CXX
    machine: async () => (await import('./cuda/load-ptx.ts')).describePtx(),
    build: async (files, staging) => (await import('./cuda/load-ptx.ts')).keepPtx(files, staging),
    load: async (made, keeping) => (await import('./cuda/load-ptx.ts')).loadPtx(made, keeping),
  },
}

const mostFew = 8

/** How many queries a head has, for who has not said it: code is made for many of them or for few. */
export const rowsOf = (target: string, { i }: Readonly<Record<string, number>>): 'many' | 'few' =>
  i !== undefined && i <= mostFew && runners[target]?.gainsByFew ? 'few' : 'many'

const automatic = ['cuda', 'native', 'ts']

export async function firstThatRuns(): Promise<string> {
  for (const name of automatic) {
    const runner = runners[name]
    if (runner && (await runner.missing()) === undefined) return name
  }
  return 'ts'
}

/** The runner of a target, or why there is none. */
export async function runnerOf(target: string): Promise<Outcome<Runner>> {
  const runner = runners[target]
  const missing = runner ? await runner.missing() : 'attnc cannot run what it generates for it'
  if (runner && missing === undefined) return { ok: true, value: runner }
  return failed(
    problem(
      'ATTN0330',
      `target ${target} cannot run here: ${missing}`,
      `attnc doctor --target ${target} shows what is missing`,
    ),
  )
}
