/** What lanes of a warp say to each other: PTX ISA sections "shfl.sync", "vote.sync", "match.sync" and "redux.sync". */
import { Fault } from './fault.ts'
import type { Op } from './lane-code.ts'
import type { Machine } from './machine.ts'
import type { Opcode } from './spec.ts'

const values = new Int32Array(32)

/**
 * `shfl.sync.MODE.b32 d|p, a, b, c, mask`: lane by lane the value of another one. Operands are d, p or -1, a, b, c.
 */
export function shuffleOf({ parts }: Opcode): Op | undefined {
  const mode = parts[1]
  if (mode !== 'up' && mode !== 'down' && mode !== 'bfly' && mode !== 'idx') return undefined
  return (m, w, at) => {
    const { I, code, active } = m
    const [d, a, b, c] = [w + code[at]!, w + code[at + 2]!, w + code[at + 3]!, w + code[at + 4]!]
    const predicate = code[at + 1]!
    values.set(I.subarray(a, a + 32))
    let inside = predicate < 0 ? 0 : I[w + predicate]! & ~active
    for (let lane = 0; lane < 32; lane++) {
      if (!((active >>> lane) & 1)) continue
      const by = I[b + lane]! & 31
      const segment = (I[c + lane]! >> 8) & 31
      const clamp = I[c + lane]! & 31
      const lowest = lane & segment
      const last = lowest | (clamp & ~segment)
      const other = { up: lane - by, down: lane + by, bfly: lane ^ by, idx: lowest | (by & ~segment) }[mode]
      const isInside = mode === 'up' ? other >= last : other <= last
      const from = isInside ? other : lane
      if (!((active >>> from) & 1))
        throw new Fault(`takes a value of lane ${from} by shfl, which does not run it`, lane)
      I[d + lane] = values[from]!
      if (isInside) inside |= 1 << lane
    }
    if (predicate >= 0) I[w + predicate] = inside
  }
}

/** A word for all active lanes. */
function spread(m: Machine, to: number, value: number): void {
  for (let lane = 0; lane < 32; lane++) if ((m.active >>> lane) & 1) m.I[to + lane] = value
}
const setPredicate = (m: Machine, at: number, value: boolean): void => {
  m.I[at] = value ? m.I[at]! | m.active : m.I[at]! & ~m.active
}

/** `vote.sync.all.pred d, a, mask`, or `ballot.b32`. `negated`: of the opposite of a. */
export function voteOf({ parts }: Opcode, negated: boolean): Op | undefined {
  const mode = parts[1]
  const own = (m: Machine, w: number, at: number): number => {
    const word = m.I[w + m.code[at + 1]!]!
    return (negated ? ~word : word) & m.active
  }
  if (mode === 'ballot') return (m, w, at) => spread(m, w + m.code[at]!, own(m, w, at))
  const tests: Readonly<Record<string, (yes: number, all: number) => boolean>> = {
    all: (yes, all) => yes === all,
    any: (yes) => yes !== 0,
    uni: (yes, all) => yes === all || yes === 0,
  }
  const test = tests[mode ?? '']
  return test && ((m, w, at) => setPredicate(m, w + m.code[at]!, test(own(m, w, at), m.active)))
}

const reductions: Readonly<Record<string, (x: number, y: number) => number>> = {
  add: (x, y) => (x + y) | 0,
  min: Math.min,
  max: Math.max,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
}

/** `redux.sync.add.s32 d, a, mask`. */
export function reduceOf({ parts, type }: Opcode): Op | undefined {
  const reduce = reductions[parts[1] ?? '']
  if (!reduce || type === 'f32') return undefined
  return (m, w, at) => {
    const from = w + m.code[at + 1]!
    const view = type === 'u32' ? m.U : m.I
    let result: number | undefined
    for (let lane = 0; lane < 32; lane++)
      if ((m.active >>> lane) & 1)
        result = result === undefined ? view[from + lane]! : reduce(result, view[from + lane]!)
    spread(m, w + m.code[at]!, result ?? 0)
  }
}

/** `match.any.sync.b32 d, a, mask`: which lanes have the same value. */
export function matchOf({ parts, type }: Opcode): Op | undefined {
  if (parts[0] !== 'any' || type !== 'b32') return undefined
  return (m, w, at) => {
    const from = w + m.code[at + 1]!
    values.set(m.I.subarray(from, from + 32))
    for (let lane = 0; lane < 32; lane++) {
      if (!((m.active >>> lane) & 1)) continue
      let same = 0
      for (let other = 0; other < 32; other++)
        if ((m.active >>> other) & 1 && values[other] === values[lane]) same |= 1 << other
      m.I[w + m.code[at]! + lane] = same
    }
  }
}

export const activeMask: Op = (m, w, at) => spread(m, w + m.code[at]!, m.active)
