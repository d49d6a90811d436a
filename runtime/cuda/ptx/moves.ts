/** What changes no value: moves, also of parts, addresses in another form, and predicates, which are one word for all lanes. */
import { localWindow, sharedWindow } from './device-memory.ts'
import { type LaneOp, laneOp, type Op } from './lane-code.ts'
import type { Operand } from './module.ts'
import type { Operands } from './operands.ts'
import { isWide, readWide, writeWide } from './types.ts'

export const always = (op: Op): LaneOp => ({ all: op, some: op })

/** Also of parts: `mov.b32 {low, high}, word`, and back. */
export function moveOf(operands: Operands): LaneOp | undefined {
  const { type } = operands.opcode
  const [to, from] = [operands.at(0), operands.at(1)]
  if (to.kind === 'list') return splitOf(operands, to.items, from)
  if (from.kind === 'list') return joinOf(operands, to, from.items)
  if (type === 'pred') return movePredicate(operands)
  const body = isWide(type) ? `${readWide('a')} ${writeWide('d', 'a0', 'a1')}` : 'I[d + l] = I[a + l];'
  return operands.lanes({ types: [type, type], body })
}

function movePredicate(operands: Operands): LaneOp {
  const negated = operands.isNegated(1)
  operands.pushPlaces(operands.list, 'pred')
  return always((m, w, at) => {
    const place = w + m.code[at]!
    const word = m.I[w + m.code[at + 1]!]!
    m.I[place] = (m.I[place]! & ~m.active) | ((negated ? ~word : word) & m.active)
  })
}

/** A part that is called `_` is not wanted. */
function splitOf(operands: Operands, items: readonly Operand[], from: Operand): LaneOp | undefined {
  const { type } = operands.opcode
  if (items.length !== 2) return undefined
  const part = isWide(type) ? 'b32' : 'b16'
  const isWanted = items.map((item) => item.kind !== 'symbol' || item.name !== '_')
  operands.push(...items.map((item, n) => (isWanted[n] ? operands.place(item, part) : 0)), operands.place(from, type))
  const [low, high] = isWide(type) ? ['a0', 'a1'] : ['I[a + l] & 65535', 'I[a + l] >>> 16']
  const writes = ['d', 'e'].map((name, n) => (isWanted[n] ? `I[${name} + l] = x${n};` : '')).join(' ')
  const body = `${isWide(type) ? readWide('a') : ''} const x0 = ${low}, x1 = ${high}; ${writes}`
  return laneOp({ registers: ['d', 'e', 'a'], body })
}

function joinOf(operands: Operands, to: Operand, items: readonly Operand[]): LaneOp | undefined {
  const { type } = operands.opcode
  if (items.length !== 2) return undefined
  operands.push(operands.place(to, type))
  operands.pushPlaces(items, isWide(type) ? 'b32' : 'b16')
  const body = isWide(type)
    ? `const x = I[a + l], y = I[b + l]; ${writeWide('d', 'x', 'y')}`
    : 'I[d + l] = I[a + l] & 65535 | I[b + l] << 16;'
  return laneOp({ registers: ['d', 'a', 'b'], body })
}

/** Addresses of the device's memory are the same in both forms; those of others have an upper word of their own in one. */
export function convertAddress(operands: Operands): LaneOp {
  const { type, has } = operands.opcode
  const own = has('shared') ? sharedWindow : has('local') ? localWindow : undefined
  const high = own === undefined ? 'a1' : has('to') ? '0' : String(own)
  return operands.lanes({ types: [type, type], body: `${readWide('a')} ${writeWide('d', 'a0', high)}` })
}

const joins: Readonly<Record<string, (a: number, b: number) => number>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
}

/** `and.pred d, a, b`. */
export function predicatesOf(operands: Operands): LaneOp | undefined {
  const join = joins[operands.opcode.name]
  const [d, a, b = a] = operands.list
  if (!join || !d || !a || !b) return undefined
  operands.pushPlaces([d, a, b], 'pred')
  return always((m, w, at) => {
    const { I, code, active } = m
    const to = w + code[at]!
    I[to] = (I[to]! & ~active) | (join(I[w + code[at + 1]!]!, I[w + code[at + 2]!]!) & active)
  })
}
