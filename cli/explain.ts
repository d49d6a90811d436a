import type { Sizes } from '../compiler/interpret.ts'
import { suggest } from '../grammar/suggest.ts'
import type { Draw } from '../index.ts'
import { attempt } from '../runtime/attempt.ts'
import { drawInput, drawParams } from '../runtime/draw.ts'
import { problem, problemCodes } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import { type Choices, compileOptions, parseChoices } from './compile-options.ts'
import type { Io } from './io.ts'
import { all, parseLengths } from './options.ts'
import { packageFile } from './package-file.ts'
import type { Options } from './program.ts'
import { readOneSource } from './sources.ts'

/** An error code if it looks like one, else a file. */
export async function explain(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const [what = ''] = args
  if (/^ATTN\d+$/i.test(what)) return explainCode(what.toUpperCase())
  const parsed = all<[Choices, Sizes]>(await parseChoices(options), parseLengths('--shape', options.shape ?? []))
  if (!parsed.ok) return refuse(parsed.findings)
  const [choices, shape] = parsed.value
  const source = await readOneSource(what, options.stdinName, io)
  if (!source.ok) return refuse(source.findings)
  const { file, readImport } = source.value
  const { explain: explainSource } = await import('../index.ts')
  const asked = { ...compileOptions(choices, readImport), shape, draw: drawn }
  const found = await attempt(() => explainSource(file, asked))
  if (!found.ok) return refuse(found.findings)
  const { text, plan, explanations } = found.value
  return { exit: 0, findings: found.warnings, out: text, json: { source: file.path, plan, explanations } }
}

/** What `verify` draws; along tokens ordered as documents, times, padding and global tokens mostly are. */
const drawn: Draw = {
  params: (attention, sizes) => drawParams(attention, sizes, 0, {}),
  input: (input, sizes, params) => {
    const { data } = drawInput(input, sizes, { seed: 0, dtype: 'f32', params })
    const [token, ...more] = input.axes.filter((axis) => axis === 'i' || axis === 'j')
    const isAlong = token !== undefined && token === input.axes.at(-1) && more.length === 0
    if (!isAlong || input.indexes !== undefined) return { data, about: 'random' }
    const length = sizes[token] ?? 1
    if (input.type === 'bool')
      return { data: Array.from(data, (_, n) => (n % length < length / 8 ? 1 : 0)), about: 'true at the first eighth' }
    const ordered = rowsOf(data, length).flatMap((row) => row.toSorted((x, y) => x - y))
    return { data: ordered, about: 'random, in order' }
  },
}
const rowsOf = (data: ArrayLike<number>, length: number): readonly (readonly number[])[] => {
  const all = Array.from(data)
  return Array.from({ length: all.length / Math.max(1, length) }, (_, n) => all.slice(n * length, (n + 1) * length))
}

interface Section {
  readonly code: string
  readonly title: string
  readonly text: string // with its heading
}

/** The sections of docs/errors.md: `## ATTN0123 kebab-title`. */
export function sectionsOf(markdown: string): readonly Section[] {
  return markdown.split(/^(?=## )/m).flatMap((text) => {
    const [, code, title] = /^## (ATTN\d{4}) ([a-z0-9-]+)\s*$/m.exec(text.slice(0, text.indexOf('\n') + 1)) ?? []
    return code !== undefined && title !== undefined ? [{ code, title, text: `${text.trimEnd()}\n` }] : []
  })
}

function explainCode(code: string): Answer {
  const sections = sectionsOf(packageFile('docs/errors.md') ?? '')
  const section = sections.find((one) => one.code === code)
  if (section) return { exit: 0, findings: [], out: section.text, json: { ...section } }
  const known: readonly string[] = problemCodes
  if (known.includes(code))
    return refuse([problem('ATTN0341', `${code} exists, but nothing is written about it`, 'please report this')])
  const close = suggest(code, [...sections.map((one) => one.code), ...known])
  const hint = close === undefined ? 'a code is printed in brackets: error[ATTN0123]' : `did you mean ${close}?`
  return refuse([problem('ATTN0340', `there is no error code ${code}`, hint)])
}
