import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readEntries, readExample } from '../scripts/gallery/example.ts'
import { thumbnailOf, writeIndex } from '../scripts/gallery/index-page.ts'
import { writePage } from '../scripts/gallery/page.ts'
import { sidebar } from '../scripts/site/sidebar.ts'
import { launchBrowser, missingBrowser, type Site, serve } from './browser.ts'

// The documents as a site: it builds without a link that leads nowhere, and a browser shows its pages under a policy that forbids
// whatever is not from there. It is built in a folder of its own; its gallery has no measures, which test/gallery.test.ts makes.

const root = resolve(import.meta.dirname, '..')
let folder = ''
const files = new Map<string, string | Uint8Array>()

async function buildSite(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'attnc-site-'))
  for (const name of readdirSync(root)) if (name !== 'docs') symlinkSync(join(root, name), join(folder, name))
  cpSync(join(root, 'docs'), join(folder, 'docs'), {
    recursive: true,
    filter: (path) => !/docs.(gallery|\.vitepress.(cache|dist))$/.test(path),
  })
  mkdirSync(join(folder, 'docs/gallery'))
  const put = (name: string, text: string): void => writeFileSync(join(folder, 'docs/gallery', `${name}.md`), text)
  const examples = readEntries().map(readExample)
  for (const example of examples) put(example.name, writePage(example, { errors: [], code: [] }))
  put('index', writeIndex(examples.map((example) => ({ ...example, thumbnail: thumbnailOf(example) }))))
  const command = [
    join(root, 'node_modules/vitepress/bin/vitepress.js'),
    'build',
    'docs',
    '--outDir',
    join(folder, 'site'),
  ]
  await execa(process.execPath, command, { cwd: folder, env: { NODE_ENV: 'production' } })
  for (const path of globSync('**/*.*', { cwd: join(folder, 'site') }))
    files.set(path.replaceAll('\\', '/'), readFileSync(join(folder, 'site', path)))
}

beforeAll(buildSite, 600_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const text = (path: string): string => Buffer.from(files.get(path) ?? '').toString()

test('has a page for each document and each example', () => {
  const documents = globSync('docs/**/*.md', { cwd: root }).filter((path) => !/^docs.(gallery|examples)/.test(path))
  const pages = [
    ...documents.map((path) => path.replaceAll('\\', '/').replace(/^docs\/(.*)md$/, '$1html')),
    ...readEntries().map(({ name }) => `gallery/${name}.html`),
    'gallery/index.html',
  ]
  expect(pages.filter((path) => !files.has(path))).toEqual([])
})

test('has each document in its sidebar', () => {
  const documents = globSync('docs/**/*.md', { cwd: root }).filter(
    (path) => !/^docs.(gallery|examples|index)/.test(path),
  )
  const linked = JSON.stringify(sidebar())
  const missing = documents.filter((path) => !linked.includes(`"/${path.replaceAll('\\', '/').slice(5, -3)}"`))
  expect(missing).toEqual([])
})

test('colours sources by the grammar of the editor', () => {
  const colours = (path: string, word: string): boolean =>
    new RegExp(`<span style="--shiki[^"]*">\\s*${word}</span>`).test(text(path))
  expect(colours('gallery/learned_sink.html', 'attention')).toBe(true)
  expect(colours('language.html', 'repeat')).toBe(true)
})

test('leads from an example in a text to its page', () => {
  expect(text('getting-started.html').includes('href="/gallery/"')).toBe(true)
  expect(text('language.html').includes('fails with <code>ATTN0018</code>')).toBe(true)
  expect(
    [...files.keys()].filter((path) => path.endsWith('.html') && text(path).includes('href="../examples')),
  ).toEqual([])
})

const why = missingBrowser()
if (why !== undefined) test.skip(`in a browser: ${why}`)
else
  describe('in a browser', { timeout: 120_000 }, () => {
    let browser: Browser
    let site: Site
    // Scripts and styles in the page are vitepress's own: which scheme to show, and the colours of sources.
    const policy =
      "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
    beforeAll(async () => {
      site = await serve(files, policy)
      browser = await launchBrowser()
    }, 120_000)
    afterAll(async () => {
      await browser?.close()
      site?.server.close()
    })

    const faults: string[] = []
    async function open(path: string, width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) faults.push(`${path}: ${message.text()}`)
      })
      page.on('pageerror', ({ message }) => faults.push(`${path}: ${message}`))
      page.on('request', (request) => {
        if (!request.url().startsWith(site.url) && !request.url().startsWith('data:'))
          faults.push(`${path} asks for ${request.url()}`)
      })
      await page.goto(site.url + path, { waitUntil: 'networkidle' })
      return page
    }

    const paths = ['', 'getting-started.html', 'language.html', 'errors.html', 'gallery/', 'gallery/paged_cache.html']

    test.each([
      [1440, 'light'],
      [375, 'dark'],
    ] as const)('pages fit a window of %i pixels, and ask for nothing from elsewhere', async (width, scheme) => {
      for (const path of paths) {
        const page = await open(path, width, scheme)
        const wide = await page.evaluate('document.documentElement.scrollWidth')
        expect({ path, wide }).toEqual({ path, wide: width })
        await page.close()
      }
      expect(faults).toEqual([])
    })

    test('figures take the scheme that the switch of the site says', async () => {
      const page = await open('gallery/causal.html', 1440, 'light')
      const fill = (): Promise<unknown> => page.evaluate("getComputedStyle(document.querySelector('.wide .full')).fill")
      const light = await fill()
      await page.evaluate("document.documentElement.classList.add('dark')")
      expect(await fill()).not.toBe(light)
      await page.close()
    })

    test('a search finds documents and examples', async () => {
      const page = await open('', 1440, 'light')
      while ((await page.$('#localsearch-input')) === null) {
        await page.keyboard.press('Control+k') // heard only when the scripts of the page have started
        await page.waitForTimeout(500)
      }
      for (const [word, found] of [
        ['straight_through', '/language.html'],
        ['stick_breaking', '/gallery/stick_breaking.html'],
      ] as const) {
        await page.fill('#localsearch-input', word)
        await page.waitForSelector(`.results a[href^="${found}"]`)
      }
      expect(faults).toEqual([])
      await page.close()
    })
  })
