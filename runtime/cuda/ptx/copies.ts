/** Copies from memory of the device to shared memory, which threads start and wait for: PTX ISA section "cp.async". */
import type { Op } from './lane-code.ts'
import type { Machine } from './machine.ts'

/**
 * `cp.async.cg.shared.global [to], [from], 16, read`: operands are to, from, both offsets, the bytes, and a register with the bytes to
 * read, or -1. Addresses are checked now, bytes are copied when they are waited for.
 */
export function copyOf(wordsOfTo: number): Op {
  const stride = wordsOfTo >> 5
  return (m, w, at) => {
    const { I, U, code, shared } = m
    const [to, from, bytes] = [w + code[at]!, w + code[at + 1]!, code[at + 4]!]
    const counts = code[at + 5]!
    for (let lane = 0; lane < 32; lane++) {
      if (!((m.active >>> lane) & 1)) continue
      const thread = m.firstThread + lane
      const target = (I[to + lane * stride]! + code[at + 2]!) | 0
      const read = counts < 0 ? bytes : Math.min(U[w + counts + lane]!, bytes)
      const low = U[from + 2 * lane]! + code[at + 3]!
      const high = I[from + 2 * lane + 1]!
      if (read > 0) locate(m, low, high, bytes, read, lane)
      shared.reserve(target, bytes, thread)
      m.copies[thread]!.push({ to: target, from: [low, high], bytes, read, group: m.groups[thread]! })
    }
  }
}

export const commitCopies: Op = (m) => {
  for (let lane = 0; lane < 32; lane++) if ((m.active >>> lane) & 1) m.groups[m.firstThread + lane]! += 1
}

/** Operand: how many of the last groups may still be under way. */
export const waitForGroups: Op = (m, _w, at) => arriveAll(m, m.code[at]!)
export const waitForAll: Op = (m) => {
  commitCopies(m, 0, 0)
  arriveAll(m, 0)
}

function arriveAll(m: Machine, pending: number): void {
  for (let lane = 0; lane < 32; lane++) {
    if (!((m.active >>> lane) & 1)) continue
    const thread = m.firstThread + lane
    const all = m.copies[thread]!
    const last = m.groups[thread]! - pending
    let kept = 0
    for (const copy of all) {
      if (copy.group < last) arrive(m, copy, thread, lane)
      else all[kept++] = copy
    }
    all.length = kept
  }
}

function arrive(
  m: Machine,
  { to, from, bytes, read }: Machine['copies'][number][number],
  thread: number,
  lane: number,
): void {
  const { shared, device } = m
  if (read > 0) {
    const at = locate(m, from[0], from[1], bytes, read, lane)
    shared.B.set(device.piece.B.subarray(at, at + read), to)
  }
  if (read < bytes) shared.B.fill(0, to + read, to + bytes)
  shared.arrive(to, bytes, thread)
}

/** Where a copy's bytes are in `device.piece`: those that are read have to be there. */
function locate({ device }: Machine, low: number, high: number, bytes: number, read: number, lane: number): number {
  if (read === bytes) return device.read(low, high, bytes, lane)
  device.read(low + read - 1, high, 1, lane)
  return device.read(low, high, 1, lane)
}
