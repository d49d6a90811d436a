/** The playground as it is built, served from this machine under a policy as strict as the page's own. */
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { launchBrowser, type Site, serve } from './browser.ts'

const root = resolve(import.meta.dirname, '../playground')

/** What a host may send for everything: workers alone make use of `blob:`, since the page's own policy is narrower. */
const policy = [
  "default-src 'none'",
  "script-src 'self' blob:",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
].join('; ')

export async function buildPlayground(): Promise<ReadonlyMap<string, string>> {
  const built = await build({
    root,
    configFile: resolve(root, 'vite.config.ts'),
    logLevel: 'silent',
    build: { write: false },
  })
  const files = new Map<string, string>()
  for (const { output } of [built].flat() as readonly { readonly output: readonly Output[] }[])
    for (const { fileName, code, source } of output) files.set(fileName, code ?? String(source))
  files.set('icon.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>') // vite copies it
  return files
}
interface Output {
  readonly fileName: string
  readonly code?: string
  readonly source?: string | Uint8Array
}

export interface Playground {
  readonly site: Site
  readonly browser: Browser
  readonly files: ReadonlyMap<string, string>
  /** A page of its own, ready to be typed into. What the console says is wrong ends up in `said`. */
  open(options?: Opening): Promise<Opened>
  close(): Promise<void>
}
export interface Opening extends BrowserContextOptions {
  readonly fragment?: string
  readonly before?: string // a script that runs before the page's own
}
export interface Opened {
  readonly page: Page
  readonly said: readonly string[]
  readonly requests: readonly string[]
}

/** @param change  of files, as a test wants them */
export async function startPlayground(
  files: ReadonlyMap<string, string>,
  change: (path: string, text: string) => string = (_, text) => text,
): Promise<Playground> {
  const changed = new Map([...files].map(([path, text]) => [path, change(path, text)]))
  const [browser, site] = await Promise.all([launchBrowser(), serve(changed, policy)])
  return {
    site,
    browser,
    files,
    async open({ fragment = '', before, ...options } = {}) {
      const context = await browser.newContext({
        permissions: ['clipboard-read', 'clipboard-write'],
        reducedMotion: 'reduce',
        ...options,
      })
      const page = await context.newPage()
      const [said, requests]: [string[], string[]] = [[], []]
      page.on('console', (message) => void (message.type() === 'error' && said.push(message.text())))
      page.on('pageerror', (error) => void said.push(error.message))
      context.on('request', (request) => void requests.push(request.url()))
      if (before) await page.addInitScript(before)
      await page.addInitScript(watchSteps)
      await page.goto(site.url + fragment)
      await until(page, 'globalThis.steps.includes("generated")')
      return { page, said, requests }
    },
    async close() {
      await browser.close()
      site.server.close()
    },
  }
}

/** The steps that the page has shown since a moment, in `globalThis.steps`: it measures each from the change on that it is about. */
const watchSteps = `
globalThis.since = 0
globalThis.all = []
Object.defineProperty(globalThis, 'steps', {
  get: () => all.filter(({ startTime }) => startTime >= since).map(({ name }) => name),
})
new PerformanceObserver((list) => all.push(...list.getEntries())).observe({ type: 'measure' })
`

/** Waits for an expression to be true in the page; its policy forbids `page.waitForFunction`, which evaluates there. */
export async function until(page: Page, expression: string, limit = 30_000): Promise<void> {
  const end = performance.now() + limit
  while (!(await page.evaluate(expression))) {
    if (performance.now() > end) throw new Error(`it never was so that ${expression}`)
    await setTimeout(5)
  }
}

/** Bytes that go over a network for these addresses. */
export const packedSize = (files: ReadonlyMap<string, string>, url: string, requests: readonly string[]): number =>
  [...new Set(requests)].reduce((sum, request) => {
    const path = request.slice(url.length).replace(/#.*/, '') || 'index.html'
    const text = files.get(path)
    if (text === undefined) throw new Error(`${path} is not a file of the page`)
    return sum + gzipSync(text).length
  }, 0)

/** Replaces the source, as somebody who pastes one. */
export async function write(page: Page, source: string): Promise<void> {
  await page.locator('#editor .cm-content').focus()
  await page.keyboard.press('ControlOrMeta+a')
  await settled(page, () => page.keyboard.press('Delete')) // its answer is not to be taken for that of the source
  if (source !== '') await settled(page, () => page.keyboard.insertText(source))
}

/** Waits for what the compiler says of a change: its last step, or that the source is wrong. */
export async function settled(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate('void ([globalThis.since, globalThis.all.length] = [performance.now(), 0])')
  await act()
  await until(
    page,
    `globalThis.steps.some((step) => ['generated', 'refused', 'failed'].includes(step)) ||
     (globalThis.steps.includes('checked') && document.body.classList.contains('stale'))`,
  )
}
