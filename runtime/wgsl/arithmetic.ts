import { type Arithmetic, float32 } from '../../compiler/arithmetic.ts'

/**
 * f32 throughout, functions within 4 units in the last place: templates/wgsl/functions.wgsl. Quotients and roots are the device's
 * own: within 2.5 units and 4.5 as WebGPU has it.
 */
export const webgpu: Arithmetic = {
  ...float32,
  functions: { div: { relative: 5 }, sqrt: { relative: 9 }, rsqrt: { relative: 14 } },
}
