import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile } from '../index.ts'
import { load } from '../node.ts'
import { readTensor } from '../runtime/tensors/tensor-io.ts'
import { launchBrowser, missingBrowser, type Site, serve } from './browser.ts'
import { withCompiler } from './native-build.ts'
import { embed } from './packed.ts'
import { withAdapter } from './wgsl-build.ts'

// A real model with attention of ours: the recogniser of examples/embed/ocr reads a line of text on every target.

const root = resolve(import.meta.dirname, '..')
const example = (name: string): string => join(root, 'examples/embed/ocr', name)
const line = 'Attention is a sum over keys, weighted by 1729 scores'

interface Floats {
  readonly data: Float32Array
  readonly shape: readonly number[]
}
type Tensors = Readonly<Record<'q' | 'k' | 'v', Floats>>
type Arrays<Names extends string> = { readonly [Name in Names]: Float32Array }
type Attend = (tensors: Tensors, block: number) => Promise<Floats>
interface Read {
  readonly text: string
  readonly confidence: number
}
interface Recogniser {
  readonly blocks: number
  readWhole(picture: Floats): Promise<Read>
  read(picture: Floats, attend: Attend): Promise<Read>
}

let recogniser: Recogniser
let picture: Floats
beforeAll(async () => {
  const { loadRecogniser } = await import(example('recogniser.js'))
  const { pictureOf } = await import(example('picture.js'))
  recogniser = await loadRecogniser()
  picture = pictureOf(readFileSync(example('line.png')))
}, 120_000)

/** What each block was given and gave, as it is in examples/data/ocr, taken from the uncut model. */
async function captured(name: string): Promise<Float32Array> {
  const read = await readTensor(join(root, `examples/data/ocr/${name}.npy`))
  return read.data as Float32Array
}

const farthest = (a: Float32Array, b: Float32Array): number => {
  expect(a.length).toBe(b.length)
  return a.reduce((most, x, n) => Math.max(most, Math.abs(x - b[n]!)), 0)
}

const attendBy = async (file: string, target: string): Promise<Attend> => {
  const attention = await load<Arrays<'q' | 'k' | 'v'>, Arrays<'out'>>(example(file), { target })
  return async (tensors) => (await attention(tensors)).out
}

/** Reads the line, and holds what goes in and out of each block to what the uncut model has there. */
async function readExactly(attend: Attend): Promise<void> {
  const seen: number[] = []
  const { text, confidence } = await recogniser.read(picture, async (tensors, block) => {
    seen.push(block)
    for (const name of ['q', 'k', 'v'] as const)
      expect(farthest(tensors[name].data, await captured(`${name}${block}`))).toBeLessThan(1e-3)
    const out = await attend(tensors, block)
    expect(farthest(out.data, await captured(`o${block}`))).toBeLessThan(1e-3)
    return out
  })
  expect(text.trim()).toBe(line)
  expect(seen).toEqual([0, 1])
  const whole = await recogniser.readWhole(picture)
  expect(text).toBe(whole.text)
  expect(Math.abs(confidence - whole.confidence)).toBeLessThan(1e-3)
}

const withoutCompiler = withCompiler('the recogniser on the target native')
const withoutAdapter = await withAdapter()
const withoutBrowser = missingBrowser()

describe('the recogniser', { timeout: 240_000 }, () => {
  test('reads the line as it is, and has two attention blocks', async () => {
    expect((await recogniser.readWhole(picture)).text.trim()).toBe(line)
    expect(recogniser.blocks).toBe(2)
  })

  test('reads the same with attention of the target ts', async () => {
    await readExactly(await attendBy('softmax.attn', 'ts'))
  })

  test.skipIf(withoutCompiler !== undefined)('reads the same with attention of the target native', async () => {
    await readExactly(await attendBy('softmax.attn', 'native'))
  })

  test.skipIf(withoutAdapter !== undefined)('reads the same with attention of the target wgsl, in Node', async () => {
    await readExactly(await attendBy('softmax.attn', 'wgsl'))
  })

  describe.skipIf(withoutBrowser !== undefined)('in a browser', () => {
    let browser: Browser
    let site: Site
    afterAll(async () => {
      await browser?.close()
      site?.server.close()
    })

    test('reads the same with attention of the target wgsl', async () => {
      const source = { path: 'ocr.attn', text: readFileSync(example('softmax.attn'), 'utf8') }
      const made = await compile(source, { target: 'wgsl', sizes: { d: 15, e: 15 } })
      if (!made.ok) throw new Error('softmax.attn has errors')
      const files = new Map([
        ['index.html', '<!doctype html><title>attnc</title><script type="module" src="/page.js"></script>'],
        ['page.js', readFileSync(resolve(import.meta.dirname, 'wgsl-page.js'), 'utf8')],
        ['ocr.js', made.value.files.find(({ path }) => path.endsWith('.js'))!.text],
      ])
      ;[browser, site] = await Promise.all([launchBrowser(), serve(files)])
      const page = await browser.newPage()
      await page.goto(site.url)
      await page.waitForFunction('globalThis.launch')
      await readExactly(async ({ q, k, v }) => {
        const given = Object.entries({ q, k, v }).map(([name, { data, shape }]) => [name, { data: [...data], shape }])
        const call = `launch('/ocr.js', 'ocr', ${JSON.stringify(Object.fromEntries(given))})`
        return { data: Float32Array.from(await page.evaluate<number[]>(call)), shape: q.shape }
      })
    })
  })

  const rows = [...readFileSync(example('README.md'), 'utf8').matchAll(/^\| `(\w+\.attn)`.* \| `(.+)` \|$/gm)].map(
    ([, file = '', text = '']) => ({ file, text }),
  )
  test.each(rows)('reads with $file what the page says', async ({ file, text }) => {
    expect((await recogniser.read(picture, await attendBy(file, 'ts'))).text.trim()).toBe(text)
  })

  test('reads other things when the variant is edited, and nothing with noise in the place of attention', async () => {
    expect(rows.map(({ file }) => file)).toEqual(['softmax.attn', 'window.attn', 'mean.attn'])
    expect(new Set(rows.map(({ text }) => text)).size).toBeGreaterThan(1)
    const noise: Attend = async ({ v }) => ({ ...v, data: v.data.map((_, n) => 100 * Math.sin(n * n)) })
    expect((await recogniser.read(picture, noise)).text).not.toContain('Attention')
  })

  test('is a program too, beside an installed attnc', async () => {
    const embedding = await embed('reader')
    try {
      const run = (...args: readonly string[]) =>
        execa(process.execPath, ['read.js', ...args], { cwd: join(embedding.folder, 'ocr'), reject: false })
      const { stdout, exitCode } = await run('--target', 'ts')
      expect(stdout.split('\n').map((one) => one.replace(/\s*\(0\.\d+\)$/, ''))).toEqual([
        `the model: ${line}`,
        `with ours: ${line}`,
      ])
      expect(exitCode).toBe(0)
      expect((await run('--target', 'ts', 'README.md')).stderr).toContain('the picture is not a PNG file')
    } finally {
      embedding.remove()
    }
  })
})
