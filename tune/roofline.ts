/** What bounds a call: how much it computes and moves, and what a device can compute and read in a second. */
import { sharedCache } from '../runtime/cache/cache.ts'
import { devices, gflopsOf } from '../runtime/cuda/model/devices.ts'
import { missingCompiler } from '../runtime/native/compiler.ts'
import { nativeLimits } from '../runtime/native/limits.ts'
import type { Subject } from './declare.ts'
import { workOf } from './work.ts'

/** Of one call, as `attnc explain` counts it, and of a device in a second. */
export interface Roofline {
  readonly flops: number
  readonly bytes: number // of inputs and results
  readonly gflops: number
  readonly gbytes: number
  readonly from: 'measured' | 'published' // what the device can do
}

export interface Asked {
  readonly subject: Subject
  readonly architecture: string | undefined // that is modelled
  readonly cache: boolean
}

/** Undefined where the work cannot be counted, or the limits of the device are not known. */
export async function rooflineOf({ subject, architecture, cache }: Asked): Promise<Roofline | undefined> {
  const { source, attention, options, tile, sizes } = subject
  const work = await workOf(source, attention, { ...options, tile }, sizes)
  const limits = architecture === undefined ? await measured(subject, cache) : published(architecture)
  if (!work || !limits || work.flops === 0) return undefined
  return { flops: work.flops, bytes: work.bytesRead + work.bytesWritten, ...limits }
}

type Limits = Pick<Roofline, 'gflops' | 'gbytes' | 'from'>

function published(architecture: string): Limits {
  const device = devices[architecture]!
  return { gflops: gflopsOf(device), gbytes: device.gbytes, from: 'published' }
}

/** Of the processor, for what computes there. */
async function measured({ target, cores }: Subject, cache: boolean): Promise<Limits | undefined> {
  if ((target !== 'native' && target !== 'ts') || missingCompiler() !== undefined) return undefined
  const keeping = { cache: cache ? sharedCache() : undefined, warn: () => {} }
  const limits = await nativeLimits(keeping, target === 'ts' ? 1 : cores)
  return limits.ok ? { ...limits.value, from: 'measured' } : undefined
}
