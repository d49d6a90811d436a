/** How long a kernel takes on a device, by its instructions and by what it has to do. Nothing is run: this is a model. */
import { architectures, occupancy } from '../../../targets/cuda/resources.ts'
import { cyclesOf } from './cycles.ts'
import { type Device, devices } from './devices.ts'
import type { CompiledKernel } from './kernels.ts'

/** Of one start of a kernel. */
export interface Load {
  readonly blocks: number
  readonly rounds: number // of all blocks together, each of a tile of keys
  readonly width: number // of an accumulator
  readonly bytes: number // of the tensors that it reads or writes
}

/**
 * Kernels that follow each other in a stream took so much longer than they ran: 3.8 us each, where 2.9 were of the kernel (Gray, "Getting
 * Started with CUDA Graphs", 2019, on V100; taken to be alike since).
 */
const startMilliseconds = 0.0009
/** What memory lets the first multiplication of a block wait: for its queries, then for its keys, 400 cycles each. */
const beginCycles = 2 * 400

/** ms of one start of a kernel, what it takes to start it included. */
export function millisecondsOf(kernel: CompiledKernel, load: Load, architecture: string): number {
  return startMilliseconds + runningMilliseconds(kernel, load, architecture)
}

function runningMilliseconds(kernel: CompiledKernel, load: Load, architecture: string): number {
  const device = devices[architecture]!
  const ofMemory = millisecondsOfBytes(load.bytes, device)
  const { round, threads, registers, shared, tile } = kernel
  if (!round || load.blocks === 0) return ofMemory
  const { multiprocessors, megahertz } = device
  const taken = { threads, registers, sharedBytes: kernel.sharedBytes + shared }
  const most = Math.max(1, occupancy(taken, architectures[architecture]!).blocks)
  const warps = threads / 32
  const resident = warps * Math.min(most, Math.ceil(load.blocks / multiprocessors))
  const cycles = cyclesOf(round, { warps, rows: tile.rows, width: load.width, resident }, device)
  const blocks = blocksOfOne(load.blocks, multiprocessors, most)
  const begin = Math.ceil(blocks / most) * beginCycles // blocks of a wave begin at a time
  return Math.max(ofMemory, (begin + blocks * (load.rounds / load.blocks) * cycles) / (megahertz * 1000))
}

/** Of the multiprocessor that has most to do: blocks come in waves of as many as find room, and in the last one they are dealt evenly. */
function blocksOfOne(blocks: number, multiprocessors: number, most: number): number {
  const wave = multiprocessors * most
  const whole = Math.floor(blocks / wave)
  return whole * most + Math.ceil((blocks - whole * wave) / multiprocessors)
}

/** Of what streams through memory once. */
const millisecondsOfBytes = (bytes: number, { gbytes }: Device): number => bytes / gbytes / 1e6
