/** Conversions, PTX ISA section 9.7.9.21: roundings, and integers that are too large become the nearest there is. */
import type { Opcode, Spec } from './spec.ts'
import { isFloat, isWide, read, readWide, write, writeWide } from './types.ts'

const limits: Readonly<Record<string, readonly [number, number]>> = {
  s8: [-128, 127],
  u8: [0, 255],
  s16: [-32768, 32767],
  u16: [0, 65535],
  s32: [-2147483648, 2147483647],
  u32: [0, 4294967295],
}
const wholes: Readonly<Record<string, string>> = {
  rni: 'roundEven(x)',
  rzi: 'Math.trunc(x)',
  rmi: 'Math.floor(x)',
  rpi: 'Math.ceil(x)',
}

/**
 * `cvt.rn.f32.s32`: to the type before the last, of the last.
 *
 * @param register  the type of the result's own register, which may be wider
 * @param source    that of the operand, as well
 */
export function convertOf(opcode: Opcode, register: string, source: string): Spec {
  const spec = conversionOf(opcode, register)
  const { type } = opcode
  if (!isWide(source) || isWide(type)) return spec
  return { ...spec, body: spec.body.replaceAll(read('a', type), read('a', type).replace('a + l', 'a + 2 * l')) }
}

function conversionOf(opcode: Opcode, register: string): Spec {
  const { parts, type: from, text } = opcode
  const to = parts.at(-2) ?? ''
  if (to.endsWith('x2')) return packOf(opcode, to)
  if (isFloat(from)) return isFloat(to) ? betweenFloats(opcode, to) : toInteger(opcode, to, register)
  if (isFloat(to)) return fromInteger(opcode, to)
  if (opcode.has('sat') && (isWide(from) || isWide(to))) throw new Error(`the interpreter does not know ${text}`)
  return betweenIntegers(opcode, to, register)
}

function betweenIntegers({ type: from, has }: Opcode, to: string, register: string): Spec {
  const signed = (type: string): boolean => type.startsWith('s')
  if (isWide(from) && isWide(to)) return { types: [to, from], body: `${readWide('a')} ${writeWide('d', 'a0', 'a1')}` }
  const low = isWide(from) ? 'I[a + 2 * l]' : read('a', from)
  const range = limits[to]
  if (isWide(to)) {
    const extended = `const x = ${low}; ${writeWide('d', 'x', signed(from) ? 'x < 0 ? -1 : 0' : '0')}`
    return { types: [to, from], body: extended }
  }
  const cut = has('sat') && range ? `Math.max(${range[0]}, Math.min(${range[1]}, ${low}))` : cutTo(to, low)
  return { types: [register, from], body: storeInteger(register, cut) }
}

/** A number of 32 bits at most, in a register that may be wider. */
const storeInteger = (register: string, value: string): string =>
  isWide(register) ? `const z = ${value}; ${writeWide('d', 'z', 'z < 0 ? -1 : 0')}` : write('d', register, value)

function cutTo(type: string, value: string): string {
  const bits = Number(type.slice(1))
  if (bits === 32) return type === 'u32' ? `${value} >>> 0` : value
  return type.startsWith('s') ? `${value} << ${32 - bits} >> ${32 - bits}` : `${value} & ${2 ** bits - 1}`
}

function fromInteger(opcode: Opcode, to: string): Spec {
  const { type: from } = opcode
  const value = isWide(from)
    ? `numberOf(a0, ${from.startsWith('s') ? 'a1' : 'a1 >>> 0'})`
    : read('a', from === 'b32' ? 'u32' : from)
  const reads = isWide(from) ? readWide('a') : ''
  // To f64 the sum of both words is rounded to nearest, not to odd.
  const nearest =
    isWide(from) && to === 'f64' ? `${from.startsWith('s') ? 'a1' : '(a1 >>> 0)'} * 4294967296 + a0` : value
  return { types: [to, from], body: `${reads} ${write('d', to, rounded(opcode, nearest))}` }
}

function toInteger({ parts, type: from, text, has }: Opcode, to: string, register: string): Spec {
  const whole = wholes[parts.find((part) => part in wholes) ?? '']
  if (!whole) throw new Error(`the interpreter does not know ${text}`)
  const x = has('ftz') && from === 'f32' ? `flush(${read('a', from)})` : read('a', from)
  if (isWide(to)) {
    const [low, high] = to === 's64' ? ['-(2n ** 63n)', '2n ** 63n - 1n'] : ['0n', '2n ** 64n - 1n']
    return {
      types: [to, from],
      body: `const x = ${x}, y = ${whole};
        const z = y !== y ? 2n ** 63n : y === Infinity ? ${high} : y === -Infinity ? ${low}
          : BigInt(y) > ${high} ? ${high} : BigInt(y) < ${low} ? ${low} : BigInt(y);
        ${writeWide('d', 'lowOf(z)', 'highOf(z)')}`,
    }
  }
  const [low, high] = limits[to] ?? [0, 0]
  const nan = from === 'f64' ? -(2 ** 31) : 0
  const value = `x !== x ? ${nan} : Math.max(${low}, Math.min(${high}, ${whole}))`
  return { types: [register, from], body: `const x = ${x}; ${storeInteger(register, value)}` }
}

function betweenFloats(opcode: Opcode, to: string): Spec {
  const { parts, type: from, has } = opcode
  const x = has('ftz') && from === 'f32' ? `flush(${read('a', from)})` : read('a', from)
  const whole = wholes[parts.find((part) => part in wholes) ?? ''] ?? 'x'
  if (to === 'tf32') return { types: ['b32', from], body: `const x = ${x}; F[d + l] = toTensorFloat(x);` }
  return { types: [to, from], body: `const x = ${x}; ${storeFloat(opcode, to, whole)}` }
}

/** f16 is rounded to nearest or to zero, everything else as a modifier says. */
function storeFloat(opcode: Opcode, to: string, value: string): string {
  if (to === 'f16' && opcode.has('rz')) return `I[d + l] = toHalfToZero(${value});`
  return write('d', to, rounded(opcode, value))
}

function rounded({ parts, has }: Opcode, value: string): string {
  const rounders: Readonly<Record<string, string>> = { rz: 'roundToZero', rm: 'roundDown', rp: 'roundUp' }
  const mode = parts.find((part) => part in rounders)
  let result = mode ? `${rounders[mode]}(${value})` : value
  if (has('relu')) result = `rectify(${result})`
  if (has('sat')) result = `saturate(${result})`
  return has('ftz') ? `flush(Math.fround(${result}))` : result
}

/** `cvt.rn.f16x2.f32 d, a, b`: a is the upper half. */
function packOf(opcode: Opcode, to: string): Spec {
  if (opcode.has('rz')) throw new Error(`the interpreter does not know ${opcode.text}`)
  const pack = to === 'f16x2' ? 'toHalf' : 'toBrain'
  const half = (name: string): string => `${pack}(${rounded(opcode, read(name, 'f32'))})`
  return { types: [to, 'f32', 'f32'], body: `I[d + l] = ${half('b')} | ${half('a')} << 16;` }
}
