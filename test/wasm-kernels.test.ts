/** Kernels in WebAssembly against the meaning of their programs, and the memory that they work in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { elementary } from '../compiler/elementary.ts'
import type { Program } from '../compiler/kernel.ts'
import { ts } from '../targets/ts/target.ts'
import * as codes from '../targets/ts/wasm/code.ts'
import { code } from '../targets/ts/wasm/code.ts'
import { exp, exp2, log, log1p, sigmoid, softplus, tanh, type VectorFunction } from '../targets/ts/wasm/functions.ts'
import { Module } from '../targets/ts/wasm/module.ts'
import { fromBf16, makeWord, toBf16 } from '../templates/ts/bf16.ts'
import { operandRows, operationPrograms, operations } from './op-programs.ts'
import { runProgram } from './run-program.ts'
import { draw } from './ts-draw.ts'
import { softmaxProgram } from './ts-programs.ts'
import { admitted, columns, gathered, materialised, rounds } from './ts-shapes.ts'
import { engine, instantiate } from './web-assembly.ts'

type Data = Float32Array | Int32Array | Uint8Array | Uint16Array | Float16Array
interface Tensor {
  readonly data: Data
  readonly shape: readonly number[]
}
type Run = (inputs: object, options?: object) => Readonly<Record<string, Tensor>>
interface Compiled {
  readonly run: Readonly<Record<string, Run>>
  readonly whyPlain: () => string | undefined
  readonly allocate: (type: unknown, shape: readonly number[]) => Tensor
  readonly free: (tensor: Tensor) => void
}

const folder = mkdtempSync(join(tmpdir(), 'attnc-wasm-'))
writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
afterAll(() => rmSync(folder, { recursive: true }))

let builds = 0
async function build(programs: readonly Program[], simd: 'auto' | 'wasm' = 'auto'): Promise<Compiled> {
  const name = `m${++builds}`
  const files = await ts.emit({ name, programs, dtype: 'f32', version: '0.0.0', simd })
  for (const { path, text } of files) writeFileSync(join(folder, path), text)
  const made = await import(pathToFileURL(join(folder, `${name}.js`)).href)
  return { run: made, whyPlain: made.whyPlain, allocate: made.allocate, free: made.free }
}

const arrays = { f32: Float32Array, f16: Float16Array, bf16: Uint16Array, i32: Int32Array, bool: Uint8Array }
const closest = { f32: 4e-6, f16: 2 ** -11, bf16: 2 ** -8, i32: 0, bool: 0 }

/** Runs a program in both forms and by its meaning, on the same numbers, and compares every result. */
function compare(
  run: Run,
  given: Program,
  sizes: Readonly<Record<string, number>>,
  own: Readonly<Record<string, readonly number[]>> = {},
  params: Readonly<Record<string, number>> = {},
): Readonly<Record<string, Tensor>> {
  const all = { ...sizes, ...given.sizes }
  const word = makeWord()
  const inputs: Record<string, Tensor> = {}
  const numbers: Record<string, ArrayLike<number>> = {}
  for (const { name, axes, storage, role } of given.buffers) {
    if (role !== 'input') continue
    const shape = axes.map((axis) => all[axis]!)
    const count = shape.reduce((a, b) => a * b, 1)
    const drawn = (own[name] ?? draw(name, count, storage)).slice(0, count)
    const data = storage === 'bf16' ? Uint16Array.from(drawn, (x) => toBf16(x, word)) : arrays[storage].from(drawn)
    inputs[name] = { data, shape }
    numbers[name] = storage === 'bf16' ? Array.from(data, (x) => fromBf16(x, word)) : data
  }
  const want = runProgram(given, { sizes: all, params, inputs: numbers })
  const [fast, plain] = [run(inputs, { params }), run(inputs, { params, simd: false })]
  for (const results of [fast, plain]) {
    for (const { name, axes, storage, role } of given.buffers) {
      if (role !== 'result') continue
      const got = results[name]!
      expect(got.shape).toEqual(axes.map((axis) => all[axis]))
      got.data.forEach((raw, n) => {
        const x = storage === 'bf16' ? fromBf16(raw, word) : raw
        const y = want.get(name)![n]!
        const fine = Object.is(x, y) || x === y || Math.abs(x - y) <= closest[storage] * Math.max(1, Math.abs(y))
        if (!fine) expect(`${name}[${n}] = ${x} at ${JSON.stringify(sizes)}`).toBe(String(y))
      })
    }
  }
  return fast
}

