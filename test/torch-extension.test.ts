/** Extensions of PyTorch: their text, what of a source may reach it, and what they do, with test/torch standing in for PyTorch. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attention, analyze, compile } from '../index.ts'
import { readTensors, writeTensors } from '../node.ts'
import { done } from '../runtime/problem.ts'
import { type Inputs, runners, type Scalars } from '../runtime/runners.ts'
import { fromStored, toStored } from '../runtime/stored.ts'
import { recordOf } from '../runtime/tensor.ts'
import { storageOf } from '../runtime/verify/judge.ts'
import { verifyAttention } from '../runtime/verify/verify.ts'
import { attnc } from './cli-io.ts'
import { printedBy } from './packed.ts'
import { missingPython, StandinTorch } from './torch-build.ts'

const missing = missingPython()
const root = resolve(import.meta.dirname, '..')
const golden = resolve(import.meta.dirname, 'torch/golden')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attnc-torch-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Names that are words of Python, of C++ or of schemas, a parameter of each type, and a length that no input has. */
const odd = `/// Names that are words elsewhere.
attention lambda {
  axis  pass = 2 * size(h) + size(i) div 2
  input None[b, h, i, d], def[b, h, j, d], class[b, h, j, e]
  param from: f32
  param window = 2 in [1, 100]
  param self: bool = true
  score     = from * dot(None, def)
  mask      = j > i + size(j) - size(i) - window and self
  normalize = softmax[j](score)
  output    sum[j](weight * class)
  output    tensor as [b, h, i, pass] = sum[j](weight) + pass
}
`

async function emitted(text: string, path = 'odd.attn'): Promise<Readonly<Record<string, string>>> {
  const compiled = await compile({ path, text }, { target: 'cuda', dtype: 'f16', torch: true, sizes: { d: 16, e: 16 } })
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join('\n'))
  return Object.fromEntries(compiled.value.files.map((file) => [file.path, file.text]))
}

test('the text of one', async () => {
  const files = await emitted(readFileSync(join(root, 'examples/soft_cap.attn'), 'utf8'), 'soft_cap.attn')
  expect(Object.keys(files)).toEqual([
    'soft_cap.cu',
    'soft_cap.h',
    'soft_cap_torch.cpp',
    'soft_cap_torch.py',
    'setup.py',
  ])
  for (const name of ['soft_cap_torch.cpp', 'soft_cap_torch.py', 'setup.py'])
    await expect(files[name]).toMatchFileSnapshot(join(golden, name))
})

describe('documentation', () => {
  const source = (doc: string): string => `/// ${doc}\n/// ${doc}\n${odd.slice(odd.indexOf('\n') + 1)}`
  test.each([
    '"""',
    '\\"""; import os; """',
    '\\',
    '*/ int planted; /*',
    '\u2028import os\u0085import os\u000cimport os',
    "''' + str(1) + '''",
    '{{this}} {0} %s',
  ])('%j stays documentation', async (doc) => {
    const [hostile, harmless] = [await emitted(source(doc)), await emitted(source('text'))]
    const bare = (text = ''): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').replaceAll(/\s+/g, ' ')
    expect(bare(hostile['odd_torch.cpp'])).toBe(bare(harmless['odd_torch.cpp']))
    if (missing !== undefined) return
    const read = `
import ast, sys
tree = ast.parse(sys.stdin.read())
for node in ast.walk(tree):
    if isinstance(node, (ast.Module, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr): node.body = node.body[1:]
print(ast.dump(tree))`
    const dump = async (text = ''): Promise<string> => (await execa('python3', ['-c', read], { input: text })).stdout
    expect(await dump(hostile['odd_torch.py'])).toBe(await dump(harmless['odd_torch.py']))
  })
})

describe('--emit torch', () => {
  const softCap = join(root, 'examples/soft_cap.attn')
  const build = (...args: readonly string[]) => attnc(['build', softCap, '--emit', 'torch', ...args])
  test('is refused where it makes no sense', async () => {
    expect(await build('--target', 'native', '-o', folder)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('target native makes no extension of PyTorch'),
    })
    expect(await build('--target', 'cuda', '-o', '-')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('ATTN0318'),
    })
    expect(await build('--target', 'cuda')).toMatchObject({ exit: 2, err: expect.stringContaining('ATTN0318') })
    writeFileSync(join(folder, 'soft-cap.attn'), readFileSync(softCap))
    expect(
      await attnc(['build', join(folder, 'soft-cap.attn'), '--target', 'cuda', '--emit', 'torch', '-o', folder]),
    ).toMatchObject({ exit: 2, err: expect.stringContaining('no module of Python can be called "soft-cap"') })
    expect(readdirSync(folder)).not.toContain('setup.py')
  })
  test('writes over no setup.py but its own', async () => {
    const own = mkdtempSync(join(folder, 'own-'))
    writeFileSync(join(own, 'setup.py'), 'mine')
    const { exit, err } = await build('--target', 'cuda', '-o', own)
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining('ATTN0319') })
    expect(readdirSync(own)).toEqual(['setup.py'])
    rmSync(join(own, 'setup.py'))
    for (const _ of [1, 2]) expect(await build('--target', 'cuda', '-o', own)).toMatchObject({ exit: 0, err: '' })
    expect(await build('--target', 'cuda', '-o', own, '--check')).toMatchObject({ exit: 0 })
  })
})

