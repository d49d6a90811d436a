/** Prints the answer of a command, in the form that was asked for. */
import { failed, type Outcome, problem } from '../runtime/problem.ts'
import type { Answer, Exit } from './answer.ts'
import { renderGithub } from './format-github.ts'
import { renderJson } from './format-json.ts'
import type { Io } from './io.ts'
import { parseChoice } from './options.ts'
import { painter, renderFindings, renderLines } from './render.ts'

/** How findings are shown. Of `json` and `sarif` standard output holds one document and nothing else. */
export const formats = ['human', 'short', 'json', 'github', 'sarif'] as const
export type Format = (typeof formats)[number]

export interface Form {
  readonly command: string
  readonly format: Format
  readonly repeated?: boolean // one of several answers: a document takes one line then
}

export function parseFormat(options: { readonly json?: true; readonly format?: string }): Outcome<Format> {
  const { json, format = json ? 'json' : 'human' } = options
  if (json && format !== 'json') return failed(problem('ATTN0300', `--json and --format ${format} exclude each other`))
  return parseChoice('--format', format, formats)
}

/** For what is wrong with a command line, which then nobody has parsed. */
export function formatIn(argv: readonly string[]): Format {
  const words = argv.flatMap((word, n) => (word === '--format' ? [argv[n + 1]] : word.split(/^--format=/).slice(1)))
  const parsed = parseFormat({
    ...(argv.includes('--json') ? { json: true } : {}),
    ...(words[0] === undefined ? {} : { format: words[0] }),
  })
  return parsed.ok ? parsed.value : 'human'
}

export async function present(io: Io, form: Form, answer: Answer): Promise<Exit> {
  io.progress?.('')
  const { command, format, repeated } = form
  if (format === 'json') io.out(renderJson(command, answer, repeated))
  else if (format === 'sarif') io.out(await sarifOf(answer, repeated))
  else {
    const { findings, out, note } = answer
    if (findings.length > 0) io.err(textOf[format](answer, io))
    if (out !== '') io.out(out)
    if (note !== undefined && format === 'human') io.err(`${note}\n`)
  }
  return answer.exit
}

const textOf = {
  human: ({ findings }: Answer, { colors }: Io) => renderFindings(findings, painter(colors.err)),
  short: ({ findings }: Answer) => renderLines(findings),
  github: ({ findings }: Answer) => renderGithub(findings),
} as const

async function sarifOf(answer: Answer, repeated?: boolean): Promise<string> {
  const [{ renderSarif }, { sectionsOf }, { packageFile }] = await Promise.all([
    import('./format-sarif.ts'),
    import('./explain.ts'),
    import('./package-file.ts'),
  ])
  return renderSarif(answer, sectionsOf(packageFile('docs/errors.md') ?? ''), repeated)
}
