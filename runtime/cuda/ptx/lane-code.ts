/**
 * An instruction as a function over the lanes of a warp, made once of the text of its semantics and shared by all kernels. Registers are
 * 32 words each in one buffer, 64 where they are of 64 bits, and predicates are one word, a bit for each lane.
 *
 * A function of each basic block was tried as well. Kernels are long and unrolled, blocks run few times, and V8 optimizes none of that
 * code before it is done: softmax in f16 took 1.8 times as long for 17 keys, and 6 times for 512.
 */
import * as bits from './bits.ts'
import type { Machine } from './machine.ts'
import * as numbers from './numbers.ts'

/**
 * Runs one instruction.
 *
 * @param w   where the warp's registers begin, in words
 * @param at  where the instruction's operands stand in `code`, as offsets of registers or as numbers
 */
export type Op = (m: Machine, w: number, at: number) => void

/** The same instruction where all lanes run it, and where those of `m.lanes` do. */
export interface LaneOp {
  readonly all: Op
  readonly some: Op
}

const helpers = { ...numbers, ...bits }
const helperNames = Object.keys(helpers)
const known = new Map<string, LaneOp>()

/** What the text of an instruction may use beside its operands: lane `l`, the buffer as I, U, F and D, `code`, `at`, and the machine `m`. */
export interface LaneText {
  readonly registers: readonly string[] // operands that are registers, in the order they stand in `code`
  readonly before?: string // once for the warp
  readonly body: string // for each lane
  readonly after?: string
}

export function laneOp({ registers, before = '', body, after = '' }: LaneText): LaneOp {
  const key = [registers.join(), before, body, after].join('|')
  const found = known.get(key)
  if (found) return found
  const open = `const {I, U, F, D, code} = m
${registers.map((name, n) => `const ${name} = w + code[at + ${n}]`).join('\n')}
${before}`
  const all = `${open}
for (let l = 0; l < 32; l++) {${body}}
${after}`
  const some = `${open}
const lanes = m.lanes, count = m.count
for (let n = 0; n < count; n++) { const l = lanes[n]; ${body}}
${after}`
  const make = new Function(
    ...helperNames,
    `return { all: (m, w, at) => {${all}}, some: (m, w, at) => {${some}} }`,
  ) as (...given: unknown[]) => LaneOp
  const op = make(...Object.values(helpers))
  known.set(key, op)
  return op
}
