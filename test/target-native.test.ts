import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { elementary } from '../compiler/elementary.ts'
import type { Program } from '../compiler/kernel.ts'
import { verifyProgram } from '../compiler/verify-kernel.ts'
import { compile } from '../index.ts'
import { findCompiler } from '../runtime/native/compiler.ts'
import type { Loaded } from '../runtime/runners.ts'
import { fromStored } from '../runtime/stored.ts'
import { recordOf } from '../runtime/tensor.ts'
import { safeName } from '../targets/names.ts'
import { reserved } from '../targets/native/reserved.ts'
import { compare } from './compare-program.ts'
import { buildNative, withCompiler } from './native-build.ts'
import { operandRows, operationPrograms, operations } from './op-programs.ts'
import { softmaxProgram } from './ts-programs.ts'
import { admitted, columns, gathered, materialised, rounds } from './ts-shapes.ts'

const missing = withCompiler()
const root = resolve(import.meta.dirname, '..')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-native-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tiles = { ti: 8, tj: 8 }
const widths = [1, 3, 16, 64, 72]
const softmaxes = widths.flatMap((d, n) =>
  [false, true].map((causal) => ({
    ...softmaxProgram({ d, e: widths[(n + 1) % widths.length]!, ...tiles, causal }),
    name: `s${d}${causal ? 'c' : ''}`,
  })),
)
const shapes = [
  materialised(3),
  rounds(),
  gathered(),
  { ...gathered('bf16'), name: 'pick16' },
  { ...gathered('f16'), name: 'pickhalf' },
  columns(2),
  admitted(),
]
/** What a table and functions make of the distance between a query and a key, with a bias that is none of these. */
const distances = (await Promise.all((['f32', 'f16'] as const).map(distancesIn))).flat()

async function distancesIn(dtype: 'f32' | 'f16'): Promise<readonly Program[]> {
  const text = `attention far_${dtype} { axis r input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e], relative[h, r], n[b]: i32
    let position = i + n
    let bias = relative[r = clamp(j - position + size(r) div 2, 0, size(r) - 1)]
    score = dot(q, k) + bias - exp(-0.1 * abs(position - j)) * log1p(max(position - j, 0)) + 0.01 * (i * j % 3)
    mask = j <= position
    normalize = softmax[j](score) }`
  const compiled = await compile(
    { path: 'far.attn', text },
    { target: 'native', dtype, sizes: { d: 3, e: 3 }, tile: { i: 8, j: 16 } },
  )
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics))
  return compiled.value.programs
}

const byName = new Map([...softmaxes, ...shapes, ...distances, ...operationPrograms].map((one) => [one.name, one]))

/** Instruction sets that a machine of this kind has, and the form that needs none. */
const machines = {
  'this machine': '',
  AVX2: '-march=x86-64-v3',
  SSE2: '-march=x86-64',
  'vectors of no machine': '-march=x86-64 -DATTNC_LANES=16',
} as const
const chosen = process.arch === 'x64' ? Object.entries(machines) : Object.entries(machines).slice(0, 1)

