import { reservedWith } from '../c-reserved.ts'

/** What names of a source may not be called here: words of C++ and CUDA, and names of this target's headers and kernels. */
export const reserved = reservedWith(`
  num ptx launch tiles emulation work turn shared scratch block base impure lane warp group row column m r
  dim3 threadIdx blockIdx blockDim gridDim warpSize half float2 float4 int2 int4 uint2 uint4
`)
