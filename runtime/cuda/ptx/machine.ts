/** What instructions work on: registers of all warps of a block, memories, and which lanes of which warp are at work. */
import { type DeviceMemory, localWindow, sharedWindow } from './device-memory.ts'
import { Fault } from './fault.ts'
import type { SharedMemory } from './shared-memory.ts'

/** A copy to shared memory that may happen at any time until it is waited for: here, as late as can be. */
export interface PendingCopy {
  readonly to: number
  readonly from: readonly [low: number, high: number] // where there are bytes to read
  readonly bytes: number // that are written
  readonly read: number // of them; the others become 0
  readonly group: number
}

/** Bytes that are read as PTX has them: parameters, and what threads keep for themselves. */
export class Bytes {
  readonly F: Float32Array
  readonly I: Int32Array
  readonly H: Uint16Array
  readonly B: Uint8Array

  constructor(bytes: number) {
    const memory = new ArrayBuffer(Math.ceil(bytes / 16) * 16)
    this.F = new Float32Array(memory)
    this.I = new Int32Array(memory)
    this.H = new Uint16Array(memory)
    this.B = new Uint8Array(memory)
  }
}

/** How an address is used; `find`: parts of what lies there are read, and it has to exist. */
export type Use = 'read' | 'write' | 'update' | 'find'

export class Machine {
  I = new Int32Array(0)
  U = new Uint32Array(0)
  F = new Float32Array(0)
  D = new Float64Array(0)
  code: Int32Array = new Int32Array(0) // operands of all instructions of the kernel

  readonly lanes = new Int32Array(32) // those at work, if not all are
  count = 32
  active = -1 // a bit for each of them
  warp = 0
  firstThread = 0 // of the warp

  shared!: SharedMemory
  device!: DeviceMemory
  params = new Bytes(0)
  local = new Bytes(0)
  localBytes = 0 // of a thread
  readonly copies: PendingCopy[][] = [] // of each thread of the block
  readonly groups = new Int32Array(1024)

  /** Registers of so many words; what is there stays for no one. */
  reserve(words: number): void {
    if (this.I.length >= words) return
    const memory = new ArrayBuffer(Math.ceil(words * 0.625) * 8)
    this.I = new Int32Array(memory)
    this.U = new Uint32Array(memory)
    this.F = new Float32Array(memory)
    this.D = new Float64Array(memory)
  }

  found = 0 // where in it the last address was that could lie in any memory

  /** The memory that an address lies in which does not say which it means. */
  find(low: number, high: number, use: Use, bytes: number, lane: number): Bytes {
    if (high === sharedWindow) {
      this.found = low | 0
      this.shared[use](this.found, bytes, this.firstThread + lane)
      return this.shared
    }
    if (high === localWindow) {
      this.found = this.ownAt(low, bytes, lane)
      return this.local
    }
    this.found = this.device[use](low < 0 ? low + 4294967296 : low, high, bytes, lane)
    return this.device.piece
  }

  /** Reads a part of what was found. */
  look(memory: Bytes, at: number, bytes: number, lane: number): void {
    if (memory === this.shared) this.shared.read(at, bytes, this.firstThread + lane)
    else if (memory !== this.local) this.device.look(at, bytes, lane)
  }

  /** Where in `local` a thread's own bytes are. */
  ownAt(at: number, bytes: number, lane: number): number {
    if (at < 0 || at + bytes > this.localBytes)
      throw new Fault(`uses ${bytes} bytes at ${at} of its own memory, which has ${this.localBytes}`, lane)
    return (this.firstThread + lane) * this.localBytes + at
  }

  /** Whose turn it is. */
  setActive(active: number): void {
    this.active = active
    let count = 0
    for (let l = 0; l < 32; l++) if ((active >>> l) & 1) this.lanes[count++] = l
    this.count = count
  }
}
