/** Ten thousand calls of a kernel of the native target take no more memory than a thousand did. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Inputs, Loaded } from '../runtime/runners.ts'
import { emptyTensor } from '../runtime/tensor.ts'
import { buildNative, withCompiler } from './native-build.ts'
import { softmaxProgram } from './ts-programs.ts'

const missing = withCompiler()
const program = { ...softmaxProgram({ d: 16, e: 64, ti: 8, tj: 8, causal: true }), name: 'soak' }
const [queries, keys] = [17, 9]
const tensor = (...shape: readonly number[]) => emptyTensor('f32', shape)
const inputs = { q: tensor(1, 2, queries, 16), k: tensor(1, 2, keys, 16), v: tensor(1, 2, keys, 64) }
const wrong = { ...inputs, v: tensor(1, 2, keys + 1, 64) }
const resultBytes = 4 * 2 * queries * 64

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes, once what nobody holds is given back: finalisers of buffers run in turns of the event loop. */
async function residentBytes(): Promise<number> {
  for (let n = 0; n < 3; n++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return process.memoryUsage.rss()
}

/**
 * By how many bytes a call leaves memory larger. The heaps of JavaScript and of C move by themselves, by megabytes; what is lost
 * is lost in every part of the calls, so the part with the least counts.
 */
async function lostBytes(parts: number, calls: number, callOften: (count: number) => Promise<void>): Promise<number> {
  const lost: number[] = []
  for (let part = 0; part < parts; part++) {
    const before = await residentBytes()
    await callOften(calls)
    lost.push(((await residentBytes()) - before) / calls)
  }
  return Math.min(...lost)
}

describe.skipIf(missing !== undefined)('a soak', () => {
  let loaded: Loaded
  beforeAll(async () => {
    loaded = await buildNative('soak', [program], '-O1')
  }, 240_000)

  const aborted = AbortSignal.abort()
  /** One of each kind: in this thread, in others, refused in either, and given up. */
  const kinds: readonly (() => Promise<Inputs> | Inputs)[] = [
    () => loaded.call(program, inputs, {}),
    () => loaded.call(program, inputs, {}, { threads: 2 }),
    () => loaded.call(program, wrong, {}),
    () => loaded.call(program, wrong, {}, { threads: 2 }),
    () => loaded.call(program, inputs, {}, { threads: 2, signal: aborted }),
  ]
  const refused = { RangeError: 0, AbortError: 0 }

  async function callOften(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      try {
        await kinds[n % kinds.length]!()
      } catch (error) {
        refused[(error as Error).name as keyof typeof refused]++
      }
    }
  }

  test('of 10,000 calls leaves memory as it was', { timeout: 120_000 }, async () => {
    await callOften(1000)
    expect(await lostBytes(5, 2000, callOften)).toBeLessThan(resultBytes / 8)
    expect(refused).toEqual({ RangeError: 4400, AbortError: 2200 })
  })
  test('sees results that are held', async () => {
    const held: Inputs[] = []
    const hold = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) held.push(await loaded.call(program, inputs, {}))
    }
    await hold(2000) // they take the memory that was given back before
    expect(await lostBytes(2, 2000, hold)).toBeGreaterThan(resultBytes / 4)
    expect(held.length).toBe(6000)
  })
})
