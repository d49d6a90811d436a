import { canShare, makePool, runShared, type ThreadPool, type ThreadStart } from './threads.ts'
import {
  bytesOfSource,
  reserveBytes,
  startWasm,
  type WasmEngine,
  type WasmMachine,
  type WasmMemory,
  type WasmParts,
  type WasmRoom,
  type WasmSource,
} from './wasm.ts'

/** With a memory that threads can share, where there is such; else with one that they cannot. */
export function openShareable({ Module, Instance, Memory }: WasmEngine['WebAssembly'], source: WasmSource): WasmParts {
  const [bytes, limits] = [bytesOfSource(source), { initial: 1, maximum: 2 ** 16 }]
  const shared = tryShared(Memory, limits)
  if (!shared) bytes[source.flagAt ?? 0] = 1
  const memory = shared ?? new Memory(limits)
  const module = new Module(bytes)
  const { exports } = new Instance(module, { js: { ...source.functions, memory } })
  return { memory, kernels: exports as WasmMachine['kernels'], module: shared && module }
}

export function tryShared(Memory: WasmEngine['WebAssembly']['Memory'], limits: object): WasmMemory | undefined {
  try {
    return typeof SharedArrayBuffer === 'function' ? new Memory({ ...limits, shared: true }) : undefined
  } catch {
    return undefined // such a memory takes all of its room at once, where addresses are concerned
  }
}

/** Keeps a room from others until it is left. */
export function keepRoom({ machine, begin, bytes }: WasmRoom): void {
  machine.allocated.set(begin, bytes)
}

export function leaveRoom({ machine, begin }: WasmRoom): void {
  machine.allocated.delete(begin)
}

/** Threads that run kernels of this module: each has a part of the memory for its tiles, which the next may have. */
export function makeWasmPool(source: WasmSource, code: () => string): ThreadPool {
  const spare: number[] = []
  const starts = (): ThreadStart => {
    const machine = startWasm(source)
    if (!machine?.module) throw new Error(source.refusal ?? 'There is no memory that threads can share.')
    const own = spare.pop() ?? reserveBytes(machine, source.tileBytes)
    return { module: machine.module, memory: machine.memory, own }
  }
  return makePool(code, starts, ({ own }) => void (own !== undefined && spare.push(own)))
}

/** Runs a kernel on so many threads, of which this is one. */
export async function runWasm(
  pool: ThreadPool,
  machine: WasmMachine,
  kernel: string,
  threads: number,
  blocks: number,
  given: readonly (number | boolean)[],
): Promise<void> {
  const alone = (): void => machine.kernels[kernel]!(0, 0, blocks, ...given)
  if (threads === 1 || !canShare(pool)) return alone()
  const at = reserveBytes(machine, 12)
  const cells = new Int32Array(machine.memory.buffer, at, 3)
  const shared = `${kernel}Shared`
  const job = { kernel: shared, given: [blocks, ...given], cells }
  const own = (): void => machine.kernels[shared]!(0, at, blocks, ...given)
  const answered = (): void => void machine.allocated.delete(at)
  await runShared(pool, Math.min(threads, blocks) - 1, job, own, answered)
}
