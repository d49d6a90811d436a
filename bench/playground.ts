/** What the playground weighs, when it can be typed into, and how long after a keystroke each step is shown, for every example. */
import { availableParallelism, cpus, loadavg } from 'node:os'
import type { Page } from 'playwright-core'
import { readGroups } from '../playground/build/examples-plugin.ts'
import { buildPlayground, packedSize, settled, startPlayground } from '../test/playground-page.ts'

const keystrokes = 5
const steps = ['checked', 'explained', 'generated'] as const

/** Durations that the page has measured, by step, in milliseconds from the keystroke on. */
const recordSteps = `
globalThis.taken = {}
new PerformanceObserver((list) => {
  for (const { name, duration } of list.getEntries()) globalThis.taken[name] = duration
}).observe({ type: 'measure' })
`

interface Sample {
  readonly example: string
  readonly taken: Readonly<Record<string, number>>
}

async function sampleExample(page: Page, example: string): Promise<readonly Sample[]> {
  await settled(page, () => page.locator('#example').selectOption(example))
  await page.locator('#editor .cm-content').focus()
  await page.keyboard.press('ControlOrMeta+End')
  const samples: Sample[] = []
  for (let n = 0; n < keystrokes; n++) {
    await page.waitForTimeout(120) // as somebody types
    await settled(page, () => page.keyboard.insertText(' '))
    samples.push({ example, taken: await page.evaluate('globalThis.taken') })
  }
  return samples
}

const sorted = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b)
const at = (values: readonly number[], share: number): number =>
  sorted(values)[Math.floor(share * (values.length - 1))] ?? Number.NaN

const playground = await startPlayground(await buildPlayground())
const loads: number[] = []
for (let n = 0; n < 5; n++) {
  const started = performance.now()
  const { page } = await playground.open()
  loads.push(performance.now() - started)
  await page.context().close()
}
const { page, requests } = await playground.open({ before: recordSteps })
const samples: Sample[] = []
for (const { examples } of readGroups())
  for (const { name } of examples) samples.push(...(await sampleExample(page, name)))

console.log(`${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} threads, load ${loadavg()[0]?.toFixed(1)}`)
console.log(`first load  ${(packedSize(playground.files, playground.site.url, requests) / 1000).toFixed(0)} kB packed`)
console.log(
  `interactive ${at(loads, 0.5).toFixed(0)} ms, at most ${at(loads, 1).toFixed(0)} ms, with a context of its own`,
)
console.log(`\n${samples.length} keystrokes   median   9 of 10    worst, in milliseconds`)
for (const step of steps) {
  const values = samples.map(({ taken }) => taken[step] ?? Number.NaN)
  const shown = [0.5, 0.9, 1].map((share) => at(values, share).toFixed(1).padStart(9))
  console.log(`${step.padEnd(14)}${shown.join(' ')}`)
}
const slowest = samples.toSorted((a, b) => (b.taken.generated ?? 0) - (a.taken.generated ?? 0)).slice(0, 8)
console.log(`\nslowest: ${slowest.map(({ example, taken }) => `${example} ${taken.generated?.toFixed(0)}`).join(', ')}`)
await playground.close()
