import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StorageType } from '../compiler/attention.ts'
import { decodeNpy, encodeNpy, readNpy, tensorOf } from '../runtime/npy.ts'
import type { Outcome } from '../runtime/problem.ts'
import { elementCount, emptyTensor, roundTo, type Tensor } from '../runtime/tensor.ts'

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

/** A file with this dictionary, and data as it comes. */
function npy(dict: string, data: Uint8Array, version = 1): Uint8Array {
  const length = new Uint8Array(version === 1 ? 2 : 4)
  length[0] = dict.length & 255
  length[1] = dict.length >> 8
  return Uint8Array.from([...latin1('\x93NUMPY'), version, 0, ...length, ...latin1(dict), ...data])
}
const plain = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`
const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

function unwrap<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.findings.map(({ message }) => message).join('\n'))
  return outcome.value
}
const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : (outcome.findings[0]?.code ?? ''))

const storages: readonly StorageType[] = ['f32', 'f16', 'bf16', 'i32', 'bool']
const tensors: fc.Arbitrary<Tensor> = fc
  .record({
    storage: fc.constantFrom(...storages),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    bits: fc.array(fc.integer(), { minLength: 256, maxLength: 256 }),
    special: fc.constantFrom(0, -0, Infinity, -Infinity, Number.NaN, 1e-45, 65504),
  })
  .map(({ storage, shape, bits, special }) => {
    const tensor = emptyTensor(storage, shape)
    const whole = storage === 'i32' || storage === 'bool'
    for (let n = 0; n < tensor.data.length; n++)
      tensor.data[n] = roundTo[storage](whole ? bits[n]! : n === 0 ? special : bits[n]! / 7e5)
    if (storage === 'bool') for (const [n, x] of tensor.data.entries()) tensor.data[n] = x & 1
    return tensor
  })

describe('a tensor', () => {
  test('comes back from its file as it was', () => {
    fc.assert(
      fc.property(tensors, (tensor) => {
        const back = unwrap(tensorOf(unwrap(decodeNpy(encodeNpy(tensor), 'x')), tensor.storage))
        expect(back.shape).toEqual(tensor.shape)
        expect(bytesOf(back.data)).toEqual(bytesOf(tensor.data))
      }),
    )
  })

  test('is written with a header of whole 64 bytes', () => {
    const bytes = encodeNpy(emptyTensor('f32', [3]))
    expect((bytes.length - 12) % 64).toBe(0)
    expect(new TextDecoder('latin1').decode(bytes.subarray(10, 70))).toContain(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
    )
  })

  test('of bf16 is written as f32, which has all its values', () => {
    const bytes = encodeNpy({ storage: 'bf16', shape: [2], data: Float32Array.of(1.0078125, -3) })
    expect(unwrap(decodeNpy(bytes, 'x'))).toMatchObject({ type: 'f4', shape: [2] })
  })
})

describe('a file is read', () => {
  const six = Float32Array.of(1, 2, 3, 4, 5, 6)

  test.each([1, 2, 3])('in version %i', (version) => {
    const array = unwrap(decodeNpy(npy(plain('<f4', '(2, 3)'), bytesOf(six), version), 'x'))
    expect(array).toMatchObject({ type: 'f4', shape: [2, 3] })
    expect([...array.data]).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('in Fortran order', () => {
    const array = unwrap(decodeNpy(npy(plain('<f4', '(2, 3)', 'True'), bytesOf(six)), 'x'))
    expect([...array.data]).toEqual([1, 3, 5, 2, 4, 6])
  })

  test('with its bytes swapped', () => {
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat32(0, 1.5)
    view.setFloat32(4, -2)
    expect([...unwrap(decodeNpy(npy(plain('>f4', '(2,)'), bytesOf(view)), 'x')).data]).toEqual([1.5, -2])
  })

  test.each([
    ['{"shape": (2L, 3L), "fortran_order": False, "descr": "<f4"}'],
    ["  {'fortran_order':False,'descr':'<f4','shape':(2,3)}   \n"],
  ])('with a header written otherwise: %s', (dict) => {
    expect(unwrap(decodeNpy(npy(dict, bytesOf(six)), 'x')).shape).toEqual([2, 3])
  })

  test('without axes, and without elements', () => {
    expect([...unwrap(decodeNpy(npy(plain('<f4', '()'), bytesOf(Float32Array.of(7))), 'x')).data]).toEqual([7])
    expect(unwrap(decodeNpy(npy(plain('<f4', '(2, 0, 3)'), new Uint8Array()), 'x')).shape).toEqual([2, 0, 3])
  })

  test('from a buffer that starts anywhere', () => {
    const bytes = Buffer.concat([Buffer.alloc(3), npy(plain('<f4', '(6,)'), bytesOf(six))]).subarray(3)
    const array = unwrap(decodeNpy(bytes, 'x'))
    bytes.fill(0)
    expect([...array.data]).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('if every f64 and i64 has its value in the type that is needed', () => {
    const wide = unwrap(decodeNpy(npy(plain('<f8', '(2,)'), bytesOf(Float64Array.of(0.5, Number.NaN))), 'x'))
    expect([...unwrap(tensorOf(wide, 'f16')).data]).toEqual([0.5, Number.NaN])
    const long = unwrap(decodeNpy(npy(plain('<i8', '(2,)'), bytesOf(BigInt64Array.of(-5n, 2147483647n))), 'x'))
    expect([...unwrap(tensorOf(long, 'i32')).data]).toEqual([-5, 2147483647])
  })
})

describe('refused, with a reason:', () => {
  const none = new Uint8Array()
  test.each([
    ['an empty file', none, 'ATTN0320'],
    ['a text', latin1('hello, world'), 'ATTN0320'],
    ['an archive', latin1('PK\x03\x04 and more'), 'ATTN0320'],
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
    ['a large shape over no data', npy(plain('<f4', '(1000000000,)'), none), 'ATTN0321'],
    ['too much data', npy(plain('<f4', '(1,)'), new Uint8Array(5)), 'ATTN0321'],
    ['data cut off', npy(plain('<f4', '(2,)'), new Uint8Array(7)), 'ATTN0321'],
    ['33 axes', npy(plain('<f4', `(${'1, '.repeat(33)})`), new Uint8Array(4)), 'ATTN0321'],
    ['a structured type', npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': ()}", none), 'ATTN0321'],
    ['objects', npy(plain('|O', '(1,)'), new Uint8Array(8)), 'ATTN0322'],
    ['u1', npy(plain('|u1', '(1,)'), new Uint8Array(1)), 'ATTN0322'],
    ['bf16 as ml_dtypes writes it', npy(plain('<V2', '(1,)'), new Uint8Array(2)), 'ATTN0322'],
    ['complex numbers', npy(plain('<c8', '(1,)'), new Uint8Array(8)), 'ATTN0322'],
    ['a bool of 2', npy(plain('|b1', '(1,)'), Uint8Array.of(2)), 'ATTN0321'],
    ['an i64 beyond 32 bits', npy(plain('<i8', '(1,)'), bytesOf(BigInt64Array.of(2n ** 40n))), 'ATTN0321'],
  ])('%s', (_what, bytes, code) => {
    expect(codeOf(decodeNpy(bytes, 'x.npy'))).toBe(code)
  })

  test('any damage to a good file, without an exception', () => {
    const good = encodeNpy({ storage: 'f32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) })
    const hits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(hits, fc.nat(good.length), (changes, end) => {
        const bytes = good.slice(0, end)
        for (const [at, byte] of changes) if (at < end) bytes[at] = byte
        const read = decodeNpy(bytes, 'x')
        if (read.ok) expect(read.value.data.length).toBe(elementCount(read.value.shape))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['f32 that f16 has not', 'f4', Float32Array.of(1, 0.1), 'f16', 'ATTN0323'],
    ['f32 too large for f16', 'f4', Float32Array.of(70000), 'f16', 'ATTN0323'],
    ['f64 that f32 has not', 'f8', Float64Array.of(0.1), 'f32', 'ATTN0323'],
    ['f32 that bf16 has not', 'f4', Float32Array.of(1.00390625), 'bf16', 'ATTN0323'],
    ['floats as integers', 'f4', Float32Array.of(1), 'i32', 'ATTN0322'],
    ['integers as floats', 'i4', Int32Array.of(1), 'f32', 'ATTN0322'],
    ['integers as bools', 'i4', Int32Array.of(1), 'bool', 'ATTN0322'],
  ] as const)('%s', (_what, type, data, storage, code) => {
    expect(codeOf(tensorOf({ type, shape: [data.length], data, name: 'x.npy' }, storage))).toBe(code)
  })
})

describe('a file on disk', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'attnc-npy-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('is read whole', () => {
    const path = join(folder, 'x.npy')
    writeFileSync(path, encodeNpy({ storage: 'i32', shape: [2], data: Int32Array.of(3, -4) }))
    expect([...unwrap(readNpy(path)).data]).toEqual([3, -4])
  })

  test('that claims a terabyte is refused before anything is allocated', () => {
    const path = join(folder, 'lie.npy')
    writeFileSync(path, npy(plain('<f4', '(1000000, 1000000)'), new Uint8Array(4)))
    const before = process.memoryUsage().rss
    expect(codeOf(readNpy(path))).toBe('ATTN0321')
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
  })

  test('that is missing, a folder or a device is said to be so', () => {
    expect(codeOf(readNpy(join(folder, 'no.npy')))).toBe('ATTN0310')
    expect(codeOf(readNpy(folder))).toBe('ATTN0311')
    expect(codeOf(readNpy('/dev/zero'))).toBe('ATTN0311')
  })

  test('of numpy itself is read', () => {
    const data = new URL('../examples/data/ocr/', import.meta.url)
    for (const name of readdirSync(data).filter((one) => one.endsWith('.npy'))) {
      const array = unwrap(decodeNpy(readFileSync(new URL(name, data)), name))
      expect(array.data.length).toBe(elementCount(array.shape))
    }
  })
})
