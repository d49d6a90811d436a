import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StorageType } from '../compiler/attention.ts'
import { AttncError, readTensor, readTensors, type StoredTensor, writeTensor, writeTensors } from '../node.ts'
import { emptyArray } from '../runtime/stored.ts'
import { elementCount } from '../runtime/tensor.ts'
import { memoryLimit } from '../runtime/tensors/entry.ts'
import { parseTensorPath } from '../runtime/tensors/tensor-path.ts'
import { bytesOf, npy, plain, readWidened, safetensors, unwrap, zip } from './tensor-bytes.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-tensors-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const at = (name: string): string => join(folder, name)

/** The code of the error that is thrown, and its message. */
async function faultOf(work: Promise<unknown>): Promise<readonly [code: string, message: string]> {
  try {
    await work
  } catch (error) {
    if (error instanceof AttncError) return [error.code, error.message]
    throw error
  }
  return ['ok', '']
}

const storages: readonly StorageType[] = ['f32', 'f16', 'bf16', 'i32', 'bool']
/** Any bits: each value of the type, NaN with one pattern, for a NaN is a NaN. */
const tensors: fc.Arbitrary<StoredTensor> = fc
  .record({
    storage: fc.constantFrom(...storages),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    bits: fc.uint8Array({ minLength: 1024, maxLength: 1024 }),
  })
  .map(({ storage, shape, bits }) => {
    const data = emptyArray(storage, elementCount(shape))
    bytesOf(data).set(bits.subarray(0, data.byteLength))
    for (const [n, x] of data.entries()) data[n] = storage === 'bool' ? x & 1 : Number.isNaN(x) ? Number.NaN : x
    return { shape, data }
  })

describe('a tensor comes back as it was', () => {
  test('from a .npy file, but bf16 as the f32 of the same value', async () => {
    await fc.assert(
      fc.asyncProperty(tensors, async (tensor) => {
        await writeTensor(at('x.npy'), tensor)
        const back = await readTensor(at('x.npy'))
        if (!(tensor.data instanceof Uint16Array)) expect(back).toEqual(tensor)
        else expect((await readTensor(at('x.npy'), { storage: 'f32' })).data.length).toBe(tensor.data.length)
      }),
      { numRuns: 40 },
    )
  })

  test('from a .npz file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), tensors, { maxKeys: 5 }), async (given) => {
        await writeTensors(at('x.npz'), given)
        const back = await readTensors(at('x.npz'))
        expect(Object.keys(back)).toEqual(Object.keys(given))
        for (const [name, tensor] of Object.entries(given))
          if (!(tensor.data instanceof Uint16Array)) expect(back[name]).toEqual(tensor)
      }),
      { numRuns: 40 },
    )
  })

  test('from a .safetensors file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), tensors, { maxKeys: 5 }), async (given) => {
        await writeTensors(at('x.safetensors'), given)
        const back = await readTensors(at('x.safetensors'))
        expect(Object.keys(back).sort()).toEqual(Object.keys(given).sort())
        for (const [name, tensor] of Object.entries(given)) expect(back[name]).toEqual(tensor)
      }),
      { numRuns: 40 },
    )
  })

  test.each(['x.npy', 'x.npz'])('with every bf16 there is, by way of f32 in %s', async (name) => {
    const all = Uint16Array.from({ length: 65_536 }, (_, n) => ((n & 0x7fff) > 0x7f80 ? 0x7fc0 : n))
    const tensor = { shape: [65_536], data: all }
    await (name.endsWith('y') ? writeTensor(at(name), tensor) : writeTensors(at(name), { tensor }))
    expect((await readTensor(at(name))).data).toBeInstanceOf(Float32Array)
    expect((await readTensor(at(name), { storage: 'bf16' })).data).toEqual(all)
  })

  test('when it is larger than a piece', async () => {
    const data = Float16Array.from({ length: 600_001 }, (_, n) => n % 2048)
    await writeTensors(at('x.safetensors'), {
      y: { shape: [1], data: Int32Array.of(7) },
      x: { shape: [600_001], data },
    })
    expect((await readTensor(at('x.safetensors'), { name: 'x' })).data).toEqual(data)
    expect(unwrap(await readWidened(readFileSync(at('x.safetensors')), 'f16', 'x')).data).toEqual(
      Float32Array.from(data),
    )
  })
})