describe('softmax', () => {
  const widths = [1, 3, 16, 64, 72]
  const all = widths.flatMap((d, n) =>
    [false, true].map((causal) => ({
      ...softmaxProgram({ d, e: widths[(n + 1) % widths.length]!, ti: 8, tj: 8, causal }),
      name: `s${d}${causal ? 'c' : ''}`,
    })),
  )
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await build(all)
    expect(compiled.whyPlain()).toBeUndefined()
  }, 120_000)
  test.each(all.map((one) => [one.name, one] as const))('%s at every edge', (name, one) => {
    for (const [i, j] of [
      [0, 5],
      [5, 0],
      [1, 1],
      [7, 8],
      [8, 9],
      [9, 7],
      [19, 20],
      [20, 35],
    ] as const) {
      compare(compiled.run[name]!, one, { b: 1, h: 2, i, j })
    }
  })
  test('a place that is not admitted harms nobody', () => {
    const one = all.find(({ name }) => name === 's3c')!
    const v = Array.from({ length: 12 * 16 }, (_, n) => (n % 7) - 3)
    for (let e = 0; e < 16; e++) v[9 * 16 + e] = [Number.NaN, Infinity, -Infinity][e % 3]!
    const { out } = compare(compiled.run.s3c!, one, { b: 1, h: 1, i: 12, j: 12 }, { v })
    expect(out!.data.slice(0, 9 * 16).every(Number.isFinite)).toBe(true)
    expect(out!.data.slice(9 * 16).some(Number.isFinite)).toBe(false)
  })
})

test('other shapes', { timeout: 120_000 }, async () => {
  const all = [materialised(3), rounds(), gathered(), { ...gathered('bf16'), name: 'pick16' }, columns(2), admitted()]
  const half = { ...gathered('f16'), name: 'pickhalf' }
  const { run } = await build([...all, half])
  for (const [i, j] of [
    [1, 1],
    [3, 5],
    [0, 2],
    [9, 12],
  ] as const)
    compare(run.kept!, all[0]!, { i, j }, {}, { scale: 0.7 })
  for (const [i, j] of [
    [1, 1],
    [3, 5],
    [5, 9],
    [4, 2],
  ] as const)
    compare(run.again!, all[1]!, { i, j })
  const table = [-5, -1, 0, 1, 2, 3, 4, 2147483647, -2147483648]
  for (const [name, one] of [
    ['pick', all[2]!],
    ['pick16', all[3]!],
    ['pickhalf', half],
  ] as const)
    for (const [j, p] of [
      [9, 3],
      [5, 1],
      [4, 0],
      [0, 3],
    ] as const)
      compare(run[name]!, one, { j, p }, { table })
  for (const [i, j] of [
    [1, 1],
    [3, 5],
    [5, 9],
    [8, 4],
  ] as const)
    compare(run.mixed!, all[4]!, { i, j, x: 9 }, { doc: [0, 0, 1, 1, 1, 2, 2, 5, 5] })
  for (const [i, j] of [
    [1, 1],
    [9, 5],
    [5, 9],
    [12, 13],
  ] as const)
    compare(run.some!, all[5]!, { i, j })
})

describe('operations', () => {
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await build(operationPrograms)
  }, 120_000)
  test.each(operations)('$name', ({ op, operands, name }) => {
    const rows = operandRows(operands)
    const inputs = Object.fromEntries(
      operands.map((type, n) => [
        `x${n}`,
        { data: arrays[type].from(rows.map((row) => row[n]!)), shape: [rows.length] },
      ]),
    )
    const { out } = compiled.run[name]!(inputs) as { out: Tensor }
    const reference = elementary(op, operands)
    rows.forEach((row, n) => {
      const [a, b, c, d, e] = operands.map((_, k) => inputs[`x${k}`]!.data[n]!)
      const exact = reference(a!, b!, c!, d, e)
      const want = out.data instanceof Float32Array ? Math.fround(exact) : exact
      const got = out.data[n]!
      const near = Math.abs(got - want) <= 4 * 2 ** -23 * Math.abs(want) + 2 ** -125
      if (!Object.is(got, want) && got !== want && !near) expect(`${op}(${row}) = ${got}`).toBe(String(want))
    })
  })
})

