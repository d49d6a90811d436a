/** Matrix instructions of a warp, by the layouts of fragments in the PTX ISA, sections "ldmatrix" and "mma.m16n8k16" to "m16n8k4". */
import { Fault } from './fault.ts'
import type { Op } from './lane-code.ts'
import type { Machine } from './machine.ts'
import { brains, fromBits, halves, toHalf } from './numbers.ts'
import type { Opcode } from './spec.ts'

const left = new Float64Array(16 * 16) // row by row
const right = new Float64Array(8 * 16) // column by column

/** Of numbers of 16 bits, two of which are in a register, what they are; tf32 has a register each. */
const tables: Readonly<Record<string, Float32Array | undefined>> = { f16: halves, bf16: brains, tf32: undefined }
const tensorFloat = (word: number): number => fromBits(word & ~0x1fff) // the hardware does not look at the lowest bits

/** Puts what lanes have in one register, from `at` on, into rows of `to`: lane 4 g + t has p numbers of row g, from p t on. */
function spread(I: Int32Array, at: number, to: Float64Array, first: number, table: Float32Array | undefined): void {
  for (let lane = 0; lane < 32; lane++) {
    const word = I[at + lane]!
    const row = first + (lane >> 2) * 16
    if (table) {
      to[row + 2 * (lane & 3)] = table[word & 65535]!
      to[row + 2 * (lane & 3) + 1] = table[word >>> 16]!
    } else to[row + (lane & 3)] = tensorFloat(word)
  }
}

/**
 * `mma.sync.aligned.m16n8kK.row.col.D.A.B.C`: operands are registers of D, A, B and C. A lane 4 g + t has of A the rows g and g + 8, of
 * B the column g, and of each the elements p t to p t + p - 1 of every 4 p along k, where a register has p elements. Sums are made in
 * f64 and rounded once; the hardware's own are less exact, and in an order that nobody has promised.
 */
export function mmaOf({ parts, text }: Opcode): Op | undefined {
  const shape = parts.find((part) => /^m16n8k\d+$/.test(part))
  const [d, a, b, c] = parts.slice(-4)
  if (!shape || a === undefined || !Object.hasOwn(tables, a) || a !== b || d !== c || !text.includes('.row.col.'))
    return undefined
  const depth = Number(shape.slice(6))
  const table = tables[a]
  const span = table ? 8 : 4 // numbers along k that four lanes have in a register
  const steps = depth / span
  const isHalf = d === 'f16'
  if (!Number.isInteger(steps) || (d !== 'f32' && !isHalf)) return undefined
  const sums = isHalf ? 2 : 4
  return (m, w, at) => {
    wholeWarp(m, 'mma')
    const { I, code } = m
    const register = (n: number, lane: number): number => I[w + code[at + n]! + lane]!
    for (let step = 0; step < steps; step++) {
      const from = sums + 2 * step
      spread(I, w + code[at + from]!, left, step * span, table)
      spread(I, w + code[at + from + 1]!, left, 8 * 16 + step * span, table)
      spread(I, w + code[at + sums + 2 * steps + step]!, right, step * span, table)
    }
    const third = sums + 3 * steps
    for (let lane = 0; lane < 32; lane++) {
      const [g, t] = [lane >> 2, lane & 3]
      for (let half = 0; half < 2; half++) {
        const row = (g + 8 * half) * 16
        const [low, high] = [product(row, 2 * t * 16, depth), product(row, (2 * t + 1) * 16, depth)]
        if (isHalf) {
          const old = register(third + half, lane)
          I[w + code[at + half]! + lane] =
            toHalf(halves[old & 65535]! + low) | (toHalf(halves[old >>> 16]! + high) << 16)
        } else {
          m.F[w + code[at + 2 * half]! + lane] = m.F[w + code[at + third + 2 * half]! + lane]! + low
          m.F[w + code[at + 2 * half + 1]! + lane] = m.F[w + code[at + third + 2 * half + 1]! + lane]! + high
        }
      }
    }
  }
}

function product(row: number, column: number, depth: number): number {
  let sum = 0
  for (let k = 0; k < depth; k++) sum += left[row + k]! * right[column + k]!
  return sum
}

const addresses = new Int32Array(32)

/**
 * `ldmatrix.sync.aligned.m8n8.xN[.trans].shared.b16`: N registers, a register with an address, bytes to add. Lane 8 n + r has the
 * address of row r of matrix n.
 */
export function loadMatrixOf({ parts, has }: Opcode, wordsOfAddress: number): Op | undefined {
  const count = Number(parts.find((part) => /^x[124]$/.test(part))?.slice(1))
  if (!count || !has('m8n8') || !has('b16')) return undefined
  const isTransposed = has('trans')
  const stride = wordsOfAddress >> 5
  return (m, w, at) => {
    wholeWarp(m, 'ldmatrix')
    const { I, code, shared } = m
    const from = w + code[at + count]!
    for (let lane = 0; lane < 8 * count; lane++) {
      const address = (I[from + lane * stride]! + code[at + count + 1]!) | 0
      shared.read(address, 16, m.firstThread + lane)
      addresses[lane] = address
    }
    for (let n = 0; n < count; n++) {
      const to = w + code[at + n]!
      for (let lane = 0; lane < 32; lane++) {
        const [g, t] = [lane >> 2, lane & 3]
        I[to + lane] = isTransposed
          ? shared.H[(addresses[8 * n + 2 * t]! >> 1) + g]! |
            (shared.H[(addresses[8 * n + 2 * t + 1]! >> 1) + g]! << 16)
          : shared.I[(addresses[8 * n + g]! >> 2) + t]!
      }
    }
  }
}

function wholeWarp(m: Machine, name: string): void {
  if (m.active !== -1) throw new Fault(`runs ${name} in some lanes of a warp only`)
}