describe('with numpy', { timeout: 60_000 }, () => {
  /** Runs Python in the folder; undefined where there is no numpy. */
  const python = (script: string): string | undefined => {
    const ran = spawnSync('python3', ['-c', `import numpy as np\n${script}`], { cwd: folder, encoding: 'utf8' })
    if (ran.status === 0) return ran.stdout
    if (ran.error || /No module named 'numpy'/.test(ran.stderr)) return undefined
    throw new Error(ran.stderr)
  }
  const reason = 'there is no python3 with numpy'

  test('what it saves is read', async (context) => {
    const made = python(`
x = np.arange(-6, 6).reshape(2, 3, 2)
types = ['f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', '>f2', '>f4', '>f8', '>i2', '>i4', '>i8']
arrays = {t.replace('>', 'big_'): x.astype(t) for t in types}
arrays |= {'F_' + name: np.asfortranarray(a) for name, a in arrays.items()}
for name, a in arrays.items(): np.save(name + '.npy', a)
np.savez('np.npz', **arrays)
np.savez_compressed('np_packed.npz', **arrays)
np.savez('np_other.npz', np.float32(1.5), b=x > 0, u1=np.arange(3, dtype='u1'), u8=np.arange(3, dtype='u8'), none=np.zeros((3, 0)))
print(*arrays)`)
    if (made === undefined) return context.skip(reason)
    const expected = Array.from({ length: 12 }, (_, n) => n - 6)
    const names = made.trim().split(' ')
    expect(names.length).toBe(26)
    for (const name of names)
      for (const read of [
        readTensor(at(`${name}.npy`)),
        readTensor(at('np.npz'), { name }),
        readTensor(at('np_packed.npz'), { name }),
      ]) {
        const { shape, data } = await read
        expect({ name, shape, data: [...data] }).toEqual({ name, shape: [2, 3, 2], data: expected })
      }
    expect(await readTensors(at('np_other.npz'))).toEqual({
      arr_0: { shape: [], data: Float32Array.of(1.5) },
      b: { shape: [2, 3, 2], data: Uint8Array.from(expected, (n) => Number(n > 0)) },
      u1: { shape: [3], data: Int32Array.of(0, 1, 2) },
      u8: { shape: [3], data: Int32Array.of(0, 1, 2) },
      none: { shape: [3, 0], data: new Float32Array() },
    })
  })

  test('what is written is loaded', async (context) => {
    const tensors = {
      f32: { shape: [2, 3], data: Float32Array.of(1, -0, Infinity, -Infinity, 1e-45, 0.1) },
      f16: { shape: [3], data: Float16Array.of(0.5, 65504, -2) },
      bf16: { shape: [1, 2], data: Uint16Array.of(0x3f81, 0xc040) },
      i32: { shape: [], data: Int32Array.of(-(2 ** 31)) },
      'sub/bool': { shape: [2, 1], data: Uint8Array.of(1, 0) },
      ü: { shape: [3, 0], data: new Float32Array() },
    }
    await writeTensors(at('ours.npz'), tensors)
    await writeTensor(at('ours.npy'), tensors.f32)
    const seen = python(`
z = np.load('ours.npz')
for k in z: print(ascii(k), z[k].dtype.str, z[k].shape, z[k].ravel().tolist())
a = np.load('ours.npy')
np.save('theirs.npy', a)
print(a.dtype.str, a.shape, a.tobytes() == z['f32'].tobytes())`)
    if (seen === undefined) return context.skip(reason)
    expect(seen.trim().split('\n')).toEqual([
      "'f32' <f4 (2, 3) [1.0, -0.0, inf, -inf, 1.401298464324817e-45, 0.10000000149011612]",
      "'f16' <f2 (3,) [0.5, 65504.0, -2.0]",
      "'bf16' <f4 (1, 2) [1.0078125, -3.0]",
      "'i32' <i4 () [-2147483648]",
      "'sub/bool' |b1 (2, 1) [True, False]",
      "'\\xfc' <f4 (3, 0) []",
      '<f4 (2, 3) True',
    ])
    expect(readFileSync(at('theirs.npy'))).toEqual(readFileSync(at('ours.npy')))
  })
})

