/** A kernel in WebAssembly: it runs the blocks of its grid from one to another. `own`: where the memory for its tiles begins. */
export type WasmKernel = (own: number, from: number, to: number, ...given: readonly (number | boolean)[]) => void

export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** What a page or Node has for modules in WebAssembly. */
export interface WasmEngine {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object, imports: object) => { readonly exports: object }
  }
  readonly atob: (base64: string) => string
  readonly console: { readonly warn: (text: string) => void }
}

/** A module of kernels at work. */
export interface WasmMachine {
  readonly memory: WasmMemory
  readonly kernels: Readonly<Record<string, WasmKernel>>
  readonly firstByte: number // behind the memory for tiles
  readonly allocated: Map<number, number> // what callers own: where it begins, and its bytes
}

/** What it takes to start it, and what came of that. */
export interface WasmSource {
  readonly base64: string
  readonly functions: Readonly<Record<string, (...numbers: readonly number[]) => number>>
  readonly tileBytes: number
  machine: WasmMachine | undefined
  refusal: string | undefined // why there is none
}

/** The machine, which the first call starts; undefined where WebAssembly is missing, lacks vectors, or is forbidden to this page. */
export function startWasm(source: WasmSource): WasmMachine | undefined {
  if (source.machine || source.refusal !== undefined) return source.machine
  const engine = globalThis as unknown as WasmEngine
  try {
    const { Module, Instance } = engine.WebAssembly
    const bytes = Uint8Array.from(engine.atob(source.base64), (letter) => letter.charCodeAt(0))
    const { exports } = new Instance(new Module(bytes), { js: source.functions })
    const { memory, ...kernels } = exports as Record<string, WasmKernel> & { readonly memory: WasmMemory }
    source.machine = { memory, kernels, firstByte: lineUp(source.tileBytes), allocated: new Map() }
  } catch (error) {
    source.refusal = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    engine.console.warn(`WebAssembly cannot be used here, so kernels run as plain JavaScript. ${source.refusal}`)
  }
  return source.machine
}

/** The next multiple of 64. */
export function lineUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64
}

/** Bytes of the memory for one call: behind all that callers own. */
export interface WasmRoom {
  readonly machine: WasmMachine
  readonly copies: Set<number> // where arrays are to lie that lie elsewhere now
  end: number
}

export function openRoom(machine: WasmMachine): WasmRoom {
  let end = machine.firstByte
  for (const [at, bytes] of machine.allocated) end = Math.max(end, at + bytes)
  return { machine, copies: new Set(), end: lineUp(end) }
}

/** Where so many new bytes begin. */
export function takeBytes(room: WasmRoom, bytes: number): number {
  const at = room.end
  room.end = lineUp(at + bytes)
  return at
}

/** Where an array lies, if it lies in this memory, else where a copy of it will. */
export function placeArray(room: WasmRoom, array: ArrayBufferView): number {
  if (array.buffer === room.machine.memory.buffer) return array.byteOffset
  const at = takeBytes(room, array.byteLength)
  room.copies.add(at)
  return at
}

/** The memory ends a page behind what is used: lanes past the end of a row may read there. */
export function growMemory({ memory }: WasmMachine, end: number): void {
  const page = 2 ** 16
  const pages = Math.ceil(end / page) + 1 - memory.buffer.byteLength / page
  if (pages <= 0) return
  const size = `${(end / 2 ** 30).toFixed(2)} GiB of WebAssembly memory`
  if (end > 2 ** 32 - 2 * page)
    throw new RangeError(`this call needs ${size}, which has at most 4 GiB; { simd: false } does without`)
  try {
    memory.grow(pages)
  } catch {
    throw new RangeError(`this call needs ${size}, and there is not as much; { simd: false } does without`)
  }
}

/** Makes the room, and copies arrays that lie elsewhere to their places. */
export function bringIn(room: WasmRoom, arrays: readonly (readonly [array: ArrayBufferView, at: number])[]): void {
  const { machine, copies, end } = room
  growMemory(machine, end)
  for (const [array, at] of arrays) if (copies.has(at)) bytesAt(machine, at, array.byteLength).set(bytesOf(array))
}

/** Copies a result to its array, if that lies elsewhere. */
export function bringOut({ machine, copies }: WasmRoom, array: ArrayBufferView, at: number): void {
  if (copies.has(at)) bytesOf(array).set(bytesAt(machine, at, array.byteLength))
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

export function bytesAt({ memory }: WasmMachine, at: number, bytes: number): Uint8Array {
  return new Uint8Array(memory.buffer, at, bytes)
}

/**
 * A tensor of zeros in the module's own memory, from where nothing is copied. Its `data` is looked up each time that it is asked
 * for: when the memory grows, arrays that were made before have nothing any more.
 */
export function allocateIn<Data extends ArrayBufferView>(
  machine: WasmMachine,
  type: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer, at: number, length: number): Data },
  shape: readonly number[],
): { readonly data: Data; readonly shape: readonly number[] } {
  const length = shape.reduce((a, b) => a * b, 1)
  const bytes = length * type.BYTES_PER_ELEMENT
  const at = findRoom(machine, bytes)
  growMemory(machine, at + bytes)
  machine.allocated.set(at, bytes)
  bytesAt(machine, at, bytes).fill(0)
  return {
    shape,
    get data() {
      return new type(machine.memory.buffer, at, length)
    },
  }
}

/** The first place between what is allocated that has so many bytes, one of its own for none too. */
export function findRoom({ firstByte, allocated }: WasmMachine, bytes: number): number {
  let at = firstByte
  for (const [begin, length] of [...allocated].sort(([a], [b]) => a - b)) {
    if (at + Math.max(bytes, 1) <= begin) break
    at = Math.max(at, lineUp(begin + Math.max(length, 1)))
  }
  return at
}
