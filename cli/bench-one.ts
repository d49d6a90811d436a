import type { Attention } from '../compiler/attention.ts'
import { type CompileOptions, callAttention, loadAttention } from '../node.ts'
import { emptyLaunch, type Launch, prepareLaunch } from '../runtime/launch.ts'
import { type Limits, nativeLimits } from '../runtime/native/limits.ts'
import { done, type Finding, type Outcome } from '../runtime/problem.ts'
import { type Inputs, rowsOf, type Scalars } from '../runtime/runners.ts'
import { allThreads } from '../runtime/threads.ts'
import { deviceOf } from '../runtime/tuned/device.ts'
import { withTuned } from '../runtime/tuned/pick.ts'
import { completeSizes } from '../runtime/verify/shapes.ts'
import type { Benched } from '../tune/baseline.ts'
import { type Sample, sample, usualSampling } from '../tune/bench.ts'
import { workOf } from '../tune/work.ts'
import type { Asked } from './bench.ts'
import { compileOptions } from './compile-options.ts'
import { uninterrupted } from './interrupt.ts'
import { keeping } from './keeping.ts'
import type { Options } from './program.ts'
import type { Source } from './sources.ts'
import { tunedOf } from './tuned.ts'

export interface Measured extends Sample, Benched {
  readonly threads: number
  readonly params: Scalars
  readonly gflops: number | null // as `attnc explain` counts operations; null where it cannot
  readonly gbytes: number // of inputs and results, a second
  readonly share: number | null // of the limit that bounds it: fused multiplications, or reading memory; null where none is measured
  readonly tuned: string | null // what was picked, and from where
}

type Wanted = Omit<Asked, 'params'> & {
  readonly wanted: Readonly<Record<string, number>>
  readonly params: Scalars
}

/** One attention at one shape, on random tensors. */
export async function benchOne(
  source: Source,
  attention: Attention,
  { choices, wanted, params, seed, threads: given, milliseconds }: Wanted,
  options: Options,
  warnings: Finding[],
): Promise<Outcome<Measured>> {
  const complete = completeSizes(attention, wanted, seed, params)
  if (!complete.ok) return complete
  const asked = { ...emptyLaunch, params, dtype: choices.dtype ?? 'f32' }
  const launch = prepareLaunch(attention, asked, complete.value, seed)
  if (!launch.ok) return launch
  const { sizes, dtype } = launch.value
  const compiled = compileOptions({ ...choices, dtype, sizes, threads: (given ?? allThreads()) > 1 })
  const picked = await tunedOf(source, { attention, options: compiled, sizes }, options, warnings)
  const all = { rows: rowsOf(choices.target, sizes), ...withTuned(compiled, picked) }
  const ready = await loadAttention(source, attention, all, keeping(options, warnings))
  if (!ready.ok) return ready
  const threads = given ?? picked?.threads ?? allThreads()
  const call = (): ReturnType<typeof callAttention> => callAttention(ready.value, launch.value, { threads })
  const first = await call()
  if (!first.ok) return first
  const sampling = milliseconds === undefined ? usualSampling : { ...usualSampling, milliseconds }
  const took = await uninterrupted(() => sample(call, () => performance.now(), sampling))
  const flops = await flopsOf(source, attention, launch.value, compiled)
  const gflops = flops === undefined ? null : flops / took.milliseconds / 1e6
  const gbytes = (bytesIn(launch.value.inputs) + bytesIn(first.value)) / took.milliseconds / 1e6
  const limits = await limitsOf(choices.target, threads, options, warnings)
  const { device } = await deviceOf(choices.target)
  return done({
    ...{ attention: attention.name, target: choices.target, device, dtype, shape: { ...sizes }, threads, params },
    ...took,
    ...{ gflops, gbytes },
    share: limits ? Math.max((gflops ?? 0) / limits.gflops, gbytes / limits.gbytes) : null,
    tuned: picked?.about ?? null,
  })
}

const widths = { f32: 4, i32: 4, f16: 2, bf16: 2, bool: 1 }

const bytesIn = (tensors: Inputs): number =>
  Object.values(tensors).reduce((sum, { data, storage }) => sum + data.length * widths[storage], 0)

/** Operations in tiles that a call enters, with the masks of its tensors. */
async function flopsOf(
  source: Source,
  attention: Attention,
  { inputs, params, sizes }: Launch,
  { target: _, ...options }: CompileOptions,
): Promise<number | undefined> {
  const draw = {
    params: () => params,
    input: ({ name }: { readonly name: string }) => ({ data: inputs[name]!.data, about: 'drawn' }),
  }
  return (await workOf(source, attention, options, sizes, draw))?.flops
}

const known = new Map<string, Promise<Limits | undefined>>()

/** Measured once for a number of threads; of `native`, which computes with vectors. */
function limitsOf(target: string, threads: number, options: Options, warnings: Finding[]): Promise<Limits | undefined> {
  if (target !== 'native') return Promise.resolve(undefined)
  const key = `${threads}`
  const found = known.get(key) ?? measureLimits(threads, options, warnings)
  known.set(key, found)
  return found
}

async function measureLimits(threads: number, options: Options, warnings: Finding[]): Promise<Limits | undefined> {
  const limits = await nativeLimits(keeping(options, warnings), threads)
  return limits.ok ? limits.value : undefined
}
