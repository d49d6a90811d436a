import { parse } from '../grammar/parse.ts'
import { printProgram } from '../grammar/print.ts'
import type { Finding } from '../runtime/problem.ts'
import { writeFiles } from '../runtime/write.ts'
import { type Answer, refuse } from './answer.ts'
import type { Io } from './io.ts'
import { oneLine } from './one-line.ts'
import type { Options } from './program.ts'
import { readSources, type Source } from './sources.ts'
import { count } from './table.ts'

export async function fmt(args: readonly string[], options: Options, io: Io): Promise<Answer> {
  const sources = await readSources(args, options.stdinName, io)
  if (!sources.ok) return refuse(sources.findings)
  const findings: Finding[] = []
  const formatted: { readonly source: Source; readonly text: string }[] = []
  for (const source of sources.value) {
    const program = parse(source.file)
    if (program.ok) formatted.push({ source, text: printProgram(program.value) })
    else findings.push(...program.diagnostics)
  }
  const changed = formatted.filter(({ source, text }) => text !== source.file.text)
  const paths = changed.map(({ source }) => source.file.path)
  const json = {
    files: formatted.map(({ source }) => ({ path: source.file.path, changed: paths.includes(source.file.path) })),
  }
  if (findings.length > 0) return refuse(findings, json)
  if (options.check) return { ...listed(paths), exit: paths.length > 0 ? 1 : 0, json }
  if (args.includes('-')) return print(formatted, json)
  const written = writeFiles(changed.map(({ source, text }) => ({ path: source.file.path, content: text })))
  return written.ok ? { ...listed(paths), exit: 0, json } : refuse(written.findings, json)
}

const listed = (paths: readonly string[]): Pick<Answer, 'findings' | 'out' | 'note'> => ({
  findings: [],
  out: paths.map((path) => `${oneLine(path)}\n`).join(''),
  ...(paths.length > 0 ? {} : { note: 'nothing to change' }),
})

/** Standard input goes to standard output, whatever else was named is left alone. */
function print(formatted: readonly { readonly text: string }[], json: Answer['json']): Answer {
  const out = formatted.map(({ text }) => text).join('')
  return { exit: 0, findings: [], out, json: { ...json, text: out, note: count(formatted.length, 'source') } }
}
