/** What kernels of the CUDA target take of a device: tiles that fit, requests that do not, and what ptxas says. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CompileOptions, compile, OptionError } from '../index.ts'
import { nameOf, readUsage } from '../runtime/cuda/usage.ts'
import { fragmentsOf } from '../targets/cuda/program.ts'
import { architectures, mostRegisters, occupancy, sharedRoom } from '../targets/cuda/resources.ts'
import { attnc } from './cli-io.ts'

const root = resolve(import.meta.dirname, '..')

async function compiled(name: string, options: Omit<CompileOptions, 'target'>) {
  const text = readFileSync(join(root, `examples/${name}.attn`), 'utf8')
  const made = await compile({ path: `${name}.attn`, text }, { target: 'cuda', ...options })
  if (!made.ok) throw new Error(`${name} has errors`)
  return { text: made.value.files[0]!.text, program: made.value.programs[0]! }
}

/** The kernel on tensor cores; undefined: there is none. */
const tensorText = (text: string): string | undefined =>
  /__global__ void __launch_bounds__\(\d+, 2\) \w+_on_tensor_cores\([\s\S]*?\n}\n/.exec(text)?.[0]

describe('tiles', () => {
  test.each([8, 16, 64, 72, 96, 128, 192, 256])('of width %i fit every device', async (width) => {
    const { text, program } = await compiled('softmax', { dtype: 'f16', sizes: { d: width, e: width } })
    expect(tensorText(text)).toBeDefined()
    const [kernel] = fragmentsOf(program)
    expect(kernel!.sharedBytes).toBeLessThanOrEqual(sharedRoom)
    expect(kernel!.registers).toBeLessThanOrEqual(mostRegisters)
    for (const machine of Object.values(architectures))
      expect(occupancy({ ...kernel!, threads: kernel!.threads }, machine).blocks).toBeGreaterThan(0)
  })
  test.each([1, 3, 512])('of width %i are for the form that fits anything', async (width) => {
    const { text } = await compiled('softmax', { dtype: 'bf16', sizes: { d: width, e: width } })
    expect(tensorText(text)).toBeUndefined()
  })
  test.each([64, 128, 256])('of few rows are a warp each, of width %i', async (width) => {
    const few = { dtype: 'f16', rows: 'few', sizes: { d: width, e: width } } as const
    const { program } = await compiled('grouped_query', few)
    const [kernel] = fragmentsOf(program)
    expect(kernel).toMatchObject({ name: 'grouped_query_out_parts_on_tensor_cores', threads: 32 })
    expect(kernel!.sharedBytes).toBeLessThanOrEqual(sharedRoom)
    expect(program.steps[0]).toMatchObject({
      grid: [{ axis: 'b' }, { axis: 'g' }, { axis: 'split' }, { axis: 'rows', tile: 16 }],
    })
  })
  test('that need more than there is are refused, with how much and what to ask for', async () => {
    const wide = { dtype: 'f16', sizes: { d: 256, e: 256 } } as const
    await expect(compiled('softmax', { ...wide, tile: { i: 128, j: 128 } })).rejects.toThrow(
      new OptionError(
        'resources',
        'the tiles of softmax_attention_out take 192 KiB of shared memory, and a block has 99 KiB: ask for smaller tiles, as --tile i=64,j=32, or leave --tile out',
      ),
    )
    const many = compiled('softmax', { dtype: 'f16', tile: { i: 256, j: 128 } })
    await expect(many).rejects.toThrow(
      /the tiles of softmax_attention_out take \d{3} registers of a thread, and it has 255/,
    )
    expect(tensorText((await compiled('softmax', { ...wide, tile: { i: 64, j: 32 } })).text)).toBeDefined()
  })
})

test('as many blocks work at a time as what there is least of lets', () => {
  const tile = { threads: 128, registers: 255, sharedBytes: 48 * 1024 }
  expect(occupancy(tile, architectures.sm_80!)).toEqual({ blocks: 2, by: 'registers' })
  expect(occupancy({ ...tile, sharedBytes: 64 * 1024 }, architectures.sm_86!)).toEqual({
    blocks: 1,
    by: 'shared memory',
  })
  expect(occupancy({ threads: 128, registers: 32, sharedBytes: 0 }, architectures.sm_80!)).toEqual({
    blocks: 16,
    by: 'registers',
  })
  expect(occupancy({ threads: 1024, registers: 16, sharedBytes: 0 }, architectures.sm_89!)).toEqual({
    blocks: 1,
    by: 'threads',
  })
})

test('what ptxas says of each kernel is read', () => {
  const printed = `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_ZN43_GLOBAL__N__94b6729e_10_softmax_cu_b8517ce83outE' for 'sm_80'
ptxas info    : Function properties for _ZN43_GLOBAL__N__94b6729e_10_softmax_cu_b8517ce83outENS_6launch4WorkE
    80 bytes stack frame, 108 bytes spill stores, 144 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers, 80 bytes cumulative stack size, 552 bytes cmem[0]
ptxas info    : Function properties for _Z5otherv
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 18 registers, used 0 barriers, 16 bytes smem
`
  expect(readUsage(printed)).toEqual([
    { kernel: 'out', registers: 255, stores: 108, loads: 144, shared: 0 },
    { kernel: 'other', registers: 18, stores: 0, loads: 0, shared: 16 },
  ])
  expect(nameOf('plain')).toBe('plain')
})

