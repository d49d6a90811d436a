import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementCount } from '../runtime/tensor.ts'
import { safetensorsChunks } from '../runtime/tensors/safetensors.ts'
import {
  bytesOf,
  codeOf,
  gather,
  latin1,
  messageOf,
  namesIn,
  readStored,
  readWidened,
  safetensors,
  unwrap,
} from './tensor-bytes.ts'

/** Four f32 `a` and two bf16 `b`, not aligned and not in order of names. */
const header = {
  __metadata__: { format: 'pt' },
  b: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] },
  a: { dtype: 'F32', shape: [2, 2], data_offsets: [4, 20] },
}
const data = Uint8Array.from([0x81, 0x3f, 0x40, 0xc0, ...bytesOf(Float32Array.of(1, 2, 3, 4))])
const good = safetensors(header, data)

describe('a file is read', () => {
  test('with bf16 as bits, or widened', async () => {
    expect(await namesIn(good)).toEqual(['b', 'a'])
    expect(unwrap(await readStored(good, 'a'))).toEqual({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) })
    expect(unwrap(await readStored(good, 'b'))).toEqual({ shape: [2], data: Uint16Array.of(0x3f81, 0xc040) })
    expect(unwrap(await readWidened(good, 'bf16', 'b')).data).toEqual(Float32Array.of(1.0078125, -3))
    expect(unwrap(await readWidened(good, 'f32', 'b')).data).toEqual(Float32Array.of(1.0078125, -3))
    expect(unwrap(await readStored(good, 'a', 'bf16')).data).toEqual(Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080))
  })

  test.each([
    ['F64', Float64Array.of(0.5, -2), Float32Array.of(0.5, -2)],
    ['F16', Float16Array.of(0.5, -2), Float16Array.of(0.5, -2)],
    ['I64', BigInt64Array.of(-1n, 2n), Int32Array.of(-1, 2)],
    ['I32', Int32Array.of(-1, 2), Int32Array.of(-1, 2)],
    ['I16', Int16Array.of(-1, 2), Int32Array.of(-1, 2)],
    ['I8', Int8Array.of(-1, 2), Int32Array.of(-1, 2)],
    ['U64', BigUint64Array.of(1n, 2n), Int32Array.of(1, 2)],
    ['U32', Uint32Array.of(1, 2), Int32Array.of(1, 2)],
    ['U16', Uint16Array.of(65535, 2), Int32Array.of(65535, 2)],
    ['U8', Uint8Array.of(255, 2), Int32Array.of(255, 2)],
    ['BOOL', Uint8Array.of(1, 0), Uint8Array.of(1, 0)],
  ])('of %s', async (dtype, elements, expected) => {
    const bytes = safetensors({ x: { dtype, shape: [2], data_offsets: [0, elements.byteLength] } }, bytesOf(elements))
    expect(unwrap(await readStored(bytes))).toEqual({ shape: [2], data: expected })
  })

  test('without axes, without elements, and with nothing', async () => {
    const empty = { dtype: 'F32', shape: [3, 0], data_offsets: [4, 4] }
    const scalar = { dtype: 'F32', shape: [], data_offsets: [0, 4] }
    const bytes = safetensors({ empty, scalar }, bytesOf(Float32Array.of(7)))
    expect(unwrap(await readStored(bytes, 'empty'))).toEqual({ shape: [3, 0], data: new Float32Array() })
    expect(unwrap(await readStored(bytes, 'scalar'))).toEqual({ shape: [], data: Float32Array.of(7) })
    expect(await namesIn(safetensors({}, new Uint8Array()))).toEqual([])
  })

  test('beside tensors of types that are not read', async () => {
    const f8 = { dtype: 'F8_E4M3', shape: [3], data_offsets: [0, 3] }
    const bytes = safetensors({ f8, x: { dtype: 'BOOL', shape: [1], data_offsets: [3, 4] } }, Uint8Array.of(1, 2, 3, 1))
    expect(unwrap(await readStored(bytes, 'x')).data).toEqual(Uint8Array.of(1))
    expect(messageOf(await readStored(bytes, 'f8'))).toContain('x:f8: elements of type F8_E4M3 are not read')
    expect(codeOf(await readStored(bytes, 'f8'))).toBe('ATTN0322')
  })

  test('with names that objects have', async () => {
    const one = (at: number): object => ({ dtype: 'BOOL', shape: [1], data_offsets: [at, at + 1] })
    const json = `{"__proto__": ${JSON.stringify(one(0))}, "toString": ${JSON.stringify(one(1))}}`
    const bytes = safetensors(json, Uint8Array.of(1, 0))
    expect(await namesIn(bytes)).toEqual(['__proto__', 'toString'])
    expect(unwrap(await readStored(bytes, '__proto__')).data).toEqual(Uint8Array.of(1))
    expect(codeOf(await readStored(bytes, 'valueOf'))).toBe('ATTN0326')
  })
})