describe('functions are within 4 units in the last place:', () => {
  const module = new Module()
  const own = { exp, exp2, log, log1p, tanh, sigmoid, softplus }
  const names = Object.keys(own) as (keyof typeof own)[]
  for (const name of names) {
    const write = (body: Parameters<VectorFunction>[0], x: codes.Code): codes.Code =>
      code('f32x4.extract_lane', [own[name](body, body.keep(codes.splat(x, 'f32')), x)], [0])
    module.define(name, ['f32'], 'f32', (body, param) => write(body, param(0)), true)
  }
  const exported = instantiate(module.encode().bytes)
  const view = new DataView(new ArrayBuffer(4))
  const floatOf = (bits: number): number => {
    view.setUint32(0, bits)
    return view.getFloat32(0)
  }
  test.each(names)('%s', (name) => {
    const [made, exact] = [exported[name]!, elementary(name, ['f32'])]
    let worst = 0
    for (let bits = 0; bits < 2 ** 31; bits += 4799) {
      for (const x of [floatOf(bits), -floatOf(bits)]) {
        const [got, want] = [made(x), exact(x, 0, 0)]
        const rounded = Math.fround(want)
        if (Object.is(got, rounded) || (got === 0 && Math.abs(want) < 2 ** -125)) continue
        if (!Number.isFinite(rounded) || !Number.isFinite(got)) {
          expect(`${name}(${x}) = ${got}`).toBe(`${name}(${x}) = ${rounded}`)
          continue
        }
        const ulp = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(want)))) - 23)
        worst = Math.max(worst, Math.abs(got - want) / ulp)
      }
    }
    expect(worst).toBeLessThanOrEqual(4)
    expect(worst).toBeGreaterThan(0.4)
  })
})

