/** What the playground makes of half-typed programs: every keystroke of every example, through the function that the page calls. */
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lex } from '../grammar/lex.ts'
import { type Step, understand } from '../playground/steps.ts'

const folder = resolve(import.meta.dirname, '../examples')
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.attn'))
  .map((name) => name.replace('.attn', ''))
const sourceOf = (name: string): string => readFileSync(resolve(folder, `${name}.attn`), 'utf8')

async function stepsOf(source: string): Promise<readonly Step[]> {
  const steps: Step[] = []
  for await (const step of understand({ source, dtype: 'f32', target: 'wgsl', manner: 'smooth' })) steps.push(step)
  return steps
}

/** What a source says, for a compiler: keystrokes in comments change nothing else. */
const wordsOf = (text: string): string =>
  lex({ path: '', text })
    .tokens.map(({ image }) => image)
    .join(' ')

function expectAnswer(source: string, steps: readonly Step[]): void {
  const [checked, ...rest] = steps
  const shown = `after ${JSON.stringify(source.slice(-60))}`
  if (checked?.step !== 'checked') throw new Error(`${JSON.stringify(checked)} ${shown}`)
  const errors = checked.remarks.filter(({ severity }) => severity === 'error')
  expect(errors.length > 0, shown).toBe(!checked.isRight)
  for (const { from, to, message } of checked.remarks) {
    expect(0 <= from && from <= to && to <= source.length, `${message} at ${from} to ${to}, ${shown}`).toBe(true)
    expect(message, shown).not.toBe('')
  }
  expect(
    rest.map(({ step }) => step),
    `${JSON.stringify(rest.find(({ step }) => step === 'failed'))} ${shown}`,
  ).toEqual(checked.isRight ? ['explained', 'generated'] : [])
}

describe('every keystroke of', () => {
  test.each(names)(
    '%s',
    async (name) => {
      const whole = sourceOf(name)
      const seen = new Set<string>()
      for (let end = 0; end <= whole.length; end++) {
        const source = whole.slice(0, end)
        const words = wordsOf(source)
        if (seen.has(words)) continue
        seen.add(words)
        expectAnswer(source, await stepsOf(source))
      }
      expect(seen.size).toBeGreaterThan(100)
    },
    180_000,
  )
})
