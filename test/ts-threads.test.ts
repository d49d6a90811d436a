/** Modules of the target `ts` on several threads, in Node: the same bits on any number of them, and what becomes of the threads. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Program } from '../compiler/kernel.ts'
import { AttncError, load } from '../load.ts'
import { allThreads } from '../runtime/threads.ts'
import type { Simd } from '../targets/target.ts'
import { ts } from '../targets/ts/target.ts'
import { countShared, endThreads, findThreads, makePool, runShared, type ThreadPool } from '../templates/ts/threads.ts'
import { attnc } from './cli-io.ts'
import { operationPrograms } from './op-programs.ts'
import { draw } from './ts-draw.ts'
import { softmaxProgram } from './ts-programs.ts'
import { rounds } from './ts-shapes.ts'
import { engine } from './web-assembly.ts'

interface Tensor {
  readonly data: Float32Array
  readonly shape: readonly number[]
}
type Tensors = Readonly<Record<string, Tensor>>
interface Options {
  readonly threads?: number
  readonly simd?: boolean
  readonly into?: Tensors
}
interface Compiled {
  readonly [name: string]: unknown
  readonly startThreads: (count?: number) => Promise<number>
  readonly closeThreads: () => Promise<void>
  readonly whyFewerThreads: () => string | undefined
  readonly whyPlain: () => string | undefined
  readonly allocate: (type: unknown, shape: readonly number[]) => Tensor
}
type Run = (inputs: Tensors, options?: Options) => Tensors
type Parallel = (inputs: Tensors, options?: Options) => Promise<Tensors>

const folder = mkdtempSync(join(tmpdir(), 'attnc-threads-'))
writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
const opened: Compiled[] = []
afterAll(async () => {
  for (const { closeThreads } of opened) await closeThreads()
  rmSync(folder, { recursive: true })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

let builds = 0
async function build(programs: readonly Program[], simd: Simd): Promise<Compiled> {
  const name = `m${++builds}`
  const files = await ts.emit({ name, programs, dtype: 'f32', version: '0.0.0', simd, threads: true })
  for (const { path, text } of files) writeFileSync(join(folder, path), text)
  const made: Compiled = await import(pathToFileURL(join(folder, `${name}.js`)).href)
  opened.push(made)
  return made
}

function random(name: string, shape: readonly number[]): Tensor {
  const length = shape.reduce((a, b) => a * b)
  return { data: Float32Array.from(draw(name, length, 'f32')), shape }
}
const inputsOf = (i: number, j: number, h = 2): Tensors => ({
  q: random('q', [1, h, i, 16]),
  k: random('k', [1, h, j, 16]),
  v: random('v', [1, h, j, 16]),
})

const causal = softmaxProgram({ d: 16, e: 16, ti: 8, tj: 8, causal: true })
const again = rounds()

describe.each(['auto', 'wasm', 'none'] as const)('--simd %s', { timeout: 120_000 }, (simd) => {
  let made: Compiled
  let run: Run
  let parallel: Parallel
  beforeAll(async () => {
    made = await build([causal, again], simd)
    run = made.causal as Run
    parallel = made.causalParallel as Parallel
    expect(await made.startThreads(4)).toBe(4)
    expect(made.whyFewerThreads()).toBeUndefined()
  }, 120_000)

  test.each([
    [35, 40],
    [1, 1],
    [8, 3],
    [200, 211],
    [0, 4],
  ])('the same bits on 1 to 4 threads: %i queries, %i keys', async (i, j) => {
    const inputs = inputsOf(i, j)
    const alone = run(inputs)
    for (const threads of [1, 2, 3, 4]) expect(await parallel(inputs, { threads })).toEqual(alone)
    if (simd !== 'auto') return
    const plain = run(inputs, { simd: false })
    for (const threads of [1, 2, 4]) expect(await parallel(inputs, { threads, simd: false })).toEqual(plain)
  })

  test('in rounds, where steps wait for each other', async () => {
    const inputs = { x: random('x', [9, 3]), y2: random('y', [7, 3]) }
    const want = (made.again as Run)(inputs)
    for (const threads of [1, 2, 3, 4])
      expect(await (made.againParallel as Parallel)(inputs, { threads })).toEqual(want)
  })

  test('calls at the same time do not see each other', async () => {
    const all = [inputsOf(90, 100), inputsOf(35, 40), inputsOf(61, 7, 3)]
    const want = all.map((inputs) => run(inputs))
    const pending = all.flatMap((inputs, n) => [parallel(inputs, { threads: 2 + n }), parallel(inputs, { threads: 2 })])
    const between = all.map((inputs) => run(inputs))
    expect(between).toEqual(want)
    expect(await Promise.all(pending)).toEqual(want.flatMap((one) => [one, one]))
  })

  test('results go where they are asked to', async () => {
    const inputs = inputsOf(35, 40)
    const out = { data: new Float32Array(2 * 35 * 16), shape: [1, 2, 35, 16] }
    const got = await parallel(inputs, { threads: 2, into: { out } })
    expect(got.out).toBe(out)
    expect(out.data).toEqual(run(inputs).out!.data)
  })

  test('a number of threads that is none is refused', async () => {
    for (const threads of [0, -1, 1.5, 257, Number.NaN])
      await expect(parallel(inputsOf(8, 8), { threads })).rejects.toThrow(/^threads must be an integer from 1 to 256/)
    await expect(parallel(inputsOf(8, 8))).resolves.toBeDefined()
  })

  test('threads can be ended, also while they work, and started again', async () => {
    const inputs = inputsOf(90, 100)
    const want = run(inputs)
    const pending = parallel(inputs, { threads: 4 })
    await made.closeThreads()
    expect(await pending).toEqual(want)
    expect(await parallel(inputs, { threads: 3 })).toEqual(want)
    expect(await made.startThreads(3)).toBe(3)
    expect(await parallel(inputs, { threads: 3 })).toEqual(want)
  })
})

describe('in WebAssembly', { timeout: 120_000 }, () => {
  test('tensors in the shared memory are found after it has grown, and rooms of earlier calls are used again', async () => {
    const made = await build([causal], 'wasm')
    const parallel = made.causalParallel as Parallel
    const given = inputsOf(35, 40)
    const want = (made.causal as Run)(given)
    const own: Record<string, Tensor> = {}
    for (const [name, { data, shape }] of Object.entries(given)) {
      own[name] = made.allocate(Float32Array, shape)
      own[name]!.data.set(data)
    }
    expect(own.q!.data.buffer).toBeInstanceOf(SharedArrayBuffer)
    const out = made.allocate(Float32Array, [1, 2, 35, 16])
    await made.startThreads(3)
    const before = own.q!.data.buffer.byteLength
    const large = inputsOf(4000, 900)
    const wide = (made.causal as Run)(large)
    for (let n = 0; n < 3; n++) expect(await parallel(large, { threads: 3 })).toEqual(wide)
    const after = own.q!.data.buffer.byteLength
    expect(after).toBeGreaterThan(before)
    expect(after).toBeLessThan(before + 2 * 4 * (2 * 4000 * 16 * 2 + 2 * 900 * 16 * 2))
    expect((await parallel(own, { threads: 3, into: { out } })).out).toBe(out)
    expect(out.data).toEqual(want.out!.data)
  })

  test('a call for which there is no memory is refused, and leaves its room to others', async () => {
    const made = await build([causal], 'auto')
    const parallel = made.causalParallel as Parallel
    await made.startThreads(2)
    const [small, large] = [inputsOf(35, 40), inputsOf(9000, 40)]
    const want = await parallel(small, { threads: 2 })
    const at = made.allocate(Float32Array, [4]).data.byteOffset
    const grow = vi.spyOn(engine.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('no more')
    })
    await expect(parallel(large, { threads: 2 })).rejects.toThrow('of WebAssembly memory, and there is not as much')
    expect(() => made.allocate(Float32Array, [2 ** 30])).toThrow('which has at most 4 GiB')
    grow.mockRestore()
    expect(await parallel(small, { threads: 2 })).toEqual(want)
    const next = made.allocate(Float32Array, [4]).data.byteOffset
    expect(next - at).toBeLessThan(1024) // nothing is kept of the call that was refused, which is far larger
    expect(await parallel(large, { threads: 2 })).toEqual((made.causal as Run)(large))
  })

  test('functions of JavaScript and of the module are those of threads too', async () => {
    const some = operationPrograms.filter(({ name }) => /sin|expm1|pow|atan2|div|mod/.test(name))
    expect(some.length).toBeGreaterThan(3)
    const made = await build(some, 'wasm')
    await made.startThreads(2)
    for (const one of some) {
      const inputs = Object.fromEntries(
        one.buffers.flatMap(({ name, storage, role }) => {
          const type = { f32: Float32Array, i32: Int32Array, bool: Uint8Array, f16: Float16Array, bf16: Uint16Array }
          const shape = [4001]
          return role === 'input' ? [[name, { data: type[storage].from(draw(name, 4001, storage)), shape }]] : []
        }),
      ) as unknown as Tensors
      const want = (made[one.name] as Run)(inputs)
      expect(await (made[`${one.name}Parallel`] as Parallel)(inputs, { threads: 2 }), one.name).toEqual(want)
    }
  })

  test('without shared memory there is one thread, which says so', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    vi.stubGlobal('SharedArrayBuffer', undefined)
    const made = await build([causal], 'auto')
    const inputs = inputsOf(35, 40)
    const got = await (made.causalParallel as Parallel)(inputs, { threads: 2 })
    expect(made.whyPlain()).toBeUndefined()
    expect(made.whyFewerThreads()).toBe('There is no SharedArrayBuffer.')
    expect(warn.mock.calls.flat()).toEqual([
      'Kernels have fewer threads here than they could have. There is no SharedArrayBuffer.',
    ])
    expect(await made.startThreads(2)).toBe(1)
    expect(got).toEqual((made.causal as Run)(inputs))
  })

  test('where there is no room for shared memory, there is one thread in WebAssembly', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { Memory } = engine as unknown as { readonly Memory: new (limits: object) => object }
    class Scarce extends Memory {
      constructor(limits: { readonly shared?: boolean }) {
        if (limits.shared) throw new RangeError('WebAssembly.Memory(): could not allocate memory')
        super(limits)
      }
    }
    vi.stubGlobal('WebAssembly', Object.assign(Object.create(engine), { Memory: Scarce }))
    const made = await build([causal], 'auto')
    const inputs = inputsOf(35, 40)
    const got = await (made.causalParallel as Parallel)(inputs, { threads: 2 })
    expect(made.whyPlain()).toBeUndefined()
    expect(made.whyFewerThreads()).toBe('There is no memory that threads can share.')
    expect(warn).toHaveBeenCalledTimes(1)
    expect(got).toEqual((made.causal as Run)(inputs))
  })

  test('without WebAssembly threads run plain code', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    vi.stubGlobal('WebAssembly', undefined)
    const made = await build([causal], 'auto')
    const inputs = inputsOf(35, 40)
    expect(await made.startThreads(2)).toBe(2)
    const got = await (made.causalParallel as Parallel)(inputs, { threads: 2 })
    expect(got).toEqual((made.causal as Run)(inputs, { simd: false }))
    expect(warn).toHaveBeenCalledTimes(1)
    const alone = await build([causal], 'wasm')
    await expect((alone.causalParallel as Parallel)(inputs)).rejects.toThrow('WebAssembly cannot be used here.')
  })
})

describe('a pool', () => {
  const pools: ThreadPool[] = []
  const pooled = (code: string): ThreadPool => {
    const pool = makePool(() => code)
    pools.push(pool)
    return pool
  }
  afterAll(async () => {
    for (const pool of pools) await endThreads(pool)
  })
  /** A thread that takes the one block that it is given, tells of it, and does what `then` says. */
  const taking = (then: string): string => `
const { parentPort } = require('node:worker_threads')
parentPort.on('message', ({ id, given, cells }) => {
  if (id === undefined) return parentPort.postMessage({})
  Atomics.add(cells, 1, 1)
  const block = Atomics.add(cells, 0, 1)
  ${then}
})`
  const cellsOf = (): Int32Array => new Int32Array(new SharedArrayBuffer(12))
  const job = (cells: Int32Array) => ({ kernel: 0, given: new Int32Array(new SharedArrayBuffer(4)), cells })
  /** This thread waits until another has taken a block: what is tested is what comes of that. */
  const untilTaken = (cells: Int32Array) => (): void => {
    while (Atomics.load(cells, 0) === 0) Atomics.wait(cells, 0, 0, 5)
  }

  test('waits for what others have begun', async () => {
    const pool = pooled(
      taking(`setTimeout(() => {
        Atomics.store(given, 0, 7)
        Atomics.sub(cells, 1, 1)
        parentPort.postMessage({ done: id })
      }, 50)`),
    )
    const one = job(cellsOf())
    await runShared(pool, 1, one, untilTaken(one.cells))
    expect(one.given[0]).toBe(7)
  })

  test('fails where another fails, or ends in the middle of a block', async () => {
    const failing = `Atomics.add(cells, 2, 1), Atomics.sub(cells, 1, 1), parentPort.postMessage({ done: id, error: 'bad' })`
    for (const [then, message] of [
      [failing, 'a thread has failed: bad'],
      // Threads that end are noticed by what they leave unfinished, at the latest: their last words may come after that.
      ['process.exit(0)', 'a thread has failed: '],
      [`throw new Error('oh')`, 'a thread has failed: '],
    ] as const) {
      const pool = pooled(taking(then))
      const one = job(cellsOf())
      await expect(runShared(pool, 1, one, untilTaken(one.cells)), message).rejects.toThrow(message)
    }
  })

  test('does without threads that never start, or start too late, and says so', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const pool = pooled('setInterval(() => {}, 1000)')
    await runShared(pool, 2, job(cellsOf()), () => {})
    expect(pool.threads.length).toBe(2)
    const broken = pooled('throw new Error("nothing here")')
    await runShared(broken, 2, job(cellsOf()), () => {})
    await vi.waitFor(() => expect(broken.threads.length).toBe(0), 10_000)
    expect(broken.refusal).toBe('Error: nothing here')
    expect(findThreads(broken, 2)).toEqual([])
    expect(warn).toHaveBeenCalledTimes(1)
  })

  test('hands out every block once', async () => {
    const cells = cellsOf()
    const next = countShared(cells)
    expect([next(), next(), next()]).toEqual([0, 1, 2])
    expect(cells[0]).toBe(3)
  })
})

