/** Compares what a target makes of a program with what the program means, on the same numbers. */
import { expect } from 'vitest'
import type { Program } from '../compiler/kernel.ts'
import type { Inputs, Loaded, Scalars } from '../runtime/runners.ts'
import { emptyTensor, recordOf, roundTo, type Tensor } from '../runtime/tensor.ts'
import { runProgram } from './run-program.ts'
import { draw } from './ts-draw.ts'

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** What a program is given, drawn as the tests of other targets draw it. */
function draws(
  given: Program,
  sizes: Readonly<Record<string, number>>,
  own: Readonly<Record<string, readonly number[]>>,
) {
  const inputs = given.buffers.filter(({ role }) => role === 'input')
  return recordOf(
    inputs.map(({ name, axes, storage }): readonly [string, Tensor] => {
      const shape = axes.map((axis) => sizes[axis]!)
      const drawn = (own[name] ?? draw(name, count(shape), storage)).slice(0, count(shape))
      const tensor = emptyTensor(storage, shape)
      tensor.data.set(drawn.map(roundTo[storage]))
      return [name, tensor]
    }),
  )
}

/** Runs what was compiled and the meaning of the program on the same numbers, and compares every result. */
export async function compare(
  loaded: Loaded,
  given: Program,
  lengths: Readonly<Record<string, number>>,
  own: Readonly<Record<string, readonly number[]>> = {},
  params: Scalars = {},
): Promise<Inputs> {
  const sizes = { ...lengths, ...given.sizes }
  const inputs = draws(given, sizes, own)
  const results = await loaded.call(given, inputs, params)
  const numbers = recordOf(Object.entries(inputs).map(([name, { data }]) => [name, Array.from(data)]))
  const want = runProgram(given, { sizes, params: params as Record<string, number>, inputs: numbers })
  for (const { name, axes, storage } of given.buffers.filter(({ role }) => role === 'result')) {
    const got = results[name]!
    expect(got.shape).toEqual(axes.map((axis) => sizes[axis]))
    const close = storage === 'bf16' ? 2 ** -8 : storage === 'f16' ? 2 ** -11 : 2e-6
    got.data.forEach((x, n) => {
      const y = want.get(name)![n]!
      const fine = Object.is(x, y) || x === y || Math.abs(x - y) <= close * Math.max(1, Math.abs(y))
      if (!fine) expect(`${name}[${n}] = ${x} at ${JSON.stringify(lengths)}`).toBe(String(y))
    })
  }
  return results
}
