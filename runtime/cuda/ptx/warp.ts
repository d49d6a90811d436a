/**
 * A warp. Its lanes go in groups that are at the same place; of several groups the one at the lowest place goes on, so that the others,
 * which are ahead, are met there (Diamos et al., "SIMD re-convergence at thread frontiers", 2011). Where lanes have to be together, a
 * group waits until the others have come or are waiting themselves, as threads of sm_70 and later do, which have a program counter
 * each. This needs no post-dominators, and lanes that cannot come together are found.
 */
import { Fault } from './fault.ts'
import type { Block, Kernel } from './kernel.ts'
import type { Machine } from './machine.ts'

interface Group {
  lanes: number // a bit each
  block: number // that they run next
  waits: boolean
}

/** Where an instruction is that fails: the block that runs the warp says so. */
export class Position {
  instruction = 0
}

export class Warp {
  readonly index: number
  readonly base: number // of its registers, in words
  #groups: Group[] = []
  live = 0

  constructor(index: number, base: number) {
    this.index = index
    this.base = base
  }

  begin(threads: number): void {
    this.live = threads >= 32 ? -1 : (1 << threads) - 1
    this.#groups = [{ lanes: this.live, block: 0, waits: false }]
  }

  /** Runs until all lanes are at a barrier of the block, whose number is returned, or have ended: -1. */
  run(kernel: Kernel, m: Machine, position: Position): number {
    m.warp = this.index
    m.firstThread = this.index * 32
    while (this.live !== 0) {
      const group = this.#next(kernel, m, position)
      const block = kernel.blocks[group.block]!
      if (block.meets && group.lanes !== this.live && !group.waits) {
        group.waits = true
        continue
      }
      if (block.meets === 'block') return group.block
      group.waits = false
      this.#runBlock(group, block, kernel, m, position)
    }
    return -1
  }

  /** All lanes leave the barrier that they are at. */
  leave(): void {
    const [group] = this.#groups
    if (group) {
      group.block += 1
      group.waits = false
    }
  }

  #next(kernel: Kernel, m: Machine, position: Position): Group {
    if (this.#groups.length === 1) return this.#groups[0]!
    this.#merge()
    let lowest: Group | undefined
    for (const group of this.#groups) if (!group.waits && (!lowest || group.block < lowest.block)) lowest = group
    return lowest ?? this.#release(kernel, m, position)
  }

  #merge(): void {
    const groups = this.#groups
    for (let n = 0; n < groups.length; n++)
      for (let k = groups.length - 1; k > n; k--) {
        if (groups[k]!.block !== groups[n]!.block) continue
        groups[n]!.lanes |= groups[k]!.lanes
        groups[n]!.waits &&= groups[k]!.waits
        groups.splice(k, 1)
      }
  }

  /** All groups wait: one of them has all lanes that its instruction names. */
  #release(kernel: Kernel, m: Machine, position: Position): Group {
    const ready = this.#groups.find(({ block, lanes }) => {
      const { meets, members } = kernel.blocks[block]!
      if (lanes === this.live) return true
      if (meets === 'block' || members < 0) return false
      const first = 31 - Math.clz32(lanes & -lanes)
      const named = m.I[this.base + members + first]!
      return (named & ~lanes) === 0
    })
    if (ready) return ready
    const [one, other] = this.#groups
    position.instruction = kernel.blocks[one!.block]!.first
    const rest = kernel.body[kernel.blocks[other!.block]!.first]
    const line = rest?.place ? ` at ${rest.place.file}:${rest.place.line}` : ''
    throw new Fault(
      `has lanes that wait here for others of their warp, which wait in ${rest?.opcode}${line}`,
      31 - Math.clz32(one!.lanes & -one!.lanes),
    )
  }

  #runBlock(group: Group, { first, end, exit }: Block, kernel: Kernel, m: Machine, position: Position): void {
    const { ops, at } = kernel
    const { base } = this
    m.setActive(group.lanes)
    let n = first
    try {
      if (group.lanes === -1) for (; n < end; n++) ops[n]!.all(m, base, at[n]!)
      else for (; n < end; n++) ops[n]!.some(m, base, at[n]!)
    } catch (error) {
      position.instruction = n
      throw error
    }
    switch (exit.kind) {
      case 'next':
        group.block += 1
        break
      case 'table':
        this.#choose(group, exit.to, m.I.subarray(base + exit.index, base + exit.index + 32))
        break
      case 'barrier':
        group.block += 1
        break
      default: {
        const word = exit.guard < 0 ? -1 : m.I[base + exit.guard]!
        this.#part(group, (exit.negated ? ~word : word) & group.lanes, exit.kind === 'return' ? -1 : exit.to)
      }
    }
  }

  /** Some lanes go elsewhere, or with -1 end. */
  #part(group: Group, lanes: number, to: number): void {
    const rest = group.lanes & ~lanes
    if (to < 0) this.live &= ~lanes
    if (rest === 0) {
      group.lanes = lanes
      group.block = to
      if (to < 0) this.#groups.splice(this.#groups.indexOf(group), 1)
      return
    }
    group.lanes = rest
    group.block += 1
    if (lanes !== 0 && to >= 0) this.#groups.push({ lanes, block: to, waits: false })
  }

  #choose(group: Group, to: readonly number[], index: Int32Array): void {
    const lanes = group.lanes
    this.#groups.splice(this.#groups.indexOf(group), 1)
    to.forEach((block, n) => {
      let own = 0
      for (let l = 0; l < 32; l++) if ((lanes >>> l) & 1 && index[l] === n) own |= 1 << l
      if (own !== 0) this.#groups.push({ lanes: own, block, waits: false })
    })
  }
}
