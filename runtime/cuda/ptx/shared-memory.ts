/**
 * Shared memory of a block, with who wrote and read each part of it, and when. Time is a clock that ticks at every barrier: what other
 * threads did since the last one is a race. A part is as small as the kernel's smallest access.
 */
import { Fault } from './fault.ts'

const underWay = 0x7fffffff // in place of a time: a copy that has not been waited for
const manyOfWarp = 1024 // + the warp, in place of a reader
const many = 2047

export class SharedMemory {
  readonly bytes: number
  readonly F: Float32Array
  readonly I: Int32Array
  readonly H: Uint16Array
  readonly B: Uint8Array
  readonly #shift: number
  readonly #writes: Int32Array // when each part was last written; before `#begin`: never by this block
  readonly #writers: Int16Array
  readonly #reads: Int32Array
  readonly #readers: Int16Array
  readonly #met: Int32Array // when each warp last met in itself
  #clock = 1
  #begin = 1
  #barrier = 1 // when the block last met

  /** @param part  bytes of the smallest access */
  constructor(bytes: number, part: number) {
    this.bytes = bytes
    const memory = new ArrayBuffer(Math.ceil(bytes / 16) * 16)
    this.F = new Float32Array(memory)
    this.I = new Int32Array(memory)
    this.H = new Uint16Array(memory)
    this.B = new Uint8Array(memory)
    this.#shift = Math.min(4, 31 - Math.clz32(part))
    const parts = (memory.byteLength >> this.#shift) + 1
    this.#writes = new Int32Array(parts)
    this.#writers = new Int16Array(parts)
    this.#reads = new Int32Array(parts)
    this.#readers = new Int16Array(parts)
    this.#met = new Int32Array(32)
  }

  /** A new block: nothing is written yet. */
  begin(): void {
    this.#begin = this.#barrier = ++this.#clock
    this.#met.fill(0)
    this.#writes.fill(0)
    this.B.fill(255)
  }
  meet(): void {
    this.#barrier = ++this.#clock
  }
  meetInWarp(warp: number): void {
    this.#met[warp] = ++this.#clock
  }

  /** Whether a time is before all that a thread may race with. */
  #isOrdered(time: number, by: number, thread: number): boolean {
    if (time < this.#barrier || by === thread) return true
    const warp = by < manyOfWarp ? by >> 5 : by === many ? -1 : by - manyOfWarp
    return warp === thread >> 5 && time < this.#met[warp]!
  }

  #check(at: number, bytes: number, thread: number, verb: string): void {
    if (at < 0 || at + bytes > this.bytes)
      throw new Fault(`${verb} ${bytes} bytes at ${at} of shared memory, which has ${this.bytes}`, thread & 31)
    if (at & (bytes - 1))
      throw new Fault(`${verb} ${bytes} bytes at ${at} of shared memory, which is no multiple of ${bytes}`, thread & 31)
  }

  /** Parts of what lies there will be read. */
  find(at: number, bytes: number, thread: number): void {
    if (at < 0 || at + bytes > this.bytes || at & (bytes - 1)) this.#check(at, bytes, thread, 'reads')
  }
  read(at: number, bytes: number, thread: number): void {
    if (at < 0 || at + bytes > this.bytes || at & (bytes - 1)) this.#check(at, bytes, thread, 'reads')
    const end = (at + bytes - 1) >> this.#shift
    const clock = this.#clock
    for (let part = at >> this.#shift; part <= end; part++) {
      const time = this.#writes[part]!
      if (time >= this.#barrier || time < this.#begin) this.#checkRead(part, at, thread)
      if (this.#reads[part]! < this.#barrier) {
        this.#reads[part] = clock
        this.#readers[part] = thread
      } else if (this.#readers[part] !== thread) this.#addReader(part, thread)
    }
  }

  #checkRead(part: number, at: number, thread: number): void {
    const time = this.#writes[part]!
    const writer = this.#writers[part]!
    const where = `reads at ${at} of shared memory`
    if (time === underWay)
      throw new Fault(`${where} what a cp.async of thread ${writer} still copies there: a wait is missing`, thread & 31)
    if (time < this.#begin) throw new Fault(`${where}, which nothing has been written to`, thread & 31)
    if (!this.#isOrdered(time, writer, thread))
      throw new Fault(`${where} what thread ${writer} writes: no barrier is between them`, thread & 31)
  }

  #addReader(part: number, thread: number): void {
    const reader = this.#readers[part]!
    const warp = reader < manyOfWarp ? reader >> 5 : reader === many ? -1 : reader - manyOfWarp
    const isOver = this.#isOrdered(this.#reads[part]!, reader, thread)
    this.#reads[part] = this.#clock
    this.#readers[part] = isOver ? thread : warp === thread >> 5 ? manyOfWarp + warp : many
  }

  write(at: number, bytes: number, thread: number): void {
    if (at < 0 || at + bytes > this.bytes || at & (bytes - 1)) this.#check(at, bytes, thread, 'writes')
    const end = (at + bytes - 1) >> this.#shift
    const clock = this.#clock
    for (let part = at >> this.#shift; part <= end; part++) {
      if (this.#writes[part]! >= this.#barrier || this.#reads[part]! >= this.#barrier)
        this.#checkWrite(part, at, thread)
      this.#writes[part] = clock
      this.#writers[part] = thread
    }
  }

  #checkWrite(part: number, at: number, thread: number): void {
    const time = this.#writes[part]!
    const writer = this.#writers[part]!
    const where = `writes at ${at} of shared memory`
    if (time === underWay)
      throw new Fault(`${where} where a cp.async of thread ${writer} still copies to: a wait is missing`, thread & 31)
    if (time >= this.#begin && !this.#isOrdered(time, writer, thread))
      throw new Fault(`${where} where thread ${writer} writes, too: no barrier is between them`, thread & 31)
    const reader = this.#readers[part]!
    if (this.#reads[part]! >= this.#begin && !this.#isOrdered(this.#reads[part]!, reader, thread)) {
      const who = reader < manyOfWarp ? `thread ${reader} reads` : 'several threads read'
      throw new Fault(`${where} what ${who}: no barrier is between them`, thread & 31)
    }
  }

  /** An atomic operation, which races with nothing but plain accesses: those are left to `read` and `write`. */
  update(at: number, bytes: number, thread: number): void {
    this.#check(at, bytes, thread, 'updates')
    const part = at >> this.#shift
    if (this.#writes[part]! < this.#begin) this.#checkRead(part, at, thread)
  }

  /** A copy is under way to here: until it has been waited for, nobody may read or write. */
  reserve(at: number, bytes: number, thread: number): void {
    this.write(at, bytes, thread)
    this.#writes.fill(underWay, at >> this.#shift, ((at + bytes - 1) >> this.#shift) + 1)
  }
  /** The copy is there, for the thread that waited. */
  arrive(at: number, bytes: number, thread: number): void {
    const [first, end] = [at >> this.#shift, ((at + bytes - 1) >> this.#shift) + 1]
    this.#writes.fill(this.#clock, first, end)
    this.#writers.fill(thread, first, end)
  }
}
