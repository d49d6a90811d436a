/** Threads of a module of the target `ts` in a page: where it is isolated and its policy allows workers; else one, and it says so. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Browser } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compile } from '../index.ts'
import { isolating, launchBrowser, missingBrowser, serve } from './browser.ts'

const missing = missingBrowser()
if (missing !== undefined) console.log(`skipped: threads in a browser, since ${missing}`)

const root = resolve(import.meta.dirname, '..')

const page = `
import { causal, causalParallel, closeThreads, startThreads, whyFewerThreads, whyPlain } from './causal.js'

const tensor = (shape, seed) => {
  let state = seed
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1
  return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, next) }
}
const inputs = { q: tensor([1, 2, 301, 16], 1), k: tensor([1, 2, 320, 16], 2), v: tensor([1, 2, 320, 16], 3) }

globalThis.answer = async (options) => {
  const want = causal(inputs, options).out.data
  const early = await causalParallel(inputs, { ...options, threads: 3 })
  const started = await startThreads(3)
  const equal = [early.out.data.every((x, n) => x === want[n])]
  for (const threads of [1, 2, 3, 4]) {
    const { out } = await causalParallel(inputs, { ...options, threads })
    equal.push(out.data.every((x, n) => x === want[n]))
  }
  const fewer = whyFewerThreads() ?? ''
  await closeThreads()
  return { equal, started, fewer, plain: whyPlain() ?? '' }
}
`
const index = '<!doctype html><title>attnc</title><script type="module" src="/page.js"></script>'

interface Answer {
  readonly equal: readonly boolean[]
  readonly started: number
  readonly fewer: string
  readonly plain: string
  readonly said: readonly string[]
}

describe.skipIf(missing !== undefined)('in a page', { timeout: 120_000 }, () => {
  let browser: Browser
  let code: string
  beforeAll(async () => {
    const text = readFileSync(resolve(root, 'examples/causal.attn'), 'utf8')
    const made = await compile(
      { path: 'causal.attn', text },
      { target: 'ts', sizes: { d: 16, e: 16 }, tile: { i: 8, j: 16 }, threads: true },
    )
    if (!made.ok) throw new Error('causal has errors')
    code = made.value.files.find(({ path }) => path.endsWith('.js'))!.text
    browser = await launchBrowser()
  }, 120_000)
  afterAll(() => browser?.close())

  async function answerUnder(
    policy: string,
    headers: Readonly<Record<string, string>>,
    files: Readonly<Record<string, string>> = { 'page.js': page, 'causal.js': code },
  ): Promise<Answer> {
    const site = await serve(new Map([['index.html', index], ...Object.entries(files)]), policy, headers)
    const tab = await browser.newPage()
    try {
      const said: string[] = []
      tab.on('console', (message) => void said.push(message.text()))
      await tab.goto(site.url)
      await tab.waitForFunction('globalThis.answer !== undefined')
      const answer = (await tab.evaluate('globalThis.answer({})')) as Answer
      return { ...answer, said: said.filter((line) => /^(Kernels have|WebAssembly cannot)/.test(line)) }
    } finally {
      await tab.close()
      site.server.close()
    }
  }
  const equal = Array(5).fill(true)
  const wasm = "script-src 'self' 'wasm-unsafe-eval'"

  test('that is isolated there are threads', async () => {
    const policy = `default-src 'self'; ${wasm}; worker-src 'self' blob:`
    expect(await answerUnder(policy, isolating)).toEqual({ equal, started: 3, fewer: '', plain: '', said: [] })
  })

  test('that allows its own workers alone, they are made of the module’s file', async () => {
    const policy = `default-src 'self'; ${wasm}`
    expect(await answerUnder(policy, isolating)).toEqual({ equal, started: 3, fewer: '', plain: '', said: [] })
  })

  test('that is not isolated there is one thread', async () => {
    const fewer = 'This page is not cross-origin isolated.'
    const said = [`Kernels have fewer threads here than they could have. ${fewer}`]
    const policy = `default-src 'self'; ${wasm}; worker-src 'self' blob:`
    expect(await answerUnder(policy, {})).toEqual({ equal, started: 1, fewer, plain: '', said })
  })

  test('that forbids workers there is one thread', async () => {
    const { started, fewer, said, ...rest } = await answerUnder(
      `default-src 'self'; ${wasm}; worker-src 'none'`,
      isolating,
    )
    expect(rest).toEqual({ equal, plain: '' })
    expect(started).toBe(1)
    expect(fewer).toMatch(/policy|Policy/)
    expect(said).toEqual([`Kernels have fewer threads here than they could have. ${fewer}`])
  })

  test('that forbids WebAssembly threads run plain code', async () => {
    const { plain, said, ...rest } = await answerUnder("default-src 'self'", isolating)
    expect(rest).toEqual({ equal, started: 3, fewer: '' })
    expect(plain).toMatch(/^CompileError: .*Content Security Policy/)
    expect(said).toHaveLength(1)
  })

  test('that is one file with other code, made short: there are threads of their own text', async () => {
    const bundled = await build({
      root,
      logLevel: 'silent',
      configFile: false,
      build: { write: false, minify: true, lib: { entry: '/page.js', formats: ['es'] } },
      plugins: [
        {
          name: 'files',
          resolveId: (id) => (/^(\/page|\.\/causal)\.js$/.test(id) ? id : undefined),
          load: (id) => (id === '/page.js' ? page : id === './causal.js' ? code : undefined),
        },
      ],
    })
    const [{ output }] = [bundled].flat() as unknown as readonly [{ output: readonly [{ code: string }] }]
    const files = { 'page.js': output[0].code }
    expect(files['page.js']).not.toMatch(/^\/\/ Generated by/)
    const allowed = `default-src 'self'; ${wasm}; worker-src 'self' blob:`
    expect(await answerUnder(allowed, isolating, files)).toEqual({ equal, started: 3, fewer: '', plain: '', said: [] })
    // Its own file is no thread: it would be the whole page again.
    const { started, fewer } = await answerUnder(`default-src 'self'; ${wasm}`, isolating, files)
    expect({ started, fewer: fewer !== '' }).toEqual({ started: 1, fewer: true })
  })
})
