/** The operands of one instruction: where they lie is appended to the kernel's code, in the order in which its operation wants them. */
import { Fault } from './fault.ts'
import { type LaneOp, laneOp } from './lane-code.ts'
import type { Operand } from './module.ts'
import type { Registers } from './registers.ts'
import { letters, type Opcode, type Spec } from './spec.ts'
import { closePredicate, isWide, openPredicate } from './types.ts'

/** `[%rd1+16]`: the register, its type, and the bytes to add. */
export interface Address {
  readonly place: number
  readonly type: 'b32' | 'b64'
  readonly offset: number
}

export class Operands {
  readonly opcode: Opcode
  readonly list: readonly Operand[]
  readonly #registers: Registers
  readonly #code: number[]

  constructor(opcode: Opcode, list: readonly Operand[], registers: Registers, code: number[]) {
    this.opcode = opcode
    this.list = list
    this.#registers = registers
    this.#code = code
  }

  at(n: number): Operand {
    const operand = this.list[n]
    if (!operand) throw new Error(`PTX has too few operands of ${this.opcode.text}`)
    return operand
  }
  /** Those of a vector, or the one that there is. */
  itemsAt(n: number): readonly Operand[] {
    const operand = this.at(n)
    return operand.kind === 'list' ? operand.items : [operand]
  }
  numberAt(n: number): number {
    const operand = this.at(n)
    if (operand.kind !== 'integer') throw new Fault(`has no number in ${this.opcode.text}`)
    return Number(operand.value)
  }
  isNegated(n: number): boolean {
    const operand = this.at(n)
    return operand.kind === 'register' && operand.negated === true
  }

  place(operand: Operand, type: string): number {
    return this.#registers.place(operand, type)
  }
  isNamedAgain(operand: Operand): boolean {
    return this.#registers.isNamedAgain(operand)
  }
  /** The type of an operand's own register; of a constant, the one that is wanted. */
  typeOf(operand: Operand, wanted: string): string {
    return this.#registers.registerType(operand, wanted)
  }

  address(n: number): Address {
    const operand = this.at(n)
    if (operand.kind !== 'address') throw new Error(`PTX has no address in ${this.opcode.text}`)
    const { base = { kind: 'integer', value: 0n } as const, offset } = operand
    const type = isWide(this.typeOf(base, 'b64')) ? 'b64' : 'b32'
    return { place: this.place(base, type), type, offset }
  }

  push(...numbers: readonly number[]): void {
    this.#code.push(...numbers)
  }
  pushPlaces(operands: readonly Operand[], type: string): void {
    for (const operand of operands) this.push(this.place(operand, type))
  }

  /**
   * The operation of a text for one lane, whose operands are those of the instruction.
   *
   * @param second  a predicate that is written, too: the f of the text
   */
  lanes({ types, body }: Spec, second?: Operand): LaneOp {
    let [before, after] = ['', '']
    types.forEach((type, n) => {
      const operand = this.at(n)
      const first = operand.kind === 'pair' ? operand.first : operand
      this.push(this.place(first, type))
      if (type !== 'pred') return
      before += openPredicate(letters[n]!, first.kind === 'register' && first.negated === true)
      if (n === 0) after += closePredicate(letters[n]!)
    })
    const registers: string[] = letters.slice(0, types.length)
    if (second) {
      this.push(this.place(second, 'pred'))
      registers.push('f')
      before += openPredicate('f')
      after += closePredicate('f')
    }
    return laneOp({ registers, before, body, after })
  }
}