describe.skipIf(missing !== undefined)('an extension, built and called', { timeout: 240_000 }, () => {
  let torch: StandinTorch
  let built: string
  beforeAll(async () => {
    built = join(folder, 'built')
    writeFileSync(join(folder, 'odd.attn'), odd)
    const options = ['--target', 'cuda', '--dtype', 'f16', '--tile', 'i=64,j=32', '-o', built]
    for (const [path, size] of [
      [join(root, 'examples/soft_cap.attn'), 'd=16,e=16'],
      [join(root, 'examples/entropy.attn'), 'd=16,e=16'],
      [join(root, 'examples/pooling.attn'), 'e=16'],
      [join(folder, 'odd.attn'), 'd=16,e=16'],
    ] as const) {
      const { exit, err } = await attnc(['build', path, '--emit', 'torch', '--size', size, ...options])
      expect({ exit, err }).toEqual({ exit: 0, err: '' })
    }
    torch = new StandinTorch(join(folder, 'torch'))
    await torch.start()
    await torch.build(built)
  }, 240_000)

  let calls = 0
  async function call(module: string, operator: string, how: string, inputs: Inputs, params: Scalars = {}) {
    const [from, to] = ['in', 'out'].map((word) => join(folder, `${word}${calls}.npz`)) as [string, string]
    calls++
    const scalars = Object.entries(params).map(([name, value]): [string, ReturnType<typeof toStored>] => [
      `param_${name}`,
      toStored(fromStored({ data: [Number(value)], shape: [] }, typeof value === 'boolean' ? 'bool' : 'f32')),
    ])
    const tensors = Object.entries(inputs).map(([name, tensor]): [string, ReturnType<typeof toStored>] => [
      name,
      toStored(tensor),
    ])
    await writeTensors(from, recordOf([...tensors, ...scalars]))
    const called = await torch.call(built, [module, operator, how, from, to])
    return { ...called, tensors: existsSync(to) ? await readTensors(to) : {} }
  }

  const lengths = { b: 1, h: 2, i: 9, j: 33, d: 16, e: 16 }
  const ramp = (shape: readonly number[]) =>
    fromStored(
      { shape, data: Float16Array.from({ length: shape.reduce((x, y) => x * y) }, (_, n) => Math.sin(n)) },
      'f16',
    )
  const tokens = { q: ramp([1, 2, 9, 16]), k: ramp([1, 2, 33, 16]), v: ramp([1, 2, 33, 16]) }

  test.each([
    ['soft_cap', 'dense', [lengths, { ...lengths, b: 2, i: 65, j: 70 }, { ...lengths, i: 0 }]],
    ['entropy', 'tokens', [lengths, { ...lengths, b: 2, h: 3, i: 65 }]],
    ['pooling', 'dense', [{ b: 2, h: 3, i: 1, j: 20, e: 16, a: 3 }]],
  ] as const)('computes what the definition of %s says, of tensors that lie %s', async (name, how, shapes) => {
    const path = join(root, `examples/${name}.attn`)
    const module = analyze({ path, text: readFileSync(path, 'utf8') })
    if (!module.ok) throw new Error(`${name} has errors`)
    const [attention] = module.value.attentions as [Attention]
    const { arithmetic, arithmeticOf } = runners['cuda-emulated']!
    const report = await verifyAttention(attention, {
      shapes: shapes.map((sizes) => ({ sizes, dtype: 'f16', schedules: [{ tile: undefined, splits: 1 }] })),
      seed: 5,
      probes: false,
      params: {},
      build: async () =>
        done({
          arithmetic: {
            ...(arithmeticOf?.('f16', 'accurate', 'auto') ?? arithmetic),
            storage: storageOf(attention, 'f16'),
          },
          prices: [],
          call: async (inputs, params) => {
            const called = await call(`${name}_torch`, name, how, inputs, params)
            expect(called).toMatchObject({ told: null, handles: 0 })
            expect(new Set(called.log)).toEqual(new Set(['memory of 1 on 1', 'stream of 1 on 1']))
            expect(called.faked).toEqual(called.results)
            return recordOf(
              attention.results.map(({ name: result, axes }, n) => [
                result,
                fromStored(called.tensors[`result${n}`]!, axes.includes('e') ? 'f16' : 'f32'),
              ]),
            )
          },
        }),
    })
    if (!report.ok) throw new Error(report.findings[0]?.message)
    expect(report.value).toMatchObject({ failures: [], verdict: 'right', cases: shapes.length })
  })

  test('has names that Python and PyTorch can have, parameters of every type, and a fake that knows every length', async () => {
    const inputs = { None: tokens.q, def: tokens.k, class: tokens.v }
    const called = await call('odd_torch', 'lambda_', 'dense', inputs, { from_: 0.5 })
    expect(called).toMatchObject({
      told: null,
      results: [
        ['float16', [1, 2, 9, 16]],
        ['float32', [1, 2, 9, 8]],
      ],
    })
    expect(called.faked).toEqual(called.results)
    const closed = await call('odd_torch', 'lambda_', 'dense', inputs, { from_: 0.5, self_: false })
    expect(closed.tensors.result0!.data.every((x) => x === 0)).toBe(true)
    const far = await call('odd_torch', 'lambda_', 'dense', inputs, { from_: 0.5, window: 2 ** 40 })
    expect(far.told).toMatch(/lambda_: param window is 1099511627776, and takes 32 bits/)
    const outside = await call('odd_torch', 'lambda_', 'dense', inputs, { from_: 0.5, window: 200 })
    expect(outside.told).toMatch(/lambda_: param window is 200, outside of its range \[1, 100\]/)
  })

  test.each([
    ['cpu', /^RuntimeError: .*soft_cap: k is not on a CUDA device$/],
    ['all cpu', /^NotImplementedError: Could not run 'attnc_soft_cap::soft_cap'/],
    ['devices', /soft_cap: k is on cuda:0, and the first input on cuda:1$/],
    ['dtype', /soft_cap: q is float32, and these kernels take float16$/],
    ['axes', /soft_cap: q has 5 axes, and takes 4: \[b, h, i, d\]$/],
    ['width', /soft_cap: this kernel was generated for d = 16; k has d = 33: build with --size d=33$/],
    ['meta dtype', /^RuntimeError: soft_cap: q is torch\.float32, and these kernels take torch\.float16$/],
    ['meta width', /^RuntimeError: soft_cap: axis j is 16 in k but 33 in v$/],
    ['meta narrow', /^RuntimeError: soft_cap: axis d is 16 in this build but 8 in k$/],
    ['grad', /^NotImplementedError: attnc generates no gradients yet: call soft_cap within torch\.no_grad\(\)/],
  ])('says what is wrong with a call (%s), and keeps nothing', async (how, message) => {
    const called = await call('soft_cap_torch', 'soft_cap', how, tokens)
    expect(called.told).toMatch(message)
    expect(called.handles).toBe(0)
  })

  test('says where CUDA refuses a kernel', async () => {
    process.env.ATTNC_EMULATION_FAIL = '2'
    try {
      const called = await call('soft_cap_torch', 'soft_cap', 'dense', tokens)
      expect(called).toMatchObject({ told: expect.stringMatching(/soft_cap: the GPU has no memory left/), handles: 0 })
    } finally {
      delete process.env.ATTNC_EMULATION_FAIL
    }
  })

  test('is what attnc init --for torch makes a project of', async () => {
    const project = join(folder, 'a project')
    const made = await attnc(['init', project, '--for', 'torch', '--template', 'sigmoid', '--json'])
    const next: readonly string[] = JSON.parse(made.out).next
    expect(next.slice(1)).toEqual([
      'npm install',
      'npx attnc verify sigmoid.attn',
      'npx attnc build sigmoid.attn --emit torch',
      'pip install --no-build-isolation ./gen',
      'python main.py',
    ])
    const bin = join(root, 'bin/attnc.js')
    await execa(process.execPath, [bin, ...next[3]!.split(' ').slice(2)], { cwd: project })
    await torch.build(join(project, 'gen'))
    const printed = await torch.python(project, ['main.py'], join(project, 'gen'))
    const [, text, number = ''] = /^(sigmoid of the last query: )([\d.]+)$/.exec(printed) ?? []
    const [, wanted = ''] =
      /: ([\d.]+)$/.exec(printedBy('sigmoid', readFileSync(join(project, 'sigmoid.attn'), 'utf8'))) ?? []
    expect(text).toBeDefined()
    // Inputs and the result are f16 there, and one digit is printed.
    expect(Math.abs(Number(number) - Number(wanted))).toBeLessThan(0.05 + 2 ** -10 * Number(wanted))
  })

  test('runs the example', async () => {
    const gen = join(folder, 'gen')
    const kernels = join(root, 'examples/embed/kernels')
    const { exit } = await attnc(['build', kernels, '--target', 'cuda', '--dtype', 'f16', '--emit', 'torch', '-o', gen])
    expect(exit).toBe(0)
    await torch.build(gen)
    expect(await torch.python(gen, [join(root, 'examples/embed/torch/main.py')])).toBe('capped 3.000\nplain 3.000')
  })

  test('that is not built says how to build it', async () => {
    const own = mkdtempSync(join(folder, 'unbuilt-'))
    writeFileSync(join(own, 'soft_cap_torch.py'), readFileSync(join(built, 'soft_cap_torch.py')))
    await expect(torch.python(own, ['-c', 'import soft_cap_torch'])).rejects.toThrow(
      /ImportError: _soft_cap_torch is not built: pip install --no-build-isolation FOLDER/,
    )
  })
})
