import type { Target } from './target.ts'

/** Every target there is. Loaded on demand: ts-morph alone takes longer to import than all the rest. */
export const targets: Readonly<Record<string, () => Promise<Target>>> = {
  ts: async () => (await import('./ts/target.ts')).ts,
  native: async () => (await import('./native/target.ts')).native,
  wgsl: async () => (await import('./wgsl/target.ts')).wgsl,
  cuda: async () => (await import('./cuda/target.ts')).cuda,
  'cuda-emulated': async () => (await import('./cuda/target.ts')).cuda,
  'cuda-ptx': async () => (await import('./cuda/target.ts')).cuda,
}
