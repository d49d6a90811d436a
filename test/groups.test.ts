import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { builder } from '../cli/verify-build.ts'
import { analyze, compile, OptionError } from '../index.ts'
import { callAttention, loadAttention } from '../node.ts'
import { emptyLaunch, prepareLaunch } from '../runtime/launch.ts'
import { completeSizes } from '../runtime/verify/shapes.ts'
import { verifyAttention } from '../runtime/verify/verify.ts'
import { withCompiler } from './native-build.ts'
import { withAdapter } from './wgsl-build.ts'

// Groups of other sizes than usual share a tile: rows stay whole, so that results keep their bits.

const noCompiler = withCompiler('groups of CUDA threads')
const noAdapter = await withAdapter()
const path = resolve(import.meta.dirname, '../examples/causal.attn')
const file = { path, text: readFileSync(path, 'utf8') }
const source = { file, folder: '', readImport: () => ({ problem: 'there are none' }) }
const module = analyze(file)
if (!module.ok) throw new Error('causal has errors')
const attention = module.value.attentions[0]!

interface Case {
  readonly target: string
  readonly dtype: 'f32' | 'f16'
  readonly tile: Readonly<Record<string, number>>
}

async function sizesOf(lengths: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
  const sizes = completeSizes(attention, { b: 1, h: 2, d: 16, e: 16, ...lengths }, 0)
  if (!sizes.ok) throw new Error(sizes.findings[0]?.message)
  return sizes.value
}

/** The bits of results, which are right within the allowances. */
async function bitsOf({ target, dtype, tile }: Case, group: number): Promise<unknown> {
  const sizes = await sizesOf({ i: 37, j: 45 })
  const report = await verifyAttention(attention, {
    shapes: [{ sizes, dtype, schedules: [{ tile, splits: 1, group }] }],
    ...{ seed: 1, probes: false, params: {}, build: builder(source, attention, target) },
  })
  if (!report.ok) throw new Error(report.findings[0]?.message)
  expect([report.value.verdict, report.value.failures]).toEqual(['right', []])
  const ready = await loadAttention(source, attention, { target, dtype, tile, sizes, group })
  const launch = prepareLaunch(attention, { ...emptyLaunch, dtype }, sizes, 7)
  if (!ready.ok || !launch.ok) throw new Error('not ready')
  const results = await callAttention(ready.value, launch.value)
  if (!results.ok) throw new Error(results.findings[0]?.message)
  return results.value
}

describe.skipIf(noCompiler !== undefined)('blocks of CUDA', { timeout: 240_000 }, () => {
  test('have the same bits with 1, 2 and 4 warps', async () => {
    const one = { target: 'cuda-emulated', dtype: 'f16', tile: { i: 64, j: 16 } } as const
    const [first, ...others] = await Promise.all([128, 64, 32].map((group) => bitsOf(one, group)))
    for (const other of others) expect(other).toEqual(first)
  })
})

describe.skipIf(noAdapter !== undefined)('workgroups', { timeout: 120_000 }, () => {
  test('have the same bits with 64 and 128 invocations', async () => {
    const one = { target: 'wgsl', dtype: 'f32', tile: { i: 16, j: 16 } } as const
    expect(await bitsOf(one, 128)).toEqual(await bitsOf(one, 64))
  })
})

describe('generated code', () => {
  const made = async (target: string, options: object): Promise<string> => {
    const compiled = await compile(file, { target, ...options })
    if (!compiled.ok) throw new Error('causal has errors')
    return compiled.value.files[0]!.text
  }

  test('of CUDA has as many warps as rows give work to', async () => {
    const threads = async (group: number, i: number): Promise<string | undefined> =>
      /__launch_bounds__\((\d+, \d)\) \w+_on_tensor_cores/.exec(
        await made('cuda', { dtype: 'f16', tile: { i, j: 16 }, group }),
      )?.[1]
    expect(await Promise.all([threads(256, 128), threads(128, 128), threads(256, 64), threads(32, 64)])).toEqual([
      '256, 1',
      '128, 2',
      '128, 2',
      '32, 2',
    ])
  })
  test('of WGSL has as many invocations as a device allows, or is refused', async () => {
    expect(await made('wgsl', { group: 128 })).toContain('@workgroup_size(128)')
    await expect(made('wgsl', { group: 256 })).rejects.toThrow(
      'has workgroups of 256 invocations, and a device has 128: ask for a group of 128, or say what the device has',
    )
    const limits = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256 }
    expect(await made('wgsl', { group: 256, limits })).toContain('@workgroup_size(256)')
  })
  test('has groups of whole warps only', async () => {
    await expect(made('cuda', { group: 48 })).rejects.toThrow(OptionError)
    await expect(made('cuda', { group: 48 })).rejects.toThrow('group is one of 32, 64, 128, 256, 512, 1024, not 48')
  })
  test('of targets without groups is the same with any', async () => {
    expect(await made('ts', { group: 64 })).toBe(await made('ts', {}))
  })
})
