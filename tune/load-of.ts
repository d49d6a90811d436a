/** What a call of a program has to do, kernel by kernel, for a model of a device. */

import type { Sizes } from '../compiler/interpret.ts'
import type { Buffer, Kernel, KernelExpr, Program, Step, TileLoop } from '../compiler/kernel.ts'
import { splitAxis } from '../compiler/lower/split.ts'
import { own } from '../compiler/own.ts'
import type { Load } from '../runtime/cuda/model/time.ts'
import type { Scalars } from '../runtime/runners.ts'
import { statementsIn } from './resources.ts'
import type { Work } from './work.ts'

/** How often each kernel starts in a call; undefined: its number of rounds is no simple term of lengths and parameters. */
export function startsOf(
  steps: readonly Step[],
  sizes: Sizes,
  params: Scalars,
): ReadonlyMap<Kernel, number> | undefined {
  const starts = new Map<Kernel, number>()
  const walk = (inner: readonly Step[], times: number): boolean =>
    inner.every((step) => {
      if (step.kind === 'kernel') return starts.set(step, times)
      const rounds = numberOf(step.count, sizes, params)
      return rounds !== undefined && walk(step.steps, times * Math.max(0, rounds))
    })
  return walk(steps, 1) ? starts : undefined
}

function numberOf(e: KernelExpr, sizes: Sizes, params: Scalars): number | undefined {
  if (e.kind === 'const') return Number(e.value)
  if (e.kind === 'size') return own(sizes, e.axis)
  if (e.kind !== 'param') return undefined
  const value = own(params, e.name)
  return value === undefined ? undefined : Number(value)
}

const widths: Readonly<Record<Buffer['storage'], number>> = { f32: 4, i32: 4, f16: 2, bf16: 2, bool: 1 }

/** What one start of a kernel has to do, of all that a call has to. */
export function loadOf(
  kernel: Kernel,
  program: Program,
  sizes: Sizes,
  work: Work | undefined,
  all: readonly Kernel[],
): Load {
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
