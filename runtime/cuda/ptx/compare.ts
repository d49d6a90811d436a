/** Comparisons, and choices by them: PTX ISA section 9.7.6. */
import type { Opcode, Spec, Table } from './spec.ts'
import { isFloat, isWide, read, readWide, write, writeWide } from './types.ts'

const signs: Readonly<Record<string, string>> = { eq: '===', ne: '!==', lt: '<', le: '<=', gt: '>', ge: '>=' }
/** Comparisons of integers without a sign, by their own names. */
const unsigned: Readonly<Record<string, string>> = { lo: 'lt', ls: 'le', hi: 'gt', hs: 'ge' }

/** Whether xa and xb compare so: false for NaN, and with `u` behind it true. */
function floatTest(test: string): string {
  const unordered = '(xa !== xa || xb !== xb)'
  if (test === 'num') return `!${unordered}`
  if (test === 'nan') return unordered
  const plain = signs[test]
  if (plain) return test === 'ne' ? `(xa !== xb && !${unordered})` : `xa ${plain} xb`
  const sign = signs[test.slice(0, -1)]
  if (!test.endsWith('u') || !sign) throw new Error(`the interpreter compares no ${test}`)
  return `(xa ${sign} xb || ${unordered})`
}

function wideTest(test: string, type: string): string {
  if (test === 'eq') return 'a0 === b0 && a1 === b1'
  if (test === 'ne') return 'a0 !== b0 || a1 !== b1'
  const high = type.startsWith('s') ? ['a1', 'b1'] : ['(a1 >>> 0)', '(b1 >>> 0)']
  const strict = test.startsWith('l') ? '<' : '>'
  return `(${high[0]} ${strict} ${high[1]} || a1 === b1 && a0 ${signs[test]} b0)`
}

/** The test of a comparison, of values that have been read. */
function testOf({ parts, type, has }: Opcode): readonly [reads: string, test: string] {
  const word = parts[0] ?? ''
  if (isWide(type) && !isFloat(type))
    return [`${readWide('a')} ${readWide('b')}`, wideTest(unsigned[word] ?? word, type)]
  const value = (name: string): string =>
    has('ftz') && type === 'f32' ? `flush(${read(name, type)})` : read(name, type === 'b32' ? 'u32' : type)
  const reads = `const xa = ${value('a')}, xb = ${value('b')};`
  const sign = signs[unsigned[word] ?? word]
  if (isFloat(type)) return [reads, floatTest(word)]
  if (!sign) throw new Error(`the interpreter compares no ${word}`)
  return [reads, `xa ${sign} xb`]
}

const joins: Readonly<Record<string, string>> = { and: '&', or: '|', xor: '^' }

/**
 * `setp.lt.and.f32 p, a, b, c`: c is a predicate that the test is joined with.
 *
 * @param count  operands, a second result not counted
 * @param both   whether there is a second result, called f, of the opposite test
 */
export function setpOf(opcode: Opcode, count: number, both: boolean): Spec {
  const [reads, test] = testOf(opcode)
  const join = joins[opcode.parts[1] ?? '']
  const { type } = opcode
  if ((count === 4) !== (join !== undefined)) throw new Error(`the interpreter does not know ${opcode.text}`)
  const value = (own: string): string => (join ? `${own} ${join} ${read('c', 'pred')}` : own)
  const second = both ? write('f', 'pred', value('(t ^ 1)')) : ''
  return {
    types: ['pred', type, type, ...(join ? ['pred'] : [])],
    body: `${reads} const t = (${test}) ? 1 : 0; ${second} ${write('d', 'pred', value('t'))}`,
  }
}

export const comparisons: Table = {
  selp: ({ type }) => ({
    types: [type, type, type, 'pred'],
    body: isWide(type)
      ? `${readWide('a')} ${readWide('b')} const t = ${read('c', 'pred')}; ${writeWide('d', 't ? a0 : b0', 't ? a1 : b1')}`
      : `I[d + l] = ${read('c', 'pred')} ? I[a + l] : I[b + l];`,
  }),
  slct: ({ parts, type }) =>
    isWide(parts[0] ?? '')
      ? undefined
      : {
          types: [parts[0] ?? '', parts[0] ?? '', parts[0] ?? '', type],
          body: `I[d + l] = ${read('c', type)} >= 0 ? I[a + l] : I[b + l];`,
        },
  set: (opcode) => {
    const to = opcode.parts.at(-2) ?? ''
    const [reads, test] = testOf(opcode)
    const value = to === 'f32' ? '1' : '-1'
    return {
      types: [to, opcode.type, opcode.type],
      body: `${reads} ${write('d', to, `(${test}) ? ${value} : 0`)}`,
    }
  },
  testp: ({ parts, type }) => {
    const tests: Readonly<Record<string, string>> = {
      finite: 'Number.isFinite(x)',
      infinite: 'Math.abs(x) === Infinity',
      number: 'x === x',
      notanumber: 'x !== x',
    }
    const test = tests[parts[0] ?? '']
    return test
      ? { types: ['pred', type], body: `const x = ${read('a', type)}; ${write('d', 'pred', test)}` }
      : undefined
  },
}