describe.skipIf(missing !== undefined).each(chosen)('on %s', (machine, flags) => {
  let loaded: Loaded
  beforeAll(async () => {
    for (const one of byName.values()) expect(verifyProgram(one)).toEqual([])
    const all = machine === 'this machine' ? [...byName.values()] : [...softmaxes.slice(2, 6), ...shapes, ...distances]
    loaded = await buildNative('all', all, flags)
  }, 240_000)

  const own = machine === 'this machine' ? softmaxes : softmaxes.slice(2, 6)
  test.each(own.map((one) => [one.name, one] as const))('%s at every edge', async (_, one) => {
    for (const [i, j] of [
      [0, 5],
      [5, 0],
      [1, 1],
      [7, 8],
      [8, 9],
      [9, 7],
      [19, 20],
      [20, 35],
    ] as const) // prettier-ignore
      await compare(loaded, one, { b: 1, h: 2, i, j })
  })
  test('a place that is not admitted harms nobody', async () => {
    const v = Array.from({ length: 12 * 16 }, (_, n) => (n % 7) - 3)
    for (let e = 0; e < 16; e++) v[9 * 16 + e] = [Number.NaN, Infinity, -Infinity][e % 3]!
    const { out } = await compare(loaded, byName.get('s3c')!, { b: 1, h: 1, i: 12, j: 12 }, { v })
    expect(out!.data.slice(0, 9 * 16).every(Number.isFinite)).toBe(true)
    expect(out!.data.slice(9 * 16).some(Number.isFinite)).toBe(false)
  })
  test('rows without keys are 0, and -inf in their logarithm', async () => {
    const { out, lse } = await compare(loaded, byName.get('s3')!, { b: 1, h: 1, i: 3, j: 0 })
    expect([...out!.data].every((x) => x === 0)).toBe(true)
    expect([...lse!.data]).toEqual([-Infinity, -Infinity, -Infinity])
  })
  test('materialised', async () => {
    for (const [i, j] of [
      [1, 1],
      [3, 5],
      [0, 2],
    ] as const) // prettier-ignore
      await compare(loaded, byName.get('kept')!, { i, j }, {}, { scale: 0.7 })
  })
  test('rounds', async () => {
    for (const [i, j] of [
      [1, 1],
      [3, 5],
      [5, 9],
      [4, 2],
    ] as const) // prettier-ignore
      await compare(loaded, byName.get('again')!, { i, j })
  })
  test.each(['pick', 'pick16', 'pickhalf'])('gathered: %s', async (name) => {
    const table = [-5, -1, 0, 1, 2, 3, 4, 2147483647, -2147483648]
    for (const [j, p] of [
      [9, 3],
      [5, 1],
      [4, 0],
      [0, 3],
    ] as const) // prettier-ignore
      await compare(loaded, byName.get(name)!, { j, p }, { table })
  })
  test.each(distances.map((one) => [one.name, one] as const))('distances: %s', async (_, one) => {
    for (const [i, j, n] of [
      [1, 1, 0],
      [7, 40, 33],
      [8, 16, -3],
      [17, 35, 20],
      [0, 5, 1],
    ] as const) // prettier-ignore
      await compare(loaded, one, { b: 1, h: 2, i, j, r: 9 }, { n: [n] })
  })
  test('columns', async () => {
    for (const [i, j] of [
      [1, 1],
      [3, 5],
      [5, 9],
      [8, 4],
    ] as const) // prettier-ignore
      await compare(loaded, byName.get('mixed')!, { i, j, x: 9 }, { doc: [0, 0, 1, 1, 1, 2, 2, 5, 5] })
  })
  test('a tile that a mask admits whole counts all of its places', async () => {
    for (const [i, j] of [
      [1, 1],
      [9, 5],
      [5, 9],
      [12, 13],
    ] as const) // prettier-ignore
      await compare(loaded, byName.get('some')!, { i, j })
  })

  if (machine !== 'this machine') return
  describe('operations', () => {
    test.each(operations)('$name', async ({ op, operands, name }) => {
      const rows = operandRows(operands)
      const inputs = recordOf(
        operands.map((type, n) => {
          const data = rows.map((row) => row[n]!)
          return [`x${n}`, fromStored({ data, shape: [rows.length] }, type)]
        }),
      )
      const out = (await loaded.call(byName.get(name)!, inputs, {})).out!
      const reference = elementary(op, operands)
      rows.forEach((row, n) => {
        const [a, b, c, d, e] = operands.map((_, k) => inputs[`x${k}`]!.data[n]!)
        const exact = reference(a!, b!, c!, d, e)
        const want = out.storage === 'f32' ? Math.fround(exact) : exact
        const got = out.data[n]!
        const ulp = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(want))), -126) - 23)
        const near = Math.abs(got - exact) <= 4 * ulp || (Math.abs(want) < 2 ** -125 && got === 0)
        if (!Object.is(got, want) && got !== want && !near) expect(`${op}(${row}) = ${got}`).toBe(String(want))
      })
    })
  })
})

