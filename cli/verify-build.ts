import type { Attention } from '../compiler/attention.ts'
import { splitAxis } from '../compiler/lower/split.ts'
import { type Keeping, loadAttention } from '../load.ts'
import { done, type Outcome } from '../runtime/problem.ts'
import type { Signature } from '../runtime/signature.ts'
import { storageOf } from '../runtime/verify/judge.ts'
import type { Schedule, Shape } from '../runtime/verify/shapes.ts'
import type { Ready } from '../runtime/verify/verify.ts'
import type { Simd } from '../targets/target.ts'
import type { DeviceOptions } from './device-options.ts'
import type { Source } from './sources.ts'

/** Where builds are kept, and in how many threads they are called. */
interface How {
  readonly keeping?: Keeping
  readonly threads?: number | undefined
  readonly simd?: Simd | undefined
  readonly device?: DeviceOptions
}

/** Builds an attention for a shape; what is generated alike is one build. */
export function builder(
  source: Source,
  attention: Attention,
  target: string,
  how: How = {},
): (shape: Shape, schedule: Schedule) => Promise<Outcome<Ready>> {
  const built = new Map<string, Promise<Outcome<Ready>>>()
  const remembered = (shape: Shape, schedule: Schedule): Promise<Outcome<Ready>> => {
    const fixed = attention.axes.filter(({ time }) => time === 'compile').map(({ name }) => shape.sizes[name])
    const key = JSON.stringify([fixed, shape.dtype, schedule])
    const whole = (): Promise<Outcome<Ready>> => remembered(shape, { ...schedule, splits: 1 })
    const ready = built.get(key) ?? build(source, attention, target, shape, schedule, whole, how)
    built.set(key, ready)
    return ready
  }
  return remembered
}

/** @param whole  the build in one part, which stands for one that nothing was split in */
async function build(
  source: Source,
  attention: Attention,
  target: string,
  { sizes, dtype }: Shape,
  { tile, splits, rows, group }: Schedule,
  whole: () => Promise<Outcome<Ready>>,
  { keeping, threads, simd, device }: How,
): Promise<Outcome<Ready>> {
  const options = {
    target,
    sizes,
    dtype,
    splits,
    ...(tile ? { tile } : {}),
    ...(rows ? { rows } : {}),
    ...(group === undefined ? {} : { group }),
    ...(simd ? { simd } : {}),
    ...((threads ?? 1) > 1 ? { threads: true } : {}),
    ...device,
  }
  const ready = await loadAttention(source, attention, options, keeping)
  if (!ready.ok) return ready
  const { runner, program, loaded } = ready.value
  if (splits > 1 && !hasParts(program)) return whole()
  const arithmetic =
    runner.arithmeticOf?.(dtype, attention.precision ?? 'accurate', simd ?? 'auto') ?? runner.arithmetic
  return done({
    arithmetic: { ...arithmetic, storage: storageOf(attention, dtype) },
    prices: [],
    call: (inputs, params) => loaded.call(program, inputs, params, threads === undefined ? undefined : { threads }),
  })
}

const hasParts = ({ buffers }: Signature): boolean => buffers.some(({ axes }) => axes.includes(splitAxis))