describe('build --resource-usage', () => {
  const softmax = join(root, 'examples/softmax.attn')
  const build = (...args: readonly string[]) => attnc(['build', softmax, '--resource-usage', ...args])
  test('is of the target cuda, and prints beside files', async () => {
    const other = await build('--target', 'ts', '-o', 'out')
    expect([other.exit, other.err]).toEqual([
      2,
      expect.stringContaining('--resource-usage is of kernels of the target cuda, not ts'),
    ])
    const printed = await build('--target', 'cuda', '-o', '-')
    expect([printed.exit, printed.err]).toEqual([2, expect.stringContaining('ATTN0318')])
  })
  test('needs nvcc', async () => {
    const { PATH } = process.env
    process.env.PATH = ''
    try {
      const ran = await build('--target', 'cuda', '-o', 'out')
      expect([ran.exit, ran.err]).toEqual([3, expect.stringContaining('there is no nvcc in the PATH')])
    } finally {
      process.env.PATH = PATH
    }
  })
})

describe('the text on tensor cores', () => {
  test('asks a mask, and for the end of the keys, in tiles only that are not whole', async () => {
    for (const name of ['softmax', 'causal', 'sliding_window', 'sigmoid']) {
      const own = tensorText((await compiled(name, { dtype: 'f16' })).text)!
      const start = own.search(/^ {2}(while|for) \(/m)
      const loop = own.slice(start, own.indexOf('\n  }\n', start))
      const whole = loop
        .replace(/^( *)if \(!plain\) \{\n[\s\S]*?\n\1\}$/gm, '')
        .replace(/^( *)\} else \{\n[\s\S]*?\n\1\}$/gm, '$1}')
      expect(loop).toContain('tiles::stepOf')
      expect(whole).not.toMatch(/stepOf|\.has\(|hasNonFinite/)
      expect(whole).toContain('tiles::multiply')
    }
  })
  test('finds the place of a lane anew where tiles are not whole, so that nothing of it stays in registers', async () => {
    const own = tensorText((await compiled('causal', { dtype: 'f16' })).text)!
    const [, partial] = /^ {4}if \(!plain\) \{\n([\s\S]*?)^ {4}\}$/m.exec(own)!
    expect(partial).toContain('const int thread = ptx::ownThread();')
    expect(partial!.match(/(rowOf<\d+>|columnOf)\([^)]*\)/g)).toEqual([
      'rowOf<2>(m, r / 2, thread)',
      'columnOf(n, r, thread)',
    ])
  })
  test('works out where the keys of its rows lie: folds over rows by warps, and loops over numbers', async () => {
    const { text, program } = await compiled('documents', { dtype: 'f16' })
    const own = tensorText(text)!
    expect(own).toContain('min_text_of_query_i = tiles::smallestOfWarp(min_text_of_query_i);')
    expect(own).toMatch(/for \(int32_t round = 0; round < rounds; \+\+round\) \{\n {4}.*const int32_t middle = /)
    expect(fragmentsOf(program)[0]!.registers).toBeLessThanOrEqual(mostRegisters)
  })
  test('scales what is carried before it makes the weights of a tile', async () => {
    const own = tensorText((await compiled('softmax', { dtype: 'f16' })).text)!
    const [scale, weights] = [own.indexOf(' acc.at[m][n][r] *= factor'), own.indexOf('t.at[m][n][r] = ptx::exp2')]
    expect(scale).toBeGreaterThan(own.indexOf('  for (int32_t j0'))
    expect(weights).toBeGreaterThan(scale)
  })
  test('has nothing of a maximum or a sum where a normalizer has none', async () => {
    const own = tensorText((await compiled('sigmoid', { dtype: 'f16' })).text)!
    expect(own).not.toMatch(/OfRow|tiles::Rows<|exchange|fmaxf/)
  })
  test('takes one instruction for a sigmoid where precision may be low', async () => {
    const [fast, accurate] = [
      await compiled('sigmoid', { dtype: 'f16', precision: 'fast' }),
      await compiled('sigmoid', { dtype: 'f16' }),
    ]
    expect(tensorText(fast.text)).toMatch(/ptx::tanh/)
    expect(tensorText(fast.text)).not.toMatch(/exp2|reciprocal/)
    expect(tensorText(accurate.text)).toMatch(/ptx::reciprocal\(1\.0f \+ ptx::exp2/)
    expect(tensorText(accurate.text)).not.toMatch(/tanh/)
  })
})

test('explain says what the precision fast costs, and nothing of the accurate one', async () => {
  const source = readFileSync(join(root, 'examples/sigmoid.attn'), 'utf8')
  const fast = await attnc(['explain', '-'], source.replace('attention sigmoid_attention {', '$&\n  precision fast'))
  expect(fast.out).toMatch(/Precision\n\n {2}fast: [\s\S]*sigmoid,[\s\S]*absolute one of 2\^-12/)
  expect((await attnc(['explain', '-'], source)).out).not.toContain('Precision')
})
