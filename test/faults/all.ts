import { codeFaults } from './code-faults.ts'
import type { Fault } from './fault.ts'
import { kernelFaults } from './kernel-faults.ts'
import { mergeFaults } from './merge-faults.ts'
import { planFaults } from './plan-faults.ts'

/** By what is changed; those of WebAssembly apart. */
export const faults = {
  plan: planFaults,
  kernel: kernelFaults,
  merge: mergeFaults,
  code: codeFaults,
} as const satisfies Readonly<Record<string, readonly Fault[]>>
