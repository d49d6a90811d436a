import { suggest } from '../grammar/suggest.ts'
import { attempt } from '../runtime/attempt.ts'
import { problem, problemCodes } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import { compileOptions, parseChoices } from './compile-options.ts'
import type { Io } from './io.ts'
import { packageFile } from './package-file.ts'
import type { Options } from './program.ts'
import { readOneSource } from './sources.ts'

/** An error code if it looks like one, else a file. */
export async function explain(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const [what = ''] = args
  if (/^ATTN\d+$/i.test(what)) return explainCode(what.toUpperCase())
  const choices = await parseChoices(options)
  if (!choices.ok) return refuse(choices.findings)
  const source = await readOneSource(what, options.stdinName, io)
  if (!source.ok) return refuse(source.findings)
  const { file, readImport } = source.value
  const { emitStage } = await import('../index.ts')
  const plan = await attempt(() => emitStage('plan', file, compileOptions(choices.value, readImport)))
  if (!plan.ok) return refuse(plan.findings)
  return { exit: 0, findings: plan.warnings, out: plan.value, json: { source: file.path, plan: plan.value } }
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