test('the arrays of real activations are read', async () => {
  const data = join(import.meta.dirname, '../examples/data/ocr')
  const names = readdirSync(data).filter((one) => one.endsWith('.npy'))
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) expect((await readTensor(join(data, name))).shape.length).toBe(4)
})

describe('a path', () => {
  test('that is missing, a folder or a device is said to be so', async () => {
    for (const end of ['npy', 'npz', 'safetensors'])
      expect(await faultOf(readTensor(at(`no.${end}`)))).toEqual([
        'ATTN0310',
        expect.stringContaining(`no such file: ${at(`no.${end}`)}`),
      ])
    expect((await faultOf(readTensor(folder)))[0]).toBe('ATTN0311')
    expect((await faultOf(readTensor('/dev/zero')))[0]).toBe('ATTN0311')
  })

  test('that is a pipe without a writer is not waited for', async (context) => {
    if (spawnSync('mkfifo', [at('pipe')]).status !== 0) return context.skip('there are no named pipes')
    expect((await faultOf(readTensor(at('pipe'))))[0]).toBe('ATTN0311')
  })

  test('names a tensor only after the end of an archive', () => {
    expect(parseTensorPath('q.npy')).toEqual({ path: 'q.npy' })
    expect(parseTensorPath('C:\\data\\q.npy')).toEqual({ path: 'C:\\data\\q.npy' })
    expect(parseTensorPath('C:\\data\\x.npz')).toEqual({ path: 'C:\\data\\x.npz' })
    expect(parseTensorPath('C:\\data\\x.npz:q')).toEqual({ path: 'C:\\data\\x.npz', name: 'q' })
    expect(parseTensorPath('m.safetensors:layers.0.q')).toEqual({ path: 'm.safetensors', name: 'layers.0.q' })
    expect(parseTensorPath('x.NPZ:a:b.npz:c')).toEqual({ path: 'x.NPZ', name: 'a:b.npz:c' })
    expect(parseTensorPath('x.npz:')).toEqual({ path: 'x.npz:' })
  })
})

describe('memory', () => {
  const lie = plain('<f4', '(1000000, 1000000)')
  test.each([
    ['lie.npy', npy(lie, new Uint8Array(4))],
    ['lie.npz', zip([{ name: 'x.npy', content: npy(lie, new Uint8Array(4)), method: 8 }])],
    [
      'bomb.npz',
      zip([{ name: 'x.npy', content: npy(lie, new Uint8Array(4)), method: 8, wide: true, says: { bytes: 4e12 + 80 } }]),
    ],
    [
      'lie.safetensors',
      safetensors({ x: { dtype: 'F32', shape: [1e6, 1e6], data_offsets: [0, 4e12] } }, new Uint8Array(4)),
    ],
    ['header.safetensors', safetensors({}, new Uint8Array(4), 2n ** 40n)],
  ])('is not taken for what %s claims', async (name, bytes) => {
    writeFileSync(at(name), bytes)
    const before = process.memoryUsage().rss
    expect((await faultOf(readTensor(at(name))))[0]).toBe('ATTN0321')
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
  })

  test('is not taken beyond what there is', async (context) => {
    const axes = [2 ** 20, Math.ceil(memoryLimit() / 2 ** 22) + 1]
    writeFileSync(at('large.npy'), npy(plain('<f4', `(${axes.join(', ')})`), new Uint8Array()))
    const { size } = statSync(at('large.npy'))
    try {
      truncateSync(at('large.npy'), size + elementCount(axes) * 4)
    } catch {
      return context.skip('the file system has no files with holes of that size')
    }
    const [code, message] = await faultOf(readTensor(at('large.npy')))
    rmSync(at('large.npy'))
    expect(code).toBe('ATTN0327')
    expect(message).toMatch(
      /large\.npy: its shape \[1048576, \d+\] needs [\d.]+ GiB of memory, of which there are [\d.]+ GiB/,
    )
    expect(memoryLimit()).toBeLessThanOrEqual(totalmem())
  })
})

