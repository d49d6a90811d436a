import { globSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { renderHuman } from '../grammar/diagnostic.ts'
import { type CompileOptions, compile, type OutFile } from '../index.ts'
import { importReader } from '../runtime/imports.ts'

// Dawn validates what is generated without any adapter: types, uniform control flow around barriers, and, when pipelines are
// made, the limits that every device has.

const create = await import('webgpu').then(
  (webgpu) => webgpu.create,
  () => undefined,
)
if (!create) console.log('skipped: validation of WGSL, since the package webgpu is not installed')

const root = resolve(import.meta.dirname, '..')
const examples = globSync('examples/*.attn', { cwd: root }).sort()

async function filesOf(path: string, text: string, options: Partial<CompileOptions> = {}): Promise<readonly OutFile[]> {
  const file = { path, text }
  const compiled = await compile(file, { target: 'wgsl', readImport: importReader(file, root), ...options })
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((one) => renderHuman(one)).join('\n'))
  return compiled.value.files
}

describe.skipIf(!create)('Dawn accepts', { timeout: 60_000 }, () => {
  let gpu: GPU
  let device: GPUDevice
  let whole: GPUDevice // with all features that kernels use
  beforeAll(async () => {
    gpu = create!(['backend=null'])
    device = await (await gpu.requestAdapter())!.requestDevice()
    const requiredFeatures: GPUFeatureName[] = ['shader-f16', 'subgroups']
    whole = await (await gpu.requestAdapter())!.requestDevice({ requiredFeatures })
  })

  /** What is wrong with a shader, or with a pipeline of one of its kernels. */
  async function faultsOf(code: string, on = device): Promise<readonly string[]> {
    on.pushErrorScope('validation')
    const module = on.createShaderModule({ code })
    const { messages } = await module.getCompilationInfo()
    const faults = messages
      .filter(({ type }) => type === 'error')
      .map(({ lineNum, message }) => `${lineNum}: ${message}`)
    const entries = [...code.matchAll(/^@compute[^\n]*\nfn (\w+)/gm)].map(([, entry]) => entry!)
    expect(entries.length).toBeGreaterThan(0)
    if (faults.length === 0)
      for (const entryPoint of entries)
        await on
          .createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint } })
          .catch((error: Error) => faults.push(`${entryPoint}: ${error.message}`))
    const error = await on.popErrorScope()
    return error && faults.length === 0 ? [error.message] : faults
  }

  test('what it must, and no more', async () => {
    expect(device.limits.maxComputeWorkgroupStorageSize).toBe(16384)
    expect(device.limits.maxStorageBuffersPerShaderStage).toBe(8)
    const wrong = (body: string): string =>
      `var<workgroup> a: array<f32, 5000>;\n@compute @workgroup_size(64)\nfn main(@builtin(local_invocation_index) n: u32) { ${body} }`
    expect(await faultsOf(wrong('a[n] = 1;'))).toEqual([expect.stringContaining('workgroup')])
    expect(await faultsOf(wrong('if (n == 0) { workgroupBarrier(); }'))).toEqual([
      expect.stringContaining('uniform control flow'),
    ])
  })

  test.each(examples)('%s', async (path) => {
    const text = readFileSync(resolve(root, path), 'utf8')
    const [shader, module] = await filesOf(path, text)
    expect(shader?.path).toBe(`${basename(path, '.attn')}.wgsl`)
    expect(await faultsOf(shader!.text)).toEqual([])
    expect(module!.text).toContain('export const shader = `')
  })

  const optional = [
    [['shader-f16', 'subgroups'], 'f16'],
    [['shader-f16'], 'f16'],
    [['subgroups'], 'f32'],
  ] as const
  test.each(examples)('%s with features', async (path) => {
    const text = readFileSync(resolve(root, path), 'utf8')
    for (const [features, dtype] of optional) {
      const [shader, module] = await filesOf(path, text, { features, dtype })
      expect(await faultsOf(shader!.text, whole)).toEqual([])
      const listed = /requiredFeatures = \[(.*)\]/.exec(module!.text)![1]!
      const enabled = [...shader!.text.matchAll(/^enable (\w+);/gm)].map(([, name]) => name)
      expect(enabled).toEqual(
        features.filter((name) => listed.includes(name)).map((name) => name.replace('shader-', '')),
      )
      if (features.includes('shader-f16' as never)) expect(enabled).toContain('f16')
      if (enabled.length > 0) expect(await faultsOf(shader!.text)).not.toEqual([])
    }
  })
  test('a feature that nothing makes use of is not asked for', async () => {
    const text = readFileSync(resolve(root, 'examples/gaussian_kernel.attn'), 'utf8')
    const plain = await filesOf('gaussian_kernel.attn', text)
    expect(await filesOf('gaussian_kernel.attn', text, { features: ['shader-f16', 'subgroups'] })).toEqual(plain)
  })

  test.each([1, 3, 96, 128, 320, 512])('width %i', async (width) => {
    const text = readFileSync(resolve(root, 'examples/causal.attn'), 'utf8')
    const [shader] = await filesOf('causal.attn', text, { sizes: { d: width, e: width } })
    expect(await faultsOf(shader!.text)).toEqual([])
  })
  test.each(['f16', 'bf16'] as const)('tensors of %s', async (dtype) => {
    const text = readFileSync(resolve(root, 'examples/causal.attn'), 'utf8')
    const [shader] = await filesOf('causal.attn', text, { dtype })
    expect(await faultsOf(shader!.text)).toEqual([])
  })
  test.each([2, 3])('%i parts merged', async (splits) => {
    const text = readFileSync(resolve(root, 'examples/attention_calibration.attn'), 'utf8')
    const [shader] = await filesOf('attention_calibration.attn', text, { splits })
    expect(await faultsOf(shader!.text)).toEqual([])
  })

  test('names that mean something else to WGSL, to JavaScript or to this target', async () => {
    const hostile = ['array', 'f32', 'given', 'local', 'constructor', '__proto__', 'override', 'infinity', 'told']
    const text = `attention switch_ {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  input ${hostile.map((name) => `${name}[j]`).join(', ')}
  score     = dot(q, k) + ${hostile.join(' + ')}
  normalize = softmax[j](score)
}
`
    const [shader, module] = await filesOf('switch.attn', text)
    expect(await faultsOf(shader!.text)).toEqual([])
    const made = await import(`data:text/javascript;base64,${Buffer.from(module!.text).toString('base64')}`)
    expect(Object.keys(made)).toContain('shader')
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  })
})

test('the part of a module that is the same in all of them is small', async () => {
  const [, module] = await filesOf('softmax.attn', readFileSync(resolve(root, 'examples/softmax.attn'), 'utf8'))
  const { minify } = await import('rolldown/experimental')
  const runtime = module!.text.slice(module!.text.indexOf('function measure('))
  expect(runtime).toContain('function createOp(')
  const { code } = await minify('op.js', `${runtime}\nexport { createOp }`)
  const { gzipSync } = await import('node:zlib')
  console.log(`launching code: ${gzipSync(code).length} bytes`)
  expect(gzipSync(code).length).toBeLessThan(2048)
})
