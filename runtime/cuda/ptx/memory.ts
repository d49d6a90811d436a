/** Loads, stores and atomic operations, PTX ISA section 9.7.9. Every access of shared memory and of the device's is checked. */
import type { LaneText } from './lane-code.ts'
import type { Use } from './machine.ts'
import type { Opcode } from './spec.ts'
import { isWide } from './types.ts'
import { bytesOfType } from './variable.ts'

export type Space = 'shared' | 'global' | 'local' | 'param' | 'const' | 'generic'

export const spaceOf = ({ parts }: Opcode): Space =>
  (['shared', 'global', 'local', 'param', 'const'] as const).find((space) =>
    parts.some((part) => part === space || part.startsWith(`${space}::`)),
  ) ?? 'generic'

/** How many values are read or written at once. */
export const countOf = ({ parts }: Opcode): number =>
  parts.includes('v4') ? 4 : parts.includes('v2') ? 2 : parts.includes('v8') ? 8 : 1

/** A value of a type in memory `v`, at byte `q`, for a register of 32 bits. */
function valueAt(type: string, q: string): string {
  const bytes = bytesOfType(type)
  if (type === 'f32') return `v.F[${q} >> 2]`
  if (bytes === 4) return `v.I[${q} >> 2]`
  if (bytes === 2) return type === 's16' ? `(v.H[${q} >> 1] << 16 >> 16)` : `v.H[${q} >> 1]`
  return type === 's8' ? `(v.B[${q}] << 24 >> 24)` : `v.B[${q}]`
}

/** To a register, which may be wider than what is read. */
function load(type: string, register: string, name: string, q: string): string {
  if (bytesOfType(type) === 8)
    return `I[${name} + 2 * l] = v.I[${q} >> 2]; I[${name} + 2 * l + 1] = v.I[(${q} >> 2) + 1];`
  const value = valueAt(type, q)
  if (isWide(register))
    return `{ const z = ${value}; I[${name} + 2 * l] = z; I[${name} + 2 * l + 1] = z < 0 && ${type.startsWith('s')} ? -1 : 0; }`
  if (type === 'f32') return `F[${name} + l] = ${value};`
  return register.endsWith('16') ? `I[${name} + l] = ${value} & 65535;` : `I[${name} + l] = ${value};`
}

function store(type: string, register: string, name: string, q: string): string {
  const bytes = bytesOfType(type)
  if (bytes === 8) return `v.I[${q} >> 2] = I[${name} + 2 * l]; v.I[(${q} >> 2) + 1] = I[${name} + 2 * l + 1];`
  const value = isWide(register) ? `I[${name} + 2 * l]` : `I[${name} + l]`
  if (bytes === 4) return `v.I[${q} >> 2] = ${value};`
  return bytes === 2 ? `v.H[${q} >> 1] = ${value};` : `v.B[${q}] = ${value};`
}

/** The text before lanes, and that for a lane which finds `v` and the byte `q` in it. */
function find(space: Space, use: Use, bytes: number, address: string, offset: string): readonly [string, string] {
  const isLong = isWide(address)
  const low = isLong ? 'I[x + 2 * l]' : 'I[x + l]'
  if (space === 'shared') {
    return [
      `const v = m.shared, first = m.firstThread, offset = ${offset};`,
      `const q = ${low} + offset | 0; v.${use}(q, ${bytes}, first + l);`,
    ]
  }
  if (space === 'global' || space === 'const') {
    const high = isLong ? 'I[x + 2 * l + 1]' : '0'
    return [
      `const device = m.device, offset = ${offset};`,
      `const q = device.${use}((${low} >>> 0) + offset, ${high}, ${bytes}, l), v = device.piece;`,
    ]
  }
  if (space === 'param') return [`const v = m.params, offset = ${offset};`, `const q = ${low} + offset;`]
  if (space === 'local') {
    return [
      `const v = m.local, own = m.localBytes, first = m.firstThread, offset = ${offset};`,
      `const q = m.ownAt(${low} + offset, ${bytes}, l);`,
    ]
  }
  return [
    `const offset = ${offset};`,
    `const v = m.find(${low} + offset, I[x + 2 * l + 1], '${use}', ${bytes}, l), q = m.found;`,
  ]
}

