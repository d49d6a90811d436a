import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementCount, emptyTensor } from '../runtime/tensor.ts'
import { encodeNpy } from '../runtime/tensors/npy.ts'
import {
  bytesOf,
  codeOf,
  gather,
  latin1,
  messageOf,
  npy,
  plain,
  readStored,
  readWidened,
  unwrap,
} from './tensor-bytes.ts'

describe('a tensor', () => {
  test('is written with a header of whole 64 bytes', () => {
    const bytes = gather(encodeNpy(emptyTensor('f32', [3])).chunks())
    expect((bytes.length - 12) % 64).toBe(0)
    expect(new TextDecoder('latin1').decode(bytes.subarray(10, 70))).toContain(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
    )
  })

  test('of bf16 is written as f32, which has all its values', async () => {
    const bytes = gather(encodeNpy({ storage: 'bf16', shape: [2], data: Float32Array.of(1.0078125, -3) }).chunks())
    expect(unwrap(await readStored(bytes))).toEqual({ shape: [2], data: Float32Array.of(1.0078125, -3) })
    const bits = { storage: 'bf16', shape: [2], data: Uint16Array.of(0x3f81, 0xc040) } as const
    expect(gather(encodeNpy(bits).chunks())).toEqual(bytes)
  })
})

describe('a file is read', () => {
  const six = Float32Array.of(1, 2, 3, 4, 5, 6)

  test.each([1, 2, 3])('in version %i', async (version) => {
    const tensor = unwrap(await readStored(npy(plain('<f4', '(2, 3)'), bytesOf(six), version)))
    expect(tensor).toEqual({ shape: [2, 3], data: six })
  })

  test('in Fortran order', async () => {
    const tensor = unwrap(await readStored(npy(plain('<f4', '(2, 3)', 'True'), bytesOf(six))))
    expect([...tensor.data]).toEqual([1, 3, 5, 2, 4, 6])
  })

  test('in Fortran order, of several chunks', async () => {
    const [rows, columns] = [3, 50_000]
    const data = Int32Array.from({ length: rows * columns }, (_, n) => n)
    const tensor = unwrap(await readStored(npy(plain('<i4', `(${rows}, ${columns})`, 'True'), bytesOf(data))))
    expect(tensor.data.every((x, n) => x === Math.floor(n / columns) + (n % columns) * rows)).toBe(true)
  })

  test.each([
    ['>f4', 4, 1.5, 'setFloat32'],
    ['>f8', 8, -2.25, 'setFloat64'],
    ['>f2', 2, 0.5, 'setFloat16'],
    ['>i4', 4, -7, 'setInt32'],
    ['>i2', 2, -7, 'setInt16'],
  ] as const)('with the bytes of %s swapped', async (descr, width, value, set) => {
    const view = new DataView(new ArrayBuffer(width))
    view[set](0, value)
    expect([...unwrap(await readStored(npy(plain(descr, '(1,)'), bytesOf(view)))).data]).toEqual([value])
  })

  test.each([
    ['{"shape": (2L, 3L), "fortran_order": False, "descr": "<f4"}'],
    ["  {'fortran_order':False,'descr':'<f4','shape':(2,3)}   \n"],
  ])('with a header written otherwise: %s', async (dict) => {
    expect(unwrap(await readStored(npy(dict, bytesOf(six)))).shape).toEqual([2, 3])
  })

  test('without axes, and without elements', async () => {
    expect(unwrap(await readStored(npy(plain('<f4', '()'), bytesOf(Float32Array.of(7)))))).toEqual({
      shape: [],
      data: Float32Array.of(7),
    })
    for (const order of ['False', 'True'])
      expect(unwrap(await readStored(npy(plain('<f4', '(2, 0, 3)', order), new Uint8Array()))).shape).toEqual([2, 0, 3])
  })

  test.each([
    ['<f8', Float64Array.of(0.5, Number.NaN), 'f16', [0.5, Number.NaN]],
    ['<f2', Float16Array.of(0.5, -0), 'f32', [0.5, -0]],
    ['<f2', Float16Array.of(0.5, 65504), 'f32', [0.5, 65504]],
    ['<f4', Float32Array.of(1.0078125), 'bf16', [1.0078125]],
    ['<i8', BigInt64Array.of(-5n, 2147483647n), 'i32', [-5, 2147483647]],
    ['<u8', BigUint64Array.of(5n), 'i32', [5]],
    ['<u4', Uint32Array.of(5, 2147483647), 'i32', [5, 2147483647]],
    ['<u2', Uint16Array.of(65535), 'i32', [65535]],
    ['<i2', Int16Array.of(-32768), 'i32', [-32768]],
    ['|u1', Uint8Array.of(255), 'i32', [255]],
    ['|i1', Int8Array.of(-128), 'i32', [-128]],
    ['|b1', Uint8Array.of(1, 0), 'bool', [1, 0]],
  ] as const)('of %s where each value is one of what is needed', async (descr, data, storage, values) => {
    const tensor = unwrap(await readWidened(npy(plain(descr, `(${data.length},)`), bytesOf(data)), storage))
    expect({ storage: tensor.storage, data: [...tensor.data] }).toEqual({ storage, data: values })
  })
})

