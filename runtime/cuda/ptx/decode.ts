/** An instruction as an operation, with its operands appended to the kernel's code. */
import { comparisons, setpOf } from './compare.ts'
import { convertOf } from './convert.ts'
import { commitCopies, copyOf, waitForAll, waitForGroups } from './copies.ts'
import { localWindow, sharedWindow } from './device-memory.ts'
import { activeMask, matchOf, reduceOf, shuffleOf, voteOf } from './exchange.ts'
import { Fault } from './fault.ts'
import { floats } from './floats.ts'
import { loadMatrixOf, mmaOf } from './fragments.ts'
import { integers } from './integers.ts'
import { type LaneOp, type LaneText, laneOp, type Op } from './lane-code.ts'
import { atomicText, loadText, spaceOf, storeText } from './memory.ts'
import type { Instruction, Operand } from './module.ts'
import type { Registers } from './registers.ts'
import { letters, type Opcode, opcodeOf, type Spec } from './spec.ts'
import { closePredicate, isFloat, isWide, openPredicate, readWide, wordsOf, writeWide } from './types.ts'

/** @throws Error  where the interpreter does not know an instruction */
export function decode(instruction: Instruction, registers: Registers, code: number[]): LaneOp {
  const opcode = opcodeOf(instruction.opcode)
  const op = new Decoder(opcode, instruction.operands, registers, code).decode()
  if (!op) throw new Error(`the interpreter does not know ${instruction.opcode}`)
  const { guard } = instruction
  if (!guard || /^(bra|brx|ret|exit)$/.test(opcode.name)) return op
  const run = guarded(op, registers.place(guard, 'pred'), guard.negated === true)
  return { all: run, some: run }
}

/** Runs in those lanes only that a predicate holds for. */
function guarded(op: LaneOp, predicate: number, negated: boolean): Op {
  return (m, w, at) => {
    const before = m.active
    const word = m.I[w + predicate]!
    const active = before & (negated ? ~word : word)
    if (active === -1) return op.all(m, w, at)
    if (active === 0) return
    m.setActive(active)
    op.some(m, w, at)
    m.setActive(before)
  }
}

const nothing: Op = () => {}
const both = (op: Op | undefined): LaneOp | undefined => op && { all: op, some: op }

class Decoder {
  readonly #opcode: Opcode
  readonly #operands: readonly Operand[]
  readonly #registers: Registers
  readonly #code: number[]

  constructor(opcode: Opcode, operands: readonly Operand[], registers: Registers, code: number[]) {
    this.#opcode = opcode
    this.#operands = operands
    this.#registers = registers
    this.#code = code
  }

  decode(): LaneOp | undefined {
    const opcode = this.#opcode
    const { name, type } = opcode
    const own = this.#others()[name]
    if (own) return own()
    if (type === 'pred') return this.#predicates()
    const table = name in comparisons ? comparisons : isFloat(type) ? floats : integers
    const spec = Object.hasOwn(table, name) ? table[name]?.(opcode) : undefined
    return spec && this.#lanes(spec)
  }

