/** A kernel as it is run: its instructions in blocks of those that follow one another, each an operation with its operands in `code`. */
import { decode } from './decode.ts'
import { plainName } from './fault.ts'
import type { LaneOp } from './lane-code.ts'
import type { Entry, Instruction, Module } from './module.ts'
import type { Preset } from './registers.ts'
import { Registers } from './registers.ts'

/**
 * Instructions that follow one another, and what comes after them. Where lanes have to be together, at a barrier or in an instruction of
 * the whole warp, a block begins.
 */
export interface Block {
  readonly first: number // of its instructions
  readonly end: number // after the last of them, which ends, branches or meets in another way than by `ops`
  readonly meets: 'warp' | 'block' | undefined // who has to come here before it begins
  readonly members: number // of a warp: where a word lies with a bit for each lane that has to, or -1: all
  readonly exit: Exit
}

export type Exit =
  | { readonly kind: 'next' }
  | { readonly kind: 'return'; readonly guard: number; readonly negated: boolean } // guard: where the predicate lies, or -1
  | { readonly kind: 'branch'; readonly to: number; readonly guard: number; readonly negated: boolean }
  | { readonly kind: 'table'; readonly index: number; readonly to: readonly number[] }
  | { readonly kind: 'barrier'; readonly vote: Vote | undefined }

/** `bar.red.or.pred p, 0, q`: what becomes of the predicates of all threads. */
export interface Vote {
  readonly mode: 'or' | 'and' | 'popc'
  readonly to: number
  readonly from: number
  readonly negated: boolean
}

export interface Kernel {
  readonly name: string // as in the source
  readonly params: readonly number[] // bytes of each
  readonly maxThreads: number
  readonly registers: number // words of a warp
  readonly presets: readonly Preset[]
  readonly specials: ReadonlyMap<string, number>
  readonly sharedBytes: number
  readonly localBytes: number
  readonly paramBytes: number
  readonly part: number // bytes of the smallest access of shared memory
  readonly blocks: readonly Block[]
  readonly ops: readonly LaneOp[]
  readonly at: Int32Array // where the operands of each stand
  readonly code: Int32Array
  readonly body: readonly Instruction[]
}

export function compileEntry(entry: Entry, module: Module): Kernel {
  const registers = new Registers(entry, module)
  const code: number[] = []
  const at: number[] = []
  const ops = entry.body.map((instruction) => {
    at.push(code.length)
    return decode(instruction, registers, code)
  })
  const blocks = blocksOf(entry, registers)
  return {
    name: plainName(entry.name),
    params: entry.params.map(({ bytes }) => bytes),
    maxThreads: entry.maxThreads,
    presets: registers.presets,
    specials: registers.specials,
    sharedBytes: registers.sharedBytes,
    localBytes: registers.localBytes,
    paramBytes: registers.paramBytes,
    part: smallestAccess(entry.body),
    registers: registers.size + (registers.size % 2),
    blocks,
    ops,
    at: Int32Array.from(at),
    code: Int32Array.from(code),
    body: entry.body,
  }
}

/** Of shared memory: single elements, or what is atomic, copied or read as matrices, which is more. */
function smallestAccess(body: readonly Instruction[]): number {
  const sizes = body.map(({ opcode }) =>
    /^(ld|st)\./.test(opcode) && !/\.(global|local|param|const)\b/.test(opcode)
      ? Number(/\d+$/.exec(opcode)?.[0]) / 8
      : 4,
  )
  return sizes.reduce((least, size) => Math.min(least, size), 4)
}

const isBarrier = (opcode: string): boolean => /^(bar|barrier)(\.cta)?\.(sync|red)\b/.test(opcode)
const isOfWarp = (opcode: string): boolean => /\.sync\b/.test(opcode) && !isBarrier(opcode)
const isBranch = (opcode: string): boolean => /^(bra|brx|ret|exit)\b/.test(opcode)

function blocksOf({ body, labels, tables }: Entry, registers: Registers): readonly Block[] {
  const starts = new Set([0, ...labels.values()])
  body.forEach(({ opcode }, n) => {
    if (isBranch(opcode) || isBarrier(opcode)) starts.add(n + 1)
    if (isBarrier(opcode) || isOfWarp(opcode)) starts.add(n)
  })
  const sorted = [...starts].filter((start) => start < body.length).sort((a, b) => a - b)
  const numbers = new Map(sorted.map((start, n) => [start, n]))
  const blockAt = (label: string): number => {
    const start = labels.get(label)
    if (start === undefined) throw new Error(`PTX has a branch to ${label}, which is nowhere`)
    return numbers.get(start) ?? sorted.length
  }
  const blocks = sorted.map((first, n): Block => {
    const next = sorted[n + 1] ?? body.length
    const last = body[next - 1]!
    const opcode = body[first]?.opcode ?? ''
    const meets = isBarrier(opcode) ? 'block' : isOfWarp(opcode) ? 'warp' : undefined
    const exit = exitOf(last, registers, blockAt, tables)
    const members = meets === 'warp' ? membersOf(body[first]!, registers) : -1
    return { first, end: exit.kind === 'next' ? next : next - 1, meets, members, exit }
  })
  return [
    ...blocks,
    {
      first: body.length,
      end: body.length,
      meets: undefined,
      members: -1,
      exit: { kind: 'return', guard: -1, negated: false },
    },
  ]
}

/** Instructions of matrices are for whole warps; others name the lanes, last. */
function membersOf({ opcode, operands }: Instruction, registers: Registers): number {
  const last = operands.at(-1)
  return last && /^(shfl|vote|match|redux|bar)\b/.test(opcode) ? registers.place(last, 'b32') : -1
}

function exitOf(
  { opcode, operands, guard }: Instruction,
  registers: Registers,
  blockAt: (label: string) => number,
  tables: Entry['tables'],
): Exit {
  const test = { guard: guard ? registers.place(guard, 'pred') : -1, negated: guard?.negated === true }
  const [target, ...others] = operands
  if (/^(ret|exit)\b/.test(opcode)) return { kind: 'return', ...test }
  if (/^bra\b/.test(opcode) && target?.kind === 'symbol') return { kind: 'branch', to: blockAt(target.name), ...test }
  if (/^brx\.idx\b/.test(opcode) && target && others[0]?.kind === 'symbol' && !guard)
    return { kind: 'table', index: registers.place(target, 'u32'), to: (tables.get(others[0].name) ?? []).map(blockAt) }
  if (!isBarrier(opcode)) {
    if (isBranch(opcode)) throw new Error(`the interpreter does not know ${opcode}`)
    return { kind: 'next' }
  }
  if (guard) throw new Error('PTX has a barrier for some threads only, which the interpreter does not know')
  const number = opcode.includes('.red') ? others[0] : target // of the barrier; the threads that it is for may follow
  if (number?.kind !== 'integer' || number.value !== 0n || operands.length !== (opcode.includes('.red') ? 3 : 1))
    throw new Error('PTX has a barrier other than 0 of all threads, which the interpreter does not know')
  const mode = (['or', 'and', 'popc'] as const).find((name) => opcode.split('.').includes(name))
  const source = operands.at(-1)
  if (!opcode.includes('.red')) return { kind: 'barrier', vote: undefined }
  if (!mode || !target || source?.kind !== 'register') throw new Error(`the interpreter does not know ${opcode}`)
  const negated = source.negated === true
  return {
    kind: 'barrier',
    vote: {
      mode,
      negated,
      to: registers.place(target, mode === 'popc' ? 'u32' : 'pred'),
      from: registers.place(source, 'pred'),
    },
  }
}