describe('memory', { timeout: 120_000 }, () => {
  const one = softmaxProgram({ d: 16, e: 16, ti: 8, tj: 8, causal: true })
  const random = (shape: readonly number[], name: string): Tensor => ({
    data: Float32Array.from(
      draw(
        name,
        shape.reduce((a, b) => a * b, 1),
        'f32',
      ),
    ),
    shape,
  })
  const inputs = { q: random([1, 2, 35, 16], 'q'), k: random([1, 2, 40, 16], 'k'), v: random([1, 2, 40, 16], 'v') }

  test('tensors in the module’s memory are not copied, and outlive its growth', async () => {
    const { run, allocate, free } = await build([one])
    const want = run.causal!(inputs).out!.data.slice()
    const own = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => {
        const tensor = allocate(Float32Array, shape)
        tensor.data.set(data)
        return [name, tensor]
      }),
    )
    const out = allocate(Float32Array, [1, 2, 35, 16])
    const memory = out.data.buffer
    expect(own.q!.data.buffer).toBe(memory)
    expect(run.causal!(own, { into: { out } }).out).toBe(out)
    expect(out.data).toEqual(want)
    const large = allocate(Float32Array, [1, 300, 1000])
    expect(memory.byteLength).toBe(0) // it has moved
    expect(out.data).toEqual(want)
    expect(run.causal!(own).out!.data).toEqual(want)
    free(large)
    const again = allocate(Float32Array, [1000])
    expect(again.data.byteOffset).toBe(large.data.byteOffset)
    expect(again.data.every((x) => x === 0)).toBe(true)
  })

  test('a call that needs more memory than there is finds the tensors that lie in it', async () => {
    const { run, allocate } = await build([one])
    const want = run.causal!(inputs).out!.data.slice()
    const own = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => {
        const tensor = allocate(Float32Array, shape)
        tensor.data.set(data)
        return [name, tensor]
      }),
    )
    const tall = { ...own, q: random([1, 2, 9000, 16], 'q') }
    const memory = own.k!.data.buffer
    const out = run.causal!(tall).out!.data
    expect(memory.byteLength).toBe(0) // it has moved
    const again = run.causal!({ q: tall.q, k: inputs.k, v: inputs.v }).out!.data
    expect(out).toEqual(again)
    const into = allocate(Float32Array, [1, 2, 35, 16])
    const before = into.data.buffer
    const filler = allocate(Float32Array, [before.byteLength / 4 - into.data.byteOffset / 4 - 35 * 32 - 16384 - 64])
    expect(before.byteLength).toBeGreaterThan(0)
    expect(run.causal!(inputs, { into: { out: into } }).out!.data).toEqual(want)
    expect(before.byteLength).toBe(0)
    expect(filler.data.every((x) => x === 0)).toBe(true)
  })

  test('a tensor without elements takes nothing from others', async () => {
    const { allocate } = await build([one])
    const all = [[1, 4], [0], [3], [0, 7], [5]].map((shape) => allocate(Float32Array, shape))
    expect(new Set(all.map(({ data }) => data.byteOffset)).size).toBe(all.length)
  })

  test('calls of any size follow one another', async () => {
    const { run } = await build([one])
    const small = run.causal!(inputs).out!.data.slice()
    const tall = { q: random([4, 2, 300, 16], 'q'), k: random([4, 2, 300, 16], 'k'), v: random([4, 2, 300, 16], 'v') }
    const [a, b] = [run.causal!(tall).out!.data, run.causal!(tall, { simd: false }).out!.data]
    a.forEach((x, n) => void expect(Math.abs(x - b[n]!)).toBeLessThan(2e-6))
    expect(run.causal!(inputs).out!.data).toEqual(small)
  })

  test('what is too large is refused', async () => {
    const { run, allocate } = await build([one])
    expect(() => allocate(Float32Array, [2 ** 30])).toThrow('4.00 GiB of WebAssembly memory, which has at most 4 GiB')
    const grow = vi.spyOn(engine.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('no more')
    })
    try {
      const tall = [8, 2, 300, 16]
      const all = { q: random(tall, 'q'), k: random(tall, 'k'), v: random(tall, 'v') }
      expect(() => run.causal!(all)).toThrow(
        /this call needs 0\.00 GiB of WebAssembly memory, and there is not as much/,
      )
      expect(run.causal!(all, { simd: false }).out!.data.some(Number.isFinite)).toBe(true)
    } finally {
      grow.mockRestore()
    }
  })

  test('without WebAssembly plain code runs, and says why', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    vi.stubGlobal('WebAssembly', undefined)
    try {
      const { run, whyPlain, allocate } = await build([one])
      const { out } = run.causal!(inputs)
      expect(out).toEqual(run.causal!(inputs, { simd: false }).out)
      expect(whyPlain()).toContain('TypeError')
      expect(warn.mock.calls).toHaveLength(1)
      expect(warn.mock.calls[0]![0]).toMatch(/^WebAssembly cannot be used here, so kernels run as plain JavaScript\. /)
      expect(allocate(Float32Array, [2, 3]).data).toEqual(new Float32Array(6))
      const alone = await build([one], 'wasm')
      expect(() => alone.run.causal!(inputs)).toThrow('WebAssembly cannot be used here.')
    } finally {
      vi.unstubAllGlobals()
      warn.mockRestore()
    }
  })

  test('without relaxed SIMD products are multiplications and additions', async () => {
    const fused = (await build([one])).run.causal!(inputs).out!.data
    vi.stubGlobal('WebAssembly', Object.assign(Object.create(engine), { validate: () => false }))
    try {
      const { run, whyPlain } = await build([one])
      const apart = run.causal!(inputs).out!.data
      expect(whyPlain()).toBeUndefined()
      apart.forEach((x, n) => void expect(Math.abs(x - fused[n]!)).toBeLessThan(2e-6))
      if (process.arch === 'x64') expect(apart).not.toEqual(fused) // where processors fuse them
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('alone, it needs no plain code', async () => {
    const { run } = await build([one], 'wasm')
    const both = await build([one])
    expect(run.causal!(inputs)).toEqual(both.run.causal!(inputs))
  })
})
