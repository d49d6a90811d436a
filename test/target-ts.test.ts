import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import typescript from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { elementary } from '../compiler/elementary.ts'
import { type Program, valueRef } from '../compiler/kernel.ts'
import { verifyProgram } from '../compiler/verify-kernel.ts'
import { safeName } from '../targets/names.ts'
import { reserved } from '../targets/ts/reserved.ts'
import { ts } from '../targets/ts/target.ts'
import { fromBf16, makeWord, toBf16 } from '../templates/ts/bf16.ts'
import { quickExp } from '../templates/ts/exp.ts'
import { fillTile, makeTile } from '../templates/ts/products.ts'
import { operandRows, operationPrograms, operations } from './op-programs.ts'
import { runProgram } from './run-program.ts'
import { draw } from './ts-draw.ts'
import { load, softmaxProgram, tile, value } from './ts-programs.ts'
import { admitted, buffer, columns, gathered, kernel, materialised, program, rounds, store } from './ts-shapes.ts'

type Tensor = {
  readonly data: Float32Array | Int32Array | Uint8Array | Uint16Array | Float16Array
  readonly shape: readonly number[]
}
type Run = (inputs: object, options?: object) => Readonly<Record<string, Tensor>>
type Compiled = Readonly<Record<string, Run>> &
  Readonly<Record<string, (inputs: object, options?: object) => Promise<Readonly<Record<string, Tensor>>>>>

const folder = mkdtempSync(join(tmpdir(), 'attnc-ts-'))
const texts = new Map<string, string>()
afterAll(() => rmSync(folder, { recursive: true }))

async function build(name: string, programs: readonly Program[], threads = false): Promise<Compiled> {
  for (const one of programs) expect(verifyProgram(one)).toEqual([])
  const files = await ts.emit({ name, programs, dtype: 'f32', version: '0.0.0', threads })
  for (const { path, text } of files) {
    texts.set(path, text)
    writeFileSync(join(folder, path), text)
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  return import(pathToFileURL(join(folder, `${name}.js`)).href)
}

const arrays = { f32: Float32Array, f16: Float16Array, bf16: Uint16Array, i32: Int32Array, bool: Uint8Array }

/** Runs the module and the meaning of the program on the same numbers, and compares every result. */
function compare(
  run: Run,
  given: Program,
  sizes: Readonly<Record<string, number>>,
  own: Readonly<Record<string, readonly number[]>> = {},
  params: Readonly<Record<string, number>> = {},
): Readonly<Record<string, Tensor>> {
  const all = { ...sizes, ...given.sizes }
  const word = makeWord()
  const inputs = Object.fromEntries(
    given.buffers
      .filter(({ role }) => role === 'input')
      .map(({ name, axes, storage }) => {
        const shape = axes.map((axis) => all[axis]!)
        const count = shape.reduce((a, b) => a * b, 1)
        const drawn = own[name] ?? draw(name, count, storage)
        const data =
          storage === 'bf16'
            ? Uint16Array.from(drawn.slice(0, count), (x) => toBf16(x, word))
            : arrays[storage].from(drawn.slice(0, count))
        return [name, { data, shape }]
      }),
  )
  const numbers = Object.fromEntries(
    Object.entries(inputs).map(([name, { data }]) => [
      name,
      given.buffers.find((b) => b.name === name)!.storage === 'bf16'
        ? Array.from(data, (x) => fromBf16(x, word))
        : data,
    ]),
  )
  const results = run(inputs, { params })
  const want = runProgram(given, { sizes: all, params, inputs: numbers })
  for (const { name, axes, storage } of given.buffers.filter(({ role }) => role === 'result')) {
    const got = results[name]!
    expect(got.shape).toEqual(axes.map((axis) => all[axis]))
    const close = storage === 'bf16' ? 2 ** -8 : storage === 'f16' ? 2 ** -11 : 2e-6
    const expected = want.get(name)!
    got.data.forEach((raw, n) => {
      const x = storage === 'bf16' ? fromBf16(raw, word) : raw
      const y = expected[n]!
      const fine = Object.is(x, y) || x === y || Math.abs(x - y) <= close * Math.max(1, Math.abs(y))
      if (!fine) expect(`${name}[${n}] = ${x} at ${JSON.stringify(sizes)}`).toBe(String(y))
    })
  }
  return results
}

const tiles = { ti: 8, tj: 8 }
describe('softmax', () => {
  const widths = [1, 3, 16, 64, 72]
  const all = widths.flatMap((d, n) =>
    [false, true].map((causal) => ({
      ...softmaxProgram({ d, e: widths[(n + 1) % widths.length]!, ...tiles, causal }),
      name: `s${d}${causal ? 'c' : ''}`,
    })),
  )
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await build('softmax', all)
  })
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
      compare(compiled[name]!, one, { b: 1, h: 2, i, j })
    }
  })
  test('a place that is not admitted harms nobody', () => {
    const one = all.find(({ name }) => name === 's3c')!
    const [i, j] = [12, 12]
    const v = Array.from({ length: j * 16 }, (_, n) => (n % 7) - 3)
    for (let e = 0; e < 16; e++) v[9 * 16 + e] = [Number.NaN, Infinity, -Infinity][e % 3]!
    const results = compare(compiled.s3c!, one, { b: 1, h: 1, i, j }, { v })
    expect(results.out!.data.slice(0, 9 * 16).every(Number.isFinite)).toBe(true)
    expect(results.out!.data.slice(9 * 16).some(Number.isFinite)).toBe(false)
  })
  test('rows without keys are 0, and -inf in their logarithm', () => {
    const { out, lse } = compare(compiled.s3!, all.find(({ name }) => name === 's3')!, { b: 1, h: 1, i: 3, j: 0 })
    expect([...out!.data].every((x) => x === 0)).toBe(true)
    expect([...lse!.data]).toEqual([-Infinity, -Infinity, -Infinity])
  })
})

