/** A kernel in WebAssembly: it runs the blocks of its grid from one to another. `own`: where the memory for its tiles begins. */
export type WasmKernel = (own: number, from: number, to: number, ...given: readonly (number | boolean)[]) => void

export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** What a page or Node has for modules in WebAssembly. */
export interface WasmEngine {
  readonly WebAssembly: {
    readonly validate: (bytes: Uint8Array) => boolean
    readonly Memory: new (limits: object) => WasmMemory
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object, imports: object) => { readonly exports: object }
  }
  readonly atob: (base64: string) => string
  readonly console: { readonly warn: (text: string) => void }
}

/** A module of kernels, instantiated. */
export interface WasmParts {
  readonly memory: WasmMemory
  readonly kernels: Readonly<Record<string, WasmKernel>>
  readonly module: object | undefined // for threads, where they can share the memory
}

/** The same at work. */
export interface WasmMachine extends WasmParts {
  readonly firstByte: number // behind the memory for tiles
  readonly allocated: Map<number, number> // what callers own: where it begins, and its bytes
}

/** What it takes to start it, and what came of that. */
export interface WasmSource {
  readonly base64: string
  readonly functions: Readonly<Record<string, (...numbers: readonly number[]) => number>>
  readonly fusable: readonly number[] // where multiplications and additions are that may be one, by turns, each from the one before
  readonly tileBytes: number
  readonly open: (engine: WasmEngine['WebAssembly'], source: WasmSource) => WasmParts
  readonly flagAt?: number // the byte of the module that says whether its memory is shared
  machine: WasmMachine | undefined
  refusal: string | undefined // why there is none
}

/** The machine, which the first call starts; undefined where WebAssembly is missing, lacks vectors, or is forbidden to this page. */
export function startWasm(source: WasmSource): WasmMachine | undefined {
  if (source.machine || source.refusal !== undefined) return source.machine
  const engine = globalThis as unknown as WasmEngine
  try {
    const parts = source.open(engine.WebAssembly, source)
    source.machine = { ...parts, firstByte: lineUp(source.tileBytes), allocated: new Map() }
  } catch (error) {
    source.refusal = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    engine.console.warn(`WebAssembly cannot be used here, so kernels run as plain JavaScript. ${source.refusal}`)
  }
  return source.machine
}

/** With a memory of its own. */
export function openAlone({ Module, Instance }: WasmEngine['WebAssembly'], source: WasmSource): WasmParts {
  const { exports } = new Instance(new Module(bytesOfSource(source)), { js: source.functions })
  const { memory, ...kernels } = exports as Record<string, WasmKernel> & { readonly memory: WasmMemory }
  return { memory, kernels, module: undefined }
}

/** With fused multiplications and additions, if this engine has them: relaxed SIMD of WebAssembly 3.0. */
export function bytesOfSource({ base64, fusable }: Pick<WasmSource, 'base64' | 'fusable'>): Uint8Array {
  const { atob, WebAssembly } = globalThis as unknown as WasmEngine
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
  const [nothing, fused] = [
    [1, 1, 1],
    [0xfd, 0x85, 2],
  ] as const
  const head = [0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0]
  if (!WebAssembly.validate(Uint8Array.of(...head, 32, 0, 32, 1, 32, 2, ...fused, 11))) return bytes
  let at = 0
  fusable.forEach((step, n) => {
    at += step
    bytes.set(n % 2 === 0 ? nothing : fused, at)
  })
  return bytes
}

/** The next multiple of 64. */
export function lineUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64
}

/** Bytes of the memory for one call: its arrays that do not lie there already, and what it works in. */
export interface WasmRoom {
  readonly machine: WasmMachine
  readonly begin: number
  readonly bytes: number
  readonly places: readonly number[] // of inputs, of results, of what it works in
  readonly results: readonly (readonly [array: ArrayBufferView, at: number])[] // that lie elsewhere
}

/** Makes the room, and brings inputs that lie elsewhere to it. */
export function openRoom(
  machine: WasmMachine,
  inputs: readonly ArrayBufferView[],
  results: readonly ArrayBufferView[],
  work: readonly number[],
): WasmRoom {
  let bytes = 0
  const take = (more: number): number => {
    const at = bytes
    bytes = lineUp(at + more)
    return at
  }
  const arrays = [...inputs, ...results]
  const isOutside = arrays.map(({ buffer }) => buffer !== machine.memory.buffer)
  const offsets = [...arrays.map(({ byteLength }, n) => (isOutside[n] ? take(byteLength) : 0)), ...work.map(take)]
  const begin = findRoom(machine, bytes)
  const places = offsets.map((at, n) => (isOutside[n] === false ? arrays[n]!.byteOffset : begin + at))
  growMemory(machine, begin + bytes)
  const outside = arrays.map((array, n) => [array, places[n]!] as const)
  for (const [array, at] of outside.filter((_, n) => isOutside[n] && n < inputs.length))
    bytesAt(machine, at, array.byteLength).set(bytesOf(array))
  return { machine, begin, bytes, places, results: outside.filter((_, n) => isOutside[n] && n >= inputs.length) }
}

/** Copies results to their arrays. */
export function bringOut({ machine, results }: WasmRoom): void {
  for (const [array, at] of results) bytesOf(array).set(bytesAt(machine, at, array.byteLength))
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
  const at = reserveBytes(machine, length * type.BYTES_PER_ELEMENT)
  return {
    shape,
    get data() {
      return new type(machine.memory.buffer, at, length)
    },
  }
}

/** Zeros that no call takes for itself. */
export function reserveBytes(machine: WasmMachine, bytes: number): number {
  const at = findRoom(machine, bytes)
  growMemory(machine, at + bytes)
  machine.allocated.set(at, bytes)
  bytesAt(machine, at, bytes).fill(0)
  return at
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
