/** A module of the target `ts` in a page: in WebAssembly where the page's policy lets it, else in plain code, and it says so. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile } from '../index.ts'
import { importJavaScript } from '../runtime/load-ts.ts'
import { launchBrowser, missingBrowser, serve } from './browser.ts'
import { draw } from './ts-draw.ts'

const missing = missingBrowser()
if (missing !== undefined) console.log(`skipped: WebAssembly in a browser, since ${missing}`)

const root = resolve(import.meta.dirname, '..')
const shapes = { q: [1, 2, 37, 16], k: [1, 2, 50, 16], v: [1, 2, 50, 16] }
const inputs = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b)
    return [name, { data: [...draw(name, length, 'f32')], shape }]
  }),
)

const page = `
import { causal, whyPlain } from './causal.js'
globalThis.answer = (inputs, options) => {
  const own = Object.entries(inputs).map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }])
  return { out: [...causal(Object.fromEntries(own), options).out.data], why: whyPlain() ?? '' }
}
`

interface Answer {
  readonly out: readonly number[]
  readonly why: string
}

describe.skipIf(missing !== undefined)('in a page', { timeout: 120_000 }, () => {
  let browser: Browser
  let code: string
  let want: readonly number[]
  beforeAll(async () => {
    const text = readFileSync(resolve(root, 'examples/causal.attn'), 'utf8')
    const made = await compile({ path: 'causal.attn', text }, { target: 'ts', sizes: { d: 16, e: 16 } })
    if (!made.ok) throw new Error('causal has errors')
    code = made.value.files.find(({ path }) => path.endsWith('.js'))!.text
    const { causal } = await importJavaScript(code)
    const own = Object.entries(inputs).map(([name, { data, shape }]) => [
      name,
      { data: Float32Array.from(data), shape },
    ])
    want = Array.from(causal!(Object.fromEntries(own), { simd: false }).out!.data)
    browser = await launchBrowser()
  }, 120_000)
  afterAll(() => browser?.close())

  async function answerUnder(policy: string): Promise<Answer & { readonly said: readonly string[] }> {
    const files = new Map([
      ['index.html', '<!doctype html><title>attnc</title><script type="module" src="/page.js"></script>'],
      ['page.js', page],
      ['causal.js', code],
    ])
    const site = await serve(files, policy)
    const tab = await browser.newPage()
    try {
      const said: string[] = []
      tab.on('console', (message) => void said.push(message.text()))
      await tab.goto(site.url)
      await tab.waitForFunction('globalThis.answer !== undefined')
      const answer = (await tab.evaluate(`globalThis.answer(${JSON.stringify(inputs)})`)) as Answer
      return { ...answer, said: said.filter((line) => line.startsWith('WebAssembly cannot be used here')) }
    } finally {
      await tab.close()
      site.server.close()
    }
  }

  const isNear = (out: readonly number[]): boolean =>
    out.length === want.length && out.every((x, n) => Math.abs(x - want[n]!) < 2e-6)

  test('that allows WebAssembly', async () => {
    const { out, why, said } = await answerUnder("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'")
    expect({ why, said, near: isNear(out) }).toEqual({ why: '', said: [], near: true })
    expect(out).not.toEqual(want) // f32, not f64
  })

  test('that forbids it', async () => {
    const { out, why, said } = await answerUnder("default-src 'self'")
    expect(why).toMatch(/^CompileError: .*Content Security Policy/)
    expect(said).toHaveLength(1)
    expect(out).toEqual(want)
  })
})
