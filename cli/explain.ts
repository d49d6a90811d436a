import type { Sizes } from '../compiler/interpret.ts'
import { suggest } from '../grammar/suggest.ts'
import { attempt } from '../runtime/attempt.ts'
import { drawn } from '../runtime/drawn.ts'
import { done, failed, type Outcome, problem, problemCodes } from '../runtime/problem.ts'
import { type Answer, refuse } from './answer.ts'
import { type Choices, compileOptions, parseChoices } from './compile-options.ts'
import type { Io } from './io.ts'
import { oneLine } from './one-line.ts'
import { all, parseLengths } from './options.ts'
import { packageFile } from './package-file.ts'
import type { Options } from './program.ts'
import { readOneSource } from './sources.ts'

/** An error code if it looks like one, else a file. */
export async function explain(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const [what = ''] = args
  const where = checkFigures(options)
  if (!where.ok) return refuse(where.findings)
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
  if (!options.svg)
    return { exit: 0, findings: found.warnings, out: text, json: { source: file.path, plan, explanations } }
  const asking = { source: source.value, options: asked, shape, folder: options.out ?? '' }
  const { writeFigures } = await import('./explain-svg.ts')
  const written = await writeFigures(explanations, asking)
  if (!written.ok) return refuse([...found.warnings, ...written.findings])
  const { paths, note } = written.value
  return {
    exit: 0,
    findings: found.warnings,
    out: paths.map((path) => `${oneLine(path)}\n`).join(''),
    json: { source: file.path, files: paths },
    ...(note === '' ? {} : { note }),
  }
}

/** `--svg` writes, and only files. */
function checkFigures({ svg, out }: Options): Outcome<undefined> {
  if (svg && (out === undefined || out === '' || out === '-'))
    return failed(problem('ATTN0318', 'explain --svg needs to know where to write', '-o FOLDER'))
  if (!svg && out !== undefined)
    return failed(problem('ATTN0318', 'explain prints, unless it draws', '--svg -o FOLDER'))
  return done(undefined)
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