describe('a program', () => {
  test('gives arrays that are tensors, or is told what is wrong', async () => {
    const wrong = (tensor: unknown): Promise<readonly [string, string]> =>
      faultOf(writeTensors(at('w.npz'), { x: tensor as StoredTensor }))
    expect(await wrong({ shape: [3], data: new Float32Array(2) })).toEqual([
      'ATTN0324',
      expect.stringContaining('x has 2'),
    ])
    expect((await wrong({ shape: [-1, -2], data: new Float32Array(2) }))[0]).toBe('ATTN0324')
    expect((await wrong({ shape: 2, data: new Float32Array(2) }))[0]).toBe('ATTN0324')
    expect((await wrong({ shape: [2], data: new Float64Array(2) }))[0]).toBe('ATTN0322')
    expect((await wrong({ shape: [2], data: [1, 2] }))[0]).toBe('ATTN0322')
    expect((await wrong({ shape: [2], data: Uint8Array.of(1, 2) }))[0]).toBe('ATTN0322')
    expect(existsSync(at('w.npz'))).toBe(false)
  })

  test('asks for a storage that there is', async () => {
    await writeTensor(at('w.npy'), { shape: [1], data: Float32Array.of(1) })
    const asked = { storage: 'f64' as StorageType }
    expect(await faultOf(readTensor(at('w.npy'), asked))).toEqual(['ATTN0302', expect.stringContaining("'f64'")])
  })

  test('names tensors in archives, and only there', async () => {
    const one = { shape: [1], data: Float32Array.of(1) }
    expect((await faultOf(writeTensor(at('w.npz'), one)))[0]).toBe('ATTN0312')
    expect((await faultOf(writeTensors(at('w.npy'), { one })))[0]).toBe('ATTN0312')
    expect((await faultOf(writeTensors(at('w.safetensors'), { __metadata__: one })))[0]).toBe('ATTN0312')
    await writeTensor(at('w.npy'), one)
    await writeTensors(at('w.npz'), { a: one, b: one })
    expect((await faultOf(readTensors(at('w.npy'))))[0]).toBe('ATTN0326')
    expect((await faultOf(readTensor(at('w.npy'), { name: 'a' })))[0]).toBe('ATTN0326')
    expect((await faultOf(readTensor(at('w.npz'))))[0]).toBe('ATTN0326')
    expect((await faultOf(readTensor(at('w.npz'), { name: 'c' })))[0]).toBe('ATTN0326')
  })

  test('leaves the old file where the new one cannot be written', async () => {
    await writeTensor(at('old.npy'), { shape: [1], data: Float32Array.of(1) })
    mkdirSync(at('way.npz'))
    const before = readdirSync(folder).sort()
    expect((await faultOf(writeTensors(at('way.npz'), { x: { shape: [1], data: Float32Array.of(2) } })))[0]).toBe(
      'ATTN0312',
    )
    const torn = { shape: [1], data: Uint8Array.of(7) }
    expect((await faultOf(writeTensor(at('old.npy'), torn)))[0]).toBe('ATTN0322')
    expect((await readTensor(at('old.npy'))).data).toEqual(Float32Array.of(1))
    expect(readdirSync(folder).sort()).toEqual(before)
  })
})