describe('refused, with a reason:', () => {
  const x = (more: object): object => ({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...more } })
  const eight = new Uint8Array(8)
  const two = (a: readonly number[], b: readonly number[]): object => ({
    a: { dtype: 'U8', shape: [(a[1] ?? 0) - (a[0] ?? 0)], data_offsets: a },
    b: { dtype: 'U8', shape: [(b[1] ?? 0) - (b[0] ?? 0)], data_offsets: b },
  })
  test.each([
    ['a header longer than the file', safetensors(x({}), eight, 1000n), 'claims 1000 bytes, the file ends before that'],
    ['a header of 2^63 bytes', safetensors(x({}), eight, 2n ** 63n), 'claims 9223372036854775808 bytes'],
    ['a header shorter than it is', safetensors(x({}), eight, 20n), 'no JSON object'],
    ['a header beyond the limit', safetensors(`{${' '.repeat(2 ** 24)}}`, eight), 'of at most 16777216'],
    ['no JSON', safetensors('{"x": }', eight), 'no JSON object'],
    ['JSON and more', safetensors('{} {}', eight), 'no JSON object'],
    ['no UTF-8', safetensors('{"x\xff": 1}', eight).map((c) => (c === 0xc3 ? 0xff : c)), 'not valid UTF-8'],
    ['deep nesting', safetensors(`{"a": ${'['.repeat(100_000)}`, eight), 'nests too deeply'],
    ['deep nesting of objects', safetensors('{"a":'.repeat(5), eight), 'nests too deeply'],
    ['lists in a list', safetensors('{"a": [[], [], []]}', eight), 'nests too deeply'],
    ['a name twice', safetensors('{"x": 1, "x": 2}', eight), "has 'x' twice"],
    ['a name twice, written otherwise', safetensors('{"x": 1, "\\u0078" \n : 2}', eight), "has 'x' twice"],
    ['a name twice, far from its colon', safetensors(`{"x": 1, "x"${' '.repeat(999)}: 2}`, eight), "has 'x' twice"],
    ['a member twice', safetensors('{"x": {"dtype": "F32", "dtype": "F16"}}', eight), "has 'dtype' twice"],
    ['a number for a tensor', safetensors({ x: 1 }, eight), "of 'x' its header says nothing"],
    ['a list for a tensor', safetensors({ x: [] }, eight), "of 'x' its header says nothing"],
    ['no type', safetensors(x({ dtype: 1 }), eight), "no 'dtype'"],
    ['no shape', safetensors(x({ shape: 2 }), eight), "no 'shape' of lengths"],
    ['a negative length', safetensors(x({ shape: [-2] }), eight), "no 'shape' of lengths"],
    ['a length that is no integer', safetensors(x({ shape: [2.5] }), eight), "no 'shape' of lengths"],
    ['a length as text', safetensors(x({ shape: ['2'] }), eight), "no 'shape' of lengths"],
    ['a length of 1e300', safetensors(x({ shape: [1e300] }), eight), "no 'shape' of lengths"],
    [
      'a huge axis beside one without length',
      safetensors(x({ shape: [2 ** 40, 0], data_offsets: [0, 0] }), eight),
      'an axis of',
    ],
    ['a huge shape', safetensors(x({ shape: Array(9).fill(2 ** 30) }), eight), 'claims the shape'],
    ['65 axes', safetensors(x({ shape: Array(65).fill(1) }), eight), 'claims 65 axes'],
    ['one offset', safetensors(x({ data_offsets: [0] }), eight), "no two 'data_offsets'"],
    ['a negative offset', safetensors(x({ data_offsets: [-8, 0] }), eight), "no two 'data_offsets'"],
    ['an end before its start', safetensors(x({ data_offsets: [8, 0] }), eight), 'begin at 8 and end at 0'],
    [
      'a shape that claims more',
      safetensors(x({ shape: [3] }), eight),
      'claims 12 bytes of data (shape [3], F32), there are 8',
    ],
    [
      'a type that claims more',
      safetensors(x({ dtype: 'F64' }), eight),
      'claims 16 bytes of data (shape [2], F64), there are 8',
    ],
    ['data beyond the end', safetensors(x({}), eight.subarray(1)), "'x' ends at byte 8 of 7"],
    ['data beyond the end by far', safetensors(x({ dtype: 'F8', data_offsets: [0, 2 ** 52] }), eight), 'of 8'],
    ['data that nothing lists', safetensors(x({}), new Uint8Array(9)), '1 bytes after the last tensor'],
    ['a hole', safetensors(two([0, 3], [4, 8]), eight), "1 bytes of no tensor before 'b'"],
    ['tensors that overlap', safetensors(two([0, 5], [4, 8]), eight), "'b' begins at 4, within the tensor before it"],
    ['the same bytes twice', safetensors(two([0, 8], [0, 8]), eight), "'b' begins at 0, within"],
  ])('%s', async (_what, bytes, text) => {
    const read = await readStored(bytes, 'x')
    expect(messageOf(read)).toContain(text)
    expect(messageOf(read)).toMatch(/^x cannot be read as \.safetensors: /)
    expect(codeOf(read)).toBe('ATTN0321')
  })

  test('a bool of 2, and values that do not fit', async () => {
    const read = (dtype: string, bytes: Uint8Array): Promise<string> =>
      readStored(safetensors({ x: { dtype, shape: [1], data_offsets: [0, bytes.length] } }, bytes)).then(codeOf)
    expect(await read('BOOL', Uint8Array.of(2))).toBe('ATTN0321')
    expect(await read('I64', bytesOf(BigInt64Array.of(2n ** 31n)))).toBe('ATTN0323')
    expect(await read('F64', bytesOf(Float64Array.of(0.1)))).toBe('ATTN0323')
  })

  test.each([
    ['an empty file', new Uint8Array()],
    ['a file of 8 bytes', new Uint8Array(8)],
    ['JSON', latin1('{"a": 1, "b": 2}')],
  ])('%s, as no tensor file', async (_what, bytes) => {
    expect(codeOf(await readStored(bytes))).toBe('ATTN0320')
  })
})