  /** Instructions whose operands are not a result and its arguments. */
  #others(): Readonly<Record<string, () => LaneOp | undefined>> {
    const opcode = this.#opcode
    const done = (): LaneOp => ({ all: nothing, some: nothing })
    return {
      mov: () => this.#move(),
      cvt: () => this.#convert(),
      cvta: () => this.#convertAddress(),
      setp: () => this.#setp(),
      ld: () => this.#load(),
      ldu: () => this.#load(),
      st: () => this.#store(),
      atom: () => this.#atomic(),
      red: () => this.#atomic(),
      shfl: () => this.#shuffle(),
      vote: () => this.#vote(),
      redux: () => this.#collect(reduceOf(opcode), 2),
      match: () => this.#collect(matchOf(opcode), 2),
      activemask: () => this.#collect(activeMask, 1),
      mma: () => this.#matrices(mmaOf(opcode)),
      ldmatrix: () => this.#loadMatrix(),
      cp: () => this.#copy(),
      bar: () => this.#barrier(),
      barrier: () => this.#barrier(),
      bra: done,
      brx: done,
      ret: done,
      exit: done,
      membar: done, // what threads of a block say to each other by shared memory is checked at barriers
      fence: done,
      nanosleep: done,
      prefetch: done,
      trap: () => both(() => raise('ends by trap')),
    }
  }

  #operand(n: number): Operand {
    const operand = this.#operands[n]
    if (!operand) throw new Error(`PTX has too few operands of ${this.#opcode.text}`)
    return operand
  }

  /** Appends where operands lie, and gives the operation of a text for one lane. */
  #lanes({ types, body }: Spec, second?: Operand): LaneOp {
    let [before, after] = ['', '']
    types.forEach((type, n) => {
      const operand = this.#operand(n)
      const first = operand.kind === 'pair' ? operand.first : operand
      this.#code.push(this.#registers.place(first, type))
      if (type !== 'pred') return
      before += openPredicate(letters[n]!, first.kind === 'register' && first.negated === true)
      if (n === 0) after += closePredicate(letters[n]!)
    })
    const registers: string[] = letters.slice(0, types.length)
    if (second) {
      this.#code.push(this.#registers.place(second, 'pred'))
      registers.push('f')
      before += openPredicate('f')
      after += closePredicate('f')
    }
    return laneOp({ registers, before, body, after })
  }

  #convert(): LaneOp {
    const { parts, type } = this.#opcode
    const registerOf = (n: number, own: string): string => this.#registers.registerType(this.#operand(n), own)
    return this.#lanes(convertOf(this.#opcode, registerOf(0, parts.at(-2) ?? ''), registerOf(1, type)))
  }

  #setp(): LaneOp {
    const target = this.#operand(0)
    const second = target.kind === 'pair' ? target.second : undefined
    return this.#lanes(setpOf(this.#opcode, this.#operands.length, second !== undefined), second)
  }

  /** Predicates of all lanes are one word. */
  #predicates(): LaneOp | undefined {
    const words: Readonly<Record<string, (a: number, b: number) => number>> = {
      and: (a, b) => a & b,
      or: (a, b) => a | b,
      xor: (a, b) => a ^ b,
      not: (a) => ~a,
    }
    const join = words[this.#opcode.name]
    const [d, a, b = a] = this.#operands.map((operand) => this.#registers.place(operand, 'pred'))
    if (!join || d === undefined || a === undefined || b === undefined) return undefined
    this.#code.push(d, a, b)
    return both((m, w, at) => {
      const { I, code, active } = m
      const to = w + code[at]!
      I[to] = (I[to]! & ~active) | (join(I[w + code[at + 1]!]!, I[w + code[at + 2]!]!) & active)
    })
  }

  /** Also of parts: `mov.b32 {low, high}, word`, and back. */
  #move(): LaneOp | undefined {
    const { type } = this.#opcode
    const [to, from] = [this.#operand(0), this.#operand(1)]
    if (to.kind === 'list') return this.#split(to.items, from)
    if (from.kind === 'list') return this.#join(to, from.items)
    if (type === 'pred') return this.#movePredicate(to, from)
    const body = isWide(type) ? `${readWide('a')} ${writeWide('d', 'a0', 'a1')}` : 'I[d + l] = I[a + l];'
    return this.#lanes({ types: [type, type], body })
  }

  #movePredicate(to: Operand, from: Operand): LaneOp | undefined {
    const negated = from.kind === 'register' && from.negated === true
    this.#code.push(this.#registers.place(to, 'pred'), this.#registers.place(from, 'pred'))
    return both((m, w, at) => {
      const place = w + m.code[at]!
      const word = m.I[w + m.code[at + 1]!]!
      m.I[place] = (m.I[place]! & ~m.active) | ((negated ? ~word : word) & m.active)
    })
  }

  #split(items: readonly Operand[], from: Operand): LaneOp | undefined {
    const { type } = this.#opcode
    if (items.length !== 2) return undefined
    const part = isWide(type) ? 'b32' : 'b16'
    const keep = items.map((item) => item.kind !== 'symbol' || item.name !== '_')
    this.#code.push(...items.map((item, n) => (keep[n] ? this.#registers.place(item, part) : 0)))
    this.#code.push(this.#registers.place(from, type))
    const values = isWide(type) ? ['a0', 'a1'] : ['I[a + l] & 65535', 'I[a + l] >>> 16']
    const open = isWide(type) ? readWide('a') : ''
    const writes = ['d', 'e'].map((name, n) => (keep[n] ? `I[${name} + l] = x${n};` : '')).join(' ')
    return laneOp({ registers: ['d', 'e', 'a'], body: `${open} const x0 = ${values[0]}, x1 = ${values[1]}; ${writes}` })
  }

  #join(to: Operand, items: readonly Operand[]): LaneOp | undefined {
    const { type } = this.#opcode
    if (items.length !== 2) return undefined
    const part = isWide(type) ? 'b32' : 'b16'
    this.#code.push(this.#registers.place(to, type), ...items.map((item) => this.#registers.place(item, part)))
    const body = isWide(type)
      ? `const x = I[a + l], y = I[b + l]; ${writeWide('d', 'x', 'y')}`
      : 'I[d + l] = I[a + l] & 65535 | I[b + l] << 16;'
    return laneOp({ registers: ['d', 'a', 'b'], body })
  }

  /** Addresses of the device's memory are the same in both forms; those of others have their own upper word. */
  #convertAddress(): LaneOp {
    const { type, has } = this.#opcode
    const window = has('to') ? 0 : has('shared') ? sharedWindow : has('local') ? localWindow : 0
    const high = window !== 0 ? String(window) : has('shared') || has('local') ? '0' : 'a1'
    return this.#lanes({ types: [type, type], body: `${readWide('a')} ${writeWide('d', 'a0', high)}` })
  }

  #address(operand: Operand): { readonly place: number; readonly type: string; readonly offset: number } {
    if (operand.kind !== 'address') throw new Error(`PTX has no address in ${this.#opcode.text}`)
    const { base, offset } = operand
    const where: Operand = base ?? { kind: 'integer', value: 0n }
    const isLong = base?.kind === 'register' ? isWide(this.#registers.typeOf(base.name)) : true
    const type = isLong ? 'b64' : 'b32'
    return { place: this.#registers.place(where, type), type, offset }
  }

  #values(operand: Operand): readonly string[] {
    const { type } = this.#opcode
    const items = operand.kind === 'list' ? operand.items : [operand]
    this.#code.push(...items.map((item) => this.#registers.place(item, type)))
    return items.map((item) => this.#registers.registerType(item, type))
  }

  #access(value: number, address: number, text: typeof loadText): LaneOp {
    const values = this.#values(this.#operand(value))
    const { place, type, offset } = this.#address(this.#operand(address))
    this.#code.push(place, offset)
    return laneOp(text(this.#opcode, values, type))
  }
  #load(): LaneOp {
    return this.#access(0, 1, loadText)
  }
  #store(): LaneOp {
    return this.#access(1, 0, storeText)
  }

  #atomic(): LaneOp | undefined {
    const { type, name } = this.#opcode
    const hasResult = name === 'atom'
    const values = this.#operands.slice(hasResult ? 2 : 1)
    const where = this.#address(this.#operand(hasResult ? 1 : 0))
    const text: LaneText | undefined = atomicText(this.#opcode, where.type, values.length)
    if (hasResult) this.#code.push(this.#registers.place(this.#operand(0), type))
    this.#code.push(where.place, ...values.map((value) => this.#registers.place(value, type)), where.offset)
    return text && laneOp(text)
  }

  #shuffle(): LaneOp | undefined {
    const target = this.#operand(0)
    const [d, p] = target.kind === 'pair' ? [target.first, target.second] : [target, undefined]
    this.#code.push(this.#registers.place(d, 'b32'), p ? this.#registers.place(p, 'pred') : -1)
    for (const n of [1, 2, 3]) this.#code.push(this.#registers.place(this.#operand(n), 'b32'))
    return both(shuffleOf(this.#opcode))
  }

  #vote(): LaneOp | undefined {
    const from = this.#operand(1)
    const type = this.#opcode.has('ballot') ? 'b32' : 'pred'
    this.#code.push(this.#registers.place(this.#operand(0), type), this.#registers.place(from, 'pred'))
    return both(voteOf(this.#opcode, from.kind === 'register' && from.negated === true))
  }

  #collect(op: Op | undefined, count: number): LaneOp | undefined {
    for (let n = 0; n < count; n++) this.#code.push(this.#registers.place(this.#operand(n), this.#opcode.type))
    return both(op)
  }

  /** Registers of every operand, one after the other. */
  #matrices(op: Op | undefined): LaneOp | undefined {
    for (const operand of this.#operands) {
      const items = operand.kind === 'list' ? operand.items : [operand]
      this.#code.push(...items.map((item) => this.#registers.place(item, 'b32')))
    }
    return both(op)
  }

  #loadMatrix(): LaneOp | undefined {
    const target = this.#operand(0)
    const items = target.kind === 'list' ? target.items : [target]
    const { place, type, offset } = this.#address(this.#operand(1))
    this.#code.push(...items.map((item) => this.#registers.place(item, 'b32')), place, offset)
    return both(loadMatrixOf(this.#opcode, wordsOf(type)))
  }

  #copy(): LaneOp | undefined {
    const { parts } = this.#opcode
    if (parts[0] !== 'async' || parts.includes('bulk')) return undefined
    if (parts[1] === 'commit_group') return both(commitCopies)
    if (parts[1] === 'wait_all') return both(waitForAll)
    const numberAt = (n: number): number => {
      const operand = this.#operand(n)
      return operand.kind === 'integer' ? Number(operand.value) : raise(`has no number in ${this.#opcode.text}`)
    }
    if (parts[1] === 'wait_group') {
      this.#code.push(numberAt(0))
      return both(waitForGroups)
    }
    if (spaceOf(this.#opcode) !== 'shared') return undefined
    const [to, from] = [this.#address(this.#operand(0)), this.#address(this.#operand(1))]
    const count = this.#operands.find(({ kind }, n) => n > 2 && kind !== 'address')
    if (this.#operands.length > 4) return undefined
    const places = [to.place, from.place, to.offset, from.offset, numberAt(2)]
    this.#code.push(...places, count ? this.#registers.place(count, 'u32') : -1)
    return from.type === 'b64' ? both(copyOf(this.#opcode, wordsOf(to.type))) : undefined
  }

  /** Of a block, which the kernel's blocks know of; or of a warp, which has come together. */
  #barrier(): LaneOp {
    if (this.#opcode.parts[0] !== 'warp') return { all: nothing, some: nothing }
    const meet: Op = (m) => m.shared.meetInWarp(m.warp)
    return { all: meet, some: meet }
  }
}

function raise(what: string): never {
  throw new Fault(what)
}