test.skipIf(missing !== undefined)(
  'elementary functions are within 4 units in the last place',
  { timeout: 120_000 },
  async () => {
    const measure = `
#include <cstdio>
#include "functions.h"
using namespace vec;
template <class F, class G> void worst(const char *name, F f, G exact, float low, float high) {
  double most = 0;
  for (int n = 0; n <= 2000000; ++n) {
    const float x = low + (high - low) * float(n / 2000000.0);
    const double want = exact(double(x));
    const float size = std::fabs(float(want));
    if (size < 0x1p-125f) continue;
    const double apart = std::fabs(double(f(wide(x))[0]) - want) / (double(std::nextafter(size, INFINITY)) - double(size));
    if (!(apart <= most)) most = apart;
  }
  std::printf("%s %.3f\\n", name, most);
}
#define OF(name, exact, low, high) worst(#name, [](floats x) { return name(x); }, [](double x) { return exact; }, low, high)
int main() {
  OF(exp, std::exp(x), -87.3f, 88.7f);
  OF(exp, std::exp(x), -1, 1);
  OF(exp2, std::exp2(x), -126, 127.9f);
  OF(log, std::log(x), 1e-6f, 3);
  OF(log, std::log(x), 1, 1e30f);
  OF(log1p, std::log1p(x), -0.99f, 3);
  OF(log1p, std::log1p(x), 1e-9f, 1e-3f);
  OF(tanh, std::tanh(x), -3, 3);
  OF(tanh, std::tanh(x), 3, 12);
  OF(sigmoid, 1 / (1 + std::exp(-x)), -86, 20);
  OF(logistic2, 1 / (1 + std::exp2(x)), -30, 124);
  OF(softplus, std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))), -80, 20);
  OF(expm1, std::expm1(x), -2, 2);
  OF(log2, std::log2(x), 1e-6f, 3);
  OF(erf, std::erf(x), -4, 4);
  OF(expm1, std::expm1(x), -87, 88.7f);
  OF(expm1, std::expm1(x), -1e-6f, 1e-6f);
  OF(log2, std::log2(x), 1, 3e38f);
  OF(sin, std::sin(x), -10, 10);
  OF(sin, std::sin(x), -4e8f, 4e8f);
  OF(cos, std::cos(x), -10, 10);
  OF(cos, std::cos(x), 0, 40000);
#define POWER(exponent, low, high) \\
  worst("pow", [](floats x) { return realPower(x, wide(exponent)); }, [](double x) { return std::pow(x, double(exponent)); }, low, high)
  POWER(0.37f, 1e-30f, 1e30f);
  POWER(-2.5f, 0.1f, 3);
  POWER(85.0f, 0.4f, 2.8f);
}
`
    writeFileSync(join(folder, 'measure.cc'), measure)
    const program = join(folder, 'measure')
    const flags = ['-std=c++17', '-O2', '-march=native', '-ffp-contract=off', `-I${root}/templates/native`]
    await execa(findCompiler()!, [...flags, join(folder, 'measure.cc'), '-o', program])
    const { stdout } = await execa(program)
    const found = stdout.split('\n').map((line) => [line.split(' ')[0], Number(line.split(' ')[1])] as const)
    expect(found).toHaveLength(25)
    expect(found.filter(([, worst]) => !(worst <= 4))).toEqual([])
  },
)

// backend.h is a piece of loader.cc, which each test of a loaded kernel compiles.
const headers = globSync('templates/native/*.h', { cwd: root })
  .map((path) => basename(path))
  .filter((name) => name !== 'backend.h')
test.skipIf(missing !== undefined).each(headers)('%s compiles on its own', async (header) => {
  const isC = header === 'attnc.h'
  writeFileSync(join(folder, `only.${isC ? 'c' : 'cc'}`), `#include "${header}"\n`)
  const flags = ['-fsyntax-only', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function', `-I${root}/templates/native`]
  const language = isC ? ['-x', 'c', '-std=c99', '-pedantic'] : ['-std=c++17']
  await execa(findCompiler()!, [...language, ...flags, join(folder, `only.${isC ? 'c' : 'cc'}`)])
})

test.skipIf(missing !== undefined)('a program in C uses a kernel: examples/embed/c', { timeout: 120_000 }, async () => {
  const compiler = findCompiler()!
  const text = readFileSync(join(root, 'examples/causal.attn'), 'utf8')
  const compiled = await compile({ path: 'causal.attn', text }, { target: 'native', library: true })
  if (!compiled.ok) throw new Error('examples/causal.attn has errors')
  for (const file of compiled.value.files) writeFileSync(join(folder, file.path), file.text)
  writeFileSync(join(folder, 'main.c'), readFileSync(join(root, 'examples/embed/c/main.c')))
  const warnings = ['-Wall', '-Wextra', '-Werror']
  const run = (args: readonly string[]) => execa(compiler, args, { cwd: folder })
  await run(['-std=c++17', '-O1', '-ffp-contract=off', ...warnings, '-Wno-unused-function', '-c', 'causal.cc'])
  await run(['-x', 'c', '-std=c11', ...warnings, '-c', 'main.c'])
  await run(['main.o', 'causal.o', '-lm', '-o', 'causal'])
  const { stdout } = await execa(join(folder, 'causal'))
  const basic = await execa(join(folder, 'causal'), { env: { ATTNC_ISA: 'basic' } })
  expect(basic.stdout).toBe(stdout)
  const [, said] = /It prints:\n\n```text\n([\s\S]*?)```/.exec(
    readFileSync(join(root, 'examples/embed/c/README.md'), 'utf8'),
  )!
  expect(`${stdout}\n`).toBe(said)
})

describe('names of C and C++', () => {
  test('give way', () => {
    for (const name of ['class', 'INFINITY', 'I', '__AVX2__', '_Bool', 'register', 'vec', 'given', 'n'])
      expect(safeName(name, reserved)).toBe(`${name}_`)
    for (const name of ['q', 'kv', 'scale', 'keysOf']) expect(safeName(name, reserved)).toBe(name)
  })
})