describe('refused, with a reason:', () => {
  const none = new Uint8Array()
  test.each([
    ['an empty file', none, 'ATTN0320'],
    ['a text', latin1('hello, world'), 'ATTN0320'],
    ['only the magic', latin1('\x93NUMPY\x01\x00'), 'ATTN0321'],
    ['version 9', latin1('\x93NUMPY\x09\x00\x10\x00'), 'ATTN0321'],
    ['a header longer than the file', latin1('\x93NUMPY\x01\x00\xff\x00{'), 'ATTN0321'],
    ['a header of 4 GiB', latin1('\x93NUMPY\x02\x00\xff\xff\xff\xff{'), 'ATTN0321'],
    ['a header that is no dictionary', npy('[1, 2]', none), 'ATTN0321'],
    ['a header that nests', npy(`{'descr': ${'('.repeat(30_000)}`, none), 'ATTN0321'],
    ['bytes that are no ASCII', npy(plain('<f4', '()').replace('descr', 'd\xe9scr'), none), 'ATTN0321'],
    ['a key twice', npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", none), 'ATTN0321'],
    ['a key too many', npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}", none), 'ATTN0321'],
    ['a text after the dictionary', npy(`${plain('<f4', '(0,)').trim()} {}`, none), 'ATTN0321'],
    ['code', npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': ()}", none), 'ATTN0321'],
    ['a negative length', npy(plain('<f4', '(-1,)'), none), 'ATTN0321'],
    ['a length that is no integer', npy(plain('<f4', '(1.5,)'), none), 'ATTN0321'],
    ['a huge shape', npy(plain('<f4', '(99999999999, 99999999999)'), none), 'ATTN0321'],
    ['a huge axis beside one without length', npy(plain('<f4', '(0, 99999999999)'), none), 'ATTN0321'],
    ['a large shape over no data', npy(plain('<f4', '(1000000000,)'), none), 'ATTN0321'],
    ['too much data', npy(plain('<f4', '(1,)'), new Uint8Array(5)), 'ATTN0321'],
    ['data cut off', npy(plain('<f4', '(2,)'), new Uint8Array(7)), 'ATTN0321'],
    ['65 axes', npy(plain('<f4', `(${'1, '.repeat(65)})`), new Uint8Array(4)), 'ATTN0321'],
    ['a structured type', npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': ()}", none), 'ATTN0321'],
    ['objects', npy(plain('|O', '(1,)'), new Uint8Array(8)), 'ATTN0322'],
    ['f4 without an order', npy(plain('|f4', '(1,)'), new Uint8Array(4)), 'ATTN0322'],
    ['bf16 as ml_dtypes writes it', npy(plain('<V2', '(1,)'), new Uint8Array(2)), 'ATTN0322'],
    ['complex numbers', npy(plain('<c8', '(1,)'), new Uint8Array(8)), 'ATTN0322'],
    ['a name of every object as type', npy(plain('<toString', '(1,)'), new Uint8Array(8)), 'ATTN0322'],
    ['a bool of 2', npy(plain('|b1', '(1,)'), Uint8Array.of(2)), 'ATTN0321'],
    ['a bool of 2 in Fortran order', npy(plain('|b1', '(1,)', 'True'), Uint8Array.of(2)), 'ATTN0321'],
    ['an i64 beyond 32 bits', npy(plain('<i8', '(1,)'), bytesOf(BigInt64Array.of(2n ** 40n))), 'ATTN0323'],
    [
      'a u64 beyond 64 bits with sign',
      npy(plain('<u8', '(1,)'), bytesOf(BigUint64Array.of(2n ** 64n - 1n))),
      'ATTN0323',
    ],
    ['a u32 beyond 31 bits', npy(plain('<u4', '(1,)'), bytesOf(Uint32Array.of(2 ** 31))), 'ATTN0323'],
  ])('%s', async (_what, bytes, code) => {
    const read = await readStored(bytes)
    expect({ code: codeOf(read), message: messageOf(read) }).toEqual({ code, message: expect.stringMatching(/^x\b/) })
  })

  test('what a header claims and what there is, in numbers', async () => {
    expect(messageOf(await readStored(npy(plain('<f4', '(2, 3)'), new Uint8Array(20))))).toBe(
      'x cannot be read as .npy: its header claims 24 bytes of data (shape [2, 3], <f4), there are 20',
    )
  })

  test('any damage to a good file, without an exception', async () => {
    const good = npy(plain('<f4', '(2, 3)'), bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)))
    const hits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(hits, fc.nat(good.length), async (changes, end) => {
        const bytes = good.slice(0, end)
        for (const [at, byte] of changes) if (at < end) bytes[at] = byte
        const read = await readStored(bytes)
        if (read.ok) expect(read.value.data.length).toBe(elementCount(read.value.shape))
        if (read.ok) expect(read.value.data.byteLength).toBeLessThan(5 * end)
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['f32 that f16 has not', '<f4', Float32Array.of(1, 0.1), 'f16', 'ATTN0323'],
    ['f32 too large for f16', '<f4', Float32Array.of(70000), 'f16', 'ATTN0323'],
    ['f64 that f32 has not', '<f8', Float64Array.of(0.1), 'f32', 'ATTN0323'],
    ['f32 that bf16 has not', '<f4', Float32Array.of(1.00390625), 'bf16', 'ATTN0323'],
    ['f16 that bf16 has not', '<f2', Float16Array.of(1.00390625), 'bf16', 'ATTN0323'],
    ['floats as integers', '<f4', Float32Array.of(1), 'i32', 'ATTN0322'],
    ['integers as floats', '<i4', Int32Array.of(1), 'f32', 'ATTN0322'],
    ['integers as bools', '<i4', Int32Array.of(1), 'bool', 'ATTN0322'],
    ['bytes as bools', '|u1', Uint8Array.of(1), 'bool', 'ATTN0322'],
  ] as const)('%s', async (_what, descr, data, storage, code) => {
    const bytes = npy(plain(descr, `(${data.length},)`), bytesOf(data))
    expect(codeOf(await readWidened(bytes, storage))).toBe(code)
    expect(codeOf(await readStored(bytes, undefined, storage))).toBe(code)
  })
})
