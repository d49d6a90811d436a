/** The playground as it is built, in a headless browser. */
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readGroups } from '../playground/build/examples-plugin.ts'
import { missingBrowser } from './browser.ts'
import {
  buildPlayground,
  type Opened,
  type Opening,
  type Playground,
  packedSize,
  settled,
  startPlayground,
  until,
  write,
} from './playground-page.ts'

const missing = missingBrowser()
if (missing !== undefined) console.log(`skipped: the playground in a browser, since ${missing}`)

const examples = readGroups().flatMap(({ examples }) => examples)
/** Machines that test may have much else to do. */
const eventually = (get: () => Promise<unknown>) => expect.poll(get, { timeout: 60_000, interval: 20 })
const views = ['mathematics', 'plan', 'mask', 'code', 'map', 'device'] as const

const softmax = `attention tiny {
  input q[b, h, i, d], k[b, h, j, d], v[b, h, j, e]
  score     = dot(q, k)
  mask      = j <= i
  normalize = softmax[j](score)
}
`

describe.skipIf(missing !== undefined)('in a page,', { timeout: 120_000 }, () => {
  let files: ReadonlyMap<string, string>
  let playground: Playground
  beforeAll(async () => {
    files = await buildPlayground()
    playground = await startPlayground(files)
  }, 180_000)
  afterAll(() => playground?.close())

  /** A page that has said nothing wrong when `use` is through, and asked nobody else for anything. */
  async function inPage(use: (opened: Opened) => Promise<void>, options: Opening = {}): Promise<void> {
    const opened = await playground.open(options)
    try {
      await use(opened)
      expect(opened.said).toEqual([])
      expect(
        opened.requests.filter((url) => !/^(blob|data):/.test(url) && !url.startsWith(playground.site.url)),
      ).toEqual([])
    } finally {
      await opened.page.context().close()
    }
  }
  const panel = (page: Page, name: string) => page.locator(`#panel-${name}`)
  const show = (page: Page, name: string): Promise<void> => page.locator(`#tab-${name}`).click()
  const codeOf = (page: Page): Promise<string> => panel(page, 'code').locator('.cm-content').innerText()
  const textOf = async (page: Page, name: string): Promise<string> => (await panel(page, name).innerText()).trim()

  test('the first load is small, and without TypeScript', () =>
    inPage(async ({ requests }) => {
      expect(packedSize(files, playground.site.url, requests)).toBeLessThan(600_000)
      expect(requests.some((url) => url.includes('ts-morph'))).toBe(false)
      expect([...files.keys()].some((path) => path.includes('ts-morph'))).toBe(true)
    }))

  test('a program is typed, broken and mended', () =>
    inPage(async ({ page }) => {
      await write(page, softmax)
      expect(await textOf(page, 'mathematics')).toContain('mask[i,j]')
      await eventually(() => page.locator('#problems').innerText()).toBe('No problems')

      await settled(page, () => page.keyboard.insertText('attention'))
      expect(await page.locator('#problems').innerText()).toMatch(/error\s*7:10/)
      expect(await page.locator('#editor .cm-lintRange-error, #editor .cm-lintPoint-error').count()).toBe(1)
      expect(await page.locator('body').getAttribute('class')).toContain('stale')
      expect(await textOf(page, 'mathematics')).toContain('mask[i,j]') // of the last source that was right

      await settled(page, async () => {
        for (let n = 0; n < 'attention'.length; n++) await page.keyboard.press('Backspace')
      })
      await eventually(() => page.locator('#problems').innerText()).toBe('No problems')
      expect(await page.locator('body').getAttribute('class')).not.toContain('stale')
    }))

  test('what is surely meant is mended by a button, and a problem leads to its place', () =>
    inPage(async ({ page }) => {
      await write(page, softmax.replace('softmax[j](score)', 'softmax[j](scroe)'))
      await page.locator('#problems .go').click()
      expect(await page.evaluate('document.activeElement.id')).toBe('editor')
      await settled(page, () => page.locator('#problems .mend').first().click())
      await eventually(() => page.locator('#problems').innerText()).toBe('No problems')
      expect(await page.locator('#editor .cm-content').innerText()).toContain('softmax[j](score)')
    }))

  test('examples and targets are switched between', () =>
    inPage(async ({ page }) => {
      await show(page, 'code')
      const firstFile: Readonly<Record<string, RegExp>> = {
        wgsl: /\.wgsl$/,
        ts: /\.ts$/,
        cuda: /\.cu$/,
        native: /\.cc$/,
      }
      for (const [example, entry] of [
        ['sigmoid', 'sigmoid_attention'],
        ['sparse_max', 'sparse_max'],
      ] as const) {
        await settled(page, () => page.locator('#example').selectOption(example))
        for (const [target, file] of Object.entries(firstFile)) {
          await page.locator(`input[value=${target}]`).check()
          await eventually(() => page.locator('#code-file').inputValue()).toMatch(file)
          await eventually(() => codeOf(page)).toContain(entry)
          expect(await panel(page, 'code').locator('.code-status').innerText()).toMatch(/^\d+ lines, [\d.]+ kB$/)
        }
      }
      await page.locator('input[value=ts]').check()
      await page.locator('#code-file').selectOption('playground.d.ts')
      await eventually(() => panel(page, 'code').locator('.cm-content').innerText()).toContain(
        'export declare function',
      )
      await page.getByRole('button', { name: 'Copy', exact: true }).click()
      expect(await page.evaluate('navigator.clipboard.readText()')).toContain('export declare function')
    }))

  test('the gallery has every example with its paper, its picture and its plan', () =>
    inPage(async ({ page }) => {
      await page.locator('#open-gallery').click()
      const cards = page.locator('#gallery .cards li')
      expect(await cards.count()).toBe(examples.length)
      const texts = await cards.allInnerTexts()
      for (const [n, { name, papers, plan }] of examples.entries())
        for (const part of [name, ...papers, plan]) expect(texts[n]).toContain(part)
      expect(await page.locator('#gallery .cards svg path').count()).toBeGreaterThanOrEqual(examples.length)

      await page.keyboard.type('z-scores') // the search has the focus
      await eventually(() => cards.filter({ visible: true }).count()).toBe(1)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await settled(page, () => page.keyboard.press('Enter'))
      expect(await page.locator('#example').inputValue()).toBe('z_score')
      expect(await textOf(page, 'mathematics')).toContain('standard deviation')
    }))

  test('a link carries the source, and nothing else does', () =>
    inPage(async ({ page }) => {
      const source = `/// Ägypten ✓\n${softmax}`
      await write(page, source)
      await page.locator('#share').click()
      await eventually(() => page.locator('#notice').innerText()).toMatch(/^The link is copied/)
      const link = (await page.evaluate('navigator.clipboard.readText()')) as string
      expect(link).toMatch(/^http:\S+#source=[\w-]+$/)
      const fragment = link.slice(link.indexOf('#'))
      await inPage(
        async ({ page: other }) => {
          expect((await other.locator('#editor .cm-content').innerText()).trim()).toBe(source.trim())
          expect(await other.locator('#example').inputValue()).toBe('')
        },
        { fragment },
      )
      await inPage(
        async ({ page: other }) => {
          expect(await other.locator('#notice').innerText()).toBe(
            'This link cannot be opened: it is damaged, and its end may be missing.',
          )
          expect(await textOf(other, 'mathematics')).toContain('learned_sink')
        },
        { fragment: fragment.slice(0, -9) },
      )
    }))

  test('it is light or dark as the system is, and as is chosen', async () => {
    const background = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const full = (page: Page): Promise<string> =>
      page.evaluate('getComputedStyle(document.querySelector("#panel-mask .full")).fill')
    const colors = new Set<string>()
    for (const colorScheme of ['light', 'dark'] as const)
      await inPage(
        async ({ page }) => {
          const own = [await background(page), await full(page)]
          colors.add(own.join())
          const other = colorScheme === 'light' ? 'dark' : 'light'
          await page.locator('#theme').selectOption(other)
          expect(await background(page)).not.toBe(own[0])
          expect(await full(page)).not.toBe(own[1])
          await page.reload() // what was chosen is remembered
          await until(page, 'globalThis.steps.includes("generated")')
          expect(await background(page)).not.toBe(own[0])
          await page.locator('#theme').selectOption('')
          expect(await background(page)).toBe(own[0])
        },
        { colorScheme },
      )
    expect(colors.size).toBe(2)
  })

  test.each([375, 1440])('nothing is cut off at %i pixels', (width) =>
    inPage(
      async ({ page }) => {
        await settled(page, () => page.locator('#example').selectOption('attention_calibration')) // long formulas
        for (const view of views) {
          await show(page, view)
          if (view === 'map') await panel(page, view).locator('svg').waitFor()
          const [inner, scroll] = (await page.evaluate('[innerWidth, document.documentElement.scrollWidth]')) as [
            number,
            number,
          ]
          expect(scroll, view).toBeLessThanOrEqual(inner)
          const overflow = await panel(page, view).evaluate((node) => node.scrollWidth - node.clientWidth)
          expect(overflow, view).toBeLessThanOrEqual(0)
          const figure = panel(page, view).locator('svg.figure').first()
          if (await figure.isVisible())
            expect((await figure.boundingBox())!.width).toBeGreaterThan(0.6 * Math.min(width, 560))
        }
        await page.locator('#open-gallery').click()
        expect(
          await page.locator('#gallery').evaluate((node) => node.scrollWidth - node.clientWidth),
        ).toBeLessThanOrEqual(0)
      },
      { viewport: { width, height: 812 } },
    ),
  )

  test('the keyboard reaches everything', () =>
    inPage(async ({ page }) => {
      const focused = (): Promise<string> =>
        page.evaluate(
          'document.activeElement.id || document.activeElement.textContent.trim() || document.activeElement.className',
        )
      const tabTo = async (wanted: string): Promise<void> => {
        for (let n = 0; n < 40; n++) {
          await page.keyboard.press('Tab')
          if ((await focused()) === wanted) return
        }
        throw new Error(`Tab does not come to ${wanted}`)
      }
      for (const id of ['example', 'open-gallery', 'share', 'theme', 'editor', 'tab-mathematics', 'panel-mathematics'])
        await tabTo(id)
      await page.keyboard.press('Shift+Tab')
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
      expect(outline).toBe('solid')
      for (const view of [...views.slice(1), views[0]]) {
        await page.keyboard.press('ArrowRight')
        expect(await focused()).toBe(`tab-${view}`)
        expect(await panel(page, view).isVisible()).toBe(true)
      }
      await page.keyboard.press('End')
      expect(await focused()).toBe('tab-device')
      await tabTo('panel-device')
      await tabTo('Run on this device')
      await page.locator('#tab-code').focus()
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await page.keyboard.press('ArrowRight') // from WGSL to TypeScript
      await eventually(() => page.locator('#code-file').inputValue()).toMatch(/\.ts$/)
      await page.locator('#open-gallery').focus()
      await page.keyboard.press('Enter')
      expect(await page.locator('#gallery').isVisible()).toBe(true)
      await page.keyboard.press('Escape')
      expect(await page.locator('#gallery').isVisible()).toBe(false)
      expect(await focused()).toBe('open-gallery')
    }))

  test('a map is computed, of the head and the tensors that are chosen', () =>
    inPage(async ({ page }) => {
      await write(page, `${softmax}check { b = 1, h = 4, i = 8, j = 8 }`)
      await show(page, 'map')
      const cells = (): Promise<string | null> => panel(page, 'map').locator('svg path.up20').first().getAttribute('d')
      const first = await cells()
      await panel(page, 'map').locator('.axes select').selectOption('3')
      expect(await cells()).not.toBe(first)
      await panel(page, 'map').locator('#manner').selectOption('equal')
      await eventually(() => panel(page, 'map').innerText()).toContain('all products of queries and keys are 0')
      await panel(page, 'map')
        .locator('svg')
        .hover({ position: { x: 60, y: 44 } })
      expect(await panel(page, 'map').locator('.readout').innerText()).toMatch(/^i = 0, j = \d+: [\d.]+$/)
    }))

  test('what has no map, or one too large, says so', () =>
    inPage(async ({ page }) => {
      await show(page, 'map')
      await panel(page, 'map').locator('svg').waitFor({ timeout: 60_000 })
      const cases = [
        [
          `${softmax}check { b = 1, h = 1, i = 1000000, j = 1000000, d = 4, e = 4 }`,
          /There is no map: q has \d+ elements: too many for a map\./,
        ],
        [
          softmax
            .replace('k[b, h, j, d]', 'k[b, h, j, d], w[h, r]: f32')
            .replace('tiny {', 'tiny {\n  axis r = 12000')
            .replace('dot(q, k)', 'dot(q, k) + sum[r](w)'),
          /i = \d+, j = \d+/,
        ],
        [
          `${softmax.replace('k[b, h, j, d]', 'k[b, h, j, d], w[b, h, r, s]: f32').replace('tiny {', 'tiny {\n  axis r = 60000\n  axis s = 60000').replace('dot(q, k)', 'dot(q, k) + sum[r](sum[s](w))')}`,
          /There is no map: w has \d+ elements: too many for a map\./,
        ],
        [
          'attention plain {\n  input v[b, h, j, e]\n  output o = sum[j](v)\n}\n',
          /There is no map: it has no weights\./,
        ],
      ] as const
      for (const [source, wanted] of cases) {
        await write(page, source)
        await eventually(() => page.locator('#problems').innerText()).not.toContain('error')
        await eventually(() => panel(page, 'map').innerText()).toMatch(wanted)
        for (const view of ['mathematics', 'plan', 'mask']) expect(await panel(page, view).textContent()).not.toBe('')
      }
    }))

  test('a loop without an end is stopped, and the page goes on', () =>
    inPage(async ({ page }) => {
      await show(page, 'map')
      const endless = 'fn endless(x) = {\n  let u = x\n  repeat 2000000000 { u = u * 0.5 + 1 }\n  u\n}\n'
      await write(page, softmax.replace('dot(q, k)', 'endless(dot(q, k))') + endless)
      await eventually(() => page.locator('#problems').innerText()).toBe('No problems')
      await eventually(() => panel(page, 'map').innerText()).toContain(
        'There is no map: it took more than 5 s, and was stopped.',
      )
      await write(page, softmax)
      await panel(page, 'map').locator('svg').waitFor({ timeout: 60_000 })
    }))

  test('kernels are held to the definition and timed on the device', () =>
    inPage(async ({ page }) => {
      await write(page, `${softmax}check { b = 1, h = 2, i = 5, j = 9, d = 4, e = 4 }`)
      await show(page, 'device')
      await page.getByRole('button', { name: 'Run on this device' }).click()
      const status = panel(page, 'device').locator('[role=status]')
      await eventually(() => status.innerText()).toMatch(/^On .*swiftshader: done\.$/i)
      const [agreement, times] = [
        panel(page, 'device').locator('table').first(),
        panel(page, 'device').locator('table').last(),
      ]
      expect(await agreement.locator('tbody tr').allInnerTexts()).toEqual([
        expect.stringMatching(/^tiny\s+right\s+\d+\s+\d+/),
      ])
      expect((await times.locator('tbody tr').allInnerTexts())[0]).toMatch(
        /^tiny\s+b = 1, .*i = 128, j = 128.*\s+[\d.]+\s+\d+$/,
      )
      await write(page, softmax)
      expect(await agreement.isVisible()).toBe(false) // what was measured was another source
    }))

  test('without WebGPU the page says so, and all else works', () =>
    inPage(
      async ({ page }) => {
        await show(page, 'device')
        expect(await textOf(page, 'device')).toContain('This browser has no WebGPU')
        expect(await page.getByRole('button', { name: 'Run on this device' }).isDisabled()).toBe(true)
        await show(page, 'code')
        expect(await codeOf(page)).toContain('struct Given')
      },
      { before: 'delete Navigator.prototype.gpu' },
    ))

  test('a device that is lost is said to be, and the next run has another', async () => {
    const own = await startPlayground(files, (path, text) =>
      path.includes('compile-worker') ? `${loseDevice}${text}` : text,
    )
    const { page } = await own.open()
    try {
      await show(page, 'device')
      const run = page.getByRole('button', { name: 'Run on this device' })
      const status = panel(page, 'device').locator('[role=status]')
      await run.click()
      await eventually(() => status.innerText()).toMatch(/^The device was lost: .*Run it again/)
      await settled(page, () => page.locator('#example').selectOption('softmax'))
      await run.click()
      await eventually(() => status.innerText()).toMatch(/: done\.$/)
    } finally {
      await own.close()
    }
  })

  test('a server that forbids generated code to run hears of it, and all else works', async () => {
    const own = await startPlayground(files, (path, text) =>
      path.includes('compile-worker') ? text.replaceAll('URL.createObjectURL(', '(() => "blob:nothing")(') : text,
    )
    const { page } = await own.open()
    try {
      await show(page, 'map')
      await eventually(() => panel(page, 'map').innerText()).toContain('its policy lacks script-src blob:')
      await show(page, 'code')
      expect(await codeOf(page)).toContain('struct Given')
    } finally {
      await own.close()
    }
  })

  test('half-typed programs leave something to read', () =>
    inPage(async ({ page }) => {
      const { source } = examples.find(({ name }) => name === 'sparse_max')!
      await write(page, source.slice(0, 1))
      for (const letter of source.slice(1)) {
        await settled(page, () => page.keyboard.insertText(letter))
        const [problems, plan, mask] = (await page.evaluate(
          '["#problems", "#panel-plan", "#panel-mask"].map((id) => document.querySelector(id).textContent.length)',
        )) as [number, number, number]
        expect(Math.min(problems, plan, mask)).toBeGreaterThan(10)
      }
      await eventually(() => page.locator('#problems').innerText()).toBe('No problems')
      expect(await textOf(page, 'mathematics')).toContain('sparse_max')
    }))

  test.each(['light', 'dark'] as const)('axe-core finds nothing serious in the %s page', (colorScheme) =>
    inPage(
      async ({ page }) => {
        await page.evaluate(axe.source)
        const serious = async (what: string): Promise<readonly string[]> => {
          const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults
          return violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .flatMap(({ id, nodes }) =>
              nodes.map(({ html, failureSummary }) => `${what}: ${id}: ${html} ${failureSummary}`),
            )
        }
        for (const view of views) {
          await show(page, view)
          if (view === 'map') await panel(page, view).locator('svg').waitFor({ timeout: 60_000 })
          expect(await serious(view)).toEqual([])
        }
        await page.locator('#open-gallery').click()
        expect(await serious('gallery')).toEqual([])
        await page.keyboard.press('Escape')
        await show(page, 'mathematics')
        await write(page, softmax.replace('dot(q, k)', 'dott(q, k) + unknown'))
        expect(await serious('problems')).toEqual([])
      },
      { colorScheme },
    ),
  )
})

/** The first device is destroyed when its first work has been submitted. */
const loseDevice = `
const ask = GPUAdapter.prototype.requestDevice
let isFirst = true
GPUAdapter.prototype.requestDevice = async function (...given) {
  const device = await ask.apply(this, given)
  if (isFirst) {
    isFirst = false
    const submit = GPUQueue.prototype.submit
    GPUQueue.prototype.submit = function (...work) {
      submit.apply(this, work)
      GPUQueue.prototype.submit = submit
      device.destroy()
    }
  }
  return device
};
`
