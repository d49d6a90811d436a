/** Runs the blocks of a grid, one after another; of a block one warp after another, each up to the next barrier. */

import type { DeviceMemory } from './device-memory.ts'
import { Fault, KernelFault } from './fault.ts'
import type { Exit, Kernel } from './kernel.ts'
import { Bytes, Machine } from './machine.ts'
import { SharedMemory } from './shared-memory.ts'
import { Position, Warp } from './warp.ts'

type Three = readonly [x: number, y: number, z: number]

export interface Start {
  readonly grid: Three
  readonly threads: Three
  readonly sharedBytes: number // beside those that the kernel has by itself
  readonly params: Uint8Array // as they lie in the kernel's memory of parameters
}

const machine = new Machine() // one for all kernels: what instructions are compiled to stays fit for it

/** @throws KernelFault  where a kernel does what is undefined */
export function runKernel(kernel: Kernel, device: DeviceMemory, start: Start): void {
  const { grid, threads } = start
  const count = threads[0] * threads[1] * threads[2]
  if (count > kernel.maxThreads)
    throw new Error(`${kernel.name} is made for ${kernel.maxThreads} threads in a block, and started with ${count}`)
  const warps = Array.from({ length: Math.ceil(count / 32) }, (_, n) => new Warp(n, n * kernel.registers))
  const m = machine
  m.reserve(warps.length * kernel.registers)
  m.code = kernel.code
  m.device = device
  m.shared = new SharedMemory(kernel.sharedBytes + start.sharedBytes, kernel.part)
  m.params = new Bytes(kernel.paramBytes)
  m.params.B.set(start.params)
  m.localBytes = kernel.localBytes
  m.local = new Bytes(kernel.localBytes * warps.length * 32)
  while (m.copies.length < warps.length * 32) m.copies.push([])
  for (const { base } of warps) preset(kernel, m, base)
  setSpecials(kernel, m, warps, start)
  for (let z = 0; z < grid[2]; z++)
    for (let y = 0; y < grid[1]; y++)
      for (let x = 0; x < grid[0]; x++) new GridBlock(kernel, m, warps, [x, y, z], count).run()
}

function preset({ presets }: Kernel, { I }: Machine, base: number): void {
  for (const { at, low, high } of presets) {
    if (high === undefined) I.fill(low, base + at, base + at + 32)
    else
      for (let l = 0; l < 32; l++) {
        I[base + at + 2 * l] = low
        I[base + at + 2 * l + 1] = high
      }
  }
}

const axes = ['x', 'y', 'z'] as const

/** What `%tid.x` and its like are, but for those of a block. */
function setSpecials({ specials }: Kernel, { I }: Machine, warps: readonly Warp[], { grid, threads }: Start): void {
  for (const [name, at] of specials) {
    const [what = '', axis] = name.slice(1).split('.')
    const n = axes.indexOf(axis as 'x')
    const value = (thread: number): number => {
      if (what === 'tid')
        return [
          thread % threads[0],
          Math.floor(thread / threads[0]) % threads[1],
          Math.floor(thread / (threads[0] * threads[1])),
        ][n]!
      if (what === 'ntid') return threads[n]!
      if (what === 'nctaid') return grid[n]!
      if (what === 'ctaid') return 0
      if (what === 'laneid') return thread % 32
      if (what === 'warpid') return Math.floor(thread / 32)
      if (what === 'lanemask_eq') return 1 << (thread % 32)
      if (what === 'lanemask_lt') return (1 << (thread % 32)) - 1
      if (what === 'lanemask_le') return (1 << (thread % 32)) | ((1 << (thread % 32)) - 1)
      if (what === 'lanemask_gt') return ~((1 << (thread % 32)) | ((1 << (thread % 32)) - 1))
      if (what === 'lanemask_ge') return ~((1 << (thread % 32)) - 1)
      throw new Error(`PTX reads ${name}, which the interpreter does not know`)
    }
    for (const { base, index } of warps) for (let l = 0; l < 32; l++) I[base + at + l] = value(index * 32 + l)
  }
}

class GridBlock {
  readonly #kernel: Kernel
  readonly #m: Machine
  readonly #warps: readonly Warp[]
  readonly #index: Three
  readonly #threads: number
  readonly #position = new Position()

  constructor(kernel: Kernel, m: Machine, warps: readonly Warp[], index: Three, threads: number) {
    this.#kernel = kernel
    this.#m = m
    this.#warps = warps
    this.#index = index
    this.#threads = threads
  }

  run(): void {
    const { specials } = this.#kernel
    this.#m.shared.begin()
    this.#m.groups.fill(0)
    for (const list of this.#m.copies) list.length = 0
    axes.forEach((axis, n) => {
      const at = specials.get(`%ctaid.${axis}`)
      if (at !== undefined)
        for (const { base } of this.#warps) this.#m.I.fill(this.#index[n]!, base + at, base + at + 32)
    })
    for (const warp of this.#warps) warp.begin(this.#threads - warp.index * 32)
    try {
      while (this.#round()) {}
      const late = this.#m.copies.findIndex((list) => list.length > 0)
      if (late >= 0) throw new Fault(`ends while a cp.async of thread ${late} is under way: a wait is missing`)
    } catch (error) {
      throw error instanceof Fault ? this.#tell(error) : error
    }
  }

  /** Every warp runs up to a barrier; false once all have ended. */
  #round(): boolean {
    const places = this.#warps.map((warp) => warp.run(this.#kernel, this.#m, this.#position))
    const barrier = places.find((place) => place >= 0)
    if (barrier === undefined) return false
    this.#position.instruction = this.#kernel.blocks[barrier]!.first
    const other = places.findIndex((place) => place !== barrier)
    if (other >= 0) {
      const missing = places[other]! < 0 ? 'has ended' : 'waits at another one'
      throw new Fault(`has threads that wait at a barrier, and warp ${other} ${missing}`)
    }
    const { exit } = this.#kernel.blocks[barrier]!
    this.#vote(exit)
    for (const warp of this.#warps) warp.leave()
    this.#m.shared.meet()
    return true
  }

  #vote(exit: Exit): void {
    if (exit.kind !== 'barrier' || !exit.vote) return
    const { I } = this.#m
    const { mode, to, from, negated } = exit.vote
    const words = this.#warps.map(({ base, live }) => ({
      live,
      yes: (negated ? ~I[base + from]! : I[base + from]!) & live,
    }))
    if (mode === 'popc') {
      const count = words.reduce(
        (sum, { yes }) => sum + [...(yes >>> 0).toString(2)].filter((bit) => bit === '1').length,
        0,
      )
      for (const { base } of this.#warps) I.fill(count, base + to, base + to + 32)
      return
    }
    const holds = mode === 'or' ? words.some(({ yes }) => yes !== 0) : words.every(({ live, yes }) => yes === live)
    for (const { base } of this.#warps) I[base + to] = holds ? -1 : 0
  }

  #tell({ what, lane }: Fault): KernelFault {
    const { body, name } = this.#kernel
    const instruction = body[Math.min(this.#position.instruction, body.length - 1)]
    const [x, y, z] = this.#index
    const block = y === 0 && z === 0 ? String(x) : `${x}, ${y}, ${z}`
    const thread = lane === undefined ? `warp ${this.#m.warp}` : `thread ${this.#m.firstThread + lane}`
    const where = `block ${block}, ${thread}`
    return new KernelFault({
      kernel: name,
      what,
      where,
      instruction: instruction?.opcode ?? 'nothing',
      place: instruction?.place,
    })
  }
}