describe('load, run and verify', { timeout: 120_000 }, () => {
  const one = `attention a {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  normalize = softmax[j](score)
}
`
  const other = `attention aParallel {
  input x[b, h, i, d]
  output aParallel2 = x * 2.0
}
`
  let path: string
  beforeAll(() => {
    path = join(folder, 'a.attn')
    writeFileSync(path, one)
    writeFileSync(join(folder, 'two.attn'), one + other)
  })

  test.each(['auto', 'none'] as const)('a function of load, with simd %s', async (simd) => {
    const options = { target: 'ts', attention: 'a', simd, cache: false } as const
    const inputs = inputsOf(90, 100)
    const both = join(folder, 'two.attn')
    const alone = await (await load(both, { ...options, threads: 1 }))(inputs)
    const several = await load(both, { ...options, threads: 3 })
    for (let n = 0; n < 3; n++) expect(await several(inputs)).toEqual(alone)
    expect(await several(inputs, { threads: 2 })).toEqual(alone)
    expect(await several(inputs, { threads: 1 })).toEqual(alone)
    await expect(several(inputs, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    await expect(several({ ...inputs, k: random('k', [1, 2, 9, 8]) })).rejects.toThrow(AttncError)
    const other = await load(both, { target: 'ts', attention: 'aParallel', simd, cache: false, threads: 2 })
    const { aParallel2 } = await other({ x: inputs.q! })
    expect(aParallel2!.data).toEqual(inputs.q!.data.map((x) => 2 * x))
  })

  test('the commands', async () => {
    const run = (...args: readonly string[]) =>
      attnc(['run', path, '--target', 'ts', '--no-cache', '--shape', 'i=70,j=90', ...args])
    const want = await run('--threads', '1')
    expect(want).toMatchObject({ exit: 0, err: '' })
    expect(await run('--threads', '3')).toEqual(want)
    expect(await run()).toEqual(want)
    const verify = ['verify', path, '--target', 'ts', '--no-cache', '--no-probes', '--shape', 'i=20,j=31,d=16,e=16']
    const right = await attnc(verify)
    expect(right.exit).toBe(0)
    expect(await attnc([...verify, '--threads', '3'])).toEqual(right)
  })
})

test('a process ends by itself, and a call keeps it until it is done', { timeout: 60_000 }, async () => {
  const files = await ts.emit({
    ...{ name: 'ends', programs: [causal], dtype: 'f32', version: '0.0.0', simd: 'auto', threads: true },
  })
  for (const { path, text } of files) writeFileSync(join(folder, path), text)
  const script = `
import { causalParallel, startThreads } from './ends.js'
const tensor = (shape) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5) })
const inputs = { q: tensor([1, 2, 800, 16]), k: tensor([1, 2, 900, 16]), v: tensor([1, 2, 900, 16]) }
console.log(await startThreads(3))
void causalParallel(inputs, { threads: 3 }).then(({ out }) => console.log(out.data.every((x) => x === 0.5)))
`
  writeFileSync(join(folder, 'ends-main.mjs'), script)
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'ends-main.mjs')], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '3\ntrue\n', stderr: '' })
})

test('more threads take less time, where there are cores', { timeout: 120_000 }, async () => {
  const made = await build([{ ...causal, name: 'timed' }], 'wasm')
  const inputs = inputsOf(1500, 1500, 4)
  const most = Math.min(4, allThreads())
  await made.startThreads(most)
  const times: string[] = []
  const want = (made.timed as Run)(inputs)
  for (let threads = 1; threads <= most; threads++) {
    const start = performance.now()
    const got = await (made.timedParallel as Parallel)(inputs, { threads })
    times.push(`${threads}: ${(performance.now() - start).toFixed(1)} ms`)
    expect(got).toEqual(want)
  }
  console.log(`milliseconds by threads: ${times.join(', ')}`)
})
