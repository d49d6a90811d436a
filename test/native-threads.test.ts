/** Threads of the native target: the same bits however many there are, an event loop that goes on, and calls that are given up. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Program } from '../compiler/kernel.ts'
import { prepare } from '../index.ts'
import { AttncError, load } from '../node.ts'
import type { Loaded } from '../runtime/runners.ts'
import { emptyTensor, recordOf, type Tensor } from '../runtime/tensor.ts'
import { attnc } from './cli-io.ts'
import { buildNative, withCompiler } from './native-build.ts'
import { draw } from './ts-draw.ts'
import { admitted, columns, gathered, materialised, rounds } from './ts-shapes.ts'

const missing = withCompiler()
const causal = resolve(import.meta.dirname, '../examples/causal.attn')

async function fromSource(name: string, options: object): Promise<Program> {
  const file = { path: `${name}.attn`, text: readFileSync(causal, 'utf8') }
  const prepared = await prepare(file, { target: 'native', sizes: { d: 16, e: 8 }, tile: { i: 8, j: 8 }, ...options })
  if (!prepared.ok) throw new Error('examples/causal.attn has errors')
  return { ...prepared.value.programs[0]!, name }
}

type Fill = (tensor: Tensor, name: string) => void
const drawn: Fill = ({ data, storage }, name) => data.set(draw(name, data.length, storage))

function inputsOf(
  program: Program,
  sizes: Readonly<Record<string, number>>,
  fill: Fill = drawn,
): Readonly<Record<string, Tensor>> {
  const inputs = program.buffers.filter(({ role }) => role === 'input')
  return recordOf(
    inputs.map(({ name, axes, storage }) => {
      const tensor = emptyTensor(
        storage,
        axes.map((axis) => program.sizes[axis] ?? sizes[axis]!),
      )
      fill(tensor, name)
      return [name, tensor]
    }),
  )
}

describe.skipIf(missing !== undefined)('threads', () => {
  let loaded: Loaded
  let programs: ReadonlyMap<string, Program>
  beforeAll(async () => {
    const own = [
      await fromSource('one_pass', {}),
      await fromSource('in_parts', { splits: 3 }),
      await fromSource('in_memory', { plan: 'materialised' }),
      ...[materialised(3), rounds(), gathered(), columns(2), admitted()],
    ]
    programs = new Map(own.map((one) => [one.name, one]))
    loaded = await buildNative('threads', own, '-O1')
  }, 240_000)

  const sizes = { b: 1, h: 3, i: 37, j: 37, p: 5, x: 37, d: 4 }
  const names = ['one_pass', 'in_parts', 'in_memory', 'kept', 'again', 'pick', 'mixed', 'some']
  test.each(names)('%s: the same bits on 1, 2 and 3', async (name) => {
    const program = programs.get(name)!
    const inputs = inputsOf(program, sizes)
    const alone = await loaded.call(program, inputs, {})
    for (const threads of [1, 2, 3, 2]) expect(await loaded.call(program, inputs, {}, { threads })).toEqual(alone)
  })

  /** Minutes of work. */
  const endless = () => inputsOf(programs.get('one_pass')!, { ...sizes, h: 4, i: 300_000, j: 300_000 }, () => {})

  test('a call leaves the event loop alone, and ends when it is given up', async () => {
    const program = programs.get('one_pass')!
    const controller = new AbortController()
    const call = loaded.call(program, endless(), {}, { threads: 2, signal: controller.signal })
    const waiting = loaded.call(program, endless(), {}, { threads: 2, signal: controller.signal })
    const inputs = inputsOf(program, sizes)
    const next = loaded.call(program, inputs, {}, { threads: 2 })
    for (let n = 0; n < 100; n++) await setImmediate()
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await expect(waiting).rejects.toThrow('enough')
    expect(await next).toEqual(await loaded.call(program, inputs, {}))
  })

  test('what is wrong with a call is said, and later ones are right', async () => {
    const program = programs.get('one_pass')!
    const inputs = inputsOf(program, sizes)
    const { k, ...rest } = inputs
    const short = { ...rest, k: { ...k!, shape: [1, 3, 36, 16], data: k!.data.slice(0, 3 * 36 * 16) } }
    const call = async () => loaded.call(program, short, {}, { threads: 2 })
    await expect(call()).rejects.toThrow(new RangeError('axis j is 36 in k but 37 in v'))
    expect(await loaded.call(program, inputs, {}, { threads: 2 })).toEqual(await loaded.call(program, inputs, {}))
  })
})

test.skipIf(missing !== undefined)('--threads of run, and --no-cache', { timeout: 120_000 }, async () => {
  const asked = (...args: readonly string[]) =>
    attnc(['run', causal, '--target', 'native', '--shape', 'i=9,j=9', '--no-cache', ...args])
  const [one, two] = [await asked('--threads', '1'), await asked('--threads', '2')]
  expect(one).toMatchObject({ exit: 0, out: expect.stringContaining('out') })
  expect(two).toEqual(one)
  expect((await asked('--threads', '0')).exit).toBe(2)
})

describe('the library', () => {
  const floats = (...shape: readonly number[]) => ({
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b)),
  })
  const inputs = { q: floats(1, 1, 2, 4), k: floats(1, 1, 2, 4), v: floats(1, 1, 2, 4) }

  test.each([0, 1.5, 257, Number.NaN])('takes no %s threads', async (threads) => {
    const code = { code: 'ATTN0302' }
    await expect(load(causal, { threads })).rejects.toMatchObject(code)
    const call = await load(causal, { target: 'ts' })
    const refused = call(inputs, { threads })
    await expect(refused).rejects.toMatchObject(code)
    await expect(refused).rejects.toBeInstanceOf(AttncError)
  })
  test('knows a call that was given up before it began', async () => {
    const call = await load(causal, { target: 'ts' })
    await expect(call(inputs, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
    expect((await call(inputs, { threads: 1 })).out?.shape).toEqual([1, 1, 2, 4])
  })
})