/** An element of a vector in memory, and the type of the register that takes it. */
export interface Taken {
  readonly at: number
  readonly type: string
}

/**
 * @param taken    the elements that are looked at, of `count`: all of these have to exist
 * @param address  the type of the register with the address, which stands after theirs; a number of bytes to add stands last
 */
export function loadText(opcode: Opcode, taken: readonly Taken[], count: number, address: string): LaneText {
  const { type } = opcode
  const size = bytesOfType(type)
  const names = taken.map((_, n) => `d${n}`)
  const isPart = taken.length < count
  const [space, offset] = [spaceOf(opcode), `code[at + ${names.length + 1}]`]
  const [before, place] = find(space, isPart ? 'find' : 'read', size * count, address, offset)
  const places = taken.map(({ at }) => (at === 0 ? 'q' : `(q + ${at * size})`))
  const looks = isPart ? places.map((own) => lookAt(space, own, size)) : []
  const moves = names.map((name, n) => load(type, taken[n]!.type, name, places[n]!))
  // The address is read before a value is written: they may share a register.
  return { registers: [...names, 'x'], before, body: `${place} ${looks.join(' ')} ${moves.join(' ')}` }
}

/** @param values  types of the registers that are written; the address and the bytes to add stand after them */
export function storeText(opcode: Opcode, values: readonly string[], address: string): LaneText {
  const { type } = opcode
  const size = bytesOfType(type)
  const names = values.map((_, n) => `d${n}`)
  const offset = `code[at + ${names.length + 1}]`
  const [before, place] = find(spaceOf(opcode), 'write', size * values.length, address, offset)
  const moves = names.map((name, n) => store(type, values[n]!, name, n === 0 ? 'q' : `(q + ${n * size})`))
  return { registers: [...names, 'x'], before, body: `${place} ${moves.join(' ')}` }
}

/** Checks one element of what has been found. */
function lookAt(space: Space, place: string, bytes: number): string {
  if (space === 'shared') return `v.read(${place}, ${bytes}, first + l);`
  if (space === 'global' || space === 'const') return `device.look(${place}, ${bytes}, l);`
  return space === 'generic' ? `m.look(v, ${place}, ${bytes}, l);` : ''
}

/** What an atomic operation makes of the old value and its operands y and z. */
const updates: Readonly<Record<string, string>> = {
  add: 'old + y',
  min: 'Math.min(old, y)',
  max: 'Math.max(old, y)',
  and: 'old & y',
  or: 'old | y',
  xor: 'old ^ y',
  exch: 'y',
  cas: 'old === y ? z : old',
  inc: 'old >= y ? 0 : old + 1',
  dec: 'old === 0 || old > y ? y : old - 1',
}

/**
 * `atom` with the old value as a result, `red` without one; of 32 bits.
 *
 * @param address   the type of the register with the address, which stands after the result, if there is one
 * @param operands  how many there are beside the address; a number of bytes to add stands last
 */
export function atomicText(opcode: Opcode, address: string, operands: number): LaneText | undefined {
  const { parts, type, name } = opcode
  const update = updates[parts.find((part) => part in updates) ?? '']
  if (!update || !['f32', 'u32', 's32', 'b32'].includes(type)) return undefined
  const hasResult = name === 'atom'
  const names = ['y', 'z'].slice(0, operands)
  const registers = [...(hasResult ? ['d'] : []), 'x', ...names.map((one) => `${one}Register`)]
  const [before, place] = find(spaceOf(opcode), 'update', 4, address, `code[at + ${registers.length}]`)
  const view = type === 'f32' ? 'F' : type === 'u32' ? 'U' : 'I'
  const kept = type === 'f32' ? 'F' : 'I'
  const old = type === 'u32' ? '(v.I[q >> 2] >>> 0)' : `v.${kept}[q >> 2]`
  const reads = names.map((one) => `const ${one} = ${view}[${one}Register + l];`).join(' ')
  const result = hasResult ? `${kept}[d + l] = old;` : ''
  return { registers, before, body: `${place} ${reads} const old = ${old}; v.${kept}[q >> 2] = ${update}; ${result}` }
}
