import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Program } from '../compiler/kernel.ts'
import { compile, type OutFile } from '../index.ts'
import { emptyTensor, recordOf, type Tensor } from '../runtime/tensor.ts'
import { launchBrowser, missingBrowser, type Site, serve } from './browser.ts'
import { draw } from './ts-draw.ts'
import { launchFiles, withAdapter } from './wgsl-build.ts'

// The module that `attnc build --target wgsl` writes, and the compiler itself, in a page that forbids eval.

const missing = missingBrowser()
if (missing !== undefined) console.log(`skipped: WebGPU in a browser, since ${missing}`)
const withoutAdapter = await withAdapter()

const root = resolve(import.meta.dirname, '..')
const sizes = { b: 1, h: 2, i: 37, j: 50, d: 16, e: 16 }

async function compiled(name: string): Promise<{ readonly files: readonly OutFile[]; readonly program: Program }> {
  const text = readFileSync(resolve(root, `examples/${name}.attn`), 'utf8')
  const made = await compile({ path: `${name}.attn`, text }, { target: 'wgsl', sizes: { d: 16, e: 16 } })
  if (!made.ok) throw new Error(`${name} has errors`)
  return { files: made.value.files, program: made.value.programs[0]! }
}

function inputsOf({ buffers }: Program): Readonly<Record<string, Tensor>> {
  const all = sizes as Readonly<Record<string, number>>
  return recordOf(
    buffers.flatMap(({ name, axes, role }) => {
      if (role !== 'input') return []
      const tensor = emptyTensor(
        'f32',
        axes.map((axis) => all[axis]!),
      )
      tensor.data.set(draw(name, tensor.data.length, 'f32'))
      return [[name, tensor] as const]
    }),
  )
}

describe.skipIf(missing !== undefined)('in a page', { timeout: 120_000 }, () => {
  let browser: Browser
  let site: Site
  const files = new Map([
    ['index.html', '<!doctype html><title>attnc</title><script type="module" src="/page.js"></script>'],
    ['page.js', readFileSync(resolve(import.meta.dirname, 'wgsl-page.js'), 'utf8')],
  ])
  const names = ['softmax', 'sigmoid', 'causal'] as const

  beforeAll(async () => {
    for (const name of names) {
      const { files: made } = await compiled(name)
      files.set(`${name}.js`, made.find(({ path }) => path.endsWith('.js'))!.text)
    }
    const bundle = await build({
      root,
      logLevel: 'silent',
      configFile: false,
      build: {
        write: false,
        lib: { entry: resolve(root, 'index.ts'), formats: ['es'] },
        rolldownOptions: { external: ['ts-morph'] },
      },
    })
    for (const { output } of [bundle].flat() as readonly { output: readonly { fileName: string; code?: string }[] }[])
      for (const { fileName, code } of output) if (code !== undefined) files.set(fileName, code)
    ;[browser, site] = await Promise.all([launchBrowser(), serve(files)])
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    site?.server.close()
  })

  async function inPage<T>(call: string, ...given: readonly unknown[]): Promise<T> {
    const page = await browser.newPage()
    try {
      await page.goto(site.url)
      return await page.evaluate<T>(`${call}(...${JSON.stringify(given)})`)
    } finally {
      await page.close()
    }
  }

  test.each(names)('%s computes what it computes in Node', async (name) => {
    const { files: made, program } = await compiled(name)
    const inputs = inputsOf(program)
    const plain = recordOf(Object.entries(inputs).map(([k, { data, shape }]) => [k, { data: [...data], shape }]))
    const got = await inPage<readonly number[]>('launch', `/${name}.js`, program.name, plain)
    expect(got).toHaveLength(sizes.h * sizes.i * sizes.e)
    expect(got.every(Number.isFinite)).toBe(true)
    if (withoutAdapter !== undefined) return
    const want = await launchFiles(made).then((loaded) => loaded.call(program, inputs, {}))
    expect(got).toEqual([...want.out!.data])
  })

  test('the compiler makes there what it makes here', async () => {
    const entry = [...files.keys()].find((name) => /^(attnc|index).*\.m?js$/.test(name))!
    const text = readFileSync(resolve(root, 'examples/softmax.attn'), 'utf8')
    const got = await inPage('compileThere', `/${entry}`, text)
    expect(got).toEqual((await compiled('softmax')).files.map((file) => file.text))
  })

  test('the compiler is small', () => {
    const chunks = [...files].filter(([name]) => !names.some((one) => name === `${one}.js`) && name.endsWith('js'))
    const bytes = chunks.reduce((sum, [, text]) => sum + gzipSync(text).length, 0)
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThan(350_000)
  })
})
