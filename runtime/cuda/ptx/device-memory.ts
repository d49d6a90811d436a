/**
 * Memory of the device: tensors, the workspace and variables of the module. Each lies 4 GiB from the next, so that no offset that a
 * kernel gets wrong leads to another one; the upper word of an address says which one is meant.
 */
import { Fault } from './fault.ts'

/** Where addresses begin: `(first + n) 2^32 + base` is the start of the n-th piece. templates/cuda/recorder.cc does the same. */
export const first = 0x70000000
export const base = 0x40000000
/** Upper words of the addresses of shared memory and of a thread's own, where an instruction does not say which it means. */
export const sharedWindow = 0x60000000
export const localWindow = 0x60000001

export class Piece {
  readonly name: string
  readonly bytes: number
  readonly isInput: boolean
  readonly memory: ArrayBuffer
  readonly F: Float32Array
  readonly I: Int32Array
  readonly H: Uint16Array
  readonly B: Uint8Array
  readonly written: Uint8Array // of each byte, whether it has been

  /** @param content  of what is given; else it is for the kernels to write */
  constructor(name: string, bytes: number, content?: Uint8Array) {
    this.name = name
    this.bytes = bytes
    this.isInput = content !== undefined
    this.memory = new ArrayBuffer(Math.ceil(bytes / 16) * 16)
    this.F = new Float32Array(this.memory)
    this.I = new Int32Array(this.memory)
    this.H = new Uint16Array(this.memory)
    this.B = new Uint8Array(this.memory)
    this.B.fill(255)
    if (content) this.B.set(content)
    this.written = content ? nothing : new Uint8Array(bytes)
  }
}
const nothing = new Uint8Array(0)

export class DeviceMemory {
  readonly pieces: (Piece | undefined)[] = []
  piece: Piece = new Piece('nothing', 0) // what the last address was in

  put(n: number, piece: Piece): void {
    while (this.pieces.length <= n) this.pieces.push(undefined)
    this.pieces[n] = piece
  }

  #locate(low: number, high: number, bytes: number, lane: number, verb: string): number {
    const piece = this.pieces[high - first]
    if (!piece) {
      const address = ((BigInt(high >>> 0) << 32n) + BigInt(low)).toString(16)
      throw new Fault(`${verb} ${bytes} bytes at 0x${address}, where there is no memory`, lane)
    }
    this.piece = piece
    const at = low - base
    if (at < 0 || at + bytes > piece.bytes) {
      const where = at < 0 ? `${-at} bytes before` : `at byte ${at} of`
      throw new Fault(`${verb} ${bytes} bytes ${where} ${piece.name}, which has ${piece.bytes}`, lane)
    }
    if (at % bytes !== 0)
      throw new Fault(`${verb} ${bytes} bytes at byte ${at} of ${piece.name}, which is not aligned`, lane)
    return at
  }

  /** Where in `piece` to read. */
  read(low: number, high: number, bytes: number, lane: number): number {
    const at = this.#locate(low, high, bytes, lane, 'reads')
    this.look(at, bytes, lane)
    return at
  }
  /** Where in `piece` something is of which parts will be read. */
  find(low: number, high: number, bytes: number, lane: number): number {
    return this.#locate(low, high, bytes, lane, 'reads')
  }
  /** Reads in `piece`. */
  look(at: number, bytes: number, lane: number): void {
    const { written, isInput, name } = this.piece
    if (!isInput && !(written[at]! & written[at + bytes - 1]!))
      throw new Fault(`reads byte ${at} of ${name}, which nothing has been written to`, lane)
  }
  /** Where in `piece` to write. */
  write(low: number, high: number, bytes: number, lane: number): number {
    const at = this.#locate(low, high, bytes, lane, 'writes')
    const { written, isInput, name } = this.piece
    if (isInput) throw new Fault(`writes at byte ${at} of ${name}, which is for reading`, lane)
    for (let n = 0; n < bytes; n++) written[at + n] = 1
    return at
  }
  /** Where in `piece` to read from and write to. */
  update(low: number, high: number, bytes: number, lane: number): number {
    this.read(low, high, bytes, lane)
    return this.write(low, high, bytes, lane)
  }

  copy(to: readonly [number, number], from: readonly [number, number], bytes: number): void {
    if (bytes === 0) return
    const start = this.#locate(from[0], from[1], 1, 0, 'copies')
    this.#locate(from[0] + bytes - 1, from[1], 1, 0, 'copies')
    const source = this.piece
    const at = this.#locate(to[0], to[1], 1, 0, 'copies to')
    this.#locate(to[0] + bytes - 1, to[1], 1, 0, 'copies to')
    if (this.piece.isInput) throw new Fault(`copies to ${this.piece.name}, which is for reading`)
    this.piece.B.set(source.B.subarray(start, start + bytes), at)
    this.piece.written.set(
      source.isInput ? new Uint8Array(bytes).fill(1) : source.written.subarray(start, start + bytes),
      at,
    )
  }

  fill(to: readonly [number, number], value: number, bytes: number): void {
    if (bytes === 0) return
    this.#locate(to[0] + bytes - 1, to[1], 1, 0, 'fills')
    const at = this.#locate(to[0], to[1], 1, 0, 'fills')
    if (this.piece.isInput) throw new Fault(`fills ${this.piece.name}, which is for reading`)
    this.piece.B.fill(value, at, at + bytes)
    this.piece.written.fill(1, at, at + bytes)
  }
}
