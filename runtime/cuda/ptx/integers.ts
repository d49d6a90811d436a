/** Instructions of integers, PTX ISA section 9.7.1 and the bitwise ones of 9.7.8. */

import type { Opcode, Spec, Table } from './spec.ts'
import { isWide, read, readWide, write, writeWide } from './types.ts'

const isSigned = (type: string): boolean => type.startsWith('s')

/** Of up to 32 bits: `value` of numbers a, b and c. */
function narrow(type: string, count: number, value: string, result = type): Spec {
  const names = ['a', 'b', 'c'].slice(0, count)
  const reads = names.map((name) => `const x${name} = ${read(name, type)};`).join(' ')
  return { types: [result, ...names.map(() => type)], body: `${reads} ${write('d', result, value)}` }
}
/** Of 64 bits: words of the result of words a0, a1, ... */
function wide(type: string, count: number, low: string, high: string, between = ''): Spec {
  const names = ['a', 'b', 'c'].slice(0, count)
  return {
    types: [type, ...names.map(() => type)],
    body: `${names.map(readWide).join(' ')} ${between} ${writeWide('d', low, high)}`,
  }
}
/** Of 64 bits by BigInt: for what is rare. */
function big(type: string, count: number, value: string): Spec {
  const make = isSigned(type) ? 'wide' : 'wideUnsigned'
  const reads = ['a', 'b', 'c'].slice(0, count).map((name) => `const x${name} = ${make}(${name}0, ${name}1);`)
  return wide(type, count, 'lowOf(z)', 'highOf(z)', `${reads.join(' ')} const z = ${value};`)
}

const bitwise =
  (count: number, of: (...x: string[]) => string) =>
  ({ type }: Opcode): Spec | undefined =>
    type === 'pred'
      ? undefined
      : isWide(type)
        ? wide(type, count, of('a0', 'b0'), of('a1', 'b1'))
        : narrow(type, count, of('xa', 'xb'))

const product = ({ type, has }: Opcode): Spec => {
  if (has('wide')) return { types: [type.replace('32', '64').replace('16', '32'), type, type], body: wideProduct(type) }
  if (isWide(type)) return has('hi') ? big(type, 2, 'xa * xb >> 64n') : wide(type, 2, ...lowProduct('0', '0'))
  if (type.endsWith('16')) return narrow(type, 2, has('hi') ? 'xa * xb >> 16' : 'xa * xb')
  if (has('hi')) return narrow(type, 2, isSigned(type) ? 'upperSigned(xa, xb)' : 'upperProduct(xa, xb)')
  return narrow(type, 2, 'Math.imul(xa, xb)')
}
const wideProduct = (type: string): string => {
  const both = `const xa = ${read('a', type)}, xb = ${read('b', type)};`
  if (type.endsWith('16')) return `${both} I[d + l] = Math.imul(xa, xb);`
  const upper = isSigned(type) ? 'upperSigned(xa, xb)' : 'upperProduct(xa, xb)'
  return `${both} ${writeWide('d', 'Math.imul(xa, xb)', upper)}`
}
/** Words of a * b + c modulo 2^64. */
const lowProduct = (c0: string, c1: string): [string, string, string] => [
  'low',
  `upperProduct(a0, b0) + Math.imul(a0, b1) + Math.imul(a1, b0) + ${c1} + (low > 4294967295 ? 1 : 0)`,
  `const low = (Math.imul(a0, b0) >>> 0) + ${c0};`,
]

const multiplyAdd = ({ type, has }: Opcode): Spec => {
  if (has('wide')) {
    const to = type.replace('32', '64').replace('16', '32')
    const both = `const xa = ${read('a', type)}, xb = ${read('b', type)};`
    const upper = isSigned(type) ? 'upperSigned(xa, xb)' : 'upperProduct(xa, xb)'
    const body = type.endsWith('16')
      ? `${both} I[d + l] = Math.imul(xa, xb) + I[c + l];`
      : `${both} ${readWide('c')} const low = (Math.imul(xa, xb) >>> 0) + c0;
         ${writeWide('d', 'low', `${upper} + c1 + (low > 4294967295 ? 1 : 0)`)}`
    return { types: [to, type, type, to], body }
  }
  if (isWide(type)) return wide(type, 3, ...lowProduct('c0', 'c1'))
  if (has('hi')) return narrow(type, 3, `${isSigned(type) ? 'upperSigned' : 'upperProduct'}(xa, xb) + xc`)
  return narrow(type, 3, 'Math.imul(xa, xb) + xc')
}

const quotient =
  (of: string, ofWide: string) =>
  ({ type }: Opcode): Spec =>
    isWide(type) ? big(type, 2, `${ofWide}(xa, xb)`) : narrow(type, 2, of)

const shift =
  (op: 'shl' | 'shr') =>
  ({ type }: Opcode): Spec => {
    const signed = isSigned(type)
    const by = read('b', 'u32')
    if (isWide(type)) {
      const make = signed ? 'wide' : 'wideUnsigned'
      const value = op === 'shl' ? 'x << n' : 'x >> n'
      const small =
        op === 'shl'
          ? ['a0 << s', 'a1 << s | a0 >>> 32 - s']
          : ['a0 >>> s | a1 << 32 - s', signed ? 'a1 >> s' : 'a1 >>> s']
      return {
        types: [type, type, 'u32'],
        body: `${readWide('a')} const s = ${by};
        if (s > 0 && s < 32) { ${writeWide('d', small[0]!, small[1]!)} }
        else { const n = BigInt(Math.min(s, 64)), x = ${make}(a0, a1), z = ${value}; ${writeWide('d', 'lowOf(z)', 'highOf(z)')} }`,
      }
    }
    const of = op === 'shl' ? 'shiftLeft' : signed ? 'shiftSigned' : 'shiftRight'
    return { types: [type, type, 'u32'], body: write('d', type, `${of}(${read('a', type)}, ${by})`) }
  }