test('any damage gives a tensor that fits the file, or a reason', async () => {
  const hits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  const digits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.constantFrom(...latin1('0123456789",[]{}:FUIB'))), {
    minLength: 1,
    maxLength: 3,
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(hits, digits), fc.nat(12), async (changes, cut) => {
      const bytes = good.slice(0, good.length - Math.max(0, cut - 8))
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
      for (const name of ['a', 'b']) {
        const read = await readStored(bytes, name)
        if (!read.ok) continue
        expect(read.value.data.length).toBe(elementCount(read.value.shape))
        expect(read.value.data.byteLength).toBeLessThanOrEqual(4 * data.length)
      }
    }),
    { numRuns: 1000 },
  )
})

test('is written as safetensors itself does: by type, then by name, aligned', async () => {
  const flags = { storage: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) } as const
  const b = { storage: 'bf16', shape: [2], data: Float32Array.of(1.0078125, -3) } as const
  const a = { storage: 'f16', shape: [], data: Float16Array.of(0.5) } as const
  const q = { storage: 'f32', shape: [1, 2], data: Float32Array.of(1, 2) } as const
  const bytes = gather(
    safetensorsChunks([
      ['flags', flags],
      ['b', b],
      ['a', a],
      ['q', q],
    ]),
  )
  const json =
    '{"q":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},' +
    '"a":{"dtype":"F16","shape":[],"data_offsets":[12,14]},"flags":{"dtype":"BOOL","shape":[3],"data_offsets":[14,17]}}'
  const padded = json.padEnd(Math.ceil(json.length / 8) * 8)
  const elements = [...bytesOf(Float32Array.of(1, 2)), 0x81, 0x3f, 0x40, 0xc0, 0, 0x38, 1, 0, 1]
  expect(bytes).toEqual(safetensors(padded, Uint8Array.from(elements)))
})