describe('other shapes', () => {
  const all = [
    materialised(3),
    rounds(),
    gathered(),
    { ...gathered('bf16'), name: 'pick16' },
    { ...gathered('f16'), name: 'pickhalf' },
    columns(2),
  ]
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await build('shapes', all)
  })
  test('materialised', () => {
    for (const [i, j] of [
      [1, 1],
      [3, 5],
      [0, 2],
    ] as const)
      compare(compiled.kept!, all[0]!, { i, j }, {}, { scale: 0.7 })
  })
  test('rounds', () => {
    for (const [i, j] of [
      [1, 1],
      [3, 5],
      [5, 9],
      [4, 2],
    ] as const)
      compare(compiled.again!, all[1]!, { i, j })
  })
  test.each([
    ['pick', 2],
    ['pick16', 3],
    ['pickhalf', 4],
  ] as const)('gathered: %s', (name, at) => {
    const table = [-5, -1, 0, 1, 2, 3, 4, 2147483647, -2147483648]
    for (const [j, p] of [
      [9, 3],
      [5, 1],
      [4, 0],
      [0, 3],
    ] as const)
      compare(compiled[name]!, all[at]!, { j, p }, { table })
  })
  test('columns', () => {
    for (const [i, j] of [
      [1, 1],
      [3, 5],
      [5, 9],
      [8, 4],
    ] as const) {
      compare(compiled.mixed!, all[5]!, { i, j, x: 9 }, { doc: [0, 0, 1, 1, 1, 2, 2, 5, 5] })
    }
  })
})

describe('a tile that a mask admits whole', () => {
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await build('whole', [admitted()])
  })
  test('counts all of its places', () => {
    for (const [i, j] of [
      [1, 1],
      [9, 5],
      [5, 9],
      [12, 13],
    ] as const) {
      compare(compiled.some!, admitted(), { i, j })
    }
  })
  test('is not asked, nor is anything made for the question alone', () => {
    const [, yes, no] =
      /if \(full\) \{\n([\s\S]*?)\} else \{\n([\s\S]*?)\n {10}\}\n/.exec(texts.get('whole.ts') ?? '') ?? []
    expect(no).toContain('const third =')
    expect(no).toMatch(/if \(.* third === 2\)\) part \+= y\[j0 \+ j\]!/)
    expect(yes?.trim()).toBe('for (let j = 0; j < jCount; j++) part += y[j0 + j]!')
  })
})

