/**
 * Instructions of floating-point numbers, PTX ISA sections 9.7.3 and 9.7.4. f32 is computed in f64 and rounded once: sums, products,
 * quotients and roots are then what they should be, since an f64 has more than twice the bits. What PTX calls approximate (`ex2.approx`
 * and others) is rounded correctly, which is within the errors that the ISA allows the hardware.
 */
import type { Opcode, Spec, Table } from './spec.ts'
import { read, write } from './types.ts'

const rounders: Readonly<Record<string, string>> = { rz: 'roundToZero', rm: 'roundDown', rp: 'roundUp' }

/** How an exact value, or one rounded to odd, becomes a result. */
function finish({ parts, type, has }: Opcode, value: string): string {
  if (type === 'f64') {
    if (parts.some((part) => part in rounders)) throw new Error('the interpreter rounds f64 to nearest only')
    return value
  }
  const mode = parts.find((part) => part in rounders)
  let result = mode && !value.startsWith('sumDown') ? `${rounders[mode]}(${value})` : value
  if (has('ftz')) result = `flush(Math.fround(${result}))`
  return has('sat') ? `saturate(${result})` : has('relu') ? `rectify(${result})` : result
}

const operand = ({ type, has }: Opcode, name: string): string =>
  has('ftz') && type === 'f32' ? `flush(${read(name, type)})` : read(name, type)

/** A function of numbers a, b and c. */
function of(opcode: Opcode, count: number, value: string): Spec {
  const { type } = opcode
  if (type.endsWith('x2')) return ofPairs(opcode, count, value)
  const names = ['a', 'b', 'c'].slice(0, count)
  const reads = names.map((name) => `const x${name} = ${operand(opcode, name)};`).join(' ')
  return { types: [type, ...names.map(() => type)], body: `${reads} ${write('d', type, finish(opcode, value))}` }
}

/** The same of both halves of a word. */
function ofPairs(opcode: Opcode, count: number, value: string): Spec {
  const { type } = opcode
  const isBrain = type === 'bf16x2'
  const names = ['a', 'b', 'c'].slice(0, count)
  const half = (n: number): string => {
    const reads = names.map((name) => {
      const bits = n === 0 ? `I[${name} + l] & 65535` : `I[${name} + l] >>> 16`
      return `const x${name} = ${isBrain ? `fromBrain(${bits})` : `halves[${bits}]`};`
    })
    return `{ ${reads.join(' ')} z${n} = ${isBrain ? 'toBrain' : 'toHalf'}(${finish({ ...opcode, type: 'f16' }, value)}); }`
  }
  return {
    types: [type, ...names.map(() => type)],
    body: `let z0, z1; ${half(0)} ${half(1)} I[d + l] = z0 | z1 << 16;`,
  }
}

const isRounded = ({ parts }: Opcode): boolean => parts.some((part) => part in rounders)
/** Sums of f32 are rounded once to nearest even in f64 and f32; in any other way, from a sum that is rounded to odd. */
function sum(opcode: Opcode, a: string, b: string): string {
  if (opcode.type === 'f64' || (opcode.type === 'f32' && !isRounded(opcode))) return `${a} + ${b}`
  return `${opcode.has('rm') ? 'sumDown' : 'sumToOdd'}(${a}, ${b})`
}

function fused(opcode: Opcode): Spec {
  if (opcode.type === 'f64') return of(opcode, 3, 'fuseDoubles(xa, xb, xc)')
  const isPlain = opcode.type === 'f32' && !isRounded(opcode)
  return of(opcode, 3, isPlain ? 'fuse(xa, xb, xc)' : sum(opcode, 'xa * xb', 'xc'))
}

const choose =
  (name: 'smaller' | 'larger') =>
  (opcode: Opcode): Spec => {
    const plain = `${name}(xa, xb)`
    const value = opcode.has('xorsign') ? `(xa < 0 !== xb < 0 ? -1 : 1) * ${name}(Math.abs(xa), Math.abs(xb))` : plain
    return of(opcode, 2, opcode.has('NaN') ? `(xa !== xa || xb !== xb ? NaN : ${value})` : value)
  }

const unary =
  (value: string) =>
  (opcode: Opcode): Spec =>
    of(opcode, 1, value)

/** Signs are bits, of NaN as well. */
const sign =
  (ofBits: (bits: string) => string, mask: (bits: string) => string) =>
  (opcode: Opcode): Spec => {
    const { type, has } = opcode
    if (type === 'f32')
      return has('ftz')
        ? of(opcode, 1, mask('xa'))
        : { types: ['f32', 'f32'], body: `I[d + l] = ${ofBits('I[a + l]')};` }
    if (type === 'f64') return of(opcode, 1, mask('xa'))
    const bits = ofBits('I[a + l]').replaceAll('0x80000000', type.endsWith('x2') ? '0x80008000' : '0x8000')
    const kept = type.endsWith('x2') ? bits : `(${bits}) & 65535`
    return { types: [type, type], body: `I[d + l] = ${kept};` }
  }

export const floats: Table = {
  add: (opcode) => of(opcode, 2, sum(opcode, 'xa', 'xb')),
  sub: (opcode) => of(opcode, 2, sum(opcode, 'xa', '-xb')),
  mul: (opcode) => of(opcode, 2, 'xa * xb'),
  fma: fused,
  mad: fused,
  div: (opcode) => of(opcode, 2, isRounded(opcode) ? unsupported(opcode) : 'xa / xb'),
  rcp: (opcode) => of(opcode, 1, isRounded(opcode) ? unsupported(opcode) : '1 / xa'),
  sqrt: (opcode) => of(opcode, 1, isRounded(opcode) ? unsupported(opcode) : 'Math.sqrt(xa)'),
  rsqrt: unary('1 / Math.sqrt(xa)'),
  ex2: unary('2 ** xa'),
  lg2: unary('Math.log2(xa)'),
  sin: unary('Math.sin(xa)'),
  cos: unary('Math.cos(xa)'),
  tanh: unary('Math.tanh(xa)'),
  neg: sign(
    (bits) => `${bits} ^ 0x80000000`,
    (x) => `-${x}`,
  ),
  abs: sign(
    (bits) => `${bits} & ~0x80000000`,
    (x) => `Math.abs(${x})`,
  ),
  min: choose('smaller'),
  max: choose('larger'),
  copysign: ({ type }) =>
    type === 'f32'
      ? { types: [type, type, type], body: 'I[d + l] = I[b + l] & 0x7fffffff | I[a + l] & 0x80000000;' }
      : undefined,
}

function unsupported({ text }: Opcode): never {
  throw new Error(`the interpreter does not know ${text}`)
}