const choose =
  (of: 'min' | 'max') =>
  ({ type }: Opcode): Spec => {
    if (!isWide(type)) return narrow(type, 2, `Math.${of}(xa, xb)`)
    const high = isSigned(type) ? ['a1', 'b1'] : ['(a1 >>> 0)', '(b1 >>> 0)']
    const isLess = `const less = ${high[0]} < ${high[1]} || a1 === b1 && a0 < b0, first = ${of === 'min' ? 'less' : '!less'};`
    return wide(type, 2, 'first ? a0 : b0', 'first ? a1 : b1', isLess)
  }

const single =
  (value: string, types: readonly string[]): (() => Spec) =>
  () => ({ types, body: value })

export const integers: Table = {
  add: ({ type }) =>
    isWide(type)
      ? wide(type, 2, 'low', 'a1 + b1 + (low > 4294967295 ? 1 : 0)', 'const low = a0 + b0;')
      : narrow(type, 2, 'xa + xb'),
  sub: ({ type }) =>
    isWide(type)
      ? wide(type, 2, 'low', 'a1 - b1 - (low < 0 ? 1 : 0)', 'const low = a0 - b0;')
      : narrow(type, 2, 'xa - xb'),
  mul: product,
  mad: multiplyAdd,
  div: quotient('xb === 0 ? -1 : Math.trunc(xa / xb)', 'divideWide'),
  rem: quotient('xb === 0 ? xa : xa % xb', 'restWide'),
  neg: ({ type }) => (isWide(type) ? wide(type, 1, '-a0', '~a1 + (a0 === 0 ? 1 : 0)') : narrow(type, 1, '-xa')),
  abs: ({ type }) => (isWide(type) ? big(type, 1, 'xa < 0n ? -xa : xa') : narrow(type, 1, 'Math.abs(xa)')),
  min: choose('min'),
  max: choose('max'),
  and: bitwise(2, (a, b) => `${a} & ${b}`),
  or: bitwise(2, (a, b) => `${a} | ${b}`),
  xor: bitwise(2, (a, b) => `${a} ^ ${b}`),
  not: bitwise(1, (a) => `~${a}`),
  shl: shift('shl'),
  shr: shift('shr'),
  sad: ({ type }) => narrow(type, 3, 'xc + Math.abs(xa - xb)'),
  clz: ({ type }) =>
    isWide(type)
      ? { types: ['u32', type], body: `${readWide('a')} I[d + l] = a1 === 0 ? 32 + Math.clz32(a0) : Math.clz32(a1);` }
      : narrow(type, 1, 'Math.clz32(xa)'),
  popc: ({ type }) =>
    isWide(type)
      ? { types: ['u32', type], body: `${readWide('a')} I[d + l] = countOnes(a0 | 0) + countOnes(a1);` }
      : narrow(type, 1, 'countOnes(xa)'),
  brev: ({ type }) => (isWide(type) ? undefined : narrow(type, 1, 'reverse(xa)')),
  bfind: ({ type, has }) =>
    isWide(type)
      ? undefined
      : { types: ['u32', type], body: findHighest(read('a', type), isSigned(type), has('shiftamt')) },
  bfe: ({ type }) =>
    isWide(type)
      ? undefined
      : {
          types: [type, type, 'u32', 'u32'],
          body: `I[d + l] = extract(I[a + l], I[b + l], I[c + l], ${isSigned(type)});`,
        },
  bfi: ({ type }) =>
    isWide(type)
      ? {
          types: [type, type, type, 'u32', 'u32'],
          body: `${readWide('a')} ${readWide('b')}
            const z = insertWide(wideUnsigned(a0, a1), wideUnsigned(b0, b1), I[c + l], I[e + l]);
            ${writeWide('d', 'lowOf(z)', 'highOf(z)')}`,
        }
      : {
          types: [type, type, type, 'u32', 'u32'],
          body: 'I[d + l] = insert(I[a + l], I[b + l], I[c + l], I[e + l]);',
        },
  prmt: ({ text }) =>
    text === 'prmt.b32'
      ? { types: ['b32', 'b32', 'b32', 'b32'], body: 'I[d + l] = permute(I[a + l], I[b + l], I[c + l]);' }
      : undefined,
  lop3: single('I[d + l] = logic(I[a + l], I[b + l], I[c + l], I[e + l]);', ['b32', 'b32', 'b32', 'b32', 'b32']),
  shf: ({ has }) => {
    const by = has('wrap') ? 'I[c + l] & 31' : 'Math.min(U[c + l], 32)'
    const of = has('l') ? 'funnelLeft' : 'funnelRight'
    return { types: ['b32', 'b32', 'b32', 'u32'], body: `I[d + l] = ${of}(I[a + l], I[b + l], ${by});` }
  },
}

const findHighest = (x: string, signed: boolean, asShift: boolean): string =>
  `const at = highest(${x}, ${signed}); I[d + l] = ${asShift ? 'at < 0 ? -1 : 31 - at' : 'at'};`
