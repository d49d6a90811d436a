/**
 * Devices whose times are modelled, one for each architecture that there are figures of. Units of a multiprocessor: CUDA C++ Programming
 * Guide, "Arithmetic Instructions". A100: NVIDIA A100 Tensor Core GPU Architecture (2020), with 80 GB. H100: NVIDIA H100 Tensor Core GPU
 * Architecture (2022), as SXM5; instructions of a warp reach 62 % of its tensor cores (Luo and others, arXiv:2402.13499). What its second
 * cache gives in a cycle is not published, and taken to be what that of A100 gives.
 */

/** What a multiprocessor does in a clock cycle: multiply-adds of tensor cores, threads' instructions of each unit, and bytes that come in. */
export interface Units {
  readonly products: number
  readonly functions: number
  readonly fused: number
  readonly integers: number
  readonly memory: number // loads and stores
  readonly copied: number // bytes, from the second cache
}

export interface Device extends Units {
  readonly name: string
  readonly multiprocessors: number
  readonly megahertz: number
  readonly gbytes: number // of memory, a second
}

const bytesOfCache = 5120 // a cycle, of A100

export const devices: Readonly<Record<string, Device>> = {
  sm_80: {
    ...{ name: 'A100 SXM', multiprocessors: 108, megahertz: 1410, gbytes: 2039 },
    ...{ products: 1024, functions: 16, fused: 64, integers: 64, memory: 32, copied: bytesOfCache / 108 },
  },
  sm_90: {
    ...{ name: 'H100 SXM', multiprocessors: 132, megahertz: 1830, gbytes: 3350 },
    ...{ products: 1270, functions: 16, fused: 128, integers: 64, memory: 32, copied: bytesOfCache / 132 },
  },
}

/** Operations of all tensor cores in a second, as far as instructions of a warp reach them; a multiply-add is two. */
export const gflopsOf = ({ products, multiprocessors, megahertz }: Device): number =>
  (2 * products * multiprocessors * megahertz) / 1000
