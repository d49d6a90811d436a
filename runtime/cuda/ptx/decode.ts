/** An instruction as an operation, with its operands appended to the kernel's code. */
import { comparisons, setpOf } from './compare.ts'
import { convertOf } from './convert.ts'
import { commitCopies, copyOf, waitForAll, waitForGroups } from './copies.ts'
import { activeMask, matchOf, reduceOf, shuffleOf, voteOf } from './exchange.ts'
import { Fault } from './fault.ts'
import { floats } from './floats.ts'
import { loadMatrixOf, mmaOf } from './fragments.ts'
import { integers } from './integers.ts'
import { type LaneOp, laneOp, type Op } from './lane-code.ts'
import { atomicText, loadText, spaceOf, storeText } from './memory.ts'
import type { Instruction } from './module.ts'
import { always, convertAddress, moveOf, predicatesOf } from './moves.ts'
import { Operands } from './operands.ts'
import type { Registers } from './registers.ts'
import { opcodeOf } from './spec.ts'
import { isFloat, wordsOf } from './types.ts'

/** @throws Error  where the interpreter does not know an instruction */
export function decode(instruction: Instruction, registers: Registers, code: number[]): LaneOp {
  const opcode = opcodeOf(instruction.opcode)
  const op = operationOf(new Operands(opcode, instruction.operands, registers, code))
  if (!op) throw new Error(`the interpreter does not know ${instruction.opcode}`)
  const { guard } = instruction
  if (!guard || op === nothing) return op
  return always(guarded(op, registers.place(guard, 'pred'), guard.negated === true))
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

const nothing = always(() => {})
const whole = (op: Op | undefined): LaneOp | undefined => op && always(op)

function operationOf(operands: Operands): LaneOp | undefined {
  const { opcode } = operands
  switch (opcode.name) {
    case 'mov':
      return moveOf(operands)
    case 'cvt':
      return conversionOf(operands)
    case 'cvta':
      return convertAddress(operands)
    case 'setp':
      return comparisonOf(operands)
    case 'ld':
    case 'ldu':
      return loadOf(operands)
    case 'st':
      return storeOf(operands)
    case 'atom':
    case 'red':
      return atomicOf(operands)
    case 'shfl':
      return exchangeOf(operands)
    case 'vote':
      operands.pushPlaces([operands.at(0)], opcode.has('ballot') ? 'b32' : 'pred')
      operands.pushPlaces([operands.at(1)], 'pred')
      return whole(voteOf(opcode, operands.isNegated(1)))
    case 'redux':
      operands.pushPlaces(operands.list.slice(0, 2), opcode.type)
      return whole(reduceOf(opcode))
    case 'match':
      operands.pushPlaces(operands.list.slice(0, 2), opcode.type)
      return whole(matchOf(opcode))
    case 'activemask':
      operands.pushPlaces(operands.list, 'b32')
      return always(activeMask)
    case 'mma':
      operands.list.forEach((_, n) => {
        operands.pushPlaces(operands.itemsAt(n), 'b32')
      })
      return whole(mmaOf(opcode))
    case 'ldmatrix':
      return matricesOf(operands)
    case 'cp':
      return copiesOf(operands)
    case 'bar':
    case 'barrier': // of a block: the kernel's blocks know of it
      return opcode.parts[0] === 'warp' ? always((m) => m.shared.meetInWarp(m.warp)) : nothing
    case 'bra':
    case 'brx':
    case 'ret':
    case 'exit': // the same
    case 'membar':
    case 'fence': // what threads say to each other by shared memory is checked at barriers
    case 'nanosleep':
    case 'prefetch':
      return nothing
    case 'trap':
      return always(() => {
        throw new Fault('ends by trap')
      })
    default:
      return byTable(operands)
  }
}

/** Instructions with a result and arguments, lane by lane. */
function byTable(operands: Operands): LaneOp | undefined {
  const { opcode } = operands
  if (opcode.type === 'pred') return predicatesOf(operands)
  const table = Object.hasOwn(comparisons, opcode.name) ? comparisons : isFloat(opcode.type) ? floats : integers
  const spec = Object.hasOwn(table, opcode.name) ? table[opcode.name]?.(opcode) : undefined
  return spec && operands.lanes(spec)
}

function conversionOf(operands: Operands): LaneOp {
  const { opcode } = operands
  const to = operands.typeOf(operands.at(0), opcode.parts.at(-2) ?? '')
  return operands.lanes(convertOf(opcode, to, operands.typeOf(operands.at(1), opcode.type)))
}

function comparisonOf(operands: Operands): LaneOp {
  const target = operands.at(0)
  const second = target.kind === 'pair' ? target.second : undefined
  return operands.lanes(setpOf(operands.opcode, operands.list.length, second !== undefined), second)
}

/**
 * What a vector has that nothing takes is not looked at: where a block of 16 bytes is aligned, nvcc reads all of it for three numbers.
 */
function loadOf(operands: Operands): LaneOp {
  const { type } = operands.opcode
  const items = operands.itemsAt(0)
  const taken = items.filter((item) => operands.isNamedAgain(item))
  const wanted = items.length > 1 && taken.length > 0 ? taken : items
  const where = operands.address(1)
  operands.pushPlaces(wanted, type)
  operands.push(where.place, where.offset)
  const values = wanted.map((item) => ({ at: items.indexOf(item), type: operands.typeOf(item, type) }))
  return laneOp(loadText(operands.opcode, values, items.length, where.type))
}

function storeOf(operands: Operands): LaneOp {
  const { type } = operands.opcode
  const where = operands.address(0)
  const items = operands.itemsAt(1)
  operands.pushPlaces(items, type)
  operands.push(where.place, where.offset)
  return laneOp(
    storeText(
      operands.opcode,
      items.map((item) => operands.typeOf(item, type)),
      where.type,
    ),
  )
}

function atomicOf(operands: Operands): LaneOp | undefined {
  const { opcode, list } = operands
  const results = opcode.name === 'atom' ? 1 : 0
  const where = operands.address(results)
  const values = list.slice(results + 1)
  operands.pushPlaces(list.slice(0, results), opcode.type)
  operands.push(where.place)
  operands.pushPlaces(values, opcode.type)
  operands.push(where.offset)
  const text = atomicText(opcode, where.type, values.length)
  return text && laneOp(text)
}

function exchangeOf(operands: Operands): LaneOp | undefined {
  const target = operands.at(0)
  const [d, p] = target.kind === 'pair' ? [target.first, target.second] : [target, undefined]
  operands.push(operands.place(d, 'b32'), p ? operands.place(p, 'pred') : -1)
  operands.pushPlaces(operands.list.slice(1, 4), 'b32')
  return whole(shuffleOf(operands.opcode))
}

function matricesOf(operands: Operands): LaneOp | undefined {
  const { place, type, offset } = operands.address(1)
  operands.pushPlaces(operands.itemsAt(0), 'b32')
  operands.push(place, offset)
  return whole(loadMatrixOf(operands.opcode, wordsOf(type)))
}

function copiesOf(operands: Operands): LaneOp | undefined {
  const { opcode, list } = operands
  const [kind, what] = opcode.parts
  if (kind !== 'async') return undefined
  if (what === 'commit_group') return always(commitCopies)
  if (what === 'wait_all') return always(waitForAll)
  if (what === 'wait_group') {
    operands.push(operands.numberAt(0))
    return always(waitForGroups)
  }
  if (spaceOf(opcode) !== 'shared' || opcode.has('bulk') || list.length > 4) return undefined
  const [to, from] = [operands.address(0), operands.address(1)]
  const count = list[3]
  operands.push(to.place, from.place, to.offset, from.offset, operands.numberAt(2))
  operands.push(count ? operands.place(count, 'u32') : -1)
  return from.type === 'b64' ? always(copyOf(wordsOf(to.type))) : undefined
}