describe('quickExp', () => {
  const near = (x: number): number => Math.abs(quickExp(x) / Math.exp(x) - 1)
  test('is within 2^-38 of its size', () => {
    let worst = 0
    for (let n = -460_000; n <= 460_000; n++) worst = Math.max(worst, near(n / 10_000))
    const octave = Math.LN2 / 16
    for (let n = -1010; n <= 1010; n++) {
      for (const part of [-0.5, -0.4999999999, -0.25, 0, 0.25, 0.4999999999, 0.5]) {
        for (const ulps of [-2, 0, 2]) worst = Math.max(worst, near((n + part) * octave * (1 + ulps * 2 ** -53)))
      }
    }
    expect(worst).toBeLessThan(2 ** -38)
    expect(worst).toBeGreaterThan(2 ** -39)
  })
  test('is exact at 0 and at the ends, and does what Math.exp does far out', () => {
    expect([0, -0, -Infinity, Infinity, Number.NaN].map((x) => quickExp(x))).toEqual([1, 1, 0, Infinity, Number.NaN])
    for (const x of [44, -44, 88.8, -103.9, 709.7, 709.8, -708.5, -745.2, 1e300, -1e300]) {
      expect(quickExp(x)).toBe(Math.exp(x))
    }
    for (const x of [1e-300, -1e-300, 1e-17, -1e-17, 2 ** -60]) expect(quickExp(x)).toBe(1)
  })
  test('rises with its argument', () => {
    for (let x = -43.99; x < 43.98; x += 0.0137) {
      expect(quickExp(x + 0.0137)).toBeGreaterThan(quickExp(x))
    }
  })
})

describe('operations', () => {
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await build('operations', operationPrograms)
  })
  test.each(operations)('$name', ({ op, operands, name }) => {
    const rows = operandRows(operands)
    const inputs = Object.fromEntries(
      operands.map((type, n) => [
        `x${n}`,
        { data: arrays[type].from(rows.map((row) => row[n]!)), shape: [rows.length] },
      ]),
    )
    const { out } = compiled[name]!(inputs) as { out: Tensor }
    const reference = elementary(op, operands)
    rows.forEach((row, n) => {
      const [a, b, c, d, e] = operands.map((_, k) => inputs[`x${k}`]!.data[n]!)
      const want =
        out.data instanceof Float32Array ? Math.fround(reference(a!, b!, c!, d, e)) : reference(a!, b!, c!, d, e)
      const got = out.data[n]!
      const near = Math.abs(got - want) <= 2e-7 * Math.abs(want)
      if (!Object.is(got, want) && got !== want && !near) expect(`${op}(${row}) = ${got}`).toBe(String(want))
    })
  })
})

test('threads give the same bits', async () => {
  const one = softmaxProgram({ d: 16, e: 16, ...tiles, causal: true })
  const again = rounds()
  const compiled = await build('threads', [one, again], true)
  const tensor = (name: string, shape: readonly number[]) => ({
    data: Float32Array.from(
      draw(
        name,
        shape.reduce((a, b) => a * b),
        'f32',
      ),
    ),
    shape,
  })
  const inputs = { q: tensor('q', [1, 2, 35, 16]), k: tensor('k', [1, 2, 40, 16]), v: tensor('v', [1, 2, 40, 16]) }
  const alone = compiled.causal!(inputs)
  for (const threads of [1, 2, 3]) {
    const [together, twin] = await Promise.all([
      compiled.causalParallel!(inputs, { threads }),
      compiled.causalParallel!(inputs, { threads: 2 }),
    ])
    expect(together).toEqual(alone)
    expect(twin).toEqual(alone)
  }
  const more = { x: tensor('x', [9, 3]), y2: tensor('y', [7, 3]) }
  expect(await compiled.againParallel!(more, { threads: 2 })).toEqual(compiled.again!(more))
})

describe('names and comments', () => {
  test('of any kind', async () => {
    const names = [
      'class',
      'class_',
      'await',
      'arguments',
      'Float32Array',
      '__proto__',
      'constructor',
      'measure',
      'given',
      'i',
      'iSize',
      'i0',
      'Tensor',
      'out',
    ]
    const hostile = names.map((name, n) => {
      const [input, result] = [names[(n + 1) % names.length]!, names[(n + 2) % names.length]!]
      const x = value('function', tile('let'))
      const body = [load(x, input, ['let']), store(result, ['let'], tile('let'), valueRef(x))]
      const made = program(
        name,
        ['let'],
        {},
        [buffer(input, ['let']), buffer(result, ['let'], 'result')],
        [kernel('new', [['let', 4]], body)],
      )
      return { ...made, doc: ['ends */ early \\', 'line\u2028end // \r\n x'] }
    })
    const compiled = await build('hostile', hostile)
    const exported = Object.keys(compiled)
    expect(exported.length).toBe(names.length)
    for (const one of hostile) {
      const [input, result] = one.buffers.map(({ name }) =>
        ['__proto__', 'constructor'].includes(name) ? `${name}_` : name,
      )
      const run = compiled[safeName(one.name, reserved)]!
      const data = Float32Array.of(1, 2, 3, 4, 5)
      expect(run({ [input!]: { data, shape: [5] } })[result!]!.data).toEqual(data)
    }
  })
})

