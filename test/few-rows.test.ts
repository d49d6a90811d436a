/** Calls with few rows: heads that share keys packed into a tile, keys split by lengths, products whose rows leave lanes empty. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Program } from '../compiler/kernel.ts'
import { verifyProgram } from '../compiler/verify-kernel.ts'
import { prepare } from '../index.ts'
import { allocate, load } from '../node.ts'
import type { Inputs, Loaded } from '../runtime/runners.ts'
import { emptyTensor, recordOf, type Tensor } from '../runtime/tensor.ts'
import { buildNative, withCompiler } from './native-build.ts'
import { runProgram } from './run-program.ts'
import { draw } from './ts-draw.ts'

const missing = withCompiler()
const path = resolve(import.meta.dirname, '../examples/grouped_query.attn')
const grouped = readFileSync(path, 'utf8')
/** A bias for each head of queries, and a slope: what a block has one of is one for each row, packed. */
const biased = grouped
  .replace('attention grouped_query', 'attention biased')
  .replace('input q', 'input slope[h], bias[h, i, j]\n  input q')
  .replace('/ sqrt(size(d))', '/ sqrt(size(d)) + bias - slope * (i - j)')

async function made(name: string, text: string, options: object): Promise<Program> {
  const given = { target: 'native', sizes: { d: 16, e: 24 }, ...options }
  const prepared = await prepare({ path: 'x.attn', text }, given)
  if (!prepared.ok) throw new Error(prepared.diagnostics.map(({ message }) => message).join())
  return { ...prepared.value.programs[0]!, name }
}

function inputsOf(program: Program, sizes: Readonly<Record<string, number>>): Inputs {
  const inputs = program.buffers.filter(({ role }) => role === 'input')
  return recordOf(
    inputs.map(({ name, axes, storage }): [string, Tensor] => {
      const tensor = emptyTensor(
        storage,
        axes.map((axis) => program.sizes[axis] ?? sizes[axis]!),
      )
      tensor.data.set(draw(name, tensor.data.length, storage))
      return [name, tensor]
    }),
  )
}

const lengths = [
  { b: 2, h: 4, g: 2, i: 1, j: 40 },
  { b: 1, h: 8, g: 1, i: 1, j: 33 },
  { b: 1, h: 3, g: 1, i: 3, j: 70 },
  { b: 1, h: 2, g: 2, i: 4, j: 17 },
  { b: 1, h: 6, g: 2, i: 19, j: 20 },
  { b: 1, h: 4, g: 2, i: 2, j: 0 },
  { b: 1, h: 4, g: 2, i: 0, j: 5 },
  { b: 1, h: 4, g: 2, i: 1, j: 700 },
]

test('the heads of a group are rows of one tile', async () => {
  const { steps, axes } = await made('one', grouped, { rows: 'few', splits: 1 })
  const [kernel] = steps
  if (kernel?.kind !== 'kernel') throw new Error('no kernel')
  expect(kernel.grid.map(({ axis }) => axis)).toEqual(['b', 'g', 'rows'])
  expect(axes.map(({ name }) => name)).toContain('rows')
  const plain = await made('one', grouped, {})
  expect(plain.steps[0]).toMatchObject({ grid: [{ axis: 'b' }, { axis: 'h' }, { axis: 'i' }] })
})

describe.skipIf(missing !== undefined)('few rows', () => {
  let loaded: Loaded
  let programs: readonly (readonly [string, Program, Program])[]
  beforeAll(async () => {
    const pairs: [string, Program, Program][] = []
    for (const [name, text] of [
      ['grouped', grouped],
      ['biased', biased],
    ] as const) // prettier-ignore
      for (const tile of [
        { i: 32, j: 64 },
        { i: 8, j: 16 },
      ]) {
        const own = `${name}${tile.j}`
        const many = await made(`${own}_many`, text, { tile })
        pairs.push([`${own}_packed`, many, await made(`${own}_packed`, text, { tile, rows: 'few', splits: 1 })])
        pairs.push([`${own}_parts`, many, await made(`${own}_parts`, text, { tile, rows: 'few' })])
      }
    programs = pairs
    const all = new Map(pairs.flatMap(([, one, other]) => [one, other]).map((one) => [one.name, one]))
    for (const one of all.values()) expect(verifyProgram(one)).toEqual([])
    loaded = await buildNative('few', [...all.values()], '-O1')
  }, 240_000)

  const names = ['grouped64', 'grouped16', 'biased64', 'biased16']
  test.each(names)('%s: packed heads have the bits of single ones', async (name) => {
    const [, many, few] = programs.find(([one]) => one === `${name}_packed`)!
    for (const sizes of lengths) {
      const inputs = inputsOf(few, sizes)
      expect(await loaded.call(few, inputs, {}), JSON.stringify(sizes)).toEqual(await loaded.call(many, inputs, {}))
    }
  })
  test.each(names)('%s: parts of keys are merged, alike on any number of threads', async (name) => {
    const [, , few] = programs.find(([one]) => one === `${name}_parts`)!
    for (const sizes of lengths) {
      const inputs = inputsOf(few, sizes)
      const { out } = await loaded.call(few, inputs, {})
      const numbers = recordOf(Object.entries(inputs).map(([input, { data }]) => [input, Array.from(data)]))
      const enough = Math.ceil(128 / (sizes.b * sizes.g)) // blocks for all threads
      const { parts, ...own } = { ...sizes, ...few.sizes, parts: Math.min(Math.ceil(sizes.j / 256), enough) }
      const all = { ...own, split: Math.max(parts, 1), rows: (sizes.h / sizes.g) * sizes.i }
      const want = runProgram(few, { sizes: all, params: {}, inputs: numbers }).get('out')!
      out!.data.forEach((x, n) => {
        if (!(Math.abs(x - want[n]!) <= 2e-6 * Math.max(1, Math.abs(want[n]!))))
          expect(x, `${n} at ${JSON.stringify(sizes)}`).toBe(want[n])
      })
      expect(await loaded.call(few, inputs, {}, { threads: 3 })).toEqual({ out })
    }
  })

  test('load takes what fits the lengths, and tensors of the addon', { timeout: 120_000 }, async () => {
    const call = await load(path, { target: 'native' })
    const tensor = async (...shape: readonly number[]) => {
      const made = await allocate('f32', shape)
      made.data.set(draw(String(shape), made.data.length, 'f32'))
      return made
    }
    const few = { q: await tensor(1, 4, 1, 16), k: await tensor(1, 2, 300, 16), v: await tensor(1, 2, 300, 16) }
    const { out } = await call(few)
    expect(out?.shape).toEqual([1, 4, 1, 16])
    const ts = await load(path, { target: 'ts' })
    const want = await ts(few)
    out?.data.forEach((x, n) => void expect(x).toBeCloseTo(want.out!.data[n]!, 5))
  })
})

test('allocate gives memory of any size', async () => {
  expect((await allocate('f16', [3, 0, 2])).data).toEqual(new Float16Array(0))
  const { data, shape } = await allocate('i32', [700, 1000])
  expect([data.length, data.BYTES_PER_ELEMENT, shape]).toEqual([700_000, 4, [700, 1000]])
  data.fill(7)
  expect(data.at(-1)).toBe(7)
})
