import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { builder } from '../cli/verify-build.ts'
import { analyze, compile } from '../index.ts'
import { importReader } from '../runtime/imports.ts'
import { completeSizes, inOnePart } from '../runtime/verify/shapes.ts'
import { verifyAttention } from '../runtime/verify/verify.ts'
import { wgsl } from '../targets/wgsl/target.ts'
import { compare } from './compare-program.ts'
import { softmaxProgram } from './ts-programs.ts'
import { launchFiles, withAdapter, withoutFeature } from './wgsl-build.ts'

// Optional features and larger limits: the same numbers, within the allowances.

const missing = await withAdapter()
const root = resolve(import.meta.dirname, '..')
const quads = missing ?? (await withoutFeature('subgroups'))
const halves = missing ?? (await withoutFeature('shader-f16'))
const large = {
  maxComputeWorkgroupStorageSize: 32768,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
}

interface Asked {
  readonly features?: readonly string[]
  readonly limits?: Readonly<Record<string, number>>
}

/** Random inputs at lengths that fill no tile. */
async function verified(name: string, device: Asked, dtype: 'f32' | 'f16', tile?: Readonly<Record<string, number>>) {
  const path = `examples/${name}.attn`
  const file = { path, text: readFileSync(resolve(root, path), 'utf8') }
  const source = { file, folder: '', readImport: importReader(file, root) }
  const module = analyze(file, source.readImport)
  if (!module.ok) throw new Error(`${path} has errors`)
  const attention = module.value.attentions[0]!
  const sizes = completeSizes(attention, { b: 1, h: 2, i: 37, j: 45, d: 16, e: 16 }, 0)
  if (!sizes.ok) throw new Error(sizes.findings.map(({ message }) => message).join('\n'))
  const shapes = [{ sizes: sizes.value, dtype, schedules: [inOnePart(tile)] }]
  const build = builder(source, attention, 'wgsl', { device })
  const report = await verifyAttention(attention, { shapes, seed: 1, probes: false, params: {}, build })
  if (!report.ok) throw new Error(report.findings.map(({ message }) => message).join('\n'))
  return { failures: report.value.failures, verdict: report.value.verdict }
}
const right = { failures: [], verdict: 'right' }

describe.skipIf(quads !== undefined)('with subgroups', { timeout: 60_000 }, () => {
  // Folds of every kind: maxima and sums under masks, counts, whether any, of integers, of columns, in rounds.
  test.each([
    'causal',
    'entropy',
    'hard_max',
    'integer_reference',
    'dual_softmax',
    'sparse_max',
    'block_causal_document',
  ])('%s', async (name) => {
    expect(await verified(name, { features: ['subgroups'] }, 'f32')).toEqual(right)
  })

  test('whose invocations are numbered in another order than they lie in', async () => {
    const one = softmaxProgram({ d: 16, e: 16, ti: 32, tj: 32, causal: true })
    const device = { features: ['subgroups'], limits: {} }
    const files = await wgsl.emit({ name: 's', programs: [one], dtype: 'f32', version: '0.0.0', device })
    const plain = 'let local = i32(localIndex);'
    const other = files.map(({ path, text }) => ({
      path,
      text: text.replace(plain, 'let local = i32((localIndex * 17u) & 63u);'),
    }))
    expect(other).not.toEqual(files)
    for (const made of [files, other]) await compare(await launchFiles(made), one, { b: 1, h: 2, i: 37, j: 70 })
  })
})

describe.skipIf(halves !== undefined)('with shader-f16', { timeout: 120_000 }, () => {
  test.each(['softmax', 'causal', 'paged_cache'])('%s', async (name) => {
    expect(await verified(name, { features: ['shader-f16'] }, 'f16', { i: 8, j: 8 })).toEqual(right)
  })
  test('and subgroups', async () => {
    const both = { features: ['shader-f16', 'subgroups'] }
    expect(await verified('entropy', both, 'f16', { i: 8, j: 8 })).toEqual(right)
  })
})

describe.skipIf(missing !== undefined)('with larger limits', { timeout: 60_000 }, () => {
  test.each(['causal', 'qk_norm'])('%s', async (name) => {
    expect(await verified(name, { limits: large }, 'f32')).toEqual(right)
  })
})

describe('tiles', () => {
  const text = readFileSync(resolve(root, 'examples/softmax.attn'), 'utf8')
  async function made(options: object) {
    const compiled = await compile({ path: 'softmax.attn', text }, { target: 'wgsl', ...options })
    if (!compiled.ok) throw new Error('softmax has errors')
    const [shader, module] = compiled.value.files.map((file) => file.text)
    const [, tile] = /axis j in tiles of (\d+)/.exec(shader!)!
    const [, rows] = /let i0 = .* \* (\d+);/.exec(shader!)!
    const [, invocations] = /@workgroup_size\((\d+)\)/.exec(shader!)!
    const [, limits] = /requiredLimits = (\{.*\})/.exec(module!)!
    return { tile: [Number(rows), Number(tile)], invocations: Number(invocations), limits }
  }

  test('are as large as limits that are given allow, and no larger', async () => {
    const usual = { tile: [32, 32], invocations: 64, limits: '{}' }
    expect(await made({})).toEqual(usual)
    expect(await made({ limits: { maxComputeWorkgroupStorageSize: 16384 } })).toEqual(usual)
    expect(await made({ limits: large })).toEqual({
      tile: [64, 32],
      invocations: 128,
      limits: '{ maxComputeWorkgroupStorageSize: 17152 }',
    })
    expect(await made({ limits: { ...large, maxComputeWorkgroupStorageSize: 65536 } })).toEqual({
      tile: [64, 64],
      invocations: 256,
      limits:
        '{ maxComputeWorkgroupStorageSize: 33536, maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256 }',
    })
  })
  test('sizes of buffers that are given are asked for', async () => {
    const { limits } = await made({ limits: { maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 30 } })
    expect(limits).toBe('{ maxStorageBufferBindingSize: 1073741824, maxBufferSize: 1073741824 }')
  })
  test.each([
    [{ tile: { i: 64, j: 64 } }, 'take 33600 bytes of shared memory, and a workgroup has 16384: ask for smaller tiles'],
    [
      { tile: { i: 1024, j: 8 }, sizes: { e: 512 }, limits: { maxComputeWorkgroupStorageSize: 2 ** 20 } },
      'bytes of an invocation, and WGSL lets a function have 8192',
    ],
    [{ limits: { maxComputeWorkgroupStorageSize: 100 } }, 'is 100, and every device has 16384 at least'],
    [{ limits: { maxBufferSize: 2 ** 28 + 0.5 } }, 'limits.maxBufferSize cannot be 268435456.5'],
    [{ limits: { maxBindGroups: 4 } }, 'limits has none of those that kernels depend on'],
    [{ features: ['shader-f61'] }, 'target wgsl makes no use of a feature shader-f61'],
    [{ target: 'ts', features: ['subgroups'] }, 'target ts knows no features or limits'],
  ])('%j is refused', async (options, message) => {
    await expect(made(options)).rejects.toThrow(message)
  })
})