describe('what callers get wrong', () => {
  let compiled: Compiled
  beforeAll(async () => {
    compiled = await build('wrong', [softmaxProgram({ d: 64, e: 64, ti: 32, tj: 64, causal: false }), materialised(3)])
  })
  const of = (...shape: number[]): Tensor => ({ data: new Float32Array(shape.reduce((a, b) => a * b)), shape })
  const good = { q: of(1, 2, 3, 64), k: of(1, 2, 65, 64), v: of(1, 2, 65, 64) }
  test.each([
    [{ ...good, v: of(1, 2, 64, 64) }, {}, 'axis j is 65 in k but 64 in v'],
    [{ ...good, q: of(1, 2, 3, 16) }, {}, 'this kernel was generated for d = 64; q has d = 16: build with --size d=16'],
    [{ ...good, q: of(2, 3, 64) }, {}, 'q has 3 axes, not the 4 of [b, h, i, d]'],
    [
      { ...good, q: { data: new Float32Array(3), shape: [1, 2, 3, 64] } },
      {},
      'q has 3 elements, not the 384 of its shape [1, 2, 3, 64]',
    ],
    [
      { ...good, q: { data: new Float64Array(384), shape: [1, 2, 3, 64] } },
      {},
      'the data of q must be Float32Array, not Float64Array',
    ],
    [{ q: good.q, k: good.k }, {}, 'v must be { data, shape }'],
    [{ ...good, q: { data: new Float32Array(0), shape: [1, -2, 3, 64] } }, {}, 'axis h of q cannot have length -2'],
    [good, { into: { lse: of(1, 2, 4) } }, 'axis i is 4 in into.lse, but must be 3'],
  ])('%#', (inputs, options, message) => {
    expect(() => compiled.softmax!(inputs, options)).toThrow(message)
  })
  test('params', () => {
    const inputs = { q: of(2, 3), k: of(4, 3) }
    expect(() => compiled.kept!(inputs, { params: { scale: 3 } })).toThrow('scale is 3, outside of [0, 2]')
    expect(() => compiled.kept!(inputs, { params: { scale: Number.NaN } })).toThrow('scale is NaN')
    expect(() => compiled.kept!(inputs, { params: { scale: '1' } })).toThrow('scale must be a number')
  })
  test('results can be the caller’s own', () => {
    const into = { out: of(1, 2, 3, 64) }
    expect(compiled.softmax!(good, { into }).out).toBe(into.out)
  })
})

test('modules are strict TypeScript', () => {
  const config = typescript.readConfigFile('tsconfig.json', typescript.sys.readFile)
  const { options } = typescript.parseJsonConfigFileContent(config.config, typescript.sys, process.cwd())
  const roots = [...texts.keys()].filter((path) => path.endsWith('.ts')).map((path) => join(folder, path))
  const made = typescript.createProgram(roots, { ...options, types: [] })
  const found = typescript.getPreEmitDiagnostics(made)
  expect(
    found.map(({ messageText, file, start }) => `${file?.fileName}:${start} ${JSON.stringify(messageText)}`),
  ).toEqual([])
})

test('tiles take memory for tiles, not for tensors', () => {
  const made = /(?:makeTile|new Float64Array)\(([\d*, ]+)\)/g
  const sizes = [...(texts.get('wrong.js') ?? '').matchAll(made)].map(([, size]) =>
    size!.split(/[*,]/).reduce((a, b) => a * Number(b), 1),
  )
  expect(sizes.length).toBeGreaterThan(5)
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(8 * 64 * 64)
})

test('rows of a tile are arrays of doubles, whatever is written to them', () => {
  setFlagsFromString('--allow-natives-syntax')
  const holdsDoubles = new Function('row', 'return %HasDoubleElements(row) && !%HasHoleyElements(row)')
  const tile = makeTile(5, 3)
  expect(tile.map((row) => row.length)).toEqual([4, 4, 4, 4, 4, 4])
  fillTile(tile, 0)
  tile[0]![0] = -0
  tile[1]![0] = Number.NaN
  expect(tile.map((row) => holdsDoubles(row))).toEqual(tile.map(() => true))
})
