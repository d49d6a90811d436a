/** Where a kernel's registers lie, in words from where a warp's begin: its own, special ones, and one for each constant. */
import { base, first } from './device-memory.ts'
import type { Entry, Instruction, Module, Operand, Variable } from './module.ts'
import { bitsOf } from './numbers.ts'
import { isWide, wordsOf } from './types.ts'
import { layOut } from './variable.ts'

/** A word for each lane, or two: what a register holds before the kernel begins. */
export interface Preset {
  readonly at: number
  readonly low: number
  readonly high: number | undefined // of 64 bits
}

const doubles = new Float64Array(1)
const words = new Int32Array(doubles.buffer)

export class Registers {
  readonly #entry: Entry
  readonly #symbols: ReadonlyMap<string, number> // offsets in their memory; of variables of the module, their number there
  readonly #globals: ReadonlyMap<string, number>
  readonly #places = new Map<string, number>()
  readonly #constants = new Map<string, number>()
  readonly #uses: ReadonlyMap<string, number>
  readonly presets: Preset[] = []
  readonly specials = new Map<string, number>() // '%tid.x', and where it lies
  readonly sharedBytes: number // that the kernel has by itself
  readonly localBytes: number
  readonly paramBytes: number
  size = 0

  constructor(entry: Entry, module: Module) {
    this.#entry = entry
    const spaceOf = (space: string) => {
      const all = [...module.variables, ...entry.variables].filter((one) => one.space === space)
      return layOut(all)
    }
    const [shared, local, params] = [spaceOf('shared'), spaceOf('local'), layOut(entry.params)]
    this.sharedBytes = shared.bytes
    this.localBytes = Math.ceil(local.bytes / 16) * 16
    this.paramBytes = params.bytes
    this.#symbols = new Map([...shared.offsets, ...local.offsets, ...params.offsets])
    this.#globals = new Map(globalsOf(module).map(({ name }, n) => [name, n]))
    this.#uses = usesOf(entry.body)
    for (const [name, type] of entry.registers) this.#places.set(name, this.#take(wordsOf(type)))
  }

  #take(count: number): number {
    if (count === 64 && this.size % 2 === 1) this.size++
    const at = this.size
    this.size += count
    return at
  }

  typeOf(name: string): string {
    return this.#entry.registers.get(name) ?? 'u32'
  }

  /** Whether anything but the one instruction that it stands in names a register; `_` is none. */
  isNamedAgain(operand: Operand): boolean {
    return operand.kind === 'register' && (this.#uses.get(operand.name) ?? 0) > 1
  }

  /** The type of the register that an operand is, or that it is made for where one of `type` is wanted. */
  registerType(operand: Operand, type: string): string {
    return operand.kind === 'register' ? this.typeOf(operand.name) : type
  }

  /** Where an operand of a type lies. */
  place(operand: Operand, type: string): number {
    if (operand.kind === 'register') return this.#places.get(operand.name) ?? missing(operand.name)
    if (operand.kind === 'float') return this.#constant(type, ...floatWords(operand.value, type))
    if (operand.kind === 'integer') {
      if (type === 'pred') return this.#constant('pred', operand.value === 0n ? 0 : -1, 0)
      const mask = type.endsWith('16') ? 65535 : -1
      return this.#constant(
        type,
        Number(BigInt.asIntN(32, operand.value)) & mask,
        Number(BigInt.asIntN(32, operand.value >> 32n)),
      )
    }
    if (operand.kind !== 'symbol') return missing(operand.kind)
    const { name } = operand
    if (name.startsWith('%')) return this.#special(name)
    const offset = this.#symbols.get(name)
    if (offset !== undefined) return this.#constant(type, offset, 0)
    const global = this.#globals.get(name)
    return global === undefined ? missing(name) : this.#constant(type, base, first + global)
  }

  #special(name: string): number {
    const found = this.specials.get(name)
    if (found !== undefined) return found
    const at = this.#take(32)
    this.specials.set(name, at)
    return at
  }

  #constant(type: string, low: number, high: number): number {
    const wide = type !== 'pred' && isWide(type)
    const key = wide ? `${low},${high}` : type === 'pred' ? `p${low}` : `${low}`
    const found = this.#constants.get(key)
    if (found !== undefined) return found
    const at = this.#take(type === 'pred' ? 1 : wide ? 64 : 32)
    this.#constants.set(key, at)
    this.presets.push({ at, low, high: wide ? high : undefined })
    return at
  }
}

function floatWords(value: number, type: string): readonly [number, number] {
  if (type === 'f64' || type === 'b64') {
    doubles[0] = value
    return [words[0]!, words[1]!]
  }
  return [bitsOf(value), 0]
}

/** How often instructions name each register. */
function usesOf(body: readonly Instruction[]): ReadonlyMap<string, number> {
  const uses = new Map<string, number>()
  const see = (operand: Operand | undefined): void => {
    if (operand?.kind === 'register') uses.set(operand.name, (uses.get(operand.name) ?? 0) + 1)
    else if (operand?.kind === 'address') see(operand.base)
    else if (operand?.kind === 'list') operand.items.forEach(see)
    else if (operand?.kind === 'pair') [operand.first, operand.second].forEach(see)
  }
  for (const { operands, guard } of body) [...operands, guard].forEach(see)
  return uses
}

function missing(what: string): never {
  throw new Error(`PTX names ${what}, which the interpreter does not know`)
}

/** Pieces of memory of a call: variables of the module come before them. */
export const tensorsFrom = 64
export function globalsOf({ variables }: Module): readonly Variable[] {
  const all = variables.filter(({ space }) => space === 'global' || space === 'const')
  if (all.length > tensorsFrom) throw new Error(`PTX has more than ${tensorsFrom} variables of a module`)
  return all
}
