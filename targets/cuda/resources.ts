/** What devices have for the blocks of a kernel, and how many of them work there at a time. CUDA C++ Programming Guide, "Compute Capabilities". */

/** Of one multiprocessor, in bytes and counts; `block`: the shared memory that one block may have. */
export interface Architecture {
  readonly shared: number
  readonly block: number
  readonly threads: number
  readonly blocks: number
}

const KiB = 1024
const large = (shared: number): Architecture => ({
  shared: shared * KiB,
  block: (shared - 1) * KiB,
  threads: 2048,
  blocks: 32,
})
const small = (blocks: number): Architecture => ({ shared: 100 * KiB, block: 99 * KiB, threads: 1536, blocks })

export const architectures: Readonly<Record<string, Architecture>> = {
  sm_80: large(164),
  sm_86: small(16),
  sm_89: small(24),
  sm_90: large(228),
  sm_100: large(228),
  sm_120: small(24),
}

/** The shared memory that a block may have on every device from sm_80 on. */
export const sharedRoom = 99 * KiB
/** The registers that a thread may have. */
export const mostRegisters = 255

const registersOfAll = 65_536
const reservedOfBlock = KiB // of shared memory

/** What a block takes; `registers`: of a thread. */
export interface Taken {
  readonly threads: number
  readonly registers: number
  readonly sharedBytes: number
}

/** How many blocks work on a multiprocessor at a time, and what there is not enough of for more. */
export function occupancy({ threads, registers, sharedBytes }: Taken, { shared, ...most }: Architecture): Occupancy {
  const ofRegisters = Math.floor(registersOfAll / (threads * Math.ceil(registers / 8) * 8))
  const ofShared = Math.floor(shared / (sharedBytes + reservedOfBlock))
  const limits = [
    { blocks: ofRegisters, by: 'registers' },
    { blocks: ofShared, by: 'shared memory' },
    { blocks: Math.min(most.blocks, Math.floor(most.threads / threads)), by: 'threads' },
  ] as const
  return limits.reduce<Occupancy>((least, one) => (one.blocks < least.blocks ? one : least), limits[0])
}
export interface Occupancy {
  readonly blocks: number
  readonly by: 'registers' | 'shared memory' | 'threads'
}
