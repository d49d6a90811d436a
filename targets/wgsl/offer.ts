/** What a device offers to kernels: what every one does, unless more was asked for. */
import type { Device } from '../target.ts'

/** Features that kernels can use, and what every device allows, in WebGPU's compatibility mode as well. */
export const everywhere = {
  features: ['shader-f16', 'subgroups'],
  limits: {
    maxComputeWorkgroupStorageSize: 16384, // bytes
    maxComputeInvocationsPerWorkgroup: 128,
    maxComputeWorkgroupSizeX: 128,
    maxStorageBuffersPerShaderStage: 8,
    maxStorageBufferBindingSize: 2 ** 27, // bytes
    maxBufferSize: 2 ** 28, // bytes
    maxComputeWorkgroupsPerDimension: 65535,
  },
} as const satisfies Device

export interface Offer {
  readonly halves: boolean // f16 as a type
  readonly quads: boolean // whether neighbours see each other's values
  readonly sharedWords: number // of a group
  readonly invocations: number // of a group, at most
  readonly buffers: number // that a kernel is bound to at a time
}

export function offerOf({ features, limits }: Device): Offer {
  const { maxComputeWorkgroupStorageSize, ...rest } = { ...everywhere.limits, ...limits }
  return {
    halves: features.includes('shader-f16'),
    quads: features.includes('subgroups'),
    sharedWords: Math.floor(maxComputeWorkgroupStorageSize / 4),
    invocations: Math.min(rest.maxComputeInvocationsPerWorkgroup, rest.maxComputeWorkgroupSizeX),
    buffers: rest.maxStorageBuffersPerShaderStage,
  }
}

/** What kernels of a module take at most. */
export interface Use {
  readonly sharedBytes: number
  readonly invocations: number
  readonly buffers: number
}

/**
 * What a device has to be asked for, by the names of `requestDevice`: what kernels take beyond its usual limits, and the sizes of
 * buffers that were counted on.
 */
export function limitsToAsk({ sharedBytes, invocations, buffers }: Use, { limits }: Device): Device['limits'] {
  const { maxStorageBufferBindingSize = 0, maxBufferSize = 0 } = limits
  const wanted = {
    maxComputeWorkgroupStorageSize: sharedBytes,
    maxComputeInvocationsPerWorkgroup: invocations,
    maxComputeWorkgroupSizeX: invocations,
    maxStorageBuffersPerShaderStage: buffers,
    maxStorageBufferBindingSize,
    maxBufferSize,
  }
  return Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => value > everywhere.limits[name as keyof typeof wanted]),
  )
}
